"""The package as it is given away: the wheel, and its page in the book."""

import html
import inspect
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest
from conftest import ROOT

import nexttoken
from nexttoken import exercises, plots

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
RUN = """
import sys
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages

import nexttoken

assert Path(nexttoken.__file__).is_relative_to(sys.prefix), nexttoken.__file__
for module in walk_packages(nexttoken.__path__, "nexttoken."):
    import_module(module.name)
assert len(nexttoken.BigramModel.train(nexttoken.load_corpus()).vocabulary) == 48
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "--wheel-dir", folder, ROOT], check=True)
    (path,) = folder.iterdir()
    return path


def test_the_wheel_passes_twine(wheel):
    subprocess.run([sys.executable, "-m", "twine", "check", "--strict", wheel], check=True)


def test_the_wheel_is_typed_and_holds_every_file_of_the_package(wheel):
    """Byte for byte: so whatever runs from the source runs from the wheel."""
    source = ROOT / "src"
    files = [path for path in source.rglob("*") if path.suffix in (".py", ".txt", ".npz", ".typed")]
    with zipfile.ZipFile(wheel) as archive:
        held = {name: archive.read(name) for name in archive.namelist() if name.startswith("nexttoken/")}
        (metadata,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        said = archive.read(metadata).decode()
    assert held == {path.relative_to(source).as_posix(): path.read_bytes() for path in files}
    assert {"nexttoken/corpus.txt", "nexttoken/recorded.npz", "nexttoken/py.typed"} < held.keys()
    for name, address in PROJECT.get("urls", {}).items():
        assert f"Project-URL: {name}, {address}" in said
    for licence in PROJECT["license-files"]:
        assert f"License-File: {licence}" in said
    for requirement in PROJECT["dependencies"]:
        assert f"Requires-Dist: {requirement.replace(' ', '')}" in said.replace(" >=", ">=")


def test_the_wheel_is_whole(wheel, tmp_path):
    """In a new environment that sees the libraries of this one, but not the source that one points to."""
    home = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    its = sysconfig.get_paths(vars={"base": str(home), "platbase": str(home)})
    python = Path(its["scripts"], "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, wheel], check=True)
    Path(its["purelib"], "libraries.pth").write_text(sysconfig.get_path("purelib"))
    done = subprocess.run(
        [python, "-I", "-W", "error", "-c", RUN], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


THINGS = [exercises.check, *(getattr(nexttoken, name) for name in nexttoken.__all__)]
THINGS = [thing for thing in THINGS if not inspect.ismodule(thing)]
THINGS += [f for _, f in inspect.getmembers(plots, inspect.isfunction) if f.__module__ == plots.__name__]
PUBLIC = [f"{thing.__module__}.{thing.__name__}" for thing in THINGS if not thing.__name__.startswith("_")]


@pytest.mark.parametrize("name", PUBLIC)
def test_the_api_page_shows_every_public_name_with_an_example(name):
    """The examples are doctests, so they are run."""
    page = (ROOT / "_build" / "html" / "book" / "api.html").read_text(encoding="utf-8")
    entry = re.search(
        rf'<dt class="sig[^>]* id="{re.escape(name)}">.*?</dt>\s*<dd>(.*?)(?=<dt class="sig|\Z)',
        page,
        re.DOTALL,
    )
    assert entry, name
    assert ">>> " in html.unescape(re.sub("<[^>]+>", "", entry[1])), name

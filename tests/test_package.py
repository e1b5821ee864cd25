"""The package as it is given away: the wheel, the notebooks that run against it, and its page in the book."""

import html
import inspect
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest
from conftest import NOTEBOOKS, ROOT

import nexttoken
from nexttoken import exercises, plots, shortcuts

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ADDRESS = PROJECT["urls"]["Repository"]
RUN = """
import json, sys
from pathlib import Path
from IPython.core.interactiveshell import InteractiveShell

import nexttoken

assert Path(nexttoken.__file__).is_relative_to(sys.prefix), nexttoken.__file__
shell = InteractiveShell.instance()
for path in sys.argv[1:]:
    for cell in json.loads(Path(path).read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            shell.run_cell("".join(cell["source"]), silent=True).raise_error()
    shell.reset()
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
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if name.startswith("nexttoken/")}
        (metadata,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        said = archive.read(metadata).decode()
    source = ROOT / "src"
    files = {
        path.relative_to(source).as_posix() for path in source.rglob("*") if path.suffix in (".py", ".txt")
    }
    assert held == files | {"nexttoken/py.typed"}
    assert "nexttoken/corpus.txt" in held
    assert f"Project-URL: Repository, {ADDRESS}" in said
    for requirement in PROJECT["dependencies"]:
        assert f"Requires-Dist: {requirement.replace(' ', '')}" in said.replace(" >=", ">=")


def test_every_chapter_runs_against_the_installed_wheel(wheel, tmp_path):
    """In a new environment that sees the libraries of this one, but not the source that one points to."""
    home = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    its = sysconfig.get_paths(vars={"base": str(home), "platbase": str(home)})
    python = Path(its["scripts"], "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, wheel], check=True)
    Path(its["purelib"], "libraries.pth").write_text(sysconfig.get_path("purelib"))
    environment = os.environ | {"IPYTHONDIR": str(tmp_path)}
    command = [python, "-I", "-W", "error", "-c", RUN, *NOTEBOOKS]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]


THINGS = [getattr(nexttoken, name) for name in nexttoken.__all__ if name not in ("plots", "shortcuts")] + [exercises.check]
for room in (plots, shortcuts):
    THINGS += [f for _, f in inspect.getmembers(room, inspect.isfunction) if f.__module__ == room.__name__]
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

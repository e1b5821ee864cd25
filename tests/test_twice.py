"""Built twice, the book is the same to the last byte."""

import os
import subprocess
import sys
from pathlib import Path

from conftest import ROOT

SITE = ROOT / "_build" / "html"


def files(site: Path) -> dict[str, bytes]:
    return {str(path.relative_to(site)): path.read_bytes() for path in site.rglob("*") if path.is_file()}


def test_a_second_build_gives_the_same_bytes(tmp_path):
    """From nothing, in another folder, with sets in another order: no time, place or chance is in a page."""
    command = [Path(sys.executable).parent / "jupyter-book", "build", ROOT, "--path-output", tmp_path]
    command += ["-W", "-n", "--keep-going", "--quiet"]
    done = subprocess.run(
        command, env=os.environ | {"PYTHONHASHSEED": "12345"}, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    first, second = files(SITE), files(tmp_path / "_build" / "html")
    assert first.keys() == second.keys()
    assert [name for name in first if first[name] != second[name]] == []

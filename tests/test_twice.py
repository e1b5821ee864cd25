"""Built twice, the book is the same to the last byte, however busy the machine is."""

import os
import re
import subprocess
import sys
from pathlib import Path

from conftest import ROOT

SITE = ROOT / "_build" / "html"
PIECES = """\
---
file_format: mystnb
kernelspec: {display_name: Python 3, language: python, name: python3}
---
# A line in pieces

```{code-cell}
import sys
for word in ("+100", "True", "False"):
    print(word, end=" ", flush=True)
    print("beside", end=" ", file=sys.stderr, flush=True)
print("and the next")
```
"""


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


def test_a_line_that_a_kernel_sends_in_pieces_is_shown_as_it_was_printed(tmp_path):
    """A busy kernel sends a line when its time is up, finished or not; to flush in mid-line does the same."""
    (tmp_path / "index.md").write_text(PIECES, encoding="utf-8")
    command = [sys.executable, "-m", "sphinx", "-C", "-W", "-q", "-D", "extensions=myst_nb,run_chapters"]
    command += ["-D", "nb_execution_mode=cache", tmp_path, tmp_path / "html"]
    subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT / "book" / "_ext")}, check=True)
    html = re.sub("<[^>]+>", "", (tmp_path / "html" / "index.html").read_text(encoding="utf-8"))
    assert "+100 True False and the next\n" in html
    assert "beside beside beside" in html

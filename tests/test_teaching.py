"""The teacher's page, and the copies of the chapters without solutions."""

import html
import json
import re
import subprocess
import sys

import nbformat
import pytest
from conftest import NOTEBOOKS, ROOT, cells
from copies import SOLUTION, copy, plain, sources
from nbclient import NotebookClient

from nexttoken.exercises import CHECKS

PAGE = (ROOT / "book" / "teaching.md").read_text(encoding="utf-8")
SITE = ROOT / "_build" / "html" / "book"


@pytest.fixture(scope="module")
def exercises(tmp_path_factory):
    return copy(tmp_path_factory.mktemp("exercises"), SOLUTION)


def test_every_exercise_is_handed_out_without_its_solution(exercises):
    """The chapters have one solution for each blank; a copy has the blank alone, and all the other cells."""
    assert [path.name for path in exercises] == [path.name for path in NOTEBOOKS]
    checked = []
    for source, path in zip(NOTEBOOKS, exercises, strict=True):
        nbformat.validate(nbformat.read(path, as_version=4))
        assert '"words"' not in path.read_text(encoding="utf-8")
        ours, theirs = cells(source, "code"), cells(path, "code")
        solutions = [
            cell for cell in ours if "check(" in cell and "answer = ..." not in cell and "import" not in cell
        ]
        assert len(solutions) >= 3
        assert theirs == [cell for cell in ours if cell not in solutions]
        checked += re.findall(r'check\("([\w.]+)"', "\n".join(theirs))
        assert len(cells(source, "markdown")) == len(cells(path, "markdown"))
    assert sorted(checked) == sorted(CHECKS)


def test_make_exercises_writes_them(tmp_path):
    command = [sys.executable, ROOT / "tools" / "copies.py", tmp_path]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert f"{len(NOTEBOOKS)} notebooks without solutions" in done.stdout
    assert len(list(tmp_path.glob("*.ipynb"))) == len(NOTEBOOKS)


def test_a_copy_speaks_no_language_but_the_notebooks(exercises):
    for path in exercises:
        assert not re.search(r"\{[\w:]+\}`|^[`:]{3}\{", "\n".join(cells(path, "markdown")), re.MULTILINE)


def test_a_citation_becomes_names_a_year_and_a_link():
    cited = sources()
    text = plain(
        "{cite:t}`guo2017` cured it {cite:p}`huijben2022,maddison2014`, {cite:t}`press2017` tied it.", cited
    )
    assert text == (
        "[Guo et al. (2017)](https://arxiv.org/abs/1706.04599) cured it "
        "([Huijben et al., 2022](https://arxiv.org/abs/2110.01515); "
        "[Maddison et al., 2014](https://arxiv.org/abs/1411.0030)), "
        "[Press and Wolf (2017)](https://doi.org/10.18653/v1/E17-2025) tied it."
    )
    with pytest.raises(ValueError, match=r"no plain form is known for '\{numref\}`'"):
        plain("See {numref}`figure`.", cited)


def test_every_source_can_be_cited():
    keys = re.findall(
        r"^@\w+\{(\w+),", (ROOT / "book" / "references.bib").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(sources()) == sorted(keys)


def test_the_times_are_those_that_the_chapters_name():
    rows = dict(re.findall(r"^\| \d+ \[[^]]+\]\((\w+)\.ipynb\) \| (\d+) \|", PAGE, re.MULTILINE))
    assert list(rows) == [path.stem for path in NOTEBOOKS]
    for notebook, minutes in zip(NOTEBOOKS, rows.values(), strict=True):
        assert re.findall(r"(\d+) minutes", cells(notebook, "markdown")[0]) == [minutes]
    said = re.findall(r"(\d+) minutes", (ROOT / "book" / "intro.md").read_text(encoding="utf-8"))
    assert said
    assert set(said) <= set(rows.values())


def test_every_link_to_a_state_opens_that_state():
    """Each control is on the page, with that value, and one explorer has them all."""
    links = re.findall(r'href="(\w+)\.html#([^"]+)"', PAGE)
    assert len(links) >= 3
    for name, state in links:
        page = (SITE / f"{name}.html").read_text(encoding="utf-8")
        data = re.findall(r'<script type="application/json">(.*?)</script></div>', page, re.DOTALL)
        explorers = [dict(json.loads(text)["controls"]) for text in data]
        wanted = [pair.split("=") for pair in html.unescape(state).split("&")]
        assert any(all(value in controls.get(key, []) for key, value in wanted) for controls in explorers), (
            state
        )


def test_no_link_stands_inside_a_link():
    """A browser ends the outer one at the inner: the address of a state would be lost."""
    page = (SITE / "teaching.html").read_text(encoding="utf-8")
    for link in re.findall(r"<a [^>]*>(.*?)</a>", page, re.DOTALL):
        assert "<a " not in link


def test_the_script_for_teachers_counts_what_the_checks_said(exercises, tmp_path, monkeypatch, capsys):
    book = nbformat.read(exercises[2], as_version=4)
    answers = iter(["8 ** (1 / 2)", "4"])  # one right, one wrong, one left as it is
    book.cells = [cell for cell in book.cells if cell.cell_type == "code" and "check" in cell.source]
    for cell in book.cells:
        if "answer = ..." in cell.source:
            cell.source = cell.source.replace("...", next(answers, "..."), 1)
    NotebookClient(book, timeout=300).execute(cwd=str(tmp_path))
    (tmp_path / "handed_in").mkdir()
    nbformat.write(book, tmp_path / "handed_in" / "somebody.ipynb")
    monkeypatch.chdir(tmp_path)
    exec(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1], {})
    assert capsys.readouterr().out == "somebody.ipynb 1 1 1\n"

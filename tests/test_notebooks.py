"""The chapters as notebooks: how they are written, and every control of each moved in a live kernel."""

import ast
import json
import os
import re
from pathlib import Path

import nbformat
import pytest
from conftest import NOTEBOOKS, ROOT, cells
from nbclient import NotebookClient

import nexttoken
from nexttoken.exercises import CHECKS

every_notebook = pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
LIVE = """
import nexttoken
boxes, ordinary = [], nexttoken.explore
def recording(*args, **controls):
    boxes.append(ordinary(*args, **controls))
    return boxes[-1]
nexttoken.explore = recording
claims, plain = [], nexttoken.quiz
def asking(*args):
    claims.append((plain(*args), args[1]()))
    return claims[-1][0]
nexttoken.quiz = asking
"""
MOVE = """
from nexttoken.frames import Control
moved = 0
for box in boxes:
    view, *controls = box.children
    for control in controls:
        start, before = control.value, view.value
        for value in Control("control", control).values:
            control.value = value
            assert view.value.startswith("<svg"), view.value
            moved += view.value != before
        control.value = start
        assert view.value == before
assert boxes and moved
for box, holds in claims:
    _, buttons, answer = box.children
    assert answer.value == "" and buttons.value is None
    buttons.value = True
    assert ("✓ Right. The claim is true." if holds else "✗ No. The claim is false.") in answer.value
    assert buttons.disabled
assert claims
"""


def test_all_eight_chapters_are_here():
    assert len(NOTEBOOKS) == 8


@every_notebook
def test_no_outputs_are_stored(notebook):
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@every_notebook
def test_imports_stand_first_and_are_public(notebook):
    """Nothing stands before them, and nothing is installed: an address in a notebook would be everybody's."""
    first, *others = cells(notebook, "code")
    assert not re.search(r"https?:|^[!%]|subprocess|sys\.", first, flags=re.MULTILINE), first
    allowed = {"nexttoken": nexttoken.__all__, "nexttoken.exercises": ["check"]}
    for node in ast.walk(ast.parse(first)):
        if isinstance(node, ast.ImportFrom) and node.module in allowed:
            assert {name.name for name in node.names} <= set(allowed[node.module])
    for source in others:
        assert not re.search(r"^\s*(import|from) |^[!%]|sys\.path", source, flags=re.MULTILINE), source


@every_notebook
def test_cells_are_short(notebook):
    """No line runs out of the page's column (82 characters), no cell has more than 12 lines."""
    for source in cells(notebook, "code"):
        assert max(map(len, source.splitlines())) <= 82, source
        assert len(source.splitlines()) <= 12, source


@every_notebook
def test_a_chapter_has_all_its_parts(notebook):
    words = "\n".join(cells(notebook, "markdown"))
    parts = [
        "Before you start",
        "Guess before you run",
        "Drag it",
        "Why it works",
        "Build it, break it, cure it",
    ]
    parts += ["In the wild", "True or false?", "Exercises", "Summary", "Further reading"]
    places = [words.find(f"\n## {part}") for part in parts]
    assert min(places) >= 0, dict(zip(parts, places, strict=True))
    assert places == sorted(places)
    for term in ("You will make", "You will learn", "You need"):
        assert f"**{term}**" in words


@every_notebook
def test_every_exercise_has_a_blank_a_check_and_a_solution(notebook):
    code = cells(notebook, "code")
    names = [re.findall(r'check\("(\w+\.\d)"', source) for source in code]
    used = [name for found in names for name in found]
    chapter = notebook.stem[3:]
    assert sorted(set(used)) == sorted(name for name in CHECKS if name.startswith(chapter + "."))
    assert len(set(used)) >= 3
    for name in set(used):
        blank, solution = (source for source, found in zip(code, names, strict=True) if name in found)
        assert "answer = ..." in blank
        assert "..." not in solution


@every_notebook
def test_a_claim_is_settled_by_a_few_lines_that_stay_out_of_sight(notebook):
    asked = 0
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        source = "".join(cell["source"])
        if re.search(r"^quiz\(", source, flags=re.MULTILINE) and cell["cell_type"] == "code":
            asked += 1
            (evidence,) = (node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))
            assert 3 <= evidence.end_lineno - evidence.lineno <= 4, source
            assert "print(" in source
            cell["metadata"].pop("words", None)
            assert cell["metadata"] == {"jupyter": {"source_hidden": True}, "tags": ["remove-input"]}
    assert 2 <= asked <= 6


@every_notebook
def test_every_control_moves_in_a_live_kernel(notebook, monkeypatch, tmp_path):
    """nbmake does not see a callback that raises; this does. Solutions are right, blanks unanswered."""
    monkeypatch.delenv("NEXTTOKEN_STATIC", raising=False)
    book = nbformat.read(notebook, as_version=4)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    book.cells = [nbformat.v4.new_code_cell(LIVE), *code, nbformat.v4.new_code_cell(MOVE)]
    client = NotebookClient(book, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    client.execute(cwd=str(tmp_path))
    for cell in code:
        if "check(" in cell.source:
            said = cell.outputs[-1]["data"]["text/plain"]
            assert said.startswith("… Not answered" if "answer = ..." in cell.source else "✓ Right"), said
        for output in cell.outputs:
            assert output.output_type != "stream" or output.name != "stderr", output
    assert os.listdir(tmp_path) == []  # a notebook writes no file


def test_the_table_of_contents_names_files_that_exist():
    names = re.findall(r"(?:root|file): (\S+)", (ROOT / "_toc.yml").read_text())
    assert all(any(Path(ROOT, name + end).exists() for end in (".md", ".ipynb")) for name in names)
    listed = {Path(name).name for name in names}
    assert {path.stem for path in (ROOT / "book").iterdir() if path.suffix in (".md", ".ipynb")} == listed

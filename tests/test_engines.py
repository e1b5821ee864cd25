"""The one file of facts about single engines: dated, each with its source, each used by a chapter."""

import re

import pytest
from conftest import NOTEBOOKS, ROOT, cells
from words import ENGINES as ROWS

ENGINES = {name for row in ROWS for name in re.findall(r"\[([\w.]+)", row["Engine"])}


def test_the_table_has_a_date():
    assert re.search(r"on \d+ [A-Z][a-z]+ 20\d\d", (ROOT / "book" / "engines.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("row", ROWS, ids=[row["Subject"] for row in ROWS])
def test_every_fact_names_a_version_that_cannot_move_and_a_chapter_that_links_here(row):
    assert all(row.values())
    links = re.findall(r"\((https:[^)]+)\)", row["Engine"])
    assert links
    for link in links:
        assert re.search(r"/blob/[0-9a-f]{40}/|/pull/\d+$|V3-0324$", link), link
    name = re.fullmatch(r"\[.+\]\((\w+\.ipynb)\)", row["Subject"])[1]
    assert "](engines.md)" in "".join(cells(ROOT / "book" / name, "markdown"))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_chapter_states_a_fact_of_a_single_engine(notebook):
    words = "".join(cells(notebook, "markdown"))
    assert ENGINES
    assert [name for name in ENGINES if name in words] == []

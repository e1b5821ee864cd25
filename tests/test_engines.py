"""The one file of facts about single engines: dated, each with its source, each used by a chapter."""

import os
import re
from datetime import date, datetime

import pytest
from conftest import NOTEBOOKS, ROOT, cells
from words import ENGINES as ROWS

ENGINES = {name for row in ROWS for name in re.findall(r"\[([\w.]+)", row["Engine"])}


def read_on() -> date:
    """Return the date that the page gives for the table."""
    words = (ROOT / "book" / "engines.md").read_text(encoding="utf-8")
    return datetime.strptime(re.search(r"on (\d+ [A-Z][a-z]+ 20\d\d)", words)[1], "%d %B %Y").date()


def test_the_table_has_a_date():
    assert read_on() <= date.today()


@pytest.mark.skipif("WEEKLY" not in os.environ, reason="asked once a week: time alone may not fail the gate")
def test_the_table_is_younger_than_half_a_year():
    age = (date.today() - read_on()).days
    assert age < 183, f"engines.csv was last read against the engines {age} days ago: read it again"


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

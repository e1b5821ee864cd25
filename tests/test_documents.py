"""What is said twice: the second saying, in a document or a docstring, is held to the first."""

import re
import tomllib

from conftest import NOTEBOOKS, ROOT
from words import figures, letters

from nexttoken import explore
from nexttoken.frames import MOST_STATES

README, CONTRIBUTING, INTRO, API, WORKFLOW = (
    (ROOT / name).read_text(encoding="utf-8")
    for name in ("README.md", "CONTRIBUTING.md", "book/intro.md", "book/api.md", ".github/workflows/book.yml")
)


def test_the_versions_of_python():
    """The lowest is the package's, the highest the last on which the workflow runs, and no other is named."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lowest = project["requires-python"].removeprefix(">=")
    tried = re.findall(r'"(3\.\d+)"', re.search(r"python: \[.*\]", WORKFLOW)[0])
    assert tried == [f"3.{minor}" for minor in range(int(lowest[2:]), int(tried[-1][2:]) + 1)]
    for text in (README, INTRO, API):
        assert set(re.findall(r"\b3\.\d\d\b", text)) == {lowest}
    assert set(re.findall(r"\b3\.\d\d\b", CONTRIBUTING)) == {lowest, tried[-1]}


def test_the_number_of_chapters():
    assert letters(len(NOTEBOOKS)) in figures(README)


def test_the_most_states_of_an_explorer():
    assert all(f"{MOST_STATES:,}" in figures(text) for text in (CONTRIBUTING, explore.__doc__))

"""What comes from others while the book is built and tested: each thing pinned, so that it is what it was."""

import re
import tomllib

import pytest
import yaml
from conftest import ROOT

LOCKS = [
    ROOT / "requirements.txt",
    *sorted((ROOT / "requirements").glob("*.txt")),
    ROOT / ".binder" / "requirements.txt",
]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def pins(path) -> dict[str, str]:
    """Return each pinned requirement of a lock, and the hashes that follow it."""
    text = re.sub(r"^ *#.*\n", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    entries = re.split(r"^(?=\S)", text, flags=re.MULTILINE)[1:]
    return {entry.partition(" \\")[0]: entry.partition(" \\")[2] for entry in entries}


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_version_is_pinned_by_hash(path):
    assert len(pins(path)) > 10
    for name, hashes in pins(path).items():
        assert re.match(r"[\w.-]+==\S+", name), name
        assert "--hash=sha256:" in hashes, name


def test_a_reader_installs_what_is_tested_and_none_of_what_tests_it():
    """On some platforms the tests need a package that a reader does not: the version is the same."""
    locks = [pins(ROOT / name) for name in ("requirements.txt", "requirements/test.txt")]
    book, test = ({name.partition(" ;")[0] for name in lock} for lock in locks)
    assert book <= test
    names = {name.partition("==")[0] for name in book}
    assert not names & {
        "playwright",
        "pytest",
        "mypy",
        "ruff",
        "twine",
        "hypothesis",
        "pre-commit",
        "jupyterlab",
    }


def test_every_direct_dependency_of_the_book_has_its_reason():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for requirement in tomllib.loads(text)["dependency-groups"]["book"]:
        assert re.search(rf'"{re.escape(requirement)}", +# \w', text), requirement


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_little_for_a_limited_time_with_actions_named_by_commit(path):
    text = path.read_text(encoding="utf-8")
    for action in re.findall(r"uses: *(.*)", text):
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v[\d.]+", action), action
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    for name, job in workflow["jobs"].items():
        assert "timeout-minutes" in job, name
        assert "contents" not in job.get("permissions", {}), name

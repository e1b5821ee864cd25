"""A small build names no address until there is one, then the commit too, and fails where the theme differs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import addresses
import launch
import pytest
from conftest import ROOT

REPOSITORY, SITE = "https://github.com/someone/a-fork", "https://someone.github.io/a-fork"
CHAPTER = "book/02_softmax"
PAGES = ["book/references", "book/glossary", "book/api", "book/teaching", CHAPTER]
ELSEWHERE = re.compile(r"mybinder|colab\.research|git\+http|rel=\"canonical\"|og:url|twitter:card|example\.org")


def build(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Build a few pages of the book, without running them, from a repository of their own."""
    command = [Path(sys.executable).parent / "jupyter-book", "build", folder, "--quiet"]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("BOOK_")}
    return subprocess.run(command, cwd=folder, env=clean | environment, capture_output=True, text=True)


@pytest.fixture
def fork(tmp_path):
    """A copy of what a few pages need, committed."""
    for name in ("pyproject.toml", "book"):
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    config = (ROOT / "_config.yml").read_text(encoding="utf-8").replace("notebooks: cache", "notebooks: 'off'")
    (tmp_path / "_config.yml").write_text(config, encoding="utf-8")
    root, *others = PAGES
    chapters = "".join(f"  - file: {page}\n" for page in others)
    (tmp_path / "_toc.yml").write_text(f"format: jb-book\nroot: {root}\nchapters:\n{chapters}")
    git = ["git", "-C", tmp_path, "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "A fork"]):
        subprocess.run([*git, *command], check=True)
    return tmp_path


@pytest.fixture
def unset(monkeypatch, tmp_path):
    monkeypatch.delenv("BOOK_REPOSITORY", raising=False)
    monkeypatch.delenv("BOOK_URL", raising=False)
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    monkeypatch.setattr(addresses, "ROOT", tmp_path)
    return tmp_path


def test_without_an_address_no_page_names_one(fork):
    done = build(fork)
    assert done.returncode == 0, done.stderr[-2000:]
    site = fork / "_build" / "html"
    for page in PAGES:
        html = (site / f"{page}.html").read_text(encoding="utf-8")
        assert not ELSEWHERE.search(html), (page, ELSEWHERE.search(html)[0])
    assert not (site / "sitemap.xml").exists()


def test_with_an_address_every_page_names_it_at_the_commit_that_is_built(fork):
    """It is given as a fork's workflow gives it: no file is edited."""
    done = build(fork, BOOK_REPOSITORY=REPOSITORY, BOOK_URL=SITE)
    assert done.returncode == 0, done.stderr[-2000:]
    site = fork / "_build" / "html"
    head = subprocess.run(["git", "-C", fork, "rev-parse", "HEAD"], capture_output=True, text=True)
    commit = head.stdout.strip()
    for page in PAGES:
        html = (site / f"{page}.html").read_text(encoding="utf-8")
        assert f'<link rel="canonical" href="{SITE}/{page}.html"' in html
        for name in ("description", "og:title", "og:image"):
            assert name in html, (page, name)
    html = (site / f"{CHAPTER}.html").read_text(encoding="utf-8")
    assert (
        f"https://mybinder.org/v2/gh/someone/a-fork/{commit}?urlpath=lab%2Ftree%2Fbook%2F02_softmax.ipynb"
        in html
    )
    assert f"https://colab.research.google.com/github/someone/a-fork/blob/{commit}/{CHAPTER}.ipynb" in html
    assert f"%pip install -q --no-deps git+{REPOSITORY}@{commit}" in html
    assert f"git+{REPOSITORY}@{commit}" in (site / "book" / "api.html").read_text(encoding="utf-8")
    assert REPOSITORY in (site / "book" / "teaching.html").read_text(encoding="utf-8")
    assert f"{SITE}/{CHAPTER}.html" in (site / "sitemap.xml").read_text(encoding="utf-8")


def test_a_theme_that_writes_something_else_fails_the_build_with_the_name_of_what_is_missing(fork):
    """Here the pattern is changed, not the theme. In ``test_assets.py`` are all the names."""
    assets = fork / "book" / "_ext" / "assets.py"
    assets.write_text(assets.read_text(encoding="utf-8").replace("doc-biblioentry", "doc-other"), "utf-8")
    done = build(fork)
    assert done.returncode != 0
    assert "no page has the role of a source to cure" in done.stdout + done.stderr


def test_the_address_in_pyproject_is_used_and_the_environment_goes_before_it(unset, monkeypatch):
    assert addresses.repository() == addresses.site() == ""
    written = f'[project.urls]\nRepository = "{REPOSITORY}"\nDocumentation = "{SITE}/"\n'
    (unset / "pyproject.toml").write_text(f"[project]\n{written}")
    assert (addresses.repository(), addresses.site()) == (REPOSITORY, f"{SITE}/")
    monkeypatch.setenv("BOOK_REPOSITORY", "https://github.com/somebody/else")
    monkeypatch.setenv("BOOK_URL", "https://somebody.example")
    assert addresses.repository() == "https://github.com/somebody/else"
    assert addresses.site() == "https://somebody.example/"
    monkeypatch.setenv("BOOK_REPOSITORY", "somebody/else")
    with pytest.raises(ValueError, match="'somebody/else' is no repository: give an address like"):
        addresses.repository()


def test_outside_of_git_there_is_nothing_to_pin_a_link_to(unset, monkeypatch):
    monkeypatch.setenv("BOOK_REPOSITORY", REPOSITORY)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(unset.parent))
    assert addresses.commit() == ""
    assert list(launch.links("book/01_logits.ipynb", lite=False)) == ["Download"]


def test_the_link_into_the_site_itself_is_relative(unset):
    found = launch.links("book/01_logits.ipynb", lite=True)
    assert found["In this browser"] == "../lite/notebooks/index.html?path=01_logits.ipynb"
    assert found["Download"] == "../_sources/book/01_logits.ipynb"

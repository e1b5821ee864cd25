"""The book as one PDF: all of it, on numbered pages, with contents that tell the truth."""

import os
import re
import unicodedata

import paper
import pytest
from conftest import NOTEBOOKS, ROOT, cells
from pypdf import PdfReader

SITE = ROOT / "_build" / "html"

if not paper.CHROMIUM and not os.environ.get("CI"):
    pytest.skip("no Chromium on the path: install one, or name it in CHROMIUM", allow_module_level=True)


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    file = tmp_path_factory.mktemp("paper") / "book.pdf"
    paper.main(SITE, file)
    return PdfReader(file)


@pytest.fixture(scope="module")
def pages(book):
    """The text of every page, with ligatures as letters."""
    return [unicodedata.normalize("NFKC", page.extract_text()) for page in book.pages]


def test_every_page_of_the_site_is_in_the_contents_under_its_true_number(pages):
    listed = re.findall(r"^(?:Chapter \d+ )?(.+?) (\d+)$", pages[1], flags=re.MULTILINE)
    assert len(listed) == len(paper.pages(SITE)) - 1
    for title, number in listed:
        text = pages[int(number) - 1]
        assert title in text[:200]
        assert re.search(rf"^{number}$", text, flags=re.MULTILINE), f"page {number} has no number"


def test_no_line_of_code_runs_off_the_paper(pages):
    """The longest line of every chapter is there to its last character, wrapped where need be."""
    printed = "".join("".join(pages).split())
    for notebook in NOTEBOOKS:
        lines = "\n".join(source.partition("\nquiz(")[0] for source in cells(notebook, "code")).splitlines()
        longest = max(lines, key=len)
        assert "".join(longest.split()) in printed, longest


def test_answers_are_unfolded_and_controls_are_gone(pages):
    text = "\n".join(pages)
    assert text.count("The solution") >= 3 * len(NOTEBOOKS)
    assert "Show the" not in text
    assert "Reset" not in text


def test_claims_are_printed_with_what_settles_them(pages):
    text = "\n".join(pages)
    code = "\n".join(source for notebook in NOTEBOOKS for source in cells(notebook, "code"))
    settled = re.findall(r"^The claim is (?:true|false)\.", text, flags=re.MULTILINE)
    assert len(settled) == len(re.findall(r"^quiz\(", code, flags=re.MULTILINE)) > 20


def test_the_file_has_an_outline_a_language_and_a_title(book):
    titles = [entry.title for entry in book.outline if not isinstance(entry, list)]
    assert any("Turn the temperature" in title for title in titles)
    assert book.trailer["/Root"]["/Lang"] == "en"
    assert book.metadata.title == "From Logits to Tokens"

"""The words of every chapter and page, held to what its own cells computed; its quizzes and solutions too."""

import re

import pytest
from conftest import NOTEBOOKS, ROOT
from seeds import with_another
from words import Chapter, figures, letters, read

# What a reader should find. Written by hand, so that evidence that proves the opposite is noticed.
TRUE = {
    "All the logits of a model can be negative.",
    "Subtracting the maximum also cures logits that are far too small.",
    "No heat, however great, lifts the second word above the first.",
    "Suppose that *cat* is right. Then cold makes the right word rarer.",
    "If a greedy bigram text uses one word twice, it never ends.",
    "After the cut, the softmax renormalises without being asked.",
    "With p = 0.5 no step can cost more than one bit.",
    "A masked token may be reported with a finite log-probability.",
    "At p = 0.9 a draw by rejection takes fewer than 1.2 tries on average, however hot the model.",
}
every_chapter = pytest.mark.parametrize("name", [path.stem for path in NOTEBOOKS])


@every_chapter
def test_every_number_and_claim_in_the_words_comes_from_what_ran(chapter, name):
    assert chapter(name).faults == []


@every_chapter
def test_another_seed_is_noticed_or_the_cell_says_why_not(name):
    """Each ``default_rng(n)`` in sight is changed alone: the words turn wrong, or none of them depend on it."""
    cells, noticed = read(ROOT / "book" / f"{name}.ipynb"), {}
    for cell, _, changed in with_another("seed", cells):
        noticed.setdefault(cell, []).append(bool(Chapter(changed).faults))
    silent = {cell for cell, found in noticed.items() if not all(found)}
    assert silent == {cell["id"] for cell in cells if "unsaid" in cell["metadata"].get("words", {})}


@pytest.mark.parametrize("page", ["intro", "teaching"])
def test_so_it_does_on_the_pages_that_run_code(page):
    assert Chapter(read(ROOT / "book" / f"{page}.md")).faults == []


@every_chapter
def test_every_claim_of_a_quiz_is_what_the_book_holds_it_to_be(chapter, name):
    said = chapter(name).claims
    for claim, (holds, printed) in said.items():
        assert holds == (claim in TRUE), claim
        assert printed
    assert {holds for holds, _ in said.values()} == {True, False}  # guessing does not pay


def test_the_claims_named_here_are_asked(chapter):
    assert set().union(*(chapter(notebook.stem).claims for notebook in NOTEBOOKS)) >= TRUE


@every_chapter
def test_every_solution_is_right_and_every_blank_unanswered(chapter, name):
    checks = chapter(name).checks
    assert len(checks) >= 6
    for source, verdict in checks:
        assert verdict.right is (None if "answer = ..." in source else True), source


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It has 44.4 %, not 4 %, of 50,257.", "44.4 %|4 %|50,257"),
        ("Above −104, at $-2.5$ and ±1000, after 5.", "-104|-2.5|1000|5"),
        ("float32, GPT-2, z-5 and log2 are names", ""),
        ("Three of forty-eight; a hundred thousand are not alone.", "three|forty|eight|hundred|thousand"),
        ("| 1 | 25 |", "1|25"),
    ],
)
def test_the_numbers_of_a_text(text, found):
    assert figures(text) == set(found.split("|")) - {""}


def test_numbers_in_letters():
    assert [letters(n) for n in (3, 17, 30, 48, 100)] == [
        "three",
        "seventeen",
        "thirty",
        "forty-eight",
        "hundred",
    ]


def cell(kind, source, **words):
    return {"id": "here", "cell_type": kind, "source": source, "metadata": {"words": words}}


CODE = cell("code", "print('of', 7)\nx, y = 0.4441, 3\ny")


@pytest.mark.parametrize(
    ("words", "kept", "fault"),
    [
        ("It has 50 %.", {"numbers": ["percent(x)"]}, r"percent\(x\) gives 44.4 %, and that is not said"),
        ("It has 44.4 %.", {}, "44.4 % is said: from which expression"),
        ("Three of them.", {}, "three is said"),
        ("There are three.", {"ahead": ["letters(4)"]}, r"letters\(4\) gives four"),
        ("It has 9.", {"numbers": ["q + 6"]}, "q [+] 6 raises NameError"),
        ("It has 9.", {"numbers": ["'none'"], "plain": "9"}, "'none' gives no number"),
        (
            "It is *no fox*.",
            {"names": ["'fox'", "['ox', 'no']"]},
            r"\['ox', 'no'\] gives ox, and that is not said",
        ),
        ("It is so.", {"claims": ["x > 0.5"]}, "x > 0.5 does not hold"),
        ("It is so.", {"claims": ["q > 1"]}, "q > 1 raises NameError"),
        ("It is so.", {"plain": "1984"}, "1984 is called plain, and not said"),
    ],
)
def test_a_fault_is_named(words, kept, fault):
    faults = Chapter([CODE, cell("markdown", words, **kept), cell("code", "")]).faults
    assert re.search(f"^here: {fault}", "\n".join(faults), re.MULTILINE)


def test_what_the_words_may_say_without_an_expression():
    """Grammar, code, addresses, headings and lists."""
    words = "## 3. Change\n\n4. One of `x[17]` and [two](05_top_k.ipynb) between 0 and 1.\n\n```\n19\n```\n"
    assert Chapter([cell("markdown", words)]).faults == []


def test_a_place_in_the_notebook_decides():
    """An expression sees what ran before it, the output of the last cell, and, ahead, that of the next."""
    early = cell("markdown", "First 0.5, then 3 and 7.", numbers=["x:.1f"], ahead=["y", "output"])
    late = cell("markdown", "Now 44.4 %.", numbers=["x:.1%"])
    assert Chapter([cell("code", "x = 0.5"), early, CODE, late]).faults == []


def test_the_words_of_a_quiz_are_words():
    source = "def evidence():\n    print(3)\n    return True\n\nquiz('There are 3.', evidence, 'Not 4.')"
    ran = Chapter([cell("code", "from nexttoken import quiz"), cell("code", source, numbers=["1 + 2"])])
    assert ran.faults == ["here: 4 is said: from which expression, or is it plain?"]
    assert ran.claims == {"There are 3.": (True, "3\n")}

"""The quiz: a claim, a choice, and what the code says; in a kernel, in a page, and in every chapter."""

import re

import ipywidgets
import numpy as np
import pytest
from conftest import NOTEBOOKS

from nexttoken import quiz

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


def evidence():
    print("a < b")
    return np.bool_(False)


def test_in_a_kernel_nothing_runs_before_the_reader_commits():
    runs = []
    question, buttons, answer = quiz("It *is*.", lambda: runs.append(1) or False, "So.").children
    assert isinstance(buttons, ipywidgets.ToggleButtons)
    assert "It <em>is</em>." in question.value
    assert (runs, answer.value, buttons.value) == ([], "", None)
    buttons.value = True
    assert runs == [1]
    assert buttons.disabled


@pytest.mark.parametrize(("choice", "said"), [(True, "✗ No."), (False, "✓ Right.")])
def test_a_choice_gets_the_verdict_the_evidence_and_the_reason(choice, said):
    _, buttons, answer = quiz("It is.", evidence, "It is *not*.").children
    buttons.value = choice
    assert answer.value == f"<p>{said} The claim is false.</p><pre>a &lt; b</pre><p>It is <em>not</em>.</p>"


def test_evidence_that_fails_is_seen_and_raises():
    _, buttons, answer = quiz("It is.", lambda: 1 / 0, "So.").children
    with pytest.raises(ZeroDivisionError):
        buttons.value = True
    assert answer.value == "<pre>ZeroDivisionError: division by zero</pre>"


@pytest.mark.parametrize("nothing", [None, 1, "True?", np.array([True, False])])
def test_a_claim_is_true_or_false(nothing, monkeypatch):
    monkeypatch.setenv("NEXTTOKEN_STATIC", "1")
    with pytest.raises(TypeError, match="return whether the claim is true"):
        quiz("It is.", lambda: nothing, "So.")


def test_in_a_page_the_lines_and_what_they_printed_stand_below_two_radio_buttons(monkeypatch):
    monkeypatch.setenv("NEXTTOKEN_STATIC", "1")
    html = quiz("It is.", evidence, "So.")._repr_html_()
    assert re.findall(r'type="radio" name="It is." value="(\w+)"', html) == ["true", "false"]
    assert '<b class="said-true">✗ No.</b> <b class="said-false">✓ Right.</b> The claim is false.' in html
    assert '<pre>print("a &lt; b")\nreturn np.bool_(False)</pre>'.replace('"', "&quot;", 2) in html
    assert '<pre class="printed">a &lt; b</pre><p>So.</p>' in html
    assert "script" not in html
    assert not re.search(r" (style|on\w+)=", html)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_claim_of_a_chapter_is_what_the_book_holds_it_to_be(settled, notebook):
    said = settled(notebook.stem)
    for claim, (holds, evidence) in said.items():
        assert holds == (claim in TRUE), claim
        assert evidence
    assert {holds for holds, _ in said.values()} == {True, False}  # guessing does not pay


def test_the_claims_named_here_are_asked(settled):
    assert set().union(*(settled(notebook.stem) for notebook in NOTEBOOKS)) >= TRUE

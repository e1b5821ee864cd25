"""The quiz: a claim, a choice, and what the code says; in a kernel and in a page."""

import functools
import re
from html import escape

import ipywidgets
import numpy as np
import pytest

from nexttoken import quiz


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


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_evidence_that_fails_is_seen_and_raises_and_may_be_tried_again(error):
    outcomes = [error("no"), "False", np.bool_(True)]

    def evidence():
        outcome = outcomes.pop(0)
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    _, buttons, answer = quiz("It is.", evidence, "So.").children
    for failure, words in (
        (error, f"<pre>{error.__name__}: no</pre>"),
        (TypeError, "<pre>TypeError: evidence"),
    ):
        with pytest.raises(failure):
            buttons.value = True
        assert answer.value.startswith(words)
        assert (buttons.value, buttons.disabled) == (None, False)
    buttons.value = True
    assert "✓ Right. The claim is true." in answer.value
    assert buttons.disabled


@pytest.mark.parametrize(
    "nothing",
    [
        *(
            None,
            1,
            0,
            1.0,
            "True?",
            "True",
            "False",
            b"True",
            [True],
            np.array([True, False]),
            np.array([True]),
        ),
        *(np.array(1), np.array("False"), np.int64(1), np.float64(0), np.str_("False")),
    ],
)
def test_a_claim_is_true_or_false(nothing, monkeypatch):
    buttons = quiz("It is.", lambda: nothing, "So.").children[1]
    with pytest.raises(TypeError, match=r"^evidence returned .*: return whether the claim is true"):
        buttons.value = True
    monkeypatch.setenv("NEXTTOKEN_STATIC", "1")
    with pytest.raises(TypeError, match=r"^evidence returned .*: return whether the claim is true"):
        quiz("It is.", lambda: nothing, "So.")


@pytest.mark.parametrize("static", ["", "1"])
def test_evidence_is_a_function(static, monkeypatch):
    monkeypatch.setenv("NEXTTOKEN_STATIC", static)
    with pytest.raises(TypeError, match=r"^evidence=True must be a function"):
        quiz("It is.", True, "So.")


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*cat* or a *lazy dog*, (*p*)", "<em>cat</em> or a <em>lazy dog</em>, (<em>p</em>)"),
        ("*T*’s *a < b*.", "<em>T</em>’s <em>a &lt; b</em>."),
        *((text, text) for text in ("2*3*4", "2 * 3 * 4", "a*b*c", "5*x and y*2", "10*é*ß", "(1+2)*n*(3)")),
        *((text, text) for text in ("2**3**4", "**bold**", "x*", "* one * two", "*.py, *.js", "f(*a, *b)")),
    ],
)
def test_asterisks_are_italics_around_words_alone(text, html, monkeypatch):
    question = quiz(text, evidence, "So.").children[0].value
    assert question == f"<b>True or false?</b> {html}"
    monkeypatch.setenv("NEXTTOKEN_STATIC", "1")
    page = quiz(text, evidence, text).html
    assert f"</b> {html}</legend>" in page
    assert f"<p>{html}</p>" in page


def test_in_a_page_the_lines_and_what_they_printed_stand_below_two_radio_buttons(monkeypatch):
    monkeypatch.setenv("NEXTTOKEN_STATIC", "1")
    html = quiz("It is.", evidence, "So.")._repr_html_()
    radios = re.findall(r'<input type="radio" name="verdict" value="(\w+)" autocomplete="off">', html)
    assert radios == ["true", "false"]
    assert '<b class="said-true">✗ No.</b> <b class="said-false">✓ Right.</b> The claim is false.' in html
    assert '<pre>print("a &lt; b")\nreturn np.bool_(False)</pre>'.replace('"', "&quot;", 2) in html
    assert '<pre class="printed">a &lt; b</pre><p>So.</p>' in html
    assert "script" not in html
    assert not re.search(r" (style|on\w+)=", html)


def in_one_line(): return 1 < 2  # fmt: skip


def with_a_type() -> bool: print("a: b"); return True  # fmt: skip  # noqa: E702


nameless = lambda: 3 < 2  # noqa: E731


@functools.cache
def decorated():
    # why
    return {1: (2)} == {}


def with_defaults(
    n=(1, 2),
):  # no more
    """What it says."""
    return n > (3,)


@pytest.mark.parametrize(
    ("evidence", "lines"),
    [
        (in_one_line, "return 1 < 2  # fmt: skip"),
        (with_a_type, 'print("a: b"); return True  # fmt: skip  # noqa: E702'),
        (decorated, "# why\nreturn {1: (2)} == {}"),
        (with_defaults, '"""What it says."""\nreturn n > (3,)'),
        (nameless, "nameless = lambda: 3 < 2"),
    ],
)
def test_a_page_shows_the_lines_however_they_are_written(evidence, lines, monkeypatch):
    monkeypatch.setenv("NEXTTOKEN_STATIC", "1")
    page = quiz("It is.", evidence, "So.").html
    assert f"<pre>{escape(lines)}" in page


def test_each_quiz_of_a_page_has_a_form_of_its_own(monkeypatch):
    """Radio buttons of one name exclude each other within one form only; and no build differs from another."""
    monkeypatch.setenv("NEXTTOKEN_STATIC", "1")
    one, again = (quiz("It is.", evidence, "So.").html for _ in range(2))
    assert one == again
    assert re.findall(r"</?form[^>]*>|<input", one) == ['<form method="dialog">', "<input", "<input", "</form>"]


@pytest.mark.parametrize("static", ["", "1"])
def test_what_is_no_claim_no_reason_or_no_function_is_refused_at_once(monkeypatch, static):
    monkeypatch.setenv("NEXTTOKEN_STATIC", static)
    with pytest.raises(TypeError, match=r"^claim=3 must be a sentence"):
        quiz(3, evidence, "So.")
    with pytest.raises(TypeError, match=r"^why=None must be a sentence"):
        quiz("It is.", evidence, None)
    with pytest.raises(TypeError, match=r"^evidence=functools.partial.* must be a function"):
        quiz("It is.", functools.partial(bool, 1), "So.")

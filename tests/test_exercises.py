"""What every check shares. The answers to each exercise are tried in tests/chapters."""

import pytest

from nexttoken.exercises import CHAPTERS, CHECKS, Hint, check, exercise, expect


@pytest.fixture
def double():
    @exercise("test.1")
    def double(answer):
        expect(answer(2) == 4, "Two gives something else than four.")
        return "Twice as much."

    yield double
    del CHECKS["test.1"]


def test_a_right_answer_gets_a_sentence_to_take_along(double):
    verdict = check("test.1", lambda x: 2 * x)
    assert verdict.right is True
    assert repr(verdict) == "✓ Right. Twice as much."


def test_a_wrong_answer_gets_a_hint(double):
    verdict = check("test.1", lambda x: x)
    assert verdict.right is False
    assert repr(verdict) == "✗ Not yet. Two gives something else than four."


def test_no_answer_is_neither(double):
    assert check("test.1", ...).right is None


def test_an_answer_that_raises_is_wrong_and_the_error_is_named(double):
    assert check("test.1", lambda x: 1 / 0).text == "Your answer raised ZeroDivisionError: division by zero"


def test_an_unknown_exercise_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'tempreature.1' is not an exercise; there are .*temperature.1"):
        check("tempreature.1", 1)


def test_every_chapter_has_three_exercises_or_more():
    for chapter in CHAPTERS:
        assert sum(name.startswith(f"{chapter}.") for name in CHECKS) >= 3


@pytest.mark.parametrize("name", sorted(CHECKS))
@pytest.mark.parametrize(
    "answer", [None, "", "seven", [], {}, object(), float("nan"), lambda: None, print, int]
)
def test_no_nonsense_is_right_and_none_breaks_a_check(name, answer, capsys):
    assert check(name, answer).right is False


def test_expect_raises_a_hint():
    with pytest.raises(Hint, match="wrong"):
        expect(False, "wrong")

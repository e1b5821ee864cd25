"""What every check shares. The answers to each exercise are tried in tests/chapters."""

import re
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from nexttoken import log_softmax, sample, softmax, top_k_filter, top_p_filter
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


class Scalar:
    """A number that only ``float()`` knows how to read."""

    def __init__(self, value):
        self.value = value

    def __float__(self):
        return float(self.value)


class Tensor(Scalar):
    """As PyTorch has them: no array while it records a gradient, but ``item`` and ``tolist``."""

    def item(self):
        return float(np.asarray(self.value).item())

    def tolist(self):
        return np.asarray(self.value).tolist()

    def __array__(self, *_, **__):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad.")


NUMBERS = {
    "logits.1": 10 - np.log(2),
    "logits.2": 1.79,
    "softmax.1": 0.5,
    "softmax.2": -1000.0,
    "temperature.1": np.sqrt(8),
    "temperature.2": 3.0,
    "greedy.1": 0.32,
    "top_k.1": 1 / 3,
    "top_p.2": 5 / 7,
    "forward_pass.1": 0.5,
    "full_size.1": 0.08,
}
TYPES = [
    *(float, np.float64, np.float32, np.float16, np.longdouble, np.array, Decimal, Fraction, Scalar, Tensor),
    *(lambda x: [x], lambda x: (x,), lambda x: np.array([x]), lambda x: np.array([[x]], np.float32)),
    lambda x: Tensor([x]),
]


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("kind", TYPES)
def test_a_right_number_is_right_in_every_type(name, kind):
    verdict = check(name, kind(NUMBERS[name]))
    assert verdict.right, verdict


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize(
    "kind", [str, lambda x: [str(x)], lambda x: np.array(str(x)), bool, np.bool_, complex, lambda x: [x, x]]
)
def test_what_is_no_number_is_asked_for_one(name, kind):
    verdict = check(name, kind(NUMBERS[name]))
    assert verdict.right is False
    assert verdict.text.startswith("Give one number")


@pytest.mark.parametrize("kind", [int, np.int64, np.uint8, np.array, lambda x: np.array([x])])
def test_a_right_seed_is_right_in_every_type(kind):
    seed = next(s for s in range(100) if sample(softmax([2, 1, 0]), np.random.default_rng(s)) == 2)
    assert check("forward_pass.2", kind(seed)).right


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("greedy.2", {"old": Decimal("0.4"), "sly": Fraction(1, 2), "wet": Tensor(0.1)}),
        ("greedy.2", {"old": [0.4], "sly": np.array(0.5), "wet": np.float32(0.1)}),
        ("top_k.2", [Decimal(3), Fraction(2), 2.0, np.float32(2)]),
        ("top_k.2", Tensor([3, 2, 2, 2])),
        ("top_p.3", ((Fraction(1, 2), Decimal("0.5")), Scalar(0.5))),
        ("top_p.3", [Tensor([0.5, 0.25, 0.25]), [0.75]]),
        ("full_size.2", ((Decimal("0.1"), Fraction(1, 5), 0.7), Scalar(0.9))),
        ("full_size.2", [Tensor([0.6, 0.3, 0.1]), [np.float32(0.9)]]),
    ],
)
def test_right_numbers_together_are_right_in_every_type(name, answer):
    verdict = check(name, answer)
    assert verdict.right, verdict


def log_softmax_in_place(logits):
    logits -= logits.max(axis=-1, keepdims=True)
    weights = np.exp(logits)
    logits -= np.log(weights.sum(axis=-1, keepdims=True))
    return logits


def softmax_in_place(logits, temperature):
    logits /= temperature
    logits -= logits.max(axis=-1, keepdims=True)
    np.exp(logits, out=logits)
    logits /= logits.sum(axis=-1, keepdims=True)
    return logits


def pass_in_place(embedding, output, token, rng):
    row = embedding[token]
    output *= row[:, None]
    row[:] = 0
    return (output.sum(axis=0) + rng.gumbel(size=output.shape[1])).argmax()


RETURNS = [
    np.asarray,
    np.float32,
    np.longdouble,
    Tensor,
    lambda p: p.tolist(),
    lambda p: [Fraction(x) for x in p] if p.ndim == 1 else p,
]
FUNCTIONS = {
    "logits.3": [
        lambda z, target: softmax(z) - np.eye(len(z))[target],
        lambda z, target: softmax(z) - (np.arange(len(z)) == target),
    ],
    "softmax.3": [log_softmax, log_softmax_in_place],
    "temperature.3": [lambda z, t: softmax(z / t), softmax_in_place],
    "top_k.3": [lambda z, k: softmax(top_k_filter(z, k))],
    "top_p.4": [lambda probs, p: softmax(top_p_filter(np.log(probs), p))],
}


@pytest.mark.parametrize(("name", "answer"), [(name, f) for name, fs in FUNCTIONS.items() for f in fs])
@pytest.mark.parametrize("kind", RETURNS)
def test_a_right_function_is_right_whatever_it_returns_and_does_to_its_copies(name, answer, kind):
    verdict = check(name, lambda *given: kind(answer(*given)))
    assert verdict.right, verdict


@pytest.mark.parametrize("kind", [int, np.int64, float, np.array, Tensor, lambda i: np.array([i])])
def test_a_right_draw_is_right_whatever_it_returns_and_does_to_its_copies(kind):
    verdict = check("forward_pass.3", lambda *given: kind(pass_in_place(*given)))
    assert verdict.right, verdict


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("logits.3", lambda z, target: softmax(np.subtract(z, z.max(), out=z)) - np.eye(len(z))[target]),
        ("greedy.3", lambda z, said: (np.put(z, said, -np.inf), int(z.argmax()))[1]),
        ("top_k.3", lambda z, k: softmax(np.copyto(z, top_k_filter(z, k)) or z)),
        ("top_p.4", lambda probs, p: np.copyto(probs, softmax(top_p_filter(np.log(probs), p))) or probs),
    ],
)
def test_a_function_that_must_leave_its_arrays_alone_is_told_so_and_of_nothing_else(name, spoil):
    assert check(name, spoil).text == "It changes the array that it was given: work on a copy."


@pytest.mark.parametrize("name", ["logits.3", "softmax.3", "temperature.3", "top_k.3", "top_p.4"])
@pytest.mark.parametrize("returned", [None, "p", [None], {0.5}, [[1.0], [1.0, 2.0]], 1j])
def test_a_function_that_returns_no_numbers_is_told_so(name, returned):
    assert check(name, lambda *given: returned).text == "It returns no array of numbers: is the return missing?"


@pytest.mark.parametrize("name", ["greedy.3", "forward_pass.3", "full_size.3"])
@pytest.mark.parametrize("returned", [None, "2", [0, 1], np.array([0.5, 0.5]), [[1], [1, 2]], True])
def test_a_function_that_returns_no_index_is_told_so(name, returned):
    assert check(name, lambda *given: returned).text == "Return one index, a whole number."


@pytest.mark.parametrize("name", sorted(CHECKS))
@pytest.mark.parametrize(
    "answer",
    [
        *(np.float64(0.123), np.float64(-2), np.float32(1e6), np.array([np.nan]), [np.float64(0.5)] * 12),
        ([np.float64(0.6), np.float64(0.3), np.float64(0.1)], np.float64(0.9)),
        ([np.float64(0.5), np.float64(0.4)], np.float64(0.5)),
        dict.fromkeys(("old", "sly", "wet"), np.float64(0.3)),
        *(lambda *given: np.float64(9.5), lambda *given: [np.float64(9.5)] * 5, lambda z, *_: z),
        *(lambda z, *_: np.ones(5) / 5, lambda z, *_: np.zeros(4), lambda z, *_: [z[0], z[0]]),
    ],
)
def test_no_hint_speaks_of_the_types_of_numpy_or_of_the_insides_of_a_check(name, answer):
    text = check(name, answer).text
    assert not re.search("np\\.|dtype|broadcast|ufunc|ambiguous|unsupported|attribute", text), text


@pytest.mark.parametrize("name", sorted(CHECKS))
@pytest.mark.parametrize(
    "answer", [None, "", "seven", [], {}, object(), float("nan"), lambda: None, print, int]
)
def test_no_nonsense_is_right_and_none_breaks_a_check(name, answer, capsys):
    assert check(name, answer).right is False


def test_expect_raises_a_hint():
    with pytest.raises(Hint, match="wrong"):
        expect(False, "wrong")

"""Checks for the chapter on full-size vocabularies."""

from typing import Any

import numpy as np

from . import array, call_on_loan, exercise, expect, number, whole

LAST = float(np.nextafter(1, 0))


@exercise("full_size.1")
def predict_exaggeration(answer: Any) -> str:
    p = number(answer, "Give one number, a probability.")
    expect(0 < p <= 1, "A probability lies between 0 and 1; 2 % is 0.02.")
    expect(
        not np.isclose(p, 0.02, atol=0.0005),
        "That is the truth. The chart makes its fifty sum to 1: what do they sum to in truth?",
    )
    expect(not np.isclose(p, 0.005, atol=0.0005), "You multiplied by the mass. Does the chart shrink it?")
    expect(
        not np.isclose(p, 0.02 / 0.75, atol=0.0005),
        "You divided by what is missing. By what does a softmax of the fifty divide?",
    )
    expect(np.isclose(p, 0.08, atol=0.0005), "Each of the fifty is divided by what they hold together.")
    return "Four times too much, and so are all the others: it does not show."


@exercise("full_size.2")
def spoil_the_floor(answer: Any) -> str:
    hint = "Give the numbers from 1 to 12, each of them once, in an order of your own."
    row = array(answer, hint).ravel()
    expect(np.array_equal(np.sort(row), np.arange(1, 13)), hint)
    floor = np.sort(row.reshape(3, 4).max(axis=0))[-2]
    count = int((row >= floor).sum())
    expect(count > 2, "The floor is 11 and 2 are let in, as before: 11 and 12 stand in different columns.")
    expect(count > 3, "The floor is 10, and 3 are let in. What must share a column for the floor to be 9?")
    return "Three of the best share a column, and 4 are let in. None is missed."


def _hit(answer: Any, probs: Any, point: float) -> int:
    return whole(call_on_loan(answer, probs, point), "Return one index, a whole number.")


def _rows() -> list[Any]:
    """Return rows of many lengths, half of them zeros, and ten tenths before and between zeros."""
    rng = np.random.default_rng(0)
    rows = [rng.exponential(size=n) * (rng.random(n) < 0.5) for n in (2, 3, 7, 10, 36, 97, 400)]
    tenths = [np.r_[np.zeros(n % 3), np.full(10, 0.1), np.zeros(n)] for n in (*range(0, 120, 3), 1723, 2000)]
    return [np.full(7, 1 / 7), np.ones(1), *(row / row.sum() for row in rows if row.any()), *tenths]


@exercise("full_size.3")
def build_draw(answer: Any) -> str:
    """A point on a border may fall to either side of it, within rounding, but never on a probability of 0."""
    expect(callable(answer), "Give a function of (probs, point), without calling it.")
    pair = [_hit(answer, np.array([0.2, 0.3, 0.5]), point) for point in (0.1, 0.45)]
    said = f"Of the pieces 0.2, 0.3, 0.5 the points 0.1 and 0.45 hit 0 and 1; yours hit {pair}."
    expect(pair == [0, 1], said)
    first = _hit(answer, np.array([0.0, 0.5, 0.5]), 0.0)
    expect(first != 0, "The point 0 hits a token of probability 0: a piece of length 0 is never hit.")
    for probs in _rows():
        ends = np.cumsum(probs)
        middles, borders = (ends - probs / 2)[probs > 0] / ends[-1], ends / ends[-1]
        points = np.concatenate([middles, borders, np.nextafter(borders, 0), [0, LAST]])
        for point in points[points < 1].tolist():
            index, where = _hit(answer, probs, point), f"For {len(probs)} tokens and the point {point!r} it "
            expect(0 <= index < len(probs), f"{where}returns {index}, which is no token.")
            expect(
                probs[index] > 0,
                f"{where}hits token {index}, of probability 0: are two sums the same that are so on paper?",
            )
            start, end, at = ends[index] - probs[index], ends[index], point * ends[-1]
            expect(
                start - 1e-12 < at < end + 1e-12,
                f"{where}hits token {index}, which lies elsewhere: is the length a multiple of your columns?",
            )
    return "Any length, zeros at both ends, and no crack between the steps."

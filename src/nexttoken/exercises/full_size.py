"""Checks for the chapter on full-size vocabularies."""

from typing import Any

import numpy as np

from . import call_on_loan, exercise, expect, number, pair, whole


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
def meet_the_bound(answer: Any) -> str:
    probs, p = pair(answer)
    expect(0 < p < 1, "Take p between 0 and 1: at 1 every draw is accepted.")
    ends = np.cumsum(probs)
    short = int((ends < p - 1e-9).sum())
    mass = ends[min(short, len(ends) - 1)]
    expect(
        np.isclose(mass, p, atol=1e-9),
        f"The nucleus holds {mass:.4g}, so the mean is {1 / mass:.4g} tries; 1/p is {1 / p:.4g}.",
    )
    return "The nucleus holds p and nothing beyond it, so every draw is accepted with probability p."


def _draws(answer: Any, probs: list[float], p: float) -> list[int]:
    """Return 2,000 draws of the reader's function."""
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(2000):
        index = whole(call_on_loan(answer, np.array(probs), p, rng), "Return one index, a whole number.")
        expect(index in range(len(probs)), f"It returns {index}, which is no token of {len(probs)}.")
        drawn.append(index)
    return drawn


@exercise("full_size.3")
def build_rejection(answer: Any) -> str:
    """The count of the first may be 5 standard deviations off: a right answer fails once in a million."""
    expect(callable(answer), "Give a function of (probs, p, rng), without calling it.")
    probs = [0.125, 0.5, 0.125, 0.25]
    drawn = _draws(answer, probs, 0.7)
    expect({0, 2}.isdisjoint(drawn), "At p = 0.7 it drew a token outside the nucleus: is each draw tested?")
    expect(3 in drawn, "At p = 0.7 the token that crosses the line never comes: it is inside.")
    expect(abs(drawn.count(1) - 2000 * 2 / 3) < 106, "The ratio of the two tokens that stay is not 2 to 1.")
    expect(drawn == _draws(answer, probs, 0.7), "With one seed it gave two different rows: draw from rng.")
    expect(
        {0, 2}.isdisjoint(_draws(answer, probs, 0.75)), "Where the sum is exactly p, it is reached: stop there."
    )
    expect(
        {2, 3}.isdisjoint(_draws(answer, [0.25] * 4, 0.5)),
        "Of equal tokens those of lower index count as above.",
    )
    return "The right tokens, in the right ratio, and ties to the lower index."

"""Checks for the chapter on top-p."""

import re
from typing import Any

import numpy as np

from . import array, call_on_loan, exercise, expect, number, pair

FLAWS = {
    "C": "One of your cards keeps a token too many on the first of the four inputs, where 0.5 + 0.25 is p.",
    "D": "One of your cards can keep nothing at all: try each on (0.9, 0.1) with p = 0.5.",
    "E": "One of your cards stops with less mass than p: add up what each keeps at p = 0.8.",
}


def _letters(said: str) -> set[str]:
    """Return the letters that stand alone or, as in AB, in capitals or by themselves; words name no card."""
    words = re.findall(r"[^\W\d_]+", said)
    letters = set()
    for word in [word for word in words if word != "I"]:
        if len(word) == 1 or len(words) == 1 or (word.isupper() and set(word) <= set("ABCDE")):
            letters |= set(word.upper())
    return letters


@exercise("top_p.1")
def grade_cards(answer: Any) -> str:
    letters = _letters(str(answer))
    expect(
        letters and letters <= set("ABCDE"),
        "Give the letters of the cards that you hold to be right, from A to E.",
    )
    for letter, flaw in FLAWS.items():
        expect(letter not in letters, flaw)
    expect(
        letters == {"A", "B"},
        "What you named is right, but a right card is missing: one rule can be said in two ways.",
    )
    return "Both keep the token that crosses the line, and stop there."


@exercise("top_p.2")
def predict_probability(answer: Any) -> str:
    share = number(answer, "Give one number, a probability.")
    expect(0 < share <= 1, "A probability lies between 0 and 1.")
    expect(
        not np.isclose(share, 0.5, atol=0.005),
        "That is what it was before the cut: do the rest still sum to 1?",
    )
    expect(not np.isclose(share, 0.5 / 0.6, atol=0.005), "You divided by p. What do the kept tokens sum to?")
    expect(
        not np.isclose(share, 0.5 / 0.9, atol=0.005),
        "You kept both tokens of the tie: are both needed to reach p?",
    )
    expect(not np.isclose(share, 1), "Alone it has 0.5, which is short of p: who crosses the line?")
    expect(np.isclose(share, 0.5 / 0.7, atol=0.005), "Which tokens stay? Add them up, and divide.")
    return "Two tokens stay, with a mass of 0.7, and 0.5 is divided by that."


@exercise("top_p.3")
def expose_card_c(answer: Any) -> str:
    probs, p = pair(answer)
    expect(0 < p < 1, "Take p between 0 and 1: at 1 there is no token left for C to add.")
    ends = np.cumsum(probs)
    a, c = (min(len(probs), 1 + int(short.sum())) for short in (ends < p, ends <= p))
    near = float(ends[np.abs(ends - p).argmin()])
    rounded = c == a and np.isclose(near, p, rtol=0, atol=1e-12)
    expect(
        not rounded,
        f"On paper that is it; in floats the sum is {near!r}. Which fractions are exact in binary?",
    )
    expect(c > a, f"A and C both keep {a}. Where does it matter whether the sum reaches p or exceeds it?")
    return f"The sum hits p exactly: A stops at {a}, C goes on to {c}."


def _apply(answer: Any, probs: list[float], p: float) -> Any:
    q = array(call_on_loan(answer, np.array(probs), p))
    expect(
        q.shape == (len(probs),), f"{len(probs)} probabilities went in, an array of shape {q.shape} came out."
    )
    return q


@exercise("top_p.4")
def build_top_p(answer: Any) -> str:
    expect(callable(answer), "Give a function of (probs, p), without calling it.")
    probs = np.array([0.125, 0.5, 0.125, 0.25])
    q = _apply(answer, list(probs), 0.7)
    right = np.array([0, 2 / 3, 0, 1 / 3])
    expect(np.isfinite(q).all(), "It returns NaN or infinity: is anything left to divide by?")
    expect(not np.allclose(q, right * 0.75), "The right tokens stay, but they no longer sum to 1.")
    expect(not np.allclose(q, right * 0.75 / 0.7), "Divide by the mass that was kept, not by p.")
    expect(
        not np.allclose(q, np.sort(right)[::-1]),
        "The right numbers in the wrong places: put each back where it was.",
    )
    expect(
        not np.allclose(q, [0, 1, 0, 0]),
        "The mass falls short of p: what becomes of the token that crosses the line?",
    )
    expect(np.allclose(q, right), "Sort from the largest down, add up, stop when the sum reaches p.")
    expect(
        np.allclose(_apply(answer, list(probs), 0.75), right),
        "Where the sum is exactly p, it is reached: stop there.",
    )
    expect(
        np.allclose(_apply(answer, list(probs), 0.01), [0, 1, 0, 0]),
        "However small p is, the top token stays, alone.",
    )
    tie = _apply(answer, [0.25, 0.25, 0.25, 0.25], 0.5)
    expect((tie > 0).sum() == 2, "Of four equal tokens two reach p = 0.5; yours keeps another number.")
    expect(
        np.allclose(tie, [0.5, 0.5, 0, 0]), "Of equal tokens the lower index comes first: is your sort stable?"
    )
    expect(np.allclose(_apply(answer, [0.7, 0.2, 0.1], 1), [0.7, 0.2, 0.1]),
           "At p = 1 tokens are lost: the sum of all may stop a hair short of 1.")  # fmt: skip
    return "It crosses the line and stops, shares out by the kept mass, and puts everything back in its place."

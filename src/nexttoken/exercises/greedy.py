"""Checks for the chapter on greedy decoding."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from . import call_on_loan, exercise, expect, number

FOLLOWERS = {"old": 0.4, "sly": 0.9, "wet": 1.0}  # the best second step after each first word
FIRST = ("old", "sly", "wet")


@exercise("greedy.1")
def predict_best_pair(answer: Any) -> str:
    p = number(answer, "Give one number: the probability of one pair of words.")
    expect(0 <= p <= 1, "A probability is between 0 and 1.")
    expect(not np.isclose(p, 0.30), "That is the pair that greedy takes. Is the other branch better?")
    expect(not np.isclose(p, 0.48), "That is the best of each step, but they are on different branches.")
    expect(np.isclose(p, 0.32, atol=0.001), "Multiply the two steps of each branch, then compare.")
    return "The smaller first step leads to the more probable pair."


@exercise("greedy.2")
def let_greedy_win(answer: Any) -> str:
    expect(isinstance(answer, Mapping), 'Give a dictionary such as {"old": 0.5, "sly": 0.4, "wet": 0.1}.')
    expect(set(answer) == set(FIRST), "Its keys are the three first words: old, sly and wet.")
    p = np.array([number(answer[word], f"Give one number for {word}, a probability.") for word in FIRST])
    expect(not (p < 0).any(), "A probability is never negative.")
    expect(np.isclose(p.sum(), 1), f"The three sum to {p.sum():.4g}, not 1.")
    order = np.sort(p)
    expect(order[2] - order[1] > 1e-9, "The first step is a tie, so greedy's choice hangs on a rule for ties.")
    pairs = p * np.array([FOLLOWERS[word] for word in FIRST])
    taken = int(p.argmax())
    best = int(pairs.argmax())
    expect(pairs[taken] > pairs.max() - 1e-9,
           f"Greedy starts with {FIRST[taken]} and reaches {pairs[taken]:.3g}; "
           f"starting with {FIRST[best]} would reach {pairs[best]:.3g}.")  # fmt: skip
    return f"Greedy starts with {FIRST[taken]}, and nothing beats where that leads."


@exercise("greedy.3")
def build_without_repeats(answer: Any) -> str:
    expect(callable(answer), "Give a function of (logits, said), without calling it.")
    logits = np.array([2.0, -1.0, 5.0, 4.0, 2.0])

    def choose(said: list[int]) -> int:
        token = number(call_on_loan(answer, logits, said), "Return one index, a whole number.")
        expect(token in range(5), f"It returned {token:g}: is that the index of a token?")
        return int(token)

    expect(choose([]) == 2, "With nothing said yet, it should choose as greedy does.")
    token = choose([2])
    expect(token != 2, "It chose a token that has been said already.")
    expect(token == 3, "Of the tokens not yet said, it did not take the one with the largest logit.")
    expect(
        choose([3, 2, 3]) == 0, "With 2 and 3 said (3 even twice) it goes wrong: ties go to the lower index."
    )
    expect(
        choose([0, 2, 3, 4]) == 1, "When the only token left has a negative logit, it goes wrong: is 0 a mask?"
    )
    return "It never says a token twice, and it leaves the logits alone."

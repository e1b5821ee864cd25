"""Checks for the chapter on top-k sampling."""

from typing import Any

import numpy as np

from ..probability import softmax
from . import agrees, array, call, call_on_loan, exercise, expect, number


@exercise("top_k.1")
def predict_second(answer: Any) -> str:
    p = number(answer, "Give one number: the probability of the second token.")
    expect(0 <= p <= 1, "A probability is between 0 and 1.")
    expect(not np.isclose(p, 1 / 4), "That is what it had before the cut. Do the survivors sum to 1?")
    expect(not np.isclose(p, 3 / 8), "That shares the cut mass in equal parts. Which ratios must stay?")
    expect(not np.isclose(p, 2 / 3, atol=0.005), "That is the first token.")
    expect(not np.isclose(p, 3 / 4), "That is the kept mass. Whose share of it is asked for?")
    expect(np.isclose(p, 1 / 3, atol=0.005), "Divide what it had by what the survivors hold together.")
    return "A quarter of the whole is a third of what was kept."


@exercise("top_k.2")
def tie_them(answer: Any) -> str:
    z = array(answer, "Give four logits in a row, such as [3, 2, 2, 1].")
    expect(z.shape == (4,), f"Give four logits in a row, not an array of shape {z.shape}.")
    expect(np.isfinite(z).all(), "Four finite numbers, please: no token is masked.")
    down = -np.sort(-z)
    expect(down[0] > down[1], "The largest logit does not stand alone.")
    count = int((z >= down[1]).sum())
    expect(count == 4, f"The threshold is the second largest, {down[1]:g}, and {count} of 4 reach it.")
    return "All four reach the second largest; the index rule would still keep two."


@exercise("top_k.3")
def build_top_k(answer: Any) -> str:
    expect(callable(answer), "Give a function of (logits, k), without calling it.")
    z = np.array([1.0, 3.0, 0.5, 2.0, -1.0])
    p = array(call_on_loan(answer, z, 2))
    expect(p.shape == z.shape, f"Five logits went in, an array of shape {p.shape} came out.")
    expect(not np.isneginf(p).any(), "It returned logits: the exercise asks for probabilities.")
    expect(np.isfinite(p).all() and (p >= 0).all(), "A probability is finite and not negative.")
    expect(p[4] < p[1], "It kept the small ones: which end of the sorted list is the top?")
    expect(
        (p[[0, 2, 4]] == 0).all(), "Tokens that were cut still have some probability: what is their logit now?"
    )
    expect((p > 0).sum() == 2, f"With k = 2, {(p > 0).sum()} of the tokens have a probability.")
    expect(np.isclose(p.sum(), 1), f"The probabilities sum to {p.sum():.4g}, not 1.")
    expect(np.allclose(p[[1, 3]], softmax(z[[1, 3]])), "The ratio of the survivors is not the model's.")
    tied = array(call(answer, np.array([0.0, 2.0, 1.0, 2.0, 2.0]), 2)) > 0
    expect(tied.sum() <= 2, f"At a tie it keeps {tied.sum()} tokens for k = 2: a threshold does not count.")
    expect(tied[[1, 3]].all(), "At a tie it keeps the wrong one: which way did your sort turn the ties?")
    wide = array(call(answer, z, 9))
    expect(agrees(wide, softmax(z)), "With k = 9 and five tokens nothing should be cut.")
    large = array(call(answer, np.array([1000.0, 1000.0, 0.0]), 2))
    expect(agrees(large, [0.5, 0.5, 0]), "With logits of 1000 it fails: what does softmax subtract first?")
    return "Exactly k, in the model's ratios, and ties to the lower index."

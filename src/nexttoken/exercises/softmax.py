"""Checks for the chapter on softmax."""

from typing import Any

import numpy as np

from ..probability import log_softmax, softmax
from . import agrees, array, call, exercise, expect, number


@exercise("softmax.1")
def predict_third_share(answer: Any) -> str:
    p = number(answer, "Give one number: the probability of the third token.")
    expect(0 <= p <= 1, "A probability lies between 0 and 1.")
    expect(
        not np.isclose(p, 1 / 3, atol=0.004),
        "The logits are not quite equal. What does ln 2 more do to a ratio?",
    )
    expect(not np.isclose(p, 2 / 3, atol=0.004), "That is its share against one of the others. There are two.")
    expect(np.isclose(p, 0.5, atol=0.004), "Take 1000 from all three, then the exponentials, then the sum.")
    return "Without the constant, the exponentials are 1, 1 and 2."


@exercise("softmax.2")
def catch_naive(answer: Any) -> str:
    constant = number(answer, "Give one number, a constant to add to every logit.")
    expect(np.isfinite(constant), "Give a finite number.")
    z = np.array([2.0, 1.0, 0.0])
    moved = z + constant
    swallowed = "That is so large that the sums are rounded and the logits are lost: any softmax would fail."
    expect(np.allclose(moved - moved[2], z, atol=1e-6), swallowed)
    with np.errstate(all="ignore"):
        e = np.exp(moved)
        naive = e / e.sum()
    expect(
        not np.allclose(naive, softmax(z)), "With that, naive is still right in float64. Where are its edges?"
    )
    failure = "NaN" if np.isnan(naive).any() else "wrong numbers"
    return f"With {constant:+g}, naive gives {failure}, and a softmax that subtracts the maximum does not."


@exercise("softmax.3")
def build_log_softmax(answer: Any) -> str:
    expect(callable(answer), "Give a function of logits, without calling it.")
    z = np.array([2.0, 1.0, -1.0, 0.5])
    logs = array(call(answer, z))
    expect(logs.shape == z.shape, f"Four logits went in, an array of shape {logs.shape} came out.")
    expect(not np.allclose(logs, softmax(z), atol=1e-5), "Those are the probabilities, without the logarithm.")
    expect(
        not np.allclose(logs, log_softmax(z) / np.log(2)),
        "That is the logarithm to base 2; the book's is natural.",
    )
    total = np.exp(logs).sum()
    expect(np.isfinite(total), "Four ordinary logits went in, and something that is not finite came out.")
    expect(np.isclose(total, 1), f"The exponentials of what came out sum to {total:.4g}, not to 1.")
    expect(
        np.allclose(logs, log_softmax(z), atol=1e-5),
        "They sum to 1, but the distances have changed.",
    )
    for constant, hint in ((1000, "near +1000"), (-1000, "near −1000")):
        far = array(call(answer, z + constant))
        expect(
            agrees(far, log_softmax(z), atol=1e-3),
            f"With logits {hint} it fails: which step leaves the range?",
        )
    wide = array(call(answer, np.array([0.0, -1000.0])))
    expect(
        np.isfinite(wide).all(),
        "A token 1000 behind gets minus infinity: is a rounded 0 given to the logarithm?",
    )
    expect(agrees(wide, [0, -1000]), "A token 1000 behind should keep its distance.")
    rows = np.array([[2.0, 1.0, 0.0], [900.0, 0.0, -900.0]])
    batch = array(call(answer, rows))
    expect(agrees(batch, log_softmax(rows), atol=1e-3),
           "One row works, a batch of rows does not: over which axis are the maximum and the sum?")  # fmt: skip
    return "It survives both ends, loses nobody, and takes a batch."

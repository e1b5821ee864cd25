"""Checks for the chapter on temperature."""

from typing import Any

import numpy as np

from ..probability import softmax
from . import agrees, array, call, exercise, expect, number

HALF_GAP = 3 * np.log(3)  # logits 3 ln 3 apart: 27 to 1 at T = 1, 3 to 1 at T = 3


@exercise("temperature.1")
def predict_ratio(answer: Any) -> str:
    ratio = number(answer, "Give one number: how many times as probable the first token is.")
    expect(not np.isclose(ratio, 4), "That would be dividing the ratio. Which quantity does T divide?")
    expect(
        not np.isclose(ratio, 64),
        "That squares the ratio, as T = 0.5 does. Is a T of 2 hotter or colder than the model?",
    )
    expect(np.isclose(ratio, np.sqrt(8), rtol=0.02), "Write 8 as e to some gap, then divide the gap by T.")
    return "T divides the gap in logits, so it takes the T-th root of the ratio: √8."


@exercise("temperature.2")
def find_temperature(answer: Any) -> str:
    temperature = number(answer, "Give one number, a temperature.")
    expect(temperature > 0, "A temperature is above 0.")
    with np.errstate(over="ignore"):
        ratio = np.exp(HALF_GAP / temperature)
    expect(ratio < 3.05, f"At that temperature the ratio is {ratio:.3g}: still too large. Hotter or colder?")
    expect(ratio > 2.95, f"At that temperature the ratio is {ratio:.3g}: too small. Hotter or colder?")
    return "A third of the gap makes the third root of 27."


@exercise("temperature.3")
def build_softmax_at(answer: Any) -> str:
    expect(callable(answer), "Give a function of (logits, temperature), without calling it.")
    z = np.array([2.0, 1.0, -1.0, 1.0])
    p = array(call(answer, z, 0.5))
    expect(p.shape == z.shape, f"Four logits went in, an array of shape {p.shape} came out.")
    expect(np.isclose(p.sum(), 1), f"The probabilities sum to {p.sum():.4g}, not 1.")
    expect(not np.allclose(p, softmax(z * 0.5)), "Low temperature made it flatter: multiplied, not divided?")
    expect(not np.allclose(p, softmax(z)), "Nothing changed: is the temperature used?")
    expect(np.allclose(p, softmax(z / 0.5)), "The ratios are off: divide every logit by T, then softmax.")
    cold = array(call(answer, z, 0.001))
    expect(np.isfinite(cold).all(), "At T = 0.001 it gives NaN: which number overflows, and what cures it?")
    rows = np.arange(6.0).reshape(2, 3)
    batch = array(call(answer, rows, 2))
    expect(agrees(batch, softmax(rows / 2)),
           "One row works, a batch of rows does not: over which axis is the sum?")  # fmt: skip
    cold = array(call(answer, rows, 0.001))
    expect(np.isfinite(cold).all(), "A cold batch gives NaN, a cold row does not: whose maximum is subtracted?")
    return "It scales, it survives the cold, and it takes a batch."

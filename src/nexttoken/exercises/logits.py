"""Checks for the chapter on logits."""

from typing import Any

import numpy as np

from ..model import BigramModel, load_corpus
from ..probability import cross_entropy, softmax
from . import agrees, array, call, call_on_loan, exercise, expect, number


@exercise("logits.1")
def predict_second_logit(answer: Any) -> str:
    z = number(answer, "Give one number: the logit of the second token.")
    expect(not np.isclose(z, 5), "That halves the logit. Which is halved, the logit or the probability?")
    expect(not np.isclose(z, 10 + np.log(2)), "That puts the second above the first. Which is more probable?")
    expect(
        not np.isclose(z, -np.log(4)),
        "That is its log-probability. The first logit is 10: which constant was added?",
    )
    expect(not np.isclose(z, 9, atol=0.005), "A distance of 1 is 2.7 to one. Here it is two to one.")
    expect(
        np.isclose(z, 10 - np.log(2), atol=0.01),
        "The distance is the logarithm (base e) of the ratio of the two.",
    )
    return "Half as probable is ln 2 lower, whatever the constant."


@exercise("logits.2")
def lift_dog_to_half(answer: Any) -> str:
    lift = number(answer, "Give one number: what is added to the logit of dog.")
    expect(np.isfinite(lift), "Give a finite number.")
    model = BigramModel.train(load_corpus())
    z = model.logits(model.vocabulary["fox"])
    dog = model.vocabulary["dog"]
    z[dog] += lift
    share = softmax(z)[dog]
    hint = f"With that, dog comes {100 * share:.3g} % of the time: too "
    expect(share < 0.505, hint + "often. How far is it from all the others together?")
    expect(share > 0.495, hint + "seldom. How far is it from all the others together?")
    return "You have cancelled the log-odds of dog: half is a log-odds of 0."


@exercise("logits.3")
def build_gradient(answer: Any) -> str:
    expect(callable(answer), "Give a function of (logits, target), without calling it.")
    z = np.array([1.0, -0.5, 0.25, 2.0])
    g = array(call_on_loan(answer, z, 2))
    expect(
        g.shape == z.shape, f"Four logits went in, an array of shape {g.shape} came out: one slope per logit."
    )
    nudge = 1e-5 * np.eye(4)
    slope = (cross_entropy(z + nudge, [2] * 4) - cross_entropy(z - nudge, [2] * 4)) / 2e-5
    expect(
        not np.allclose(g, -slope, atol=1e-4),
        "The sign is wrong: the loss falls when the target's logit rises.",
    )
    expect(
        not np.allclose(g, softmax(z), atol=1e-4),
        "Those are the probabilities. What about the token that came?",
    )
    expect(
        not np.isclose(g.sum(), 1, atol=1e-4),
        "It sums to 1. Raise all logits together: how does the loss change?",
    )
    expect(
        np.allclose(g, slope, atol=1e-4), "It differs from the slopes measured by nudging each logit a little."
    )
    large = array(call(answer, np.array([1000.0, 999.0]), 0))
    expect(np.isfinite(large).all(), "With logits near 1000 it gives NaN: use the package's softmax.")
    other = array(call(answer, np.array([0.0, 0.0]), 1))
    expect(agrees(other, [0.5, -0.5]), "With two equal logits and target 1 it is wrong.")
    return "It agrees with the slopes measured by nudging, and it sums to 0."

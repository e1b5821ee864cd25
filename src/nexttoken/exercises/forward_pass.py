"""Checks for the chapter on the whole forward pass."""

from typing import Any

import numpy as np

from ..probability import softmax
from ..sampling import sample
from . import call, exercise, expect, number, whole

DRAWS = 3000


@exercise("forward_pass.1")
def predict_probability(answer: Any) -> str:
    p = number(answer, "Give one number, a probability.")
    expect(not np.isclose(p, 3), "That is a logit. What turns logits into probabilities?")
    expect(0 <= p <= 1, "A probability lies between 0 and 1.")
    guess = "Multiply number by number and add up, for each word. What do two such logits make of the odds?"
    expect(np.isclose(p, 0.5, atol=0.005), guess)
    return "Both dot products are 3, and equal logits have equal probabilities."


@exercise("forward_pass.2")
def find_seed(answer: Any) -> str:
    seed = whole(answer, "Give one whole number, a seed.")
    expect(seed >= 0, "A seed is 0 or more.")
    drawn = int(sample(softmax([2.0, 1.0, 0.0]), np.random.default_rng(seed)))
    expect(drawn == 2, f"Seed {seed} gives token {drawn}. There is no formula for it: let a loop look.")
    return "A seed is a place to start, and you can search for one that suits you. So can an author: beware."


def _draws(answer: Any, embedding: Any, output: Any, seed: int, count: int) -> list[int]:
    """Return the tokens that come after token 1."""
    rng = np.random.default_rng(seed)
    drawn = []
    for _ in range(count):
        index = number(call(answer, embedding, output, 1, rng), "Return one index, a whole number.")
        expect(index in range(output.shape[1]), "Return the index of a column of output.")
        drawn.append(int(index))
    return drawn


def _frequencies(answer: Any, embedding: Any, output: Any) -> Any:
    return np.bincount(_draws(answer, embedding, output, 0, DRAWS), minlength=output.shape[1]) / DRAWS


@exercise("forward_pass.3")
def build_pass(answer: Any) -> str:
    """Compare frequencies with the softmax, at 5 standard errors.

    The generator's seed is fixed, so that a verdict never changes. Were it new each time, a right answer
    would fail less than once in 100,000.
    """
    expect(callable(answer), "Give a function of (embedding, output, token, rng), without calling it.")
    embedding = np.array([[0.0, 3.0], [1.0, 0.5], [-1.0, 0.0]])
    output = np.array([[1.0, 0.0, -0.5, 0.5], [0.0, 1.0, 1.0, -1.0]])
    p = softmax(embedding[1] @ output)
    other = softmax(embedding[0] @ output)
    shares = _frequencies(answer, embedding, output)
    error = 5 * np.sqrt(p * (1 - p) / DRAWS)
    expect(shares.max() < 1, "It gives the same token every time: is it drawn, and from rng?")
    expect((np.abs(shares - 0.25) > error).any(), "All tokens come alike: do the logits enter the draw?")
    expect(
        (np.abs(shares - other) > error).any(), "These are the frequencies after token 0. Is the token used?"
    )
    off = int(np.abs(shares - p).argmax())
    expect(
        (np.abs(shares - p) <= error).all(),
        f"Token {off} comes in {shares[off]:.1%} of the draws; softmax says {p[off]:.1%}.",
    )
    once, again = (_draws(answer, embedding, output, 5, 20) for _ in range(2))
    expect(once == again, "The same seed gives different tokens: draw from rng, and only from it.")
    large = _frequencies(answer, embedding, output + np.array([[1000.0], [0.0]]))
    expect(
        (np.abs(large - p) <= error).all(),
        "With 1000 added to every logit the draw is another: what overflows?",
    )
    return "Row, dot products, draw: that is the machine."

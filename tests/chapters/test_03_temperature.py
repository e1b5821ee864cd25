"""The chapter on temperature: what its checks accept and refuse."""

import numpy as np
import pytest

from nexttoken import softmax
from nexttoken.exercises import check


def by_loop(logits, temperature):
    if np.ndim(logits) > 1:
        return [by_loop(row, temperature) for row in logits]
    e = [np.exp((z - max(logits)) / temperature) for z in logits]
    return [x / sum(e) for x in e]


def one_maximum(z, t):
    """Right but for a batch whose rows lie far apart."""
    e = np.exp((z - z.max()) / t)
    return e / e.sum(axis=-1, keepdims=True)


def stable(z, t):
    z = np.asarray(z) / t
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("temperature.1", 2.83),
        ("temperature.1", np.sqrt(8)),
        ("temperature.2", 3),
        ("temperature.2", np.float32(2.99)),
        ("temperature.2", np.log(27) / np.log(3)),
        ("temperature.3", stable),
        ("temperature.3", by_loop),
        ("temperature.3", lambda z, t: stable(np.float32(z), t)),
        ("temperature.3", lambda logits, temperature: softmax(np.asarray(logits) / temperature)),
    ],
)
def test_right_answers(name, answer):
    assert check(name, answer).right


@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [
        ("temperature.1", 4, "dividing the ratio"),
        ("temperature.1", 64, "squares"),
        ("temperature.1", 16, "gap"),
        ("temperature.1", 8, "gap"),
        ("temperature.1", 2.9, "gap"),
        ("temperature.1", 8**-0.5, "gap"),
        ("temperature.1", "2.83", ""),
        ("temperature.2", 9, "too small"),
        ("temperature.2", 1, "too large"),
        ("temperature.2", 2.9, "too large"),
        ("temperature.2", 3.1, "too small"),
        ("temperature.2", float("inf"), "too small"),
        ("temperature.2", -3, "above 0"),
        ("temperature.3", softmax, "raised"),
        ("temperature.3", stable([1.0], 1), "function"),
        ("temperature.3", lambda z, t: z / t, "sum to"),
        ("temperature.3", lambda z, t: softmax(z), "Nothing changed"),
        ("temperature.3", lambda z, t: softmax(z * t), "multiplied"),
        ("temperature.3", lambda z, t: np.exp(z / t) / np.exp(z / t).sum(-1, keepdims=True), "NaN"),
        ("temperature.3", one_maximum, "whose maximum"),
        ("temperature.3", lambda z, t: np.exp((z - z.max()) / t) / np.exp((z - z.max()) / t).sum(), "batch"),
    ],
)
def test_wrong_answers_get_a_hint(name, answer, hint):
    verdict = check(name, answer)
    assert verdict.right is False
    assert hint in verdict.text

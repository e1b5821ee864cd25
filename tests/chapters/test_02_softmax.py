"""The chapter on softmax: what its checks accept and refuse."""

import numpy as np
import pytest

from nexttoken import log_softmax, softmax
from nexttoken.exercises import check


def logs(z):
    below = z - z.max(axis=-1, keepdims=True)
    return below - np.log(np.exp(below).sum(axis=-1, keepdims=True))


def by_lists(logits):
    """One row at a time, without a clever axis."""
    if np.ndim(logits) > 1:
        return [by_lists(row) for row in logits]
    top = max(logits)
    total = np.log(sum(np.exp(z - top) for z in logits))
    return [z - top - total for z in logits]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("softmax.1", 0.5),
        ("softmax.1", 1 / 2),
        ("softmax.1", np.float32(0.5)),
        ("softmax.2", -1000),
        ("softmax.2", 1000),
        ("softmax.2", 708),
        ("softmax.2", -746),
        ("softmax.2", np.float64(1e6)),
        ("softmax.3", logs),
        ("softmax.3", log_softmax),
        ("softmax.3", by_lists),
        ("softmax.3", lambda z: logs(np.asarray(z, np.float32))),
    ],
)
def test_right_answers(name, answer):
    assert check(name, answer).right


def one_row(z):
    below = z - z.max()
    return below - np.log(np.exp(below).sum())


@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [
        ("softmax.1", 1 / 3, "not quite equal"),
        ("softmax.1", 0.667, "two"),
        ("softmax.1", 50, "between 0 and 1"),
        ("softmax.1", float("nan"), "between 0 and 1"),
        ("softmax.1", 0.41, "Take 1000"),
        ("softmax.1", [0.25, 0.25, 0.5], "one number"),
        ("softmax.2", 100, "still right"),
        ("softmax.2", 0, "still right"),
        ("softmax.2", -700, "still right"),
        ("softmax.2", 1e18, "lost"),
        ("softmax.2", float("inf"), "finite"),
        ("softmax.2", float("nan"), "finite"),
        ("softmax.2", "large", "one number"),
        ("softmax.3", logs(np.zeros(3)), "function"),
        ("softmax.3", softmax, "without the logarithm"),
        ("softmax.3", lambda z: logs(z) / np.log(2), "base 2"),
        ("softmax.3", lambda z: z - np.max(z, axis=-1, keepdims=True), "sum to"),
        ("softmax.3", lambda z: logs(z)[..., ::-1], "distances"),
        ("softmax.3", lambda z: logs(z).sum(), "shape"),
        ("softmax.3", lambda z: z - np.log(np.exp(z).sum(axis=-1, keepdims=True)), "+1000"),
        ("softmax.3", lambda z: z - 1000 - np.log(np.exp(z - 1000).sum(axis=-1, keepdims=True)), "not finite"),
        ("softmax.3", lambda z: np.log(softmax(z)), "rounded 0"),
        ("softmax.3", lambda z: np.maximum(logs(z), -700), "keep its distance"),
        ("softmax.3", one_row, "batch"),
    ],
)
def test_wrong_answers_get_a_hint(name, answer, hint):
    verdict = check(name, answer)
    assert verdict.right is False
    assert hint in verdict.text

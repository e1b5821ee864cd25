"""The chapter on logits: what its checks accept and refuse."""

import numpy as np
import pytest

from nexttoken import BigramModel, load_corpus, softmax
from nexttoken.exercises import check

SECOND = 10 - np.log(2)


def gradient(logits, target):
    return softmax(logits) - np.eye(len(logits))[target]


def plain(logits, target):
    """As a reader without NumPy's habits might write it."""
    top = max(logits)
    e = [np.exp(z - top) for z in logits]
    return [x / sum(e) - (1 if i == target else 0) for i, x in enumerate(e)]


def in_place(logits, target):
    logits -= logits.max()
    return gradient(logits, target)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("logits.1", SECOND),
        ("logits.1", 9.31),
        ("logits.1", np.float32(9.307)),
        ("logits.1", [SECOND]),
        ("logits.2", 1.79),
        ("logits.2", np.float32(1.79)),
        ("logits.3", gradient),
        ("logits.3", plain),
        ("logits.3", lambda logits, target: gradient(logits.astype(np.float32), target)),
    ],
)
def test_right_answers(name, answer):
    assert check(name, answer).right


@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [
        ("logits.1", 5, "halves the logit"),
        ("logits.1", 10 + np.log(2), "above the first"),
        ("logits.1", np.log(0.25), "log-probability"),
        ("logits.1", 9, "2.7 to one"),
        ("logits.1", 10 - np.log10(2), "base e"),
        ("logits.1", float("nan"), "logarithm"),
        ("logits.1", [1, 2, 3], "one number"),
        ("logits.1", "about nine", "one number"),
        ("logits.2", 0, "seldom"),
        ("logits.2", 1.13, "seldom"),
        ("logits.2", -1.79, "seldom"),
        ("logits.2", 3, "often"),
        ("logits.2", float("inf"), "finite"),
        ("logits.2", float("nan"), "finite"),
        ("logits.3", 0.5, "function"),
        ("logits.3", lambda logits, target: softmax(logits), "probabilities"),
        ("logits.3", lambda logits, target: -gradient(logits, target), "sign"),
        ("logits.3", lambda logits, target: gradient(logits, target)[target], "one slope per logit"),
        ("logits.3", lambda logits, target: softmax(logits)[::-1], "sums to 1"),
        ("logits.3", lambda logits, target: logits - np.eye(4)[target], "measured"),
        ("logits.3", lambda logits, target: gradient(logits, 2), "raised"),
        (
            "logits.3",
            lambda logits, target: gradient(logits, len(logits) // 2 + len(logits) % 2 - 1),
            "measured",
        ),
        ("logits.3", lambda logits, target: gradient(logits, -2), "target 1 it is wrong"),
        ("logits.3", lambda z, t: np.exp(z) / np.exp(z).sum() - np.eye(len(z))[t], "NaN"),
        ("logits.3", in_place, "changes the array"),
        ("logits.3", lambda logits: softmax(logits), "raised"),
    ],
)
def test_wrong_answers_get_a_hint(name, answer, hint):
    verdict = check(name, answer)
    assert verdict.right is False
    assert hint in verdict.text


def test_hints_keep_the_answer():
    """The lift of *dog* is nowhere in a hint."""
    model = BigramModel.train(load_corpus())
    p = softmax(model.logits(model.vocabulary["fox"]))[model.vocabulary["dog"]]
    lift = np.log((1 - p) / p)
    assert check("logits.2", lift).right
    assert f"{lift:.2f}" not in check("logits.2", lift + 1).text + check("logits.2", lift - 1).text

"""The chapter on top-k: what its checks accept and refuse."""

import numpy as np
import pytest

from nexttoken import softmax, top_k_filter
from nexttoken.exercises import check


def right(logits, k):
    z = np.asarray(logits, dtype=float)
    best = np.argsort(-z, kind="stable")[:k]
    p = np.zeros(z.shape)
    p[best] = softmax(z[best])
    return p


def by_loop(logits, k):
    order = sorted(range(len(logits)), key=lambda i: (-logits[i], i))[:k]
    e = [np.exp(z - max(logits)) if i in order else 0.0 for i, z in enumerate(logits)]
    return [x / sum(e) for x in e]


def threshold(logits, k):
    z = np.asarray(logits, dtype=float)
    return softmax(np.where(z >= np.sort(z)[-min(k, len(z))], z, -np.inf))


def turned(logits, k):
    keep = np.argsort(logits, kind="stable")[::-1][:k]
    return softmax(np.where(np.isin(np.arange(len(logits)), keep), logits, -np.inf))


def smallest(logits, k):
    keep = np.argsort(logits, kind="stable")[:k]
    return softmax(np.where(np.isin(np.arange(len(logits)), keep), logits, -np.inf))


def not_shared_out(logits, k):
    return np.where(right(logits, k) > 0, softmax(logits), 0)


def zeroed(logits, k):
    return softmax(np.where(right(logits, k) > 0, logits, 0))


def naive(logits, k):
    e = np.where(right(logits, k) > 0, np.exp(logits), 0)
    return e / e.sum()


def short_only(logits, k):
    keep = np.argpartition(-np.asarray(logits), k)[:k]  # fails for k beyond the vocabulary
    return softmax(np.where(np.isin(np.arange(len(logits)), keep), logits, -np.inf))


def spoils(logits, k):
    logits[right(logits, k) == 0] = -np.inf
    return softmax(logits)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("top_k.1", 1 / 3),
        ("top_k.1", 0.333),
        ("top_k.1", np.float32(1 / 3)),
        ("top_k.2", [3, 2, 2, 2]),
        ("top_k.2", (2.0, 7.5, 2.0, 2.0)),
        ("top_k.2", np.array([-1, 0, -1, -1], dtype=np.float32)),
        ("top_k.3", right),
        ("top_k.3", by_loop),
        ("top_k.3", lambda logits, k: softmax(top_k_filter(logits, k))),
        ("top_k.3", lambda logits, k: right(logits, k).astype(np.float32)),
    ],
)
def test_right_answers(name, answer):
    verdict = check(name, answer)
    assert verdict.right, verdict


@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [
        ("top_k.1", 0.25, "before the cut"),
        ("top_k.1", 0.375, "equal parts"),
        ("top_k.1", 2 / 3, "the first token"),
        ("top_k.1", 0.75, "kept mass"),
        ("top_k.1", 0.5, "Divide"),
        ("top_k.1", 33.3, "between 0 and 1"),
        ("top_k.1", [2 / 3, 1 / 3], "one number"),
        ("top_k.2", [3, 2, 2, 1], "3 of 4"),
        ("top_k.2", [2, 2, 2, 2], "stand alone"),
        ("top_k.2", [3, 2, 2], "four logits"),
        ("top_k.2", [3, 2, 2, -np.inf], "finite"),
        ("top_k.2", "3222", ""),
        ("top_k.3", 2, "function"),
        ("top_k.3", top_k_filter, "returned logits"),
        ("top_k.3", lambda z, k: softmax(z), "Tokens that were cut"),
        ("top_k.3", zeroed, "Tokens that were cut"),
        ("top_k.3", smallest, "which end"),
        ("top_k.3", not_shared_out, "sum to"),
        ("top_k.3", lambda z, k: right(z, 1), "With k = 2, 1 of"),
        ("top_k.3", lambda z, k: (right(z, k) > 0) / 2, "ratio of the survivors"),
        ("top_k.3", threshold, "threshold does not count"),
        ("top_k.3", turned, "turn the ties"),
        ("top_k.3", short_only, ""),
        ("top_k.3", naive, "1000"),
        ("top_k.3", lambda z, k: softmax(np.sort(z)[::-1][:k]), "came out"),
        ("top_k.3", spoils, "copy"),
    ],
)
def test_wrong_answers_get_a_hint(name, answer, hint):
    verdict = check(name, answer)
    assert verdict.right is False
    assert hint in verdict.text

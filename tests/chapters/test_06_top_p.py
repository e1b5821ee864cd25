"""The chapter on top-p: what its checks accept and refuse."""

import numpy as np
import pytest

from nexttoken import softmax, top_p_filter
from nexttoken.exercises import check


def cut(probs, p, *, count=None, share=None, flip=False):
    """A top-p with its parts to exchange: which tokens stay, what divides them, how ties fall."""
    probs = np.asarray(probs, dtype=float)
    order = np.argsort(probs, kind="stable")[::-1] if flip else np.argsort(-probs, kind="stable")
    ends = np.cumsum(probs[order])
    keep = order[: count(ends, p) if count else 1 + (ends < p).sum()]
    q = np.zeros(len(probs))
    q[keep] = probs[keep]
    return q / (q.sum() if share is None else share(p))


def in_place(probs, p):
    probs[probs < 0.2] = 0
    return probs / probs.sum()


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("top_p.1", "AB"),
        ("top_p.1", "b and a"),
        ("top_p.1", ["A", "B"]),
        ("top_p.1", {"a", "b"}),
        ("top_p.1", "ab"),
        ("top_p.1", "cards A and B"),
        ("top_p.1", "The right cards are B and A."),
        ("top_p.1", "CARDS A AND B"),
        ("top_p.1", "cards a, b"),
        ("top_p.1", "Both cards, AB!"),
        ("top_p.1", ["card A", "card B"]),
        ("top_p.1", ("AB",)),
        ("top_p.1", np.array(["A", "B"])),
        ("top_p.2", 0.714),
        ("top_p.2", np.float32(5 / 7)),
        ("top_p.3", ([0.5, 0.5], 0.5)),
        ("top_p.3", (np.array([0.25, 0.25, 0.5], np.float32), 0.75)),
        ("top_p.3", [(0.5, 0.25, 0.25), 0.5]),
        ("top_p.4", cut),
        ("top_p.4", lambda probs, p: softmax(top_p_filter(np.log(probs), p))),
        ("top_p.4", lambda probs, p: list(cut(probs, p).astype(np.float32))),
    ],
)
def test_right_answers(name, answer):
    assert check(name, answer).right


@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [
        ("top_p.1", "A", "missing"),
        ("top_p.1", "ABC", "too many"),
        ("top_p.1", "ABD", "nothing at all"),
        ("top_p.1", "ABE", "less mass"),
        ("top_p.1", "XY", "from A to E"),
        ("top_p.1", "A and F", "from A to E"),
        ("top_p.1", "cards", "from A to E"),
        ("top_p.1", "and", "from A to E"),
        ("top_p.1", "the card B", "missing"),
        ("top_p.1", "cards A, B and C", "too many"),
        ("top_p.1", ["d"], "nothing at all"),
        ("top_p.1", None, "from A to E"),
        ("top_p.1", 3, "from A to E"),
        ("top_p.2", 0.5, "sum to 1"),
        ("top_p.2", 0.833, "divided by p"),
        ("top_p.2", 0.556, "tie"),
        ("top_p.2", 1, "short of p"),
        ("top_p.2", 1.4, "between 0 and 1"),
        ("top_p.2", 0.2, "Add them up"),
        ("top_p.2", "0.7", ""),
        ("top_p.3", 0.5, "two things"),
        ("top_p.3", ([0.5, 0.4], 0.5), "sum to 0.9"),
        ("top_p.3", ([0.6, 0.3, 0.1], 0.9), "On paper"),
        ("top_p.3", ([0.5, 0.5], 0.6), "both keep"),
        ("top_p.3", ([0.5, 0.5], 1), "between 0 and 1"),
        ("top_p.4", [0.5, 0.5], "function"),
        ("top_p.4", lambda probs, p: cut(probs, p, share=lambda _: 1), "no longer sum to 1"),
        ("top_p.4", lambda probs, p: cut(probs, p, share=lambda p: p), "not by p"),
        ("top_p.4", lambda probs, p: np.sort(cut(probs, p))[::-1], "wrong places"),
        ("top_p.4", lambda probs, p: cut(probs, p)[cut(probs, p) > 0], "shape"),
        ("top_p.4", lambda probs, p: cut(probs, p, count=lambda e, p: (e <= p).sum()), "crosses the line"),
        ("top_p.4", lambda probs, p: cut(probs, p, count=lambda e, p: 1 + (e <= p).sum()), "exactly p"),
        ("top_p.4", lambda probs, p: cut(probs, p, count=lambda e, p: 1 + (e >= p).argmax()), "At p = 1"),
        ("top_p.4", lambda probs, p: cut(probs, p, flip=True), "lower index"),
        ("top_p.4", lambda probs, p: probs, "Sort from"),
        ("top_p.4", lambda probs, p: cut(probs, p) if p > 0.1 else probs, "However small"),
        ("top_p.4", lambda probs, p: probs * np.nan, "NaN"),
        ("top_p.4", in_place, "changes the array"),
    ],
)
def test_wrong_answers_get_a_hint(name, answer, hint):
    verdict = check(name, answer)
    assert verdict.right is False
    assert hint in verdict.text

"""The chapter on full-size vocabularies: what it does without a sort, and what its checks accept."""

from fractions import Fraction

import numpy as np
import pytest

from nexttoken import sample, softmax, top_k_filter, top_p_filter
from nexttoken.exercises import check


@pytest.fixture(scope="module")
def names(chapter):
    """What the chapter defines, each cure in the place of what it cures."""
    return chapter("08_full_size").names


@pytest.mark.parametrize("k", [1, 2, 50, 1000, 6000])
@pytest.mark.parametrize("kind", ["normal", "rounded", "equal", "rising", "falling", "masked"])
def test_quick_top_k_is_exact(names, kind, k):
    z = np.random.default_rng(1).normal(0, 3.9, 6007)  # a prime
    rows = {"normal": z, "rounded": np.round(z), "equal": 0 * z, "rising": np.sort(z), "falling": -np.sort(z)}
    row = rows.get(kind, np.where(np.arange(6007) % 3 == 0, z, -np.inf))
    best = names["quick_top_k"](row, k)
    np.testing.assert_array_equal(best, np.argsort(-row, kind="stable")[:k])
    if np.isfinite(row[best]).all():
        assert names["agree"](best, top_k_filter(row, k))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.75, 0.9])
def test_rejection_is_exact(names, p):
    """Every token of hostile rows is accepted if and only if it is in the nucleus. Dyadic: nothing rounds."""
    rows = [np.full(4, 0.25), np.array([0.125, 0.5, 0.125, 0.25]), np.array([0.25, 0.25, 0.5, 0]), np.ones(1)]
    for q in rows:
        accepted = [names["inside"](q, i, p) for i in range(len(q))]
        with np.errstate(divide="ignore"):
            kept = np.isfinite(top_p_filter(np.log(q), p))
        np.testing.assert_array_equal(np.array(accepted)[q > 0], kept[q > 0])


def by_rejection(probs, p, rng):
    while True:
        i = sample(probs, rng)
        if probs[probs > probs[i]].sum() + probs[:i][probs[:i] == probs[i]].sum() < p:
            return i


def without_ties(probs, p, rng):
    while True:
        i = sample(probs, rng)
        if probs[probs > probs[i]].sum() < p:
            return i


def by_filter(probs, p, rng):
    with np.errstate(divide="ignore"):
        return sample(softmax(top_p_filter(np.log(probs), p)), rng)


def in_place(probs, p, rng):
    probs *= 1.01
    return by_rejection(probs / probs.sum(), p, rng)


def evenly(probs, p, rng):
    return int(rng.choice(np.flatnonzero(np.isfinite(top_p_filter(np.log(probs), p)))))


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("full_size.1", 0.08),
        ("full_size.1", np.float32(0.08)),
        ("full_size.1", Fraction(2, 25)),
        ("full_size.2", ([0.5, 0.25, 0.25], 0.75)),
        ("full_size.2", [(0.1, 0.2, 0.7), 0.9]),
        ("full_size.2", (np.full(4, 0.25, np.float32), np.float32(0.5))),
        ("full_size.2", [[0.6, 0.3, 0.1], 0.9]),
        ("full_size.2", ([0.33333] * 3, 0.999995)),  # rounded: they end before p
        ("full_size.3", by_rejection),
        ("full_size.3", by_filter),
        ("full_size.3", lambda probs, p, rng: int(by_rejection(probs, p, rng))),
    ],
)
def test_right_answers(name, answer):
    assert check(name, answer).right


@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [
        ("full_size.1", 0.02, "the truth"),
        ("full_size.1", 0.005, "multiplied"),
        ("full_size.1", 0.0267, "what is missing"),
        ("full_size.1", 8, "between 0 and 1"),
        ("full_size.1", 0.25, "divided by what they hold"),
        ("full_size.1", [0.08, 0.08], "one number"),
        ("full_size.2", ([0.7, 0.3], 0.5), "The nucleus holds 0.7"),
        ("full_size.2", ([0.7, 0.4], 0.5), "sum to 1.1"),
        ("full_size.2", ([0.7, 0.3], 1), "between 0 and 1"),
        ("full_size.2", [0.7, 0.3], "two things"),
        ("full_size.3", [1, 2], "function"),
        ("full_size.3", lambda probs, p, rng: sample(probs, rng), "outside the nucleus"),
        ("full_size.3", lambda probs, p, rng: int(probs.argmax()), "never comes"),
        ("full_size.3", lambda probs, p, rng: [1], "one index"),
        ("full_size.3", lambda probs, p, rng: 1.0, "one index"),
        ("full_size.3", lambda probs, p, rng: 4, "no token"),
        ("full_size.3", in_place, "changes the array"),
        ("full_size.3", evenly, "not 2 to 1"),
        ("full_size.3", lambda probs, p, rng: by_rejection(probs, p, np.random.default_rng()), "one seed"),
        ("full_size.3", lambda probs, p, rng: by_rejection(probs, p + 1e-9, rng), "exactly p"),
        ("full_size.3", without_ties, "equal"),
    ],
)  # fmt: skip
def test_wrong_answers_get_a_hint(name, answer, hint):
    verdict = check(name, answer)
    assert verdict.right is False
    assert hint in verdict.text

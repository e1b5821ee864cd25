"""The chapter on full-size vocabularies: every number in its words, and what its checks accept and refuse."""

from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pytest
from conftest import ROOT, cells

import nexttoken
from nexttoken import sample, softmax, top_k_filter, top_p_filter
from nexttoken.exercises import check
from nexttoken.plots import ROW, percent

NAME = "08_full_size"
PATH = ROOT / "book" / f"{NAME}.ipynb"
V, SPREAD = 50_257, 3.9


@pytest.fixture(scope="module")
def z():
    return np.random.default_rng(8).normal(0, SPREAD, V)


@pytest.fixture(scope="module")
def built():
    """What the chapter defines, each cure in the place of what it cures; its explorers are not drawn."""
    names = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nexttoken, "explore", lambda *_, **__: None)
        exec("\n".join(cells(PATH, "code")), names)
    return names


def size(logits, p):
    return int(np.isfinite(top_p_filter(logits, p)).sum())


def agree(tokens, filtered):
    np.testing.assert_array_equal(np.sort(tokens), np.flatnonzero(np.isfinite(filtered)))


def test_puzzle(prose, z):
    words, p = prose(NAME), -np.sort(-softmax(z))
    assert f"That of GPT-2 has {V:,} tokens" in words
    assert "with a standard deviation of 3.9" in words
    assert f"Number 14 has {percent(p[13])}, and each of the others has less" in words
    assert p[13] < p[12]
    assert p[13:].sum() > 0.5
    assert f"The fourteenth bar holds {percent(p[13:].sum())}." in words
    assert p[13:].sum() > p[0]
    assert f"Ours lies {(z.max() - z.mean()) / z.std():.1f} above it" in words


def test_the_row_is_like_those_of_a_real_model(prose, z):
    """The figures for GPT-2 cannot be recomputed here; that the invented row lies within them can."""
    words = prose(NAME)
    assert "Their spread is 3.4 to 4.5, and the largest lies 3.5 to 4.1 spreads above the mean" in words
    assert 3.4 <= z.std() <= 4.5
    assert 3.5 <= (z.max() - z.mean()) / z.std() <= 4.1


def test_the_list_would_be_long(prose):
    metres = V * ROW / 72 * 0.0254  # 72 points to an inch
    assert f"the list would be {metres:.0f} metres long" in prose(NAME)


def test_what_lies_beyond_rank_50(prose, z):
    words, ranked = prose(NAME), -np.sort(-z)
    warm, hot = (softmax(ranked / t)[50:].sum() for t in (1, 2))
    assert f"at $T = 1$, {percent(warm)} lies beyond rank 50, at $T = 2$ it is {percent(hot)}." in words
    assert round(100 * (1 - hot)) == 12
    assert "Of a hundred tokens drawn there, twelve or so are in the chart" in words
    mild, strong = (1 / (1 - beyond) for beyond in (warm, hot))
    assert f"{mild:.1f} times at $T = 1$ and {strong:.1f} times at $T = 2$" in words
    assert softmax(ranked / 2)[1000:].sum() > 0.5
    assert "A thousand bars would not do either: at $T = 2$ more than half" in words
    for t in (0.5, 1, 3):  # on a logarithmic axis the same distance is the same factor
        ratio = softmax(ranked[:50] / t) / softmax(ranked / t)[:50]
        np.testing.assert_allclose(ratio, 1 / softmax(ranked / t)[:50].sum(), rtol=1e-12)  # a few roundings


def test_two_nuclei(prose, z):
    words, fifty = prose(NAME), np.sort(z)[-50:]
    all_1, fifty_1, all_2, fifty_2 = (size(row / t, 0.9) for t in (1, 2) for row in (z, fifty))
    assert f"the true nucleus has {all_1} tokens, that of the chart {fifty_1}" in words
    assert f"At $T = 2$ it is {all_2:,} against {fifty_2}." in words


def test_the_bell_moves(prose, z):
    """The formula is exact for a normal law without end; the row has one, which shows at T = 1."""
    words = prose(NAME)
    assert f"{SPREAD / 2:.2f} at $T = 2$" in words
    assert f"and {SPREAD:.1f} at $T = 1$" in words
    assert (
        f"At $T = 1$ the formula asks for {SPREAD**2:.1f}, and the largest logit of all is {z.max():.1f}"
        in words
    )
    for t in (1.5, 2, 3):
        assert softmax(z / t) @ z == pytest.approx(SPREAD**2 / t, rel=0.06)
    assert softmax(z) @ z < 0.85 * SPREAD**2
    assert f"here {SPREAD / np.sqrt(2 * np.log(V)):.2f}, a very large one freezes" in words
    assert f"{NormalDist().inv_cdf(0.9):.2f} for 0.9" in words


@pytest.mark.parametrize("t", [1.5, 2, 3])
def test_the_bell_counts_the_nucleus(prose, z, t):
    normal = NormalDist()
    assert V * normal.cdf(normal.inv_cdf(0.9) - SPREAD / t) == pytest.approx(size(z / t, 0.9), rel=0.1)
    assert "Within a tenth" in prose(NAME)


def test_the_kth_and_its_equals(prose, built, z):
    words, above = prose(NAME), built["above"]
    assert f"{len(above(z, 50))} and {len(above(built['rounded'], 50))} tokens: the 50th itself" in words


@pytest.mark.parametrize("k", [1, 2, 50, 1000, 6000])
@pytest.mark.parametrize("kind", ["normal", "rounded", "equal", "rising", "falling", "masked"])
def test_quick_top_k_is_exact(built, kind, k):
    z = np.random.default_rng(1).normal(0, SPREAD, 6007)  # a prime
    rows = {"normal": z, "rounded": np.round(z), "equal": 0 * z, "rising": np.sort(z), "falling": -np.sort(z)}
    row = rows.get(kind, np.where(np.arange(6007) % 3 == 0, z, -np.inf))
    best = built["quick_top_k"](row, k)
    np.testing.assert_array_equal(best, np.argsort(-row, kind="stable")[:k])
    if np.isfinite(row[best]).all():
        agree(best, top_k_filter(row, k))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.75, 0.9])
def test_rejection_is_exact(built, p):
    """Every token of hostile rows is accepted if and only if it is in the nucleus. Dyadic: nothing rounds."""
    rows = [np.full(4, 0.25), np.array([0.125, 0.5, 0.125, 0.25]), np.array([0.25, 0.25, 0.5, 0]), np.ones(1)]
    for q in rows:
        accepted = [built["inside"](q, i, p) for i in range(len(q))]
        with np.errstate(divide="ignore"):
            kept = np.isfinite(top_p_filter(np.log(q), p))
        np.testing.assert_array_equal(np.array(accepted)[q > 0], kept[q > 0])


def test_rejection_needs_few_draws(prose, z):
    words = prose(NAME)
    for t in (0.5, 1, 3):
        mass = softmax(z / t)[np.isfinite(top_p_filter(z / t, 0.9))].sum()
        assert 1 / mass <= 1 / 0.9
    mass = softmax(z)[np.isfinite(top_p_filter(z, 0.9))].sum()
    assert f"it takes about {1 / mass:.1f} draws" in words


def test_equal_tokens_are_all_inside_without_the_cure(prose, built):
    q = np.full(4, 0.25)
    assert [q[q > q[i]].sum() < 0.5 for i in range(4)] == [True] * 4
    assert size(np.log(q), 0.5) == 2
    assert [built["inside"](q, i, 0.5) for i in range(4)] == [True, True, False, False]
    assert "Four equal tokens at $p = 0.5$, and all are inside, where the rule keeps two" in prose(NAME)


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

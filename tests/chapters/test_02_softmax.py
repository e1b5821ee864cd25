"""The chapter on softmax: every number in its words, and what its checks accept and refuse."""

import numpy as np
import pytest

from nexttoken import BigramModel, count_pairs, load_corpus, log_softmax, softmax
from nexttoken.exercises import check
from nexttoken.plots import percent

NAME = "02_softmax"
Z = np.array([2.0, 1.0, 0.0])
TYPES = ("float16", "float32", "float64")


def naive(z):
    with np.errstate(all="ignore"):
        e = np.exp(z)
        return e / e.sum()


def shifted(z):
    e = np.exp(z - z.max())
    return e / e.sum()


def logs(z):
    below = z - z.max(axis=-1, keepdims=True)
    return below - np.log(np.exp(below).sum(axis=-1, keepdims=True))


def in_the_laboratory(kind, constant):
    return (np.array([0, -1, -2, -30]) + constant).astype(kind)


def test_puzzle_and_triangle(prose):
    words = prose(NAME)
    p = softmax(Z)
    assert f"about {p[0] / p[1]:.1f} times" in words
    assert f"*owl*, at 0, still has {percent(p[2])}" in words
    moving = softmax([[c, 1.0, 0.0] for c in np.arange(-3, 3.5, 0.5)])
    np.testing.assert_allclose(
        moving[:, 1] / moving[:, 2], np.e
    )  # a fixed ratio is a straight line to the corner
    np.testing.assert_allclose(softmax([0.0, 0.0, 0.0]), 1 / 3)
    np.testing.assert_allclose(softmax([2.0, 1.0, 1.0]), softmax([1.0, 0.0, 0.0]))  # "To raise *owl* by 1"


def test_what_float32_cannot_hold(prose):
    words = prose(NAME)
    largest = float(np.finfo(np.float32).max)
    mantissa, exponent = f"{largest:.1e}".split("e+")
    assert rf"about ${mantissa} \times 10^{{{exponent}}}$" in words
    assert f"asks for $e^{{800}}$, a number of {int(800 / np.log(10)) + 1} digits" in words
    with np.errstate(all="ignore"):
        assert np.isposinf(np.exp(np.float32(800)))
        assert np.exp(np.float32(-800)) == 0
    for row in ([800, 799], [-800, -799]):
        assert np.isnan(naive(np.float32(row))).all()
        np.testing.assert_allclose(shifted(np.float32(row)), softmax(row), rtol=1e-6)


def test_order_is_kept_and_scale_is_not(prose):
    many = np.random.default_rng(0).normal(0, 5, (100_000, 5))
    assert "a hundred thousand rows of five logits" in prose(NAME)
    np.testing.assert_array_equal(many.argsort(axis=-1), softmax(many).argsort(axis=-1))
    assert np.ptp((Z + 100) / (Z + 100).sum()) < 0.01  # rescaled, nearly alike
    np.testing.assert_allclose(softmax(Z + 100), softmax(Z))


def test_which_shift_keeps_which_promise(prose):
    """By the mean it overflows, by 1000 all is 0/0; by the maximum it is right."""
    wide = np.float32([200, 0, 0, 0])
    left = wide.max() - wide.mean()
    told = f"The mean of the four is {wide.mean():.0f}, which leaves an exponent of {left:.0f}"
    assert told in prose(NAME)
    with np.errstate(all="ignore"):
        assert np.isposinf(np.exp(wide - wide.mean())).any()
        assert (np.exp(wide - 1000) == 0).all()
    np.testing.assert_allclose(shifted(wide), [1, 0, 0, 0], atol=1e-30)
    assert shifted(np.float32([0, -200]))[1] == 0
    assert logs(np.float32([0, -200]))[1] == -200


def test_thresholds(prose):
    edges = [np.log(float(np.finfo(kind).max)) for kind in TYPES]
    told = ", ".join(f"{edge:.2f} in {kind}" for edge, kind in zip(edges, TYPES, strict=True))
    assert f"An exponential overflows above {told}" in prose(NAME)
    with np.errstate(all="ignore"):
        for kind, edge in (("float32", 88.72), ("float64", 709.78)):
            assert np.isfinite(np.exp(np.array([edge], kind))).all()
            assert np.isinf(np.exp(np.array([edge + 0.01], kind))).all()


@pytest.mark.parametrize(
    ("kind", "right", "wrong"), [("float16", 10, 12), ("float32", 88, 89), ("float64", 709, 710)]
)
def test_laboratory_brackets_the_thresholds(prose, kind, right, wrong):
    np.testing.assert_allclose(naive(in_the_laboratory(kind, right))[:3], softmax(Z), atol=0.001)
    assert np.isnan(naive(in_the_laboratory(kind, wrong)))[0]
    told = {
        "float16": "in float16 between 10 and 12",
        "float32": "right at 88 in float32 and NaN at 89",
        "float64": "in float64 the edge lies between 709 and 710",
    }
    assert told[kind] in prose(NAME)


def test_silent_failures_in_float16(prose):
    words = prose(NAME)
    assert "float16 at 11, below its edge? No NaN: every word has 0 %" in words
    assert (naive(in_the_laboratory("float16", 11)) == 0).all()
    low = ", ".join(percent(p) for p in naive(in_the_laboratory("float16", -17))[:3])
    assert f"float16 at −17 says {low}" in words
    assert np.isnan(naive(in_the_laboratory("float16", -18))).all()


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("constant", [-1000, -745, -104, -17, 0, 11, 89, 710, 1000])
def test_the_cured_ways_ignore_the_constant(kind, constant):
    """Three digits in float16 (its step near 30 is 1/64), six and more in the others."""
    z = in_the_laboratory(kind, constant)
    rough = 0.002 if kind == "float16" else 1e-6
    np.testing.assert_allclose(shifted(z), softmax([0.0, -1, -2, -30]), atol=rough)
    np.testing.assert_allclose(logs(z), log_softmax([0.0, -1, -2, -30]), atol=10 * rough)


def test_the_yeti(prose):
    z = in_the_laboratory("float16", 0)
    assert shifted(z)[3] == 0
    assert f"in float16, at {logs(z)[3]:.2f};".replace("-", "−") in prose(NAME)


def test_a_row_like_that_of_gpt2(prose, settled):
    words = prose(NAME)
    big = np.random.default_rng(0).normal(-135, 3.9, 50_257).astype(np.float32)
    assert big.min() > -180
    assert big.max() < -104
    assert np.isnan(naive(big)).all()
    smallest, normal = (float(getattr(np.finfo(np.float32), x)) for x in ("smallest_subnormal", "tiny"))
    assert f"rounded to 0 below about −{-np.log(smallest / 2):.0f}" in words
    assert f"between −{-np.log(normal):.0f} and −104 it loses digits" in words
    seen = np.sort(softmax(big.astype(float)))[-50:].sum()
    told = f"the first fifty hold {percent(seen)}, the other {len(big) - 50:,} hold {percent(1 - seen)}"
    claim = f"The fifty most probable of the {len(big):,} hold 99 % and more."
    assert settled(NAME)[claim] == (False, told)
    assert round(1 / (1 - seen)) == 8  # "one draw in eight falls there"


def test_the_plus_100_test():
    for constant, passes in ((100, True), (1000, False), (-1000, False)):
        assert np.allclose(naive(Z + constant), softmax(Z)) is passes
        assert not np.allclose(naive(np.float32(Z + constant)), softmax(Z))


def test_visible_tokens_only(prose, fox):
    p = softmax(fox)
    few = softmax(np.sort(fox)[-3:])
    told = (
        f"rises from {percent(p.max())} to {percent(few.max())} because nobody looked at the other {len(p) - 3}"
    )
    assert told in prose(NAME)


def test_confidence(prose, fox):
    words = prose(NAME)
    told = f"the first word goes from {percent(softmax(fox).max())} to {percent(softmax(3 * fox).max())}"
    assert told in words
    corpus = load_corpus()
    young = BigramModel.train(corpus[:80])
    counts = count_pairs(young.vocabulary, " ".join(corpus[80:]))
    probs = softmax(young.embedding @ young.output)
    sure = counts.sum(axis=1) @ probs.max(axis=1) / counts.sum()
    right = counts[np.arange(len(probs)), probs.argmax(axis=1)].sum() / counts.sum()
    assert f"first 80 sentences, ask it about the other {len(corpus) - 80}" in words
    assert f"It says {percent(sure)} and is right in {percent(right)}" in words


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
        ("softmax.3", logs(Z), "function"),
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

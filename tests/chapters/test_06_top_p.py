"""The chapter on top-p: every number in its words, and what its checks accept and refuse."""

import numpy as np
import pytest

from nexttoken import BigramModel, next_token, softmax, top_k_filter, top_p_filter
from nexttoken.exercises import check
from nexttoken.plots import percent

NAME = "06_top_p"
EIGHTHS = (0.5, 0.25, 0.125, 0.125)


def size(logits, p):
    return int(np.isfinite(top_p_filter(logits, p)).sum())


@pytest.fixture(scope="module")
def after(model: BigramModel):
    """The logits after a word."""
    return lambda word: model.logits(model.vocabulary[word])


def test_puzzle(prose, model, fox):
    words, p = prose(NAME), softmax(fox)
    assert f"The model knows {len(fox)} words, the full stop among them" in words
    assert round(len(fox) / 10) == 5
    assert "five, which is a tenth of 48" in words
    assert (p > 0.1).sum() == 3
    assert "three, those that have more than 10 %" in words
    assert size(fox, 0.1) == 1
    assert "One. The 0.1 is not a share of the words" in words
    assert model.vocabulary.tokens[int(fox.argmax())] == "jumps"


def test_one_rule_two_shapes(prose, model, after):
    words = prose(NAME)
    spiky, flat = (np.sort(softmax(after(w)))[::-1] for w in ("jumps", "the"))
    assert f"After *jumps* the model is nearly sure, and {size(after('jumps'), 0.9)} words are enough" in words
    assert f"and it takes {size(after('the'), 0.9)}." in words
    firsts = [model.vocabulary.tokens[after(w).argmax()] for w in ("jumps", "the")]
    assert f"row 1 is *{firsts[0]}* on the left and *{firsts[1]}* on the right" in words
    assert f"two words of the many that would do, {percent(flat[:2].sum())} of the probability" in words
    assert f"eighteen words that hold {percent(spiky[2:20].sum())} together" in words
    assert (
        f"keeps {size(after('jumps'), 0.9)} words on the left and {size(after('the'), 0.9)} on the right"
        in words
    )


def test_heat_fills_the_nucleus_from_the_tail(prose, fox):
    cold, one, hot = (size(fox / t, 0.9) for t in (0.4, 1, 2))
    assert f"At $T = 0.4$, 1 and 2 the same $p$ keeps {cold}, {one} and {hot} words" in prose(NAME)


def test_bill(prose, model, fox, after):
    """KL is −ln m, and never above −ln p; that of top-k has no such cap."""
    words = prose(NAME)
    for word in ("fox", "jumps", "the"):
        p = softmax(after(word))
        for x in np.linspace(0.05, 0.95, 91):
            z = top_p_filter(after(word), x)
            kept = np.isfinite(z)
            bill = (softmax(z)[kept] * np.log(softmax(z)[kept] / p[kept])).sum()
            np.testing.assert_allclose(bill, -np.log(p[kept].sum()), rtol=0, atol=1e-12)  # sums of 48 floats
            assert -np.log(p[kept].sum()) <= -np.log(x) + 1e-12
    assert f"more than $-\\ln p$, which is {-np.log(0.9):.3f} nats at $p = 0.9$" in words
    five = softmax(after("the"))[np.isfinite(top_k_filter(after("the"), 5))].sum()
    assert f"The five best words after *the* hold {percent(five)}, and the bill is {-np.log(five):.3f}" in words
    kept = np.isfinite(top_p_filter(fox, 0.8))
    assert kept.sum() == 3
    assert f"Asked for 80 %, the rule kept {percent(softmax(fox)[kept].sum())}." in words
    survivors = [model.vocabulary.tokens[i] for i in np.flatnonzero(kept)]
    assert "*{}*, *{}* and *{}* in the order of the vocabulary".format(*survivors) in words


def test_flat_bill_stays_closer_to_the_cap(after):
    grid = np.linspace(0.05, 0.95, 91)
    gaps = {}
    for word in ("the", "jumps"):
        p = softmax(after(word))
        mass = np.array([p[np.isfinite(top_p_filter(after(word), x))].sum() for x in grid])
        gaps[word] = (-np.log(grid) + np.log(mass)).mean()
    assert gaps["the"] < 0.2 * gaps["jumps"]


@pytest.mark.parametrize("kind", [np.float64, np.float32])
def test_bench(prose, kind):
    words = prose(NAME)
    ends = np.cumsum(np.array(EIGHTHS, kind))
    assert (1 + (ends < kind(0.75)).sum(), 1 + (ends <= kind(0.75)).sum()) == (2, 3)
    ends = np.cumsum(np.array([0.6, 0.3, 0.1], kind))
    count = 3 if kind is np.float64 else 2
    assert (1 + (ends < kind(0.9)).sum(), 1 + (ends <= kind(0.9)).sum()) == (count, count)
    side = {
        3: "In float64 the sum is a hair below 0.9, so both keep 3",
        2: "in float32 it is a hair above, so both keep 2",
    }
    assert side[count] in words
    assert (ends[1] > kind(0.9)) == (count == 2)
    assert size(np.log(np.array([0.6, 0.3, 0.1], kind)), 0.9) == 2
    assert "within 8 **machine epsilons**" in words


CARDS = {
    "A": lambda probs, p: 1 + (np.cumsum(probs) < p).sum(),
    "B": lambda probs, p: (np.cumsum(probs[::-1]) > 1 - p).sum(),
    "C": lambda probs, p: 1 + (np.cumsum(probs) <= p).sum(),
    "D": lambda probs, p: (np.cumsum(probs) <= p).sum(),
    "E": lambda probs, p: max(1, (np.cumsum(probs) < p).sum()),
}


def test_museum(prose):
    words = prose(NAME)
    inputs = [(EIGHTHS, 0.75), (EIGHTHS, 0.8), ((0.5, 0.41, 0.09), 0.9), ((0.4, 0.3, 0.2, 0.1), 0.8)]
    counts = {letter: [int(rule(*case)) for case in inputs] for letter, rule in CARDS.items()}
    assert counts == {
        "A": [2, 3, 2, 3], "B": [2, 3, 2, 3], "C": [3, 3, 2, 3], "D": [2, 2, 1, 2], "E": [1, 2, 1, 2],
    }  # fmt: skip
    a, b, c, d = counts["A"]
    assert f"On paper the counts are {a}, {b}, {c} and {d}" in words
    assert [size(np.log(probs), p) for probs, p in inputs] == counts["A"]
    assert (CARDS["D"]((0.9, 0.1), 0.5), CARDS["E"]((0.9, 0.1), 0.5)) == (0, 1)


def test_order_of_steps(prose, settled):
    words, z = prose(NAME), np.array([3.0, 2.0, 1.0])
    first, last = size(z / 0.5, 0.8), size(z, 0.8)
    said = (False, f"heat first keeps {first}, heat last keeps {last}")
    assert settled(NAME)["It is all the same whether temperature or top-p comes first."] == said
    assert (first, last) == (1, 2)
    assert softmax(z)[0] < 0.8 < softmax(z / 0.5)[0]  # alone when sharpened first, short of p when last
    z = np.log([0.4, 0.2, 0.1, 0.1, 0.1, 0.1])
    after_k = np.isfinite(top_p_filter(top_k_filter(z, 3), 0.8)).sum()
    after_p = np.isfinite(top_k_filter(top_p_filter(z, 0.8), 3)).sum()
    assert softmax(top_k_filter(z, 3))[:2].sum() == pytest.approx(6 / 7)
    assert f"so {after_k} stay. Top-p first needs four, and top-k then leaves {after_p}" in words
    assert size(z, 0.8) == 4


@pytest.mark.parametrize("seed", range(3))
def test_large_vocabulary(prose, seed):
    """A hundred seeds gave 11,557 to 13,266 tokens at T = 2, and 34 to 43 of the fifty."""
    large = np.random.default_rng(seed).normal(0, 3.9, 50_257)
    assert size(large / 2, 0.9) > 10_000
    assert size(np.sort(large)[-50:] / 2, 0.9) == pytest.approx(40, abs=7)
    assert "holds more than 10,000 tokens; the display that saw fifty reports about 40" in prose(NAME)


def test_the_ends_of_the_dial(fox):
    """p = 1 masks nothing and a tiny p leaves one; the eight draws shown at p = 1 are not all alike."""
    assert (size(fox, 1), size(fox, 1e-9)) == (48, 1)
    rng = np.random.default_rng(0)
    assert len({int(next_token(fox, rng, top_p=1)) for _ in range(8)}) > 1
    assert {int(next_token(fox, rng, top_p=1e-9)) for _ in range(8)} == {int(fox.argmax())}


def test_a_probable_word_is_cut(prose, after):
    words, kept = prose(NAME), {w: np.isfinite(top_p_filter(after(w), 0.95)) for w in ("jumps", "the")}
    cut_there = softmax(after("jumps"))[~kept["jumps"]].max()
    kept_here = softmax(after("the"))[kept["the"]].min()
    assert cut_there > kept_here
    assert f"a word with {percent(cut_there)} must go after *jumps*" in words
    assert f"and one with {percent(kept_here)} may stay after *the*" in words


@pytest.mark.parametrize("seed", range(3))
def test_min_p_cuts_more(prose, seed):
    """The chapter shows seed 0, a ratio of 776; a hundred seeds gave 43 to 6,337."""
    hot = np.random.default_rng(seed).normal(0, 3.9, 50_257) / 2
    ratio = size(hot, 0.9) / (hot >= hot.max() + np.log(0.1)).sum()
    assert ratio > (100 if seed == 0 else 40)
    probs = softmax(hot)
    np.testing.assert_array_equal(hot >= hot.max() + np.log(0.1), probs >= 0.1 * probs.max())
    assert "min-p keeps less than a hundredth of what top-p keeps" in prose(NAME)


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


def test_reversing_a_sort_reverses_its_ties(prose):
    probs = np.full(4, 0.25)
    assert np.argsort(probs, kind="stable")[::-1][:2].tolist() == [3, 2]
    assert np.argsort(-probs, kind="stable")[:2].tolist() == [0, 1]
    assert "It took the last two" in prose(NAME)

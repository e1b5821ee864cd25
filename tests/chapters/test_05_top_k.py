"""The chapter on top-k: every number in its words, and what its checks accept and refuse."""

import numpy as np
import pytest

from nexttoken import (
    apply_temperature,
    count_pairs,
    generate,
    greedy,
    load_corpus,
    log_softmax,
    next_token,
    sample,
    softmax,
    top_k_filter,
)
from nexttoken.exercises import check
from nexttoken.plots import percent

NAME = "05_top_k"


def kept_mass(z, k):
    return softmax(z)[np.isfinite(top_k_filter(z, k))].sum()


@pytest.fixture(scope="module")
def after(model):
    return {word: model.logits(model.vocabulary[word]) for word in ("swims", "fox", "the")}


def test_the_puzzle(prose, model, fox):
    words, p, cut = prose(NAME), softmax(fox), softmax(top_k_filter(fox, 3))
    jumps = model.vocabulary["jumps"]
    best = [model.vocabulary.tokens[i] for i in np.argsort(-fox)[:3]]
    assert best == ["jumps", "cat", "dog"]
    assert f"The word *jumps* had {percent(p[jumps])}." in words
    assert f"{percent(p[jumps] + (1 - kept_mass(fox, 3)) / 3)}: the three share" in words
    assert f"{percent(cut[jumps])}: each of the three grows by the same factor" in words
    assert f"The three held {percent(kept_mass(fox, 3))} together" in words
    assert f"You met the {percent(cut[jumps])} in [softmax]" in words
    assert percent(cut[jumps]) in prose("02_softmax")


def test_kept_mass(prose, after):
    words, swims, the = prose(NAME), after["swims"], after["the"]
    one = f"{percent(kept_mass(swims, 1))} after *swims* and {percent(kept_mass(the, 1))} after *the*"
    assert f"At $k = 1$ it is {one}" in words
    assert f"*swims* has {percent(kept_mass(swims, 5))}: *in*, and four words that never came" in words
    assert f"*The* has {percent(kept_mass(the, 5))} and has lost most" in words
    assert kept_mass(the, 5) < 0.5
    factor = softmax(top_k_filter(the, 5))[greedy(the)] / softmax(the)[greedy(the)]
    assert f"each of the five becomes {factor:.1f} times as probable" in words
    counts = {word: next(k for k in range(1, 49) if kept_mass(z, k) >= 0.9) for word, z in after.items()}
    need = (
        f"*swims* needs {counts['swims']} token, *fox* needs {counts['fox']}, and *the* needs {counts['the']}"
    )
    assert f"To keep nine tenths of the mass, {need}" in words


def test_what_the_words_say_of_the_panels(prose, model, after):
    """On the left very rare words come in; on the right ordinary ones are forbidden."""
    words, index = prose(NAME), model.vocabulary
    swims, the = (-np.sort(-softmax(after[word])) for word in ("swims", "the"))
    rare = percent(swims[1:5].max())
    assert f"to which the model itself gives {rare} at most" in words
    shown = percent(np.sort(softmax(top_k_filter(after["swims"], 5)))[-2])
    assert f"Where this says {rare} the bars say {shown}: they show what each has" in words
    assert "it forbids words with more than 4 %" in words
    assert f"the fifth, which has {percent(the[4])} and may stay" in words
    assert 0.04 < the[5:10].min() < the[5:10].max() < 0.045
    counts = count_pairs(index, " ".join(load_corpus()))[index["swims"]]
    five = np.argsort(-after["swims"], kind="stable")[:5]
    assert index.tokens[five[0]] == "in"
    assert counts[five[0]] > 0
    assert (counts[five[1:]] == 0).all(), "four words that never came after it"


def test_ends_and_order(fox):
    assert softmax(top_k_filter(fox, 1))[greedy(fox)] == 1
    np.testing.assert_array_equal(top_k_filter(fox, 999), fox)
    for t in np.arange(1, 13) / 4:
        for k in range(1, 13):
            np.testing.assert_array_equal(
                top_k_filter(apply_temperature(fox, t), k), apply_temperature(top_k_filter(fox, k), t)
            )


def test_two_wrong_cuts(prose, model, fox, after):
    words, keep = prose(NAME), np.isfinite(top_k_filter(fox, 3))
    short = np.where(keep, softmax(fox), 0)
    with pytest.raises(ValueError, match=r"sums to 0\.808"):
        sample(short, np.random.default_rng(0))
    end, half = len(fox) - 1, np.searchsorted(np.cumsum(short), 0.5)
    assert f"The point 0.5 hits token {half}, *{model.vocabulary.tokens[half]}*" in words
    assert np.searchsorted(np.cumsum(short), 0.9) == end + 1
    assert f"at token {end + 1} of a vocabulary that ends with {end}" in words
    assert f"happens to {percent(1 - short.sum())} of the draws" in words
    assert f"the last word of the vocabulary, here *{model.vocabulary.tokens[-1]}*" in words
    kept = np.isfinite(top_k_filter(after["the"], 3))
    zeroed = softmax(np.where(kept, after["the"], 0))
    left = f"words that were cut after *the* still hold {percent(zeroed[~kept].sum())}"
    assert f"The {(~kept).sum()} {left}" in words


def test_rules_differ_at_a_tie():
    tied = np.array([3.0, 2.0, 2.0, 1.0])
    assert (tied >= np.sort(tied)[-2]).tolist() == [True, True, True, False]
    assert np.isfinite(top_k_filter(tied, 2)).tolist() == [True, True, False, False]
    row = np.array([2.0, 3.0, 2.0])
    assert np.argsort(row, kind="stable")[::-1].tolist() == [1, 2, 0]
    assert np.argsort(-row, kind="stable").tolist() == [1, 0, 2]


def test_wide_vocabulary(prose):
    """Numbers of one seed, the chapter's. It is a middling one: over 200 seeds the fifty keep 48 to 98 % at
    T = 1 (median 70 %) and 9 to 20 % at T = 2 (median 12 %), as the largest few logits fall out."""
    words, wide = prose(NAME), np.random.default_rng(7).normal(0, 3.9, 50_257)
    rounded = np.round(wide * 16) / 16
    kept = {k: int((rounded >= np.sort(rounded)[-k]).sum()) for k in (10, 50, 200)}
    assert all(count >= k for k, count in kept.items())
    assert max(count - k for k, count in kept.items()) > 0
    assert f"At $T = 1$ the fifty keep {percent(kept_mass(wide, 50))}" in words
    assert f"At $T = 2$ they keep {percent(kept_mass(wide / 2, 50))}" in words
    seen = np.sort(wide)[-50:]
    assert f"its favourite {percent(softmax(wide / 2).max())} and the chart says" in words
    assert f"the chart says {percent(softmax(seen / 2).max())}" in words


def test_log_probabilities_before_and_after_the_cut(prose, fox):
    words, jumps = prose(NAME), greedy(fox)
    for row in (fox, top_k_filter(fox, 3)):
        assert f"$\\ln {softmax(row)[jumps]:.3f}$" in words
        assert log_softmax(row)[jumps] == pytest.approx(np.log(softmax(row)[jumps]))


def test_the_sentences_at_four_values_of_k(prose, model):
    """Of one seed, the chapter's: only k = 1 gives the same sentence at every seed."""
    rng = np.random.default_rng(1)
    said = [
        generate(model, "the", lambda z, k=k: next_token(z, rng, top_k=k))
        for k in (1, 3, 10, len(model.vocabulary))
    ]
    assert said[0] == generate(model, "the", greedy)
    assert "behind bear" in said[3]
    assert "the accident is *behind bear*" in prose(NAME)
    assert "fox dog" in said[1]
    assert any("the fox, dog and hare" in sentence.lower() for sentence in load_corpus())
    assert "*Fox dog* is no accident. The corpus has *the fox, dog and hare*" in prose(NAME)


def test_what_a_ban_costs(prose, model):
    words, index = prose(NAME), model.vocabulary
    order = np.argsort(-model.logits(np.arange(48)), axis=1, kind="stable")
    ranks = np.argsort(order, axis=1) + 1
    walks = [index.encode(". " + sentence) for sentence in load_corpus()]
    steps = [ranks[walk[:-1], walk[1:]] for walk in walks]
    worst = np.array([step.max() for step in steps])
    single = percent((np.concatenate(steps) <= 10).mean())
    left = f"only {percent((worst <= 10).mean())} of its own schoolbook is left"
    assert f"At $k = 10$ the model may take {single} of the steps, and {left}" in words
    assert f"All of it needs {worst.max()}" in words


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

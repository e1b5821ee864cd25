"""The chapter on logits: every number in its words, and what its checks accept and refuse."""

import numpy as np
import pytest

from nexttoken import BigramModel, cross_entropy, load_corpus, log_softmax, softmax
from nexttoken.exercises import check
from nexttoken.plots import percent

NAME = "01_logits"
SECOND = 10 - np.log(2)


def test_numbers_about_the_model(prose, model, fox):
    words = prose(NAME)
    top = np.argsort(-fox)[:13]
    assert f"learns from {len(load_corpus())} sentences" in words
    assert f"thirteen largest logits, and one row for the other {len(fox) - 13} tokens" in words
    assert f"one logit per token, {len(fox)} in all" in words
    assert (fox[top] > 0).all()  # the first figure starts at 0
    assert f"a row of {model.embedding.shape[1]} numbers" in words
    assert f"a column of {model.output.shape[0]} numbers" in words
    rank = np.linalg.matrix_rank(model.embedding @ model.output)
    assert f"All {len(fox)} rows are mixtures of only {rank}" in words


def test_a_constant_changes_nothing(prose, fox):
    assert "adds 5 to *every* logit" in prose(NAME)
    for constant in range(-10, 11):
        np.testing.assert_allclose(softmax(fox + constant), softmax(fox), rtol=1e-12)
        assert (np.sort(fox)[-13:] + constant).min() >= -10
        assert (fox + constant).max() <= 20


def test_distances(prose, model, fox):
    words = prose(NAME)
    jumps, cat = model.vocabulary["jumps"], model.vocabulary["cat"]
    p = softmax(fox)
    assert f"A distance of {fox[jumps] - fox[cat]:.2f} is about two to one" in words
    assert round(p[jumps] / p[cat]) == 2
    known = f"A distance of {np.log(2):.2f} is two to one, 1 is {np.e:.1f} to one, and 2.3 is ten to one"
    assert known in words
    assert np.exp(2.3) == pytest.approx(10, rel=0.005)


def test_unnormalised_and_not_log_odds(prose, model, fox):
    words = prose(NAME)
    p, top = softmax(fox), np.argsort(-fox)[:4]
    constant = fox - log_softmax(fox)
    np.testing.assert_allclose(constant, constant[0])
    assert f"For every token the constant is {constant[0]:.2f}" in words
    assert np.log(np.exp(fox).sum()) == pytest.approx(constant[0])
    assert f"the constant $c$ that nobody wrote down, {constant[0]:.2f} after *fox*" in words
    z = model.logits(model.vocabulary.encode("jumps sleep"))
    word = model.vocabulary["in"]
    (first, second), (p_first, p_second) = z[:, word], softmax(z)[:, word]
    assert f"After *jumps* its logit is {first:.2f}, after *sleep* only {second:.2f}" in words
    assert f"Its probabilities are {percent(p_first)} and {percent(p_second)}" in words
    assert len(set((fox - np.log(p / (1 - p)))[top].round(2))) == 4
    two = softmax([1.5, 0.5])  # the chapter's cell: their distance is 1
    assert np.log(two[0] / (1 - two[0])) == pytest.approx(1)


def test_dot_products(model, fox):
    """The fifth product decides as the words say, and every bar fits between the limits of −9 and 9."""
    products = model.embedding[model.vocabulary["fox"]][:, None] * model.output
    np.testing.assert_allclose(products.sum(axis=0), fox)
    assert max(np.abs(products).max(), np.abs(fox).max()) < 9
    the, jumps, cat = (model.vocabulary[word] for word in ("the", "jumps", "cat"))
    assert products[4, the] == products[:, the].min() < -5
    for word in (jumps, cat):
        assert products[4, word] == products[:, word].max() > 5
    assert "fox the" not in " ".join(load_corpus()).lower()


def test_the_quick_cure(prose, fox):
    shares = []
    for constant in (-5, 0, 5):
        positive = np.maximum(fox + constant, 0)
        shares.append(percent(positive.max() / positive.sum()))
    less, as_is, more = shares
    told = f"With 5 taken from every logit *jumps* gets {less}, as they are {as_is}, with 5 added {more}"
    assert told in prose(NAME)


def test_surprise(prose, model, fox):
    jumps, moon = model.vocabulary["jumps"], model.vocabulary["moon"]
    told = f"a little surprised, {cross_entropy(fox, jumps):.2f}; at *moon*, {cross_entropy(fox, moon):.2f}"
    assert told in prose(NAME)
    assert f"The logits say {cross_entropy([0.0, -1000.0], 1):.0f}, and are right" in prose(NAME)


def test_steps_by_hand(prose):
    """Two steps put the owl first; both texts end as told; the sum stays; the bars fit."""
    ends = {}
    for name, y in (("owl", [0, 0, 1]), ("half", [0.5, 0.25, 0.25])):
        walk = [np.array([2.0, 1.0, 0.0])]
        for _ in range(20):
            walk.append(walk[-1] - (softmax(walk[-1]) - y))
        np.testing.assert_allclose(np.sum(walk, axis=1), 3)
        assert np.min(walk) >= -3
        assert np.max(walk) <= 4
        ends[name] = walk
    third = softmax(ends["owl"][2])[2]
    assert f"Two steps, and *owl*, if that is the third token, leads with {percent(third)}" in prose(NAME)
    assert "the three logits sum to 3" in prose(NAME)
    np.testing.assert_allclose(softmax(ends["half"][-1]), [0.5, 0.25, 0.25], atol=0.002)
    assert softmax(ends["owl"][-1])[2] < 0.99
    assert (np.diff([z[2] for z in ends["owl"]]) > 0).all()


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

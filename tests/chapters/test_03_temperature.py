"""The chapter on temperature: every number in its words, and what its checks accept and refuse."""

import numpy as np
import pytest

from nexttoken import (
    BigramModel,
    apply_temperature,
    count_pairs,
    entropy,
    generate,
    greedy,
    load_corpus,
    next_token,
    softmax,
)
from nexttoken.exercises import check
from nexttoken.plots import percent

NAME = "03_temperature"
Z = np.array([2.0, 1.0, 0.0])
HEAT = np.linspace(0.1, 3, 59)


def test_numbers_about_fox(prose, model, fox):
    words = prose(NAME)
    p, cold, hot = softmax(fox), softmax(fox / 0.5), softmax(fox / 2)
    jumps, cat = model.vocabulary["jumps"], model.vocabulary["cat"]
    top = np.argsort(-fox)[:13]
    assert f"*jumps* gets {percent(p[jumps])}, *cat* {percent(p[cat])}: about two to one" in words
    assert round(p[jumps] / p[cat]) == 2
    assert f"about {(p[jumps] / p[cat]) ** 0.5:.1f} to one" in words
    assert f"At $T = 0.5$ *jumps* has {percent(cold[jumps])}" in words
    rest = f"the {len(fox) - 13} words of the last row hold {percent(hot.sum() - hot[top].sum())} together"
    assert f"At $T = 2$ it has {percent(hot[jumps])}, and {rest}" in words
    assert f"as if it had {np.exp(entropy(p)):.1f} equal words" in words


def test_curves_do_what_the_words_say(fox):
    """*jumps* only falls with heat; the next three rise before they fall; no lines cross; H never falls."""
    top = np.argsort(-fox)[:4]
    lines = softmax(fox / HEAT[:, None])[:, top]
    assert (np.diff(lines[:, 0]) < 0).all()
    for line in lines[:, 1:].T:  # one turn, inside the range
        turn = line.argmax()
        assert 0 < turn < len(HEAT) - 1
        assert (np.diff(line[: turn + 1]) > 0).all()
        assert (np.diff(line[turn:]) < 0).all()
    assert (np.diff(lines, axis=1) < 0).all()
    assert (np.diff(entropy(softmax(fox / HEAT[:, None]))) > 0).all()


def test_prediction_shapes_fit_the_figure_and_meet_the_truth_at_one(prose, model, fox):
    cat = softmax(fox)[model.vocabulary["cat"]]
    assert "rise slowly from 0.1 to 3" in prose(NAME)
    assert cat == pytest.approx(0.22, abs=0.005)  # all three guesses pass here
    for shape in (np.minimum(1, 0.22 / HEAT), 0.22 * HEAT, 0.22 * HEAT * np.exp(1 - HEAT)):
        assert (shape <= 1).all()
    assert (np.diff(0.22 * HEAT * np.exp(1 - HEAT)) > 0).sum() not in (0, 58)  # rises, then falls


def test_logits_in_the_frame_of_the_explorer(fox):
    """From 0.2 up, where the axis ends at 40; below, bars are cut off as the words say. None starts below 0."""
    assert fox.max() / 0.2 < 40 < fox.max() / 0.1
    assert np.sort(fox)[-13] > 0


def test_true_or_false(settled, fox):
    """T = 1 is the model; a low T lowers negative logits and sharpens; the order stays."""
    said = settled(NAME)
    np.testing.assert_array_equal(apply_temperature(fox, 1), fox)
    tops = " ".join(percent(softmax(fox / t).max()) for t in (0.5, 1, 2))
    assert said["A temperature of 1 flattens the distribution a little."] == (
        False, f"jumps at T = 0.5, 1 and 2: {tops}"
    )  # fmt: skip
    low = np.array([-3.0, -4.0, -5.0])
    assert (apply_temperature(low, 0.5) < low).all()
    first = " ".join(percent(softmax(low / t)[0]) for t in (1, 0.5))
    verdict, evidence = said["A low temperature makes large logits larger and small ones smaller."]
    assert not verdict
    assert evidence.endswith(f"the first has {first}")
    for t in HEAT:
        np.testing.assert_array_equal(np.argsort(-fox / t), np.argsort(-fox))


def test_path_is_bent():
    """The lead of the second over the third is largest on the way; a mixture with a die has none."""
    heat = np.arange(1, 51) / 10  # the stops of the slider
    lead = softmax(Z / heat[:, None]) @ [0, 1, -1]
    assert heat[lead.argmax()] == 1  # "largest near $T = 1$"
    assert lead[0] < 0.001
    assert softmax(Z / 30) @ [0, 1, -1] < 0.02
    mixture = 0.7 * np.array([1, 0, 0]) + 0.3 / 3
    assert mixture[1] == mixture[2]


def test_the_cold_end(prose):
    """Put into the formula, 0 is NaN; as a limit, greedy; a tie is shared, a near tie not yet frozen."""
    words = prose(NAME)
    with np.errstate(all="ignore"):
        e = np.exp(Z / 0)
        assert np.isnan(e / e.sum()).all()
        assert f"the largest logit has become ${Z.max() / 0.002:.0f}$" in words
        assert np.isinf(np.exp(Z.max() / 0.002))
    np.testing.assert_allclose(softmax(Z / 0.03), [1, 0, 0], atol=1e-12)
    with pytest.raises(ValueError, match="greedy"):
        apply_temperature(Z, 0)
    assert next_token(Z, np.random.default_rng(0), temperature=0) == greedy(Z) == 0
    close = np.array([[1.0, 1.0, 0.0], [1.0, 0.99, 0.0]])
    np.testing.assert_allclose(softmax(close / 0.01)[0], [0.5, 0.5, 0], atol=1e-12)
    assert f"the second word still comes {percent(softmax(close / 0.01)[1, 1])} of the time" in words
    assert (greedy(close) == 0).all()


def test_the_hot_end_and_beyond():
    """Both sides of infinite heat meet at one third each; below 0 the least probable word leads."""
    for t in (1e6, -1e6):
        np.testing.assert_allclose(softmax(Z / t), 1 / 3, atol=1e-6)
    for coldness in (-3, -1, -0.1):
        assert softmax(coldness * Z).argmax() == Z.argmin()
    with pytest.raises(ValueError, match="temperature"):
        apply_temperature(Z, -0.5)


def test_thermometer(prose, fox):
    words = prose(NAME)
    cold, hot = (np.exp(entropy(softmax(fox / t))) for t in (0.1, 3))
    told = f"From {cold:.1f} words at $T = 0.1$ to {hot:.1f} at 3, and on towards {len(fox)}"
    assert told in words
    nats = entropy(softmax(fox))
    assert 2 ** (nats / np.log(2)) == pytest.approx(np.exp(nats))
    assert np.exp(entropy(softmax(fox / 1e9))) == pytest.approx(len(fox))


def test_numbers_do_not_travel(prose, fox):
    shares = [percent(softmax(row).max()) for row in (fox, fox / 0.3, 2 * fox)]
    assert f"*jumps* has {shares[0]}, {shares[1]} and {shares[2]}" in prose(NAME)


def test_creativity(prose, model, fox):
    """The stories of the seed shown, and of the two that are kinder; heat raises what was never said."""
    words = prose(NAME)

    def story(t, seed):
        rng = np.random.default_rng(seed)
        return generate(model, "fox", lambda z: next_token(z, rng, temperature=t))

    assert story(0.3, 2).split().count("fox") >= 3
    assert story(3, 2) == "fox dog chases the bear sees the dog."
    assert story(0.3, 0) == "fox jumps over the barn."
    assert story(3, 1) == "fox jumps under a tree."
    assert "with seed 0 the cold fox jumps over the barn, with seed 1 the hot one jumps under a tree" in words
    new = count_pairs(model.vocabulary, " ".join(load_corpus()))[model.vocabulary["fox"]] == 0
    assert f"There are {new.sum()} tokens that never follow *fox* in the text" in words
    cold, hot = (percent(softmax(fox / t)[new].sum()) for t in (0.5, 3))
    assert f"{cold} at $T = 0.5$, {hot} at 3" in words


def test_accuracy(prose):
    """The first choice is as good at any temperature; only the claim and the draw move."""
    words, corpus = prose(NAME), load_corpus()
    young = BigramModel.train(corpus[:80])
    seen = count_pairs(young.vocabulary, " ".join(corpus[80:]))
    assert f"on 80 sentences and ask it about the other {len(corpus) - 80}" in words
    claims, rights, draws = {}, [], []
    for t in (0.2, 1, 1.2, 2):
        p = softmax(young.embedding @ young.output / t)
        claims[t] = seen.sum(axis=1) @ p.max(axis=1) / seen.sum()
        rights.append(seen[np.arange(len(p)), p.argmax(axis=1)].sum() / seen.sum())
        draws.append((seen * p).sum() / seen.sum())
    assert set(rights) == {rights[0]}
    assert f"The first choice is right in {percent(rights[0])} at *every* temperature" in words
    assert f"at $T = 0.2$ it claims {percent(claims[0.2])}" in words
    assert abs(claims[1.2] - rights[0]) < 0.01  # "almost meet"
    assert (np.diff(draws) < 0).all()
    assert 0 < rights[0] - draws[0] < 0.015  # "close to that figure, from below"


def test_slope_of_entropy(fox):
    t, step = 1.3, 1e-5
    p = softmax(fox / t)
    measured = (entropy(softmax(fox / (t + step))) - entropy(softmax(fox / (t - step)))) / (2 * step)
    assert measured == pytest.approx((p * (fox - p @ fox) ** 2).sum() / t**3, rel=1e-6)


def test_a_tenth_more_temperature(prose, fox):
    """The slope falls on the way, so it is a little less than a tenth of the slope at 1."""
    more = entropy(softmax(fox / 1.1)) - entropy(softmax(fox))
    assert f"a tenth more temperature adds about {more:.2f} nats" in prose(NAME)
    p = softmax(fox)
    assert 0.95 < more / (0.1 * (p * (fox - p @ fox) ** 2).sum()) < 1


def by_loop(logits, temperature):
    if np.ndim(logits) > 1:
        return [by_loop(row, temperature) for row in logits]
    e = [np.exp((z - max(logits)) / temperature) for z in logits]
    return [x / sum(e) for x in e]


def one_maximum(z, t):
    """Right but for a batch whose rows lie far apart."""
    e = np.exp((z - z.max()) / t)
    return e / e.sum(axis=-1, keepdims=True)


def stable(z, t):
    z = np.asarray(z) / t
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("temperature.1", 2.83),
        ("temperature.1", np.sqrt(8)),
        ("temperature.2", 3),
        ("temperature.2", np.float32(2.99)),
        ("temperature.2", np.log(27) / np.log(3)),
        ("temperature.3", stable),
        ("temperature.3", by_loop),
        ("temperature.3", lambda z, t: stable(np.float32(z), t)),
        ("temperature.3", lambda logits, temperature: softmax(np.asarray(logits) / temperature)),
    ],
)
def test_right_answers(name, answer):
    assert check(name, answer).right


@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [
        ("temperature.1", 4, "dividing the ratio"),
        ("temperature.1", 64, "squares"),
        ("temperature.1", 16, "gap"),
        ("temperature.1", 8, "gap"),
        ("temperature.1", 2.9, "gap"),
        ("temperature.1", 8**-0.5, "gap"),
        ("temperature.1", "2.83", ""),
        ("temperature.2", 9, "too small"),
        ("temperature.2", 1, "too large"),
        ("temperature.2", 2.9, "too large"),
        ("temperature.2", 3.1, "too small"),
        ("temperature.2", float("inf"), "too small"),
        ("temperature.2", -3, "above 0"),
        ("temperature.3", softmax, "raised"),
        ("temperature.3", stable([1.0], 1), "function"),
        ("temperature.3", lambda z, t: z / t, "sum to"),
        ("temperature.3", lambda z, t: softmax(z), "Nothing changed"),
        ("temperature.3", lambda z, t: softmax(z * t), "multiplied"),
        ("temperature.3", lambda z, t: np.exp(z / t) / np.exp(z / t).sum(-1, keepdims=True), "NaN"),
        ("temperature.3", one_maximum, "whose maximum"),
        ("temperature.3", lambda z, t: np.exp((z - z.max()) / t) / np.exp((z - z.max()) / t).sum(), "batch"),
    ],
)
def test_wrong_answers_get_a_hint(name, answer, hint):
    verdict = check(name, answer)
    assert verdict.right is False
    assert hint in verdict.text

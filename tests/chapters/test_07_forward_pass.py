"""The chapter on the forward pass: every number in its words, and what its checks accept and refuse."""

import numpy as np
import pytest

from nexttoken import (
    apply_temperature,
    generate,
    greedy,
    log_softmax,
    next_token,
    sample,
    softmax,
    tokenize,
    top_k_filter,
    top_p_filter,
)
from nexttoken.exercises import check
from nexttoken.plots import number, percent

NAME = "07_forward_pass"
RULES = {
    "greedy": lambda z: top_k_filter(z, 1),
    "temperature 1.5": lambda z: apply_temperature(z, 1.5),
    "top-k 3": lambda z: top_k_filter(z, 3),
    "top-p 0.8": lambda z: top_p_filter(z, 0.8),
}


def write(model, prompt, rule, seed):
    rng = np.random.default_rng(seed)
    return generate(model, prompt, lambda z: sample(softmax(RULES[rule](z)), rng))


def test_sizes(prose, model):
    words, (v, d) = prose(NAME), model.embedding.shape
    learnt = model.embedding.size + model.output.size
    assert f"All {v} logits, and so all {v} probabilities, come from the {d} numbers of the embedding" in words
    assert f"- {v}, one for each word, - {learnt}, or - {v * v:,}, one for each pair" in words
    assert v * v == 3 * learnt
    assert f"One matrix of {v} × {d} and one of {d} × {v}: a third of what a table of all pairs" in words
    assert f"*fox* is number {model.vocabulary['fox']}, counting from 0" in words
    assert model.vocabulary.tokens == sorted(model.vocabulary.tokens)
    assert f"$E$ is `model.embedding` of shape ({v}, {d}), and $e$ has shape ({d},)" in words
    assert f"`model.output` of shape ({d}, {v})" in words
    assert f"**one-hot**: {v} numbers" in words


def test_one_logit_by_hand(prose, model, fox):
    i, j = model.vocabulary["fox"], model.vocabulary["jumps"]
    products = model.embedding[i] * model.output[:, j]
    assert len(products) == 8
    assert sum(products) == pytest.approx(fox[j], rel=1e-12)
    assert f"the logit of *jumps* after *fox* is {fox[j]:.2f}" in prose(NAME)


def test_dot_product_bars_fit_their_axis(model):
    parts = model.embedding[:, :, None] * model.output
    for panel in (model.embedding, model.output, parts):
        assert np.abs(panel).max() < 8


def test_tied_matrices_mirror(prose, model):
    tied, untied = model.embedding @ model.embedding.T, model.embedding @ model.output
    np.testing.assert_allclose(tied, tied.T, rtol=0, atol=1e-12)  # a sum of eight products
    i, j = model.vocabulary["fox"], model.vocabulary["jumps"]
    assert f"why its two numbers are alike, {number(tied[i, j])}" in prose(NAME)
    assert untied[i, j] - untied[j, i] > 10


def test_the_line_after_top_k(prose, model, fox):
    """The point 0.5 hits the second piece; the five pieces are those of top-k with k = 5."""
    best = np.argsort(-fox, kind="stable")[:5]
    pieces = softmax(fox[best])
    np.testing.assert_allclose(pieces, softmax(top_k_filter(fox, 5))[best], rtol=1e-12)
    first, second = (model.vocabulary.tokens[i] for i in best[:2])
    assert np.searchsorted(np.cumsum(pieces), 0.5, side="right") == 1
    assert f"It hits *{second}*: the piece of *{first}* ends at {percent(pieces[0])}" in prose(NAME)
    assert pieces.argmax() == 0


def test_a_broken_draw_and_its_cure(prose):
    last, tenths = np.nextafter(1, 0), np.cumsum([0.1] * 10)
    assert np.searchsorted(np.cumsum([0.0, 0.5, 0.5]), 0.0) == 0
    assert tenths[-1] == last < 1
    beyond = np.searchsorted(tenths, last, side="right")
    assert f"hits piece {beyond} of a line with pieces 0 to {len(tenths) - 1}" in prose(NAME)
    assert np.searchsorted(tenths, last * tenths[-1], side="right") == 9
    assert np.searchsorted(np.cumsum([0.0, 0.5, 0.5]), 0.0, side="right") == 1


def test_standard_error(prose, model, fox):
    words, p = prose(NAME), softmax(fox)[model.vocabulary["jumps"]]
    error = np.sqrt(p * (1 - p) / 10_000)
    assert f"{100 * error:.1f}" == "0.5"
    assert "The error is half a point in a hundred" in words
    assert f"shows *jumps* between {percent(p - 2 * error)} and {percent(p + 2 * error)} nearly always" in words


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("method", ["line", "Gumbel"])
def test_ten_thousand_draws_are_near_the_theory(prose, fox, method, seed):
    """Each seed of the slider; a new seed would be off by 2 points less than once in 1,000 times."""
    rng, p = np.random.default_rng(seed), softmax(fox)
    noisy = (lambda: (fox + rng.gumbel(size=(10_000, len(fox)))).argmax(1)) if method == "Gumbel" else None
    drawn = noisy() if noisy else sample(p, rng, size=10_000)
    shares = np.bincount(drawn, minlength=len(fox)) / 10_000
    assert np.abs(shares - p).max() < 0.02
    assert "agree with the theory to within a point or two in a hundred" in prose(NAME)
    j = p.argmax()
    if seed == 0:  # the draws that the chapter shows beside the band
        assert abs(shares[j] - p[j]) < 2 * np.sqrt(p[j] * (1 - p[j]) / 10_000)


@pytest.mark.parametrize("method", ["line", "Gumbel"])
def test_both_ways_of_drawing_follow_the_theory(fox, method):
    """10,000 draws within 5 standard errors, five words: a new seed would fail 1 in 300,000 times."""
    rng, p = np.random.default_rng(0), softmax(fox)
    drawn = (
        sample(p, rng, size=10_000)
        if method == "line"
        else (fox + rng.gumbel(size=(10_000, len(fox)))).argmax(1)
    )
    shares = np.bincount(drawn, minlength=len(fox)) / 10_000
    best = np.argsort(-p)[:5]
    assert (np.abs(shares - p)[best] < 5 * np.sqrt(p * (1 - p) / 10_000)[best]).all()


def test_about_95_of_100_lie_in_the_band(fox, model):
    """In 400 experiments 90 to 99 % lie in the band: a new seed would fail less than 1 in 1,000 times."""
    p = softmax(fox)[model.vocabulary["jumps"]]
    shares = np.random.default_rng(0).binomial(1000, p, size=400) / 1000
    inside = np.abs(shares - p) < 2 * np.sqrt(p * (1 - p) / 1000)
    assert 0.90 < inside.mean() < 0.99


def test_next_token_is_the_chain(fox):
    cut = top_p_filter(top_k_filter(apply_temperature(fox, 0.8), 10), 0.9)
    for seed in range(5):
        one_call = next_token(fox, np.random.default_rng(seed), temperature=0.8, top_k=10, top_p=0.9)
        assert one_call == sample(softmax(cut), np.random.default_rng(seed))


def test_two_log_probabilities(prose, model, fox):
    cut = top_p_filter(top_k_filter(apply_temperature(fox, 0.8), 10), 0.9)
    before, after = log_softmax(fox), log_softmax(cut)
    jumps, stop = model.vocabulary["jumps"], model.vocabulary["."]
    words = prose(NAME)
    assert f"*Jumps* has {number(before[jumps])} in one and {number(after[jumps])} in the other" in words
    assert f"The full stop is masked: {number(before[stop])} to the model, {number(after[stop])}" in words
    assert stop in np.argsort(-fox, kind="stable")[:7]
    assert before[np.argsort(-fox)[:7]].min() > -6


def test_only_heat_takes_words_from_far_down(model, prose):
    """The least probable word of 30 sentences under each rule: those that the reader can choose."""
    least = {}
    for rule in RULES:
        walks = [
            model.vocabulary.encode(write(model, prompt, rule, seed))
            for prompt in ("fox", "the", "owl", "duck", "mouse")
            for seed in range(6)
        ]
        least[rule] = min(
            softmax(model.logits(walk[:-1]))[np.arange(len(walk) - 1), walk[1:]].min() for walk in walks
        )
    assert least.pop("temperature 1.5") < 0.001
    assert min(least.values()) > 0.01
    assert "Temperature 1.5 now and then takes one far below 1 %" in prose(NAME)


def test_sentences(prose, model):
    words = prose(NAME)
    assert write(model, "fox", "greedy", 2) == generate(model, "fox", greedy)
    circle = tokenize(write(model, "fox", "greedy", 2))
    assert circle[:4] == circle[4:8] == circle[8:12] != circle[1:5]
    assert len(circle) == 13
    assert "until its twelve words are used up" in words
    for rule in list(RULES)[1:]:
        text = tokenize(write(model, "fox", rule, 2))
        assert text[4:8] != text[8:12]
    assert sum(write(model, "fox", rule, 2).endswith(".") for rule in RULES) == 1
    assert "Only one of them reaches a full stop within twelve" in words
    assert (
        write(model, "owl", "top-p 0.8", 1)
        == write(model, "owl", "top-p 0.8", 1)
        != write(model, "owl", "top-p 0.8", 0)
    )


@pytest.mark.parametrize("prompt", ["fox", "the", "owl", "duck", "mouse"])
@pytest.mark.parametrize("rule", RULES)
def test_every_story_has_at_most_twelve_rows(model, prompt, rule):
    for seed in range(6):
        assert 2 <= len(model.vocabulary.encode(write(model, prompt, rule, seed))) <= 13


def test_order_of_sums(prose, model):
    words = prose(NAME)
    parts = model.embedding[model.vocabulary["fox"]].astype(np.float32)[:, None] * model.output.astype(
        np.float32
    )
    forth, back = np.cumsum(parts, axis=0)[-1], np.cumsum(parts[::-1], axis=0)[-1]
    assert 16 <= (forth != back).sum() <= 32
    assert 2e-7 < np.abs(forth - back).max() < 4e-6
    assert f"About half of the {len(forth)} logits change, by a millionth or so at most" in words
    a, b, c = np.float32([1e8, 1, -1e8])
    assert (a + b + c, a + c + b) == (0, 1)
    assert (greedy([a + b + c, 0.5]), greedy([a + c + b, 0.5])) == (1, 0)


def test_it_reads_one_word(prose, model, fox):
    words, p = prose(NAME), softmax(fox)
    ends = {
        tuple(tokenize(generate(model, prompt, greedy, max_tokens=3))[-3:])
        for prompt in ("the old fox", "a lazy fox", "the dog and the fox")
    }
    assert len(ends) == 1
    runs, run = (percent(p[model.vocabulary[word]]) for word in ("runs", "run"))
    assert f"it puts *runs* at {runs} and *run* at {run}" in words
    assert model.embedding[model.vocabulary.encode("the old fox")].shape == (3, 8)


def gumbel(embedding, output, token, rng):
    z = np.asarray(embedding)[token] @ output
    return (z + rng.gumbel(size=len(z))).argmax()


def line(embedding, output, token, rng):
    return sample(softmax(embedding[token] @ output), rng)


def naive(embedding, output, token, rng):
    e = np.exp(embedding[token] @ output)
    return int(np.searchsorted(np.cumsum(e / e.sum()), rng.random()).clip(0, 3))


RIGHT_SEED = next(s for s in range(100) if sample(softmax([2, 1, 0]), np.random.default_rng(s)) == 2)
WRONG_SEED = next(s for s in range(100) if sample(softmax([2, 1, 0]), np.random.default_rng(s)) != 2)
ELSEWHERE = np.random.default_rng(3)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("forward_pass.1", 0.5),
        ("forward_pass.1", np.float32(0.5)),
        ("forward_pass.2", RIGHT_SEED),
        ("forward_pass.2", np.int64(RIGHT_SEED)),
        ("forward_pass.3", gumbel),
        ("forward_pass.3", line),
        ("forward_pass.3", lambda e, u, token, rng: next_token(e[token] @ u, rng)),
        ("forward_pass.3", lambda e, u, token, rng: int(rng.choice(4, p=softmax(e[token] @ u)))),
        ("forward_pass.3", lambda e, u, token, rng: line(e.astype(np.float32), u, token, rng)),
    ],
)
def test_right_answers(name, answer):
    assert check(name, answer).right


@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [
        ("forward_pass.1", 3, "a logit"),
        ("forward_pass.1", 0.75, "add up"),
        ("forward_pass.1", 0.51, "add up"),
        ("forward_pass.1", 1 / (1 + np.e), "add up"),
        ("forward_pass.1", 2, "between 0 and 1"),
        ("forward_pass.1", [0.5, 0.5], "one number"),
        ("forward_pass.2", WRONG_SEED, "gives token"),
        ("forward_pass.2", -1, "0 or more"),
        ("forward_pass.2", 0.5, "whole number"),
        ("forward_pass.2", "12", "whole number"),
        ("forward_pass.2", [RIGHT_SEED], "whole number"),
        ("forward_pass.3", 2, "function"),
        ("forward_pass.3", lambda e, u, token, rng: greedy(e[token] @ u), "same token every time"),
        ("forward_pass.3", lambda e, u, token, rng: rng.integers(4), "alike"),
        ("forward_pass.3", lambda e, u, token, rng: line(e, u, 0, rng), "Is the token used"),
        ("forward_pass.3", lambda e, u, token, rng: line(e, 2 * u, token, rng), "softmax says"),
        ("forward_pass.3", lambda e, u, token, rng: softmax(e[token] @ u), "one index"),
        ("forward_pass.3", lambda e, u, token, rng: 7, "index of a column"),
        ("forward_pass.3", lambda e, u, token, rng: line(e, u, token, ELSEWHERE), "same seed"),
        ("forward_pass.3", naive, "overflows"),
    ],
)
def test_wrong_answers_get_a_hint(name, answer, hint):
    verdict = check(name, answer)
    assert verdict.right is False
    assert hint in verdict.text

"""The chapter on the forward pass: what its checks accept and refuse."""

import numpy as np
import pytest

from nexttoken import greedy, next_token, sample, softmax
from nexttoken.exercises import check

PROMPTS, RULES = ["fox", "the", "owl", "duck", "mouse"], ["greedy", "temperature 1.5", "top-k 3", "top-p 0.8"]


def test_only_heat_takes_words_from_far_down(chapter):
    """The least probable word of 30 sentences under each rule: those that the reader can choose."""
    names, least = chapter("07_forward_pass").names, {}
    model, write = names["model"], names["write"]
    for rule in RULES:
        walks = [model.vocabulary.encode(write(prompt, rule, seed)) for prompt in PROMPTS for seed in range(6)]
        assert all(2 <= len(walk) <= 13 for walk in walks), "a story has twelve rows at most"
        steps = [softmax(model.logits(walk[:-1]))[np.arange(len(walk) - 1), walk[1:]].min() for walk in walks]
        least[rule] = min(steps)
    assert least.pop("temperature 1.5") < 0.001
    assert min(least.values()) > 0.01


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

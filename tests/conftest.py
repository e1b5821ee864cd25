"""What the tests share: the book's model, and the words of its chapters."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from nexttoken import BigramModel, load_corpus

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "book").glob("*.ipynb"))


def cells(notebook: Path, kind: str) -> list[str]:
    """Return the sources of a notebook's cells of one kind, ``code`` or ``markdown``."""
    book = json.loads(notebook.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == kind]


@pytest.fixture(scope="session")
def model() -> BigramModel:
    return BigramModel.train(load_corpus())


@pytest.fixture(scope="session")
def fox(model: BigramModel) -> np.ndarray:
    """The logits after "fox"."""
    return model.logits(model.vocabulary["fox"])


@pytest.fixture(scope="session")
def prose() -> Callable[[str], str]:
    """``prose("03_temperature")``: the words of a chapter, on one line."""
    return lambda name: " ".join(" ".join(cells(ROOT / "book" / f"{name}.ipynb", "markdown")).split())

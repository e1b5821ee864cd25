"""What the tests share: the book's model, the words of its chapters, and what settles their claims."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import nexttoken
from nexttoken import BigramModel, load_corpus
from nexttoken.quiz import _run

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


@pytest.fixture(scope="session")
def settled() -> Callable[[str], dict[str, tuple[bool, str]]]:
    """``settled("03_temperature")`` runs a chapter: each claim, the verdict, and what was printed."""

    @cache
    def run(name: str) -> dict[str, tuple[bool, str]]:
        found = {}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(nexttoken, "explore", lambda *_, **__: None)
            patch.setattr(nexttoken, "quiz", lambda claim, settle, why: found.update({claim: settle}))
            exec("\n".join(cells(ROOT / "book" / f"{name}.ipynb", "code")), {})
        return {claim: _run(settle) for claim, settle in found.items()}

    return run

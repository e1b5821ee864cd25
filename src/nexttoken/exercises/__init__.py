"""Checks for the exercises: they test what an answer does, never how it is written.

One file a chapter holds its checks. A check is a function of the answer: it returns a sentence to
take along when the answer is right, and raises :class:`Hint` when it is wrong. It reads what the reader
gives by ``number``, ``whole``, ``array`` and ``pair``, and runs a function by ``call`` or ``call_on_loan``, so
that no array of its own is in the reader's hands.
"""

import operator
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

CHAPTERS = ("logits", "softmax", "temperature", "greedy", "top_k", "top_p", "forward_pass", "full_size")
CHECKS: dict[str, Callable[[Any], str]] = {}


class Hint(Exception):
    """What is wrong about an answer, without giving the right one away."""


class Verdict:
    """What a check says. Shows itself as a sentence; ``right`` is True, False, or None if unanswered."""

    def __init__(self, right: bool | None, text: str) -> None:
        self.right = right
        self.text = text

    def __repr__(self) -> str:
        return {True: "✓ Right. ", False: "✗ Not yet. ", None: "… "}[self.right] + self.text


def exercise(name: str) -> Callable[[Callable[[Any], str]], Callable[[Any], str]]:
    """Register a function as the check of an exercise, such as ``"temperature.1"``."""

    def register(check: Callable[[Any], str]) -> Callable[[Any], str]:
        CHECKS[name] = check
        return check

    return register


def expect(condition: Any, hint: str) -> None:
    """Raise a :class:`Hint` unless the condition holds."""
    if not condition:
        raise Hint(hint)


def number(answer: Any, hint: str) -> float:
    """Return what ``float()`` makes of one number, in a list or an array too, but of no text and no bool."""
    if isinstance(answer, (list, tuple)) and len(answer) == 1:
        return number(answer[0], hint)
    try:
        one = answer.item() if hasattr(answer, "item") else answer
        expect(not isinstance(one, (str, bytes, bool)), hint)
        return float(one)
    except (TypeError, ValueError, ArithmeticError, RuntimeError) as error:
        raise Hint(hint) from error


def whole(answer: Any, hint: str) -> int:
    """Return one whole number that can be an index, in an array too."""
    try:
        one = answer.item() if hasattr(answer, "item") else answer
        expect(not isinstance(one, bool), hint)
        return operator.index(one)
    except (TypeError, ValueError, RuntimeError) as error:
        raise Hint(hint) from error


def array(answer: Any, hint: str = "It returns no array of numbers: is the return missing?") -> NDArray[Any]:
    """Return the numbers of a list, an array or a tensor, in any shape, as float64."""
    try:
        found = np.asarray(answer.tolist() if hasattr(answer, "tolist") else answer)
        expect(found.dtype.kind in "biufO", hint)
        return np.array([float(one) for one in found.flat]).reshape(found.shape)
    except (TypeError, ValueError, ArithmeticError, RuntimeError) as error:
        raise Hint(hint) from error


def pair(answer: Any) -> tuple[NDArray[Any], float]:
    """Return probabilities from the largest down, and a p."""
    hint = "Give two things: (probabilities, p)."
    expect(isinstance(answer, (tuple, list)) and len(answer) == 2, hint)
    probs = array(answer[0], hint)
    expect(probs.ndim == 1, hint)
    expect(
        (probs >= 0).all() and np.isclose(probs.sum(), 1), f"The probabilities sum to {probs.sum():.4g}, not 1."
    )
    return -np.sort(-probs), number(answer[1], hint)


def agrees(found: NDArray[Any], right: Any, atol: float = 1e-8) -> bool:
    """Return whether two arrays have one shape and nearly the same numbers."""
    return found.shape == np.shape(right) and np.allclose(found, right, atol=atol)


def _copies(arguments: tuple[Any, ...]) -> list[Any]:
    return [value.copy() if isinstance(value, (np.ndarray, list)) else value for value in arguments]


def call(answer: Callable[..., Any], *arguments: Any) -> Any:
    """Return what the reader's function makes of copies, which it may change as it likes."""
    with np.errstate(all="ignore"):
        return answer(*_copies(arguments))


def call_on_loan(answer: Callable[..., Any], *arguments: Any) -> Any:
    """Return what the reader's function makes of the arguments; it must leave the arrays as they were."""
    given = _copies(arguments)
    with np.errstate(all="ignore"):
        result = answer(*given)
    for before, after in zip(arguments, given, strict=True):
        if isinstance(before, np.ndarray):
            expect(np.array_equal(before, after), "It changes the array that it was given: work on a copy.")
    return result


def check(name: str, answer: Any) -> Verdict:
    """Check an answer to an exercise.

    Parameters
    ----------
    name : str
        Chapter and number, such as ``"temperature.1"``.
    answer : anything
        A number of any type, a string, an array or a function, as the exercise says; ``...`` is no answer
        yet.

    Returns
    -------
    Verdict
        An answer that raises an error is wrong, and the verdict names the error.

    Raises
    ------
    ValueError
        If there is no exercise of that name.

    Examples
    --------
    >>> check("temperature.1", ...)
    … Not answered yet: put your answer in place of the three dots.
    """
    if name not in CHECKS:
        raise ValueError(f"name={name!r} is not an exercise; there are {', '.join(CHECKS)}")
    if answer is ...:
        return Verdict(None, "Not answered yet: put your answer in place of the three dots.")
    try:
        return Verdict(True, CHECKS[name](answer))
    except Hint as hint:
        return Verdict(False, str(hint))
    except Exception as error:  # the reader's own function failed
        return Verdict(False, f"Your answer raised {type(error).__name__}: {error}")


for _chapter in CHAPTERS:
    import_module(f"{__name__}.{_chapter}")

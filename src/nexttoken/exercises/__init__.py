"""Checks for the exercises: they test what an answer does, never how it is written.

One file a chapter holds its checks. A check is a function of the answer: it returns a sentence to
take along when the answer is right, and raises :class:`Hint` when it is wrong.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

CHAPTERS = ("logits", "softmax", "temperature", "greedy", "top_k", "top_p", "forward_pass", "full_size")
CHECKS: dict[str, Callable[[Any], str]] = {}


class Hint(Exception):
    """What is wrong about an answer, without giving the right one away."""


class Verdict:
    """What a check says. Shows itself as a sentence; ``right`` is True, False, or None if unanswered."""

    def __init__(self, right: bool | None, text: str) -> None:
        self.right, self.text = right, text

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


def check(name: str, answer: Any) -> Verdict:
    """Check an answer to an exercise.

    Parameters
    ----------
    name : str
        Chapter and number, such as ``"temperature.1"``.
    answer : anything
        A number, a string, an array or a function, as the exercise says; ``...`` is no answer yet.

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

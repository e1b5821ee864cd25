"""What the words of a chapter say, held to what its own cells computed.

A cell carries in its metadata, under ``words``, what its numbers come from::

    "words": {
      "numbers": ["percent(p[jumps])", "cross_entropy(fox, moon):.2f"],
      "ahead": ["letters(len(top))"],
      "names": ["tokens[fox.argmax()]"],
      "claims": ["p[jumps] < 0.5"],
      "plain": "2003, three"
    }

Each of ``numbers`` is what stands between the braces of an f-string. It is evaluated at that place of the
notebook, in the notebook's own names, and the numbers that come out must stand in the cell's words, in any
sentence and order. ``ahead`` are the numbers of words that announce the next code cell: they are evaluated
after it. ``names`` are expressions for a string, or several, to be found in the words. Each of ``claims`` must
hold. ``plain`` are numbers that come from nowhere: a year, "three questions". A number in the words that is
none of these is a fault, but for 0, 1, 2, *one* and *two*, which are grammar more often than not. The words of
a code cell are those of its quiz; and where a cell draws at random and no words depend on it, it says why:
``"unsaid": "the words drawn are shown, not named"``.

In an expression stand, besides the names of the notebook, the public names of the package, ``percent``,
``letters(3)``, which is *three*, ``output``, the text that the last code cell has shown, ``value``, what its
last line gave, and ``engines``, the rows of ``engines.csv``. What a cell has shown is best taken from there:
an expression that repeats the cell's code does not notice when that changes.
"""

import ast
import csv
import io
import json
import re
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nexttoken
from nexttoken import plots

SMALL = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"]
SMALL += ["twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"]
LARGE = {20: "twenty", 30: "thirty", 40: "forty", 50: "fifty", 60: "sixty", 70: "seventy", 80: "eighty"}
LARGE |= {90: "ninety", 100: "hundred", 1000: "thousand", 1_000_000: "million"}
IN_LETTERS = dict(enumerate(SMALL, start=1)) | LARGE
GRAMMAR = {"0", "1", "2", "one", "two"}

FIGURES = r"(?<![\w.])(?<!\w-)-?\d+(?:,\d{3})*(?:\.\d+)?(?!\w)(?: ?%)?"
LETTERS = rf"\b(?:{'|'.join(IN_LETTERS.values())})\b"
TABLE = Path(__file__).parent.parent / "book" / "engines.csv"
ENGINES = list(csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines()))
NUMBER = re.compile(f"{FIGURES}|{LETTERS}", re.IGNORECASE)
# No words: code, addresses, roles, HTML, the numbers of headings and of lists.
NO_WORDS = re.compile(
    r"^```.*?^```|`[^`]*`|\]\([^)]*\)|\{[\w:]+\}|</?\w[^>]*>|^#+ \d+\.|^\s*\d+\. ", re.MULTILINE | re.DOTALL
)


def figures(text: str) -> set[str]:
    """Return the numbers of a text, each in one form: a plain minus, a space before %, small letters."""
    found = NUMBER.findall(text.replace("−", "-"))
    return {re.sub(r" ?%", " %", number).lower() for number in found}


def letters(number: int) -> str:
    """Write a whole number up to 100, or a round one above, in letters."""
    tens, ones = divmod(int(number), 10)
    return IN_LETTERS.get(int(number)) or f"{IN_LETTERS[10 * tens]}-{IN_LETTERS[ones]}"


def read(path: Path) -> list[dict[str, Any]]:
    """Return the cells of a notebook, or of a page of Markdown with cells in it."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        notebook = json.loads(text)
    else:
        from myst_nb.core.read import read_myst_markdown_notebook  # takes seconds, for two pages

        notebook = read_myst_markdown_notebook(text)
        for number, cell in enumerate(notebook["cells"]):
            cell["id"] = f"cell {number}"
    return [{**cell, "source": "".join(cell["source"])} for cell in notebook["cells"]]


@dataclass
class Words:
    """The words of one cell, and what its metadata says of them."""

    cell: str
    text: str
    numbers: list[str] = field(default_factory=list)
    ahead: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    claims: list[str] = field(default_factory=list)
    plain: str = ""
    unsaid: str = ""
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.said, self.known = figures(self.text), figures(self.plain)
        self.faults += [f"{number} is called plain, and not said" for number in sorted(self.known - self.said)]

    def account(self, expression: str, evaluate: Callable[[str], Any]) -> None:
        """Take the numbers of an expression: they must be said, and are known from now on."""
        given = figures(evaluate(f"f'''{{ {expression}}}'''"))
        missing = given - self.said if given else {"no number"}
        self.faults += [f"{expression} gives {number}, and that is not said" for number in sorted(missing)]
        self.known |= given

    def find(self, expression: str, evaluate: Callable[[str], Any]) -> None:
        """Take the strings of an expression: each must stand in the words, as a word or some."""
        given = evaluate(expression)
        for name in [given] if isinstance(given, str) else given:
            if not re.search(rf"\b{re.escape(name)}\b", self.text, re.IGNORECASE):
                self.faults.append(f"{expression} gives {name}, and that is not said")

    def hold(self, claim: str, evaluate: Callable[[str], Any]) -> None:
        """Take a claim: it must be true."""
        if not evaluate(claim):
            self.faults.append(f"{claim} does not hold")

    def look(self, take: Callable[..., None], expressions: list[str], evaluate: Callable[[str], Any]) -> None:
        """Have expressions taken by one of the methods above; one that raises is a fault."""
        for expression in expressions:
            try:
                take(expression, evaluate)
            except Exception as error:
                self.faults.append(f"{expression} raises {type(error).__name__}: {error}")

    def all_faults(self) -> list[str]:
        """Return every fault, with the cell's name, once all expressions have been evaluated."""
        left = figures(NO_WORDS.sub(" ", self.text)) - self.known - GRAMMAR
        unknown = [f"{number} is said: from which expression, or is it plain?" for number in sorted(left)]
        return [f"{self.cell}: {fault}" for fault in self.faults + unknown]


class Chapter:
    """A notebook, run once from its first cell to its last, with its words looked at on the way.

    ``faults`` are sentences for the author. ``claims`` holds each quiz's verdict and what it printed,
    ``checks`` the source and the verdict of each cell that checks an answer, ``explorers`` the plot, the
    description and the controls of each, ``names`` the notebook's names.
    """

    def __init__(self, cells: list[dict[str, Any]]) -> None:
        self.names: dict[str, Any] = {}
        self.claims: dict[str, tuple[bool, str]] = {}
        self.checks: list[tuple[str, Any]] = []
        self.explorers: list[tuple[Any, Any, dict[str, Any]]] = []
        self._output, self._value = "", None
        everything: list[Words] = []
        waiting: list[Words] = []
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(nexttoken, "explore", self._explore)
            patch.setattr(nexttoken, "quiz", self._ask)
            for cell in cells:
                name, text = cell["id"], cell["source"]
                if cell["cell_type"] == "code":
                    text = self._run(text, name)
                    for words in waiting:
                        words.look(words.account, words.ahead, self._evaluate)
                    waiting = []
                words = Words(name, text, **cell["metadata"].get("words", {}))
                words.look(words.account, words.numbers, self._evaluate)
                words.look(words.find, words.names, self._evaluate)
                words.look(words.hold, words.claims, self._evaluate)
                waiting.append(words)
                everything.append(words)
        self.faults = [fault for words in everything for fault in words.all_faults()]

    def _explore(self, plot: Any, *, describe: Any = None, **controls: Any) -> None:
        self.explorers.append((plot, describe, controls))

    def _ask(self, claim: str, evidence: Callable[[], bool], why: str) -> None:
        with redirect_stdout(io.StringIO()) as printed:
            holds = evidence()
        self.claims[claim] = bool(holds), printed.getvalue()
        self._asked += f"{claim}\n{why}\n"

    def _run(self, source: str, name: str) -> str:
        """Run a cell as a kernel does, which shows what the last line gives; return the words of its quiz."""
        self._asked = ""
        body = ast.parse(source).body
        last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
        with redirect_stdout(io.StringIO()) as printed:
            exec(compile(ast.Module(body, []), name, "exec"), self.names)
            self._value = eval(compile(ast.Expression(last.value), name, "eval"), self.names) if last else None
        self._output = printed.getvalue() + ("" if self._value is None else repr(self._value))
        if 'check("' in source and last:
            self.checks.append((source, self._value))
        return self._asked

    def _evaluate(self, expression: str) -> Any:
        public = {name: getattr(nexttoken, name) for name in nexttoken.__all__}
        helpers = {"percent": plots.percent, "letters": letters, "engines": ENGINES}
        shown = {"output": self._output, "value": self._value}
        return eval(expression, public | self.names | {"np": np} | helpers | shown)

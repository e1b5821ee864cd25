"""Change the numbers in the chapters' code one at a time, and count how often the words notice. make seeds

Each seed that they do not notice needs a reason, in the metadata of its cell; of the other numbers the silent
ones are listed. A chapter that fails has noticed.
"""

import ast
import sys
import tokenize
import warnings
from collections.abc import Iterator
from typing import Any

from conftest import NOTEBOOKS
from words import Chapter, read

HIDDEN = {"remove-input", "remove-cell", "hide-cell"}


def with_another(number: str, cells: list[dict[str, Any]]) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """Yield the notebook once for each ``"seed"`` or ``"constant"`` that a page shows, with that one changed.

    Before it come the id of the cell and what was changed into what.
    """
    for place, cell in enumerate(cells):
        hidden = HIDDEN & set(cell["metadata"].get("tags", []))
        if cell["cell_type"] == "code" and not hidden:
            lines = cell["source"].splitlines(keepends=True)
            for token in tokenize.generate_tokens(iter(lines).__next__):
                (row, start), (_, end) = token.start, token.end
                seed = token.line[:start].endswith("default_rng(")
                if token.type == tokenize.NUMBER and (seed or number == "constant"):
                    value = ast.literal_eval(token.string)
                    other = value + 1 if isinstance(value, int) else value * 1.1 or 0.1
                    line = f"{token.line[:start]}{other}{token.line[end:]}"
                    source = "".join([*lines[: row - 1], line, *lines[row:]])
                    changed = [*cells[:place], {**cell, "source": source}, *cells[place + 1 :]]
                    yield cell["id"], f"{token.line.strip()}  {token.string} -> {other}", changed


def noticed(cells) -> bool:
    try:
        return bool(Chapter(cells).faults)
    except Exception:
        return True


def main() -> int:
    warnings.simplefilter("error")
    without_reason = 0
    for number in sys.argv[1:] or ("seed", "constant"):
        found = silent = 0
        for notebook in NOTEBOOKS:
            cells = read(notebook)
            reasons = {cell["id"]: cell["metadata"].get("words", {}).get("unsaid") for cell in cells}
            for cell, change, changed in with_another(number, cells):
                found += 1
                if not noticed(changed):
                    silent += 1
                    reason = reasons[cell] if number == "seed" else ""
                    without_reason += reason is None
                    print(f"{cell}  {change}  {reason}")
        print(f"{found - silent} of {found} {number}s are noticed when they change")
    return without_reason


if __name__ == "__main__":
    sys.exit(main())

"""Copy the chapters for use away from the book. python tools/copies.py FOLDER leaves the solutions out.

A notebook program does not know the roles of the book. In a copy a citation is the name, the year and
a link to the source.
"""

import json
import re
import sys
from pathlib import Path

BOOK = Path(__file__).parents[1] / "book"
SOLUTION = "hide-cell"  # how its cell is tagged
ENTRY = re.compile(r"^@\w+\{(\w+),\n(.*?)^\}", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r"^\s*(\w+)\s*= \{(.*)\},$", re.MULTILINE)
CITATION = re.compile(r"\{cite:([tp])\}`([\w,]+)`")
UNKNOWN = re.compile(r"\{[a-z:]+\}`|^[`:]{3}\{.*", re.MULTILINE)


def sources() -> dict[str, tuple[str, str, str]]:
    """Return for each key of the bibliography its authors, its year and its address."""
    found = {}
    for key, entry in ENTRY.findall(BOOK.joinpath("references.bib").read_text(encoding="utf-8")):
        field = dict(FIELD.findall(entry))
        names = [name.partition(",")[0].strip("{}") for name in field["author"].split(" and ")]
        who = " and ".join(names) if len(names) < 3 else f"{names[0]} et al."
        doi, arxiv = field.get("doi"), field.get("eprint")
        where = f"https://doi.org/{doi}" if doi else f"https://arxiv.org/abs/{arxiv}" if arxiv else field["url"]
        found[key] = who, field["year"], where
    return found


def plain(text: str, cited: dict[str, tuple[str, str, str]]) -> str:
    """Return Markdown without the roles and directives that only the book knows."""

    def cite(match: re.Match[str]) -> str:
        entries = [cited[key] for key in match[2].split(",")]
        if match[1] == "t":
            return ", ".join(f"[{who} ({year})]({where})" for who, year, where in entries)
        return f"({'; '.join(f'[{who}, {year}]({where})' for who, year, where in entries)})"

    text = CITATION.sub(cite, text)
    if left := UNKNOWN.search(text):
        raise ValueError(f"no plain form is known for {left[0]!r}")
    return text


def copy(folder: Path, without: str = "") -> list[Path]:
    """Write every chapter into a folder, without the cells of a tag if one is given, and return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    cited, written = sources(), []
    for chapter in sorted(BOOK.glob("*.ipynb")):
        notebook = json.loads(chapter.read_text(encoding="utf-8"))
        notebook["cells"] = [c for c in notebook["cells"] if without not in c["metadata"].get("tags", [])]
        for cell in notebook["cells"]:
            cell["metadata"].pop("words", None)  # for the tests alone
            if cell["cell_type"] == "markdown":
                cell["source"] = plain("".join(cell["source"]), cited).splitlines(keepends=True)
        written.append(folder / chapter.name)
        text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
        written[-1].write_text(text, encoding="utf-8")
    return written


if __name__ == "__main__":
    print(f"{len(copy(Path(sys.argv[1]), SOLUTION))} notebooks without solutions are in {sys.argv[1]}.")

"""Sphinx extension: the licences of what the site holds from others go with it, in one file.

THIRD_PARTY.md says what that is; ``tests/test_third_party.py`` holds it to the site.
"""

from importlib.metadata import files, version
from pathlib import Path
from typing import Any

from fonts import FAMILY, MATHEMATICS, SOURCE, copyright_of
from sphinx.application import Sphinx

FILE = "licences.txt"
PACKAGES = [  # whose styles, scripts and templates are in a page
    "myst-nb",
    "pydata-sphinx-theme",
    "Pygments",
    "Sphinx",
    "sphinx-book-theme",
    "sphinx-copybutton",
    "sphinx-togglebutton",
]
WITHIN = """\
Bootstrap and clipboard.js, whose notices stand in book.css and book.js, are under the MIT licence, in the words
of sphinx-togglebutton."""


def licence(package: str) -> str:
    """Return the licence that a package of this environment brings."""
    found = [path for path in files(package) or [] if path.name.upper().startswith(("LICENSE", "LICENCE"))]
    if not found:
        raise ValueError(f"{package} brings no licence: look where it has it")
    texts = [path.locate().read_text(encoding="utf-8").strip() for path in found]  # type: ignore[attr-defined]
    return "\n\n".join([f"{package} {version(package)}", *texts])


def write(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.format != "html":
        return
    text = SOURCE.joinpath("LICENSE.txt").read_text(encoding="utf-8").strip()
    serif = f"{FAMILY} is made from Source Serif Pro, by leaving characters out:\n\n{text}"
    owners = copyright_of(MATHEMATICS.read_bytes())
    mathematics = f"STIX Two Math, with characters left out, stands under the same licence:\n\n{owners}"
    rule = "\n\n" + "=" * 80 + "\n\n"
    parts = [*map(licence, PACKAGES), WITHIN, serif, mathematics]
    Path(app.outdir, "_static", FILE).write_text(rule.join(parts) + "\n", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

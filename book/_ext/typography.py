"""Sphinx extension: what belongs together stays on one line, and a chapter's quotations stand in the margin."""

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

CLOSING = re.compile(r"[,.;:?!)’]+")


def keep_units(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Keep a number and its % on one line."""
    for paragraph in doctree.findall(nodes.TextElement):
        if isinstance(paragraph, nodes.FixedTextElement | nodes.literal | nodes.math):
            continue
        for text in [child for child in paragraph if isinstance(child, nodes.Text)]:
            if (kept := re.sub(r"(?<=\d) %", "\u00a0%", text)) != text:
                paragraph.replace(text, nodes.Text(kept))


def keep_formulas(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Keep a formula and the comma after it on one line."""
    for formula in list(doctree.findall(nodes.math)):
        text = formula.next_node(descend=False, siblings=True)
        found = CLOSING.match(text) if isinstance(text, nodes.Text) else None
        if found:
            text.parent.replace(text, nodes.Text(text[found.end() :]))
            formula.replace_self(
                nodes.inline("", "", formula.deepcopy(), nodes.Text(found[0]), classes=["joined"])
            )


def move_aside(app: Sphinx, doctree: nodes.document) -> None:
    """Make a side note of a quotation: in Markdown a paragraph behind ``>``, which any notebook shows."""
    if Path(doctree["source"]).suffix == ".ipynb":
        for quotation in list(doctree.findall(nodes.block_quote)):
            quotation.replace_self(nodes.sidebar("", *quotation.children, classes=["margin"]))


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-read", move_aside)
    app.connect("doctree-resolved", keep_units)
    app.connect("doctree-resolved", keep_formulas)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""Sphinx extension: a quotation in a chapter is a side note, which a wide page sets in its margin.

In Markdown it is a paragraph behind ``>``, so that a notebook and a repository show it as well.
"""

from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx


def move(app: Sphinx, doctree: nodes.document) -> None:
    if Path(doctree["source"]).suffix == ".ipynb":
        for quotation in list(doctree.findall(nodes.block_quote)):
            quotation.replace_self(nodes.sidebar("", *quotation.children, classes=["margin"]))


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("doctree-read", move)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

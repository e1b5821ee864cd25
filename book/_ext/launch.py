"""Sphinx extension: under each chapter's title, links to places where its code runs, and to the notebook.

Plain links, so that a page still fetches nothing and says nothing to anybody until one is followed. The
first leads to the site that ``make lite`` puts beside the book, and is there only when it does; those to
other hosts are there only where the repository has an address.
"""

import os
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from addresses import commit, published, repository
from docutils import nodes
from sphinx.application import Sphinx


def links(chapter: str, lite: bool) -> dict[str, str]:
    """Return the places where a chapter, such as ``book/01_logits.ipynb``, can be run, and their addresses."""
    root = "../" * chapter.count("/")
    found = {}
    if lite:
        found["In this browser"] = f"{root}lite/notebooks/index.html?path={Path(chapter).name}"
    if published():
        name = repository().removeprefix("https://github.com/")
        place = quote(f"lab/tree/{chapter}", safe="")
        found["On Binder"] = f"https://mybinder.org/v2/gh/{name}/{commit()}?urlpath={place}"
        found["On Colab"] = f"https://colab.research.google.com/github/{name}/blob/{commit()}/{chapter}"
    found["Download"] = f"{root}_sources/{chapter}"
    return found


def colab_line() -> str:
    """Return what a reader types on Colab, which has all that the package needs, but not the package."""
    return f"%pip install -q --no-deps git+{repository()}@{commit()}"


def navigation(found: dict[str, str]) -> str:
    items = []
    for place, address in found.items():
        extra = " download" if place == "Download" else ""
        items.append(f'<li><a href="{escape(address)}"{extra}>{place}</a></li>')
    label = '<span id="run-it">Run this chapter</span>'
    nav = f'<nav class="launch" aria-labelledby="run-it">{label}<ul>{"".join(items)}</ul>'
    if "On Colab" in found:
        line = f'<div class="highlight"><pre>{escape(colab_line())}</pre></div>'
        nav += f"<details><summary>On Colab, run this line first</summary>{line}</details>"
    return nav + "</nav>"


def add_links(app: Sphinx, doctree: nodes.document, page: str) -> None:
    chapter = f"{page}.ipynb"
    if Path(app.srcdir, chapter).exists():
        html = navigation(links(chapter, bool(os.environ.get("BOOK_LITE"))))
        title = doctree.next_node(nodes.title)
        title.parent.insert(1, nodes.raw("", html, format="html"))  # type: ignore[union-attr]


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_css_file("launch.css")
    app.connect("doctree-resolved", add_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

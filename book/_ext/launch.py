"""Sphinx extension: under each chapter's title, links to places where its code runs.

Plain links, so that a page still fetches nothing and says nothing to anybody until one is followed. The
first leads to the site that ``make lite`` puts beside the book, and is there only when it does.
"""

import os
import re
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sphinx.application import Sphinx

PROJECT = Path(__file__).parents[2] / "pyproject.toml"
GITHUB = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+)")


def repository() -> str:
    """Return where the book's source is: BOOK_REPOSITORY where it is set, else what pyproject.toml says."""
    written = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["urls"]["Repository"]
    address = os.environ.get("BOOK_REPOSITORY") or written
    if not GITHUB.fullmatch(address):
        raise ValueError(f"{address!r} is no repository: give an address like https://github.com/owner/name")
    return str(address)


def links(chapter: str, root: str, lite: bool) -> dict[str, str]:
    """Return the places where a chapter, such as ``book/01_logits.ipynb``, can be run, and their addresses."""
    name = GITHUB.fullmatch(repository())[1]  # type: ignore[index]
    here = {"In this browser": f"{root}lite/notebooks/index.html?path={Path(chapter).name}"}
    away = {
        "On Binder": f"https://mybinder.org/v2/gh/{name}/main?urlpath={quote(f'lab/tree/{chapter}', safe='')}",
        "On Colab": f"https://colab.research.google.com/github/{name}/blob/main/{chapter}",
    }
    return here | away if lite else away


def add_links(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    chapter = f"{page}.ipynb"
    if doctree is None or not Path(app.srcdir, chapter).exists():
        return
    found = links(chapter, context["content_root"], bool(os.environ.get("BOOK_LITE")))
    items = "".join(f'<li><a href="{address}">{place}</a></li>' for place, address in found.items())
    label = '<span id="run-it">Run this chapter</span>'
    nav = f'<nav class="launch" aria-labelledby="run-it">{label}<ul>{items}</ul></nav>'
    context["body"] = context["body"].replace("</h1>", f"</h1>\n{nav}", 1)


def name_repository(app: Sphinx, page: str, source: list[str]) -> None:
    """Put the address in place of its name where a page cannot know it."""
    source[0] = source[0].replace("BOOK_REPOSITORY", repository())


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_css_file("launch.css")
    app.connect("source-read", name_repository)
    app.connect("html-page-context", add_links)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""Sphinx extension: pointed at or focused, a term shows its definition and a citation its source.

The notebooks hold plain words. Here the first mention of a glossary term on a page becomes a link to its
entry, unless the page defines the term itself, in bold. The texts stand in the page, for `hover.js` to show.
"""

import re
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup
from docutils import nodes
from sphinx.application import Sphinx

GLOSSARY, REFERENCES = "book/glossary", "book/references"
UNLINKED = {GLOSSARY, REFERENCES, "book/api"}
OTHER_MEANING = {"bit", "floor", "rank"}  # also a bit of a float, a floor of a house, the rank of a matrix
LINK = re.compile(r'<a class="[^"]*\binternal\b[^"]*" href="((?:glossary|references)\.html#[^"]+)"')


def _pattern(terms: list[str]) -> re.Pattern[str]:
    """Match each term, also in the plural, and "top-k" for "top-k sampling"; the first has the first try."""
    words = [re.escape(term) for term in terms]
    words = [re.sub(r"\\ (sampling|decoding)$", r"(?: \1)?", word) for word in words]
    return re.compile("|".join(rf"(?P<t{i}>\b{word}s?\b)" for i, word in enumerate(words)), re.IGNORECASE)


def link_terms(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Make a link of the first mention of each term in the page's paragraphs."""
    if page in UNLINKED:
        return
    entries = app.env.get_domain("std").objects  # type: ignore[attr-defined]
    places = {name: place for (kind, name), place in entries.items() if kind == "term"}
    terms = sorted(set(places) - OTHER_MEANING, key=len, reverse=True)
    if not terms:
        return
    pattern = _pattern(terms)
    bold = [pattern.fullmatch(strong.astext()) for strong in doctree.findall(nodes.strong)]
    done = {match.lastgroup for match in bold if match}
    for text in list(doctree.findall(nodes.Text)):
        if not isinstance(text.parent, nodes.paragraph) or any(text.parent.findall(nodes.raw)):
            continue  # raw HTML may be a link already
        new: list[nodes.Node] = []
        end = 0
        for match in pattern.finditer(text):
            if match.lastgroup in done or not match.lastgroup:
                continue
            done.add(match.lastgroup)
            where, label = places[terms[int(match.lastgroup[1:])]]
            address = f"{app.builder.get_relative_uri(page, where)}#{label}"
            link = nodes.reference("", match[0], refuri=address, internal=True, classes=["term"])
            new += [nodes.Text(text[end : match.start()]), link]
            end = match.end()
        if new:
            text.parent.replace(text, [*new, nodes.Text(text[end:])])


def add_texts(app: Sphinx, error: Exception | None) -> None:
    """Put into each page the definitions and sources that it links to."""
    if error is not None or app.builder.format != "html":
        return
    texts = {}
    for page, pattern in ((GLOSSARY, "dt[id]"), (REFERENCES, "div.citation")):
        soup = BeautifulSoup((Path(app.outdir) / f"{page}.html").read_text("utf-8"), "html.parser")
        for entry in soup.select(pattern):
            text = entry.find_next_sibling("dd") if entry.name == "dt" else entry
            texts[f"{Path(page).name}.html#{entry['id']}"] = "".join(map(str, text.select("p")))  # type: ignore[union-attr]
    for path in sorted((Path(app.outdir) / "book").glob("*.html")):
        html = path.read_text("utf-8")
        links = sorted(set(LINK.findall(html)) & set(texts))
        if links and f"book/{path.stem}" not in UNLINKED:
            stored = "".join(f'<template data-for="{link}">{texts[link]}</template>' for link in links)
            path.write_text(html.replace("</article>", f"{stored}</article>", 1), "utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_js_file("hover.js", loading_method="defer")
    app.connect("doctree-resolved", link_terms)
    app.connect("build-finished", add_texts, priority=800)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""Sphinx extension: a space that does not break before %, and the fonts of the text, cut down to what is used.

They come out of a registry package while the book is built; `typefaces.css` names the files.
"""

import re
from collections.abc import Iterable
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

from docutils import nodes
from fontTools import subset
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx

FACES = ("Regular", "It", "Semibold")


def cut(source: bytes, characters: Iterable[str], features: Iterable[str]) -> bytes:
    """Return a font as WOFF2 with the given characters only; the same input gives the same bytes."""
    font = TTFont(BytesIO(source), recalcTimestamp=False)
    options = subset.Options(flavor="woff2", layout_features=list(features), notdef_outline=True, hinting=False)
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=[ord(c) for c in characters])
    cutter.subset(font)
    output = BytesIO()
    subset.save_font(font, output, options)
    return output.getvalue()


def write_fonts(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.format != "html":
        return
    pages = Path(app.outdir).joinpath("book").glob("*.html")
    characters = sorted(set().union(*(page.read_text(encoding="utf-8") for page in pages)) - {"\n"})
    for face in FACES:
        source = files("font_source_serif_pro").joinpath(f"files/SourceSerifPro-{face}.ttf").read_bytes()
        target = Path(app.outdir, "_static", f"source-serif-{face.lower()}.woff2")
        target.write_bytes(cut(source, characters, ("kern", "liga", "lnum")))


def keep_units(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Keep a number and its % on one line."""
    for paragraph in doctree.findall(nodes.TextElement):
        if isinstance(paragraph, nodes.FixedTextElement | nodes.literal | nodes.math):
            continue
        for text in [child for child in paragraph if isinstance(child, nodes.Text)]:
            if (kept := re.sub(r"(?<=\d) %", "\u00a0%", text)) != text:
                paragraph.replace(text, nodes.Text(kept))


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_css_file("typefaces.css", priority=890)
    app.connect("doctree-resolved", keep_units)
    app.connect("build-finished", write_fonts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

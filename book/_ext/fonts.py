"""Sphinx extension: the fonts of the text, cut down to what is used.

They come out of a Python package while the book is built; `fonts.css` names the files. A font that is cut
down is another font, and "Source" a name that its owners reserve: so in the site it is called Book Serif.
"""

from collections.abc import Iterable
from importlib.metadata import distribution
from io import BytesIO
from pathlib import Path
from typing import Any

from fontTools import subset
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx

FACES = {"regular": "Regular", "italic": "It", "semibold": "Semibold"}
FAMILY = "Book Serif"
SOURCE = Path(str(distribution("font-source-serif-pro").locate_file("font_source_serif_pro/files")))
MATHEMATICS = Path(str(distribution("ziamath").locate_file("ziamath/fonts/STIXTwoMath-Regular.ttf")))
COPYRIGHT, NAMES, LICENCES = 0, (1, 2, 3, 4, 6), (13, 14)  # as numbered in a font


def cut(source: bytes, characters: Iterable[str], features: Iterable[str], face: str = "") -> bytes:
    """Return a font as WOFF2 with the given characters only; the same input gives the same bytes.

    With ``face`` it is called by that face of Book Serif.
    """
    font = TTFont(BytesIO(source), recalcTimestamp=False)
    options = subset.Options(flavor="woff2", layout_features=list(features), notdef_outline=True, hinting=False)
    options.name_IDs = [COPYRIGHT, *NAMES, *LICENCES]
    cutter = subset.Subsetter(options)
    cutter.populate(unicodes=[ord(c) for c in characters])
    cutter.subset(font)
    if face:
        full = f"{FAMILY} {face.title()}"
        for number, name in zip(NAMES, (FAMILY, face.title(), full, full, full.replace(" ", "")), strict=True):
            font["name"].setName(name, number, 3, 1, 0x409)
    output = BytesIO()
    subset.save_font(font, output, options)
    return output.getvalue()


def copyright_of(font: bytes) -> str:
    """Return what a font says of whose it is."""
    return str(TTFont(BytesIO(font))["name"].getDebugName(COPYRIGHT))


def write_fonts(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.format != "html":
        return
    pages = Path(app.outdir).joinpath("book").glob("*.html")
    characters = sorted(set().union(*(page.read_text(encoding="utf-8") for page in pages)) - {"\n"})
    static = Path(app.outdir, "_static")
    for face, name in FACES.items():
        source = SOURCE.joinpath(f"SourceSerifPro-{name}.ttf").read_bytes()
        target = static / f"book-serif-{face}.woff2"
        target.write_bytes(cut(source, characters, ("kern", "liga", "lnum"), face))


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_css_file("fonts.css", priority=890)
    app.connect("build-finished", write_fonts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""Sphinx extension: formulas become MathML while the book is built, so that a page needs no script for them.

Docutils turns TeX into MathML, which browsers draw and screen readers read. The font is STIX Two Math, cut
down to the characters that the book uses. Bad TeX is a warning, hence an error.
"""

import re
import unicodedata
from html import unescape
from typing import Any

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from fonts import MATHEMATICS, cut
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number

FONT = "stix-two-math.woff2"
ITALIC = [chr(i) for i in (0x210E, *range(0x1D434, 0x1D468), *range(0x1D6E2, 0x1D71C))]
SPELLINGS = {  # what the chapters write, as the converter knows it
    r"\dots": r"\,\ldots\,",
    r"\cdots": r"\,\cdots\,",
    r"\operatorname*{arg\,max}": r"\arg\max",
    r"\Phi": r"\mathrm{\Phi}",
}
FUNCTION = r"<mi>\w+</mi><mo>&ApplyFunction;</mo>"
SPACE = '<mspace width="0.17em"></mspace>'
SPACING = {  # as TeX has it: a function stands off its neighbours, a slash does not
    rf"({FUNCTION})(?!<mo stretchy|<munder>)": rf"\1{SPACE}",
    rf"(</(?:mi|mn|msub|msup|mfrac)>)({FUNCTION})": rf"\1{SPACE}\2",
    '<mo stretchy="false">/</mo>': '<mo lspace="0" rspace="0">/</mo>',
}
log = logging.getLogger(__name__)


def mathml(tex: str, display: bool) -> str:
    """Return TeX as MathML; what the converter does not know raises ``MathError``."""
    for written, known in SPELLINGS.items():
        tex = tex.replace(written, known)
    if "*" in tex:
        raise MathError("a star is not understood")
    html = re.sub(r">\s+<", "><", tex2mathml(tex, as_block=display))
    for pattern, spaced in SPACING.items():
        html = re.sub(pattern, spaced, html)
    return html


def set_formula(app: Sphinx, node: nodes.Element, display: bool) -> str:
    """Return a formula's MathML, and remember its characters for the font."""
    try:
        html = mathml(node.astext(), display)
    except MathError as error:
        log.warning("bad TeX: %s: %s", node.astext(), error, location=node)
        return ""
    app.formulas.add(unescape(html))  # type: ignore[attr-defined]
    return html


def inline(self: Any, node: nodes.Element) -> None:
    self.body.append(set_formula(self.builder.app, node, False))
    raise nodes.SkipNode


def block(self: Any, node: nodes.Element) -> None:
    self.body.append(self.starttag(node, "div", CLASS="equation", tabindex="0"))
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})</span>')
    self.body.append(set_formula(self.builder.app, node, True) + "</div>\n")
    raise nodes.SkipNode


def write_font(app: Sphinx, error: Exception | None) -> None:
    """Write the font with the characters in use, upright and in the italics of variables."""
    if error is None and app.builder.format == "html":
        upright = set("√").union(*app.formulas)  # type: ignore[attr-defined] # <msqrt> does not write its sign
        italic = {c for c in ITALIC if unicodedata.normalize("NFKC", c) in upright}
        font = cut(MATHEMATICS.read_bytes(), upright | italic, ("ssty", "kern"))
        (app.outdir / "_static" / FONT).write_bytes(font)


def setup(app: Sphinx) -> dict[str, Any]:
    app.formulas = set()  # type: ignore[attr-defined]
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    app.add_css_file("mathematics.css")
    app.connect("build-finished", write_font)
    return {"parallel_read_safe": True, "parallel_write_safe": False}

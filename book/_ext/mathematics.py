"""Sphinx extension: formulas become MathML while the book is built, so that a page needs no script for them.

KaTeX, run here in an embedded engine, turns TeX into MathML, which browsers draw and screen readers read.
The font is STIX Two Math, cut down to the characters that the book uses. Bad TeX is a warning, hence an error.
"""

import re
import unicodedata
from importlib.resources import files
from typing import Any

from docutils import nodes
from py_mini_racer import JSEvalException, MiniRacer
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from typefaces import cut

FONT = "stix-two-math.woff2"
ITALIC = [chr(i) for i in (0x210E, *range(0x1D434, 0x1D468), *range(0x1D6E2, 0x1D71C))]
NAME = re.compile("<mo>\u2061</mo>(?!<mo stretchy)")  # a function such as ln, and no bracket after it
log = logging.getLogger(__name__)


class Typesetter:
    """TeX in, MathML out; remembers the characters it has seen."""

    def __init__(self) -> None:
        self.engine = MiniRacer()
        source = files("sphinxcontrib").joinpath("katex.min.js").read_text(encoding="utf-8")
        self.engine.eval("var self = globalThis;" + source)
        self.characters: set[str] = set()

    def mathml(self, tex: str, display: bool, node: nodes.Node) -> str:
        options = {"output": "mathml", "displayMode": display, "strict": "error"}
        try:
            html = str(self.engine.call("self.katex.renderToString", tex, options))
        except JSEvalException as error:
            log.warning("bad TeX: %s: %s", tex, str(error).splitlines()[0], location=node)
            return ""
        html = html.removeprefix('<span class="katex">').removesuffix("</span>")
        html = NAME.sub(r'\g<0><mspace width="0.17em"></mspace>', html)
        self.characters |= set(html) | {"√"}  # of <msqrt>, which does not write it
        return html

    def font(self) -> bytes:
        """Return the font with the characters seen so far, upright and in the italics of variables."""
        wanted = self.characters | {c for c in ITALIC if unicodedata.normalize("NFKC", c) in self.characters}
        source = files("ziamath").joinpath("fonts/STIXTwoMath-Regular.ttf").read_bytes()
        return cut(source, wanted, ("ssty", "kern"))


def inline(self: Any, node: nodes.Element) -> None:
    self.body.append(self.builder.app.typesetter.mathml(node.astext(), False, node))
    raise nodes.SkipNode


def block(self: Any, node: nodes.Element) -> None:
    self.body.append(self.starttag(node, "div", CLASS="equation", tabindex="0"))
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})</span>')
    self.body.append(self.builder.app.typesetter.mathml(node.astext(), True, node) + "</div>\n")
    raise nodes.SkipNode


def write_font(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        (app.outdir / "_static" / FONT).write_bytes(app.typesetter.font())  # type: ignore[attr-defined]


def setup(app: Sphinx) -> dict[str, Any]:
    app.typesetter = Typesetter()  # type: ignore[attr-defined]
    app.add_html_math_renderer("mathml", (inline, None), (block, None))
    app.add_css_file("mathematics.css")
    app.connect("build-finished", write_font)
    return {"parallel_read_safe": True, "parallel_write_safe": False}

"""A matplotlib figure as a clean piece of a page: inline SVG that takes on the colours of its surroundings.

matplotlib writes SVG for a file of its own. In a page that means trouble: styles that leak, ids that
collide, black ink on a dark ground. :func:`elements` keeps what can be seen and drops the rest.
"""

import io
import re
import xml.etree.ElementTree as ET
from html import escape
from typing import Any

import matplotlib
from matplotlib.figure import Figure

# What the figures are drawn with. Black is ink and follows the text; the page may redefine the others.
KEPT = "#0072b2"
CUT = "#767676"
DRAWN = "#d55e00"
OTHER = "#009e73"
COLOURS = {
    "#000000": "currentColor",
    "#ffffff": "none",  # paper
    KEPT: f"var(--kept, {KEPT})",
    CUT: f"var(--cut, {CUT})",
    DRAWN: f"var(--drawn, {DRAWN})",
    OTHER: f"var(--other, {OTHER})",
}
GEOMETRY = {"d", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "width", "height", "points", "transform"}
DEFAULTS = {("stroke-linejoin", "miter"), ("fill-opacity", "1"), ("stroke-opacity", "1"), ("opacity", "1")}
_XLINK = "{http://www.w3.org/1999/xlink}href"


class Picture(Figure):
    """A figure that shows itself as inline SVG, with a sentence for those who cannot see it.

    Attributes
    ----------
    alt : str
        What the picture shows, with its numbers.
    """

    alt: str = ""

    def _repr_html_(self) -> str:
        width = self.get_figwidth() * 89  # in pixels, where no style rules: that of an explorer
        return to_svg(self, width=f"{width:.0f}")


class Element:
    """One SVG element: a tag, attributes, text and children. Never an id, unless something points at it."""

    def __init__(self, tag: str, attributes: dict[str, str], text: str = "") -> None:
        self.tag = tag
        self.attributes = attributes
        self.text = text
        self.children: list[Element] = []

    def __str__(self) -> str:
        attributes = "".join(f' {k}="{escape(v)}"' for k, v in self.attributes.items())
        inside = escape(self.text) + "".join(map(str, self.children))
        return f"<{self.tag}{attributes}>{inside}</{self.tag}>" if inside else f"<{self.tag}{attributes}/>"


def _round(numbers: str) -> str:
    """Round to a tenth of a unit, a quarter of a pixel on a fine screen; write -0 as 0."""
    short = re.sub(r"-?\d+\.?\d*(?:e-?\d+)?", lambda m: f"{round(float(m[0]), 1) + 0.0:g}", numbers)
    return re.sub(r"\s+", " ", short).strip()


def _attributes(node: ET.Element) -> dict[str, str]:
    """Return the attributes that matter; inline style becomes attributes, as a strict page allows."""
    attributes = {k: v for k, v in node.attrib.items() if k not in ("id", "style", _XLINK)}
    for declaration in filter(None, node.get("style", "").split(";")):
        name, value = (part.strip() for part in declaration.split(":", 1))
        if name == "font":  # matplotlib's shorthand: style, weight, size and family in one
            value = re.search(r"[\d.]+(?=px)", value)[0]  # type: ignore[index]
            name = "font-size"
        if name != "font-family" and (name, value) not in DEFAULTS:
            attributes[name] = COLOURS.get(value, value.removesuffix("px"))
    if re.match(r"rotate\(-?0 ", attributes.get("transform", "")):
        del attributes["transform"]
    return {k: _round(v) if k in GEOMETRY else v for k, v in attributes.items()}


def _convert(node: ET.Element, shapes: dict[str, ET.Element]) -> list[Element]:
    tag = node.tag.split("}")[-1]
    if tag in ("defs", "metadata", "style", "title") or node.get("id") == "patch_1":  # patch_1: the paper
        return []
    attributes = _attributes(node)
    if tag == "use":  # a tick mark or marker: draw it in place, so that nothing needs an id
        x, y = (attributes.pop(k, "0") for k in "xy")
        shape = _attributes(shapes[node.get(_XLINK, "").lstrip("#")])
        return [Element("path", {**shape, **attributes, "transform": f"translate({x} {y})"})]
    children = [child for inner in node for child in _convert(inner, shapes)]
    if tag == "g" and not attributes:
        return children
    element = Element(tag, attributes, (node.text or "").strip())
    element.children = children
    return [element]


def _clips(nodes: list[Element], shapes: dict[str, ET.Element]) -> list[Element]:
    """Return the clip paths in use, under ids made of their own geometry: equal ids, equal clips."""
    clips: dict[str, Element] = {}
    for node in nodes:
        if found := re.match(r"url\(#(.+)\)", node.attributes.get("clip-path", "")):
            shape = shapes[found[1]]
            inner = [child for part in shape for child in _convert(part, shapes)]
            name = "clip-" + re.sub(r"[^\w]+", "-", "".join(map(str, inner)))
            clips.setdefault(name, Element("clipPath", {"id": name})).children = inner
            node.attributes["clip-path"] = f"url(#{name})"
        clips |= {clip.attributes["id"]: clip for clip in _clips(node.children, shapes)}
    return list(clips.values())


def elements(figure: Figure, **root: str) -> Element:
    """Return a figure as an SVG element whose attributes include those of ``root``.

    Inline styles become attributes, ink becomes ``currentColor``, numbers are rounded to what a screen
    can show, and groups, ids, metadata and the paper are gone. The same figure gives the same element.
    """
    file = io.StringIO()
    nothing: dict[str, Any] = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "nexttoken"}):
        figure.savefig(file, format="svg", metadata=nothing)
    document = ET.fromstring(file.getvalue())
    shapes = {node.attrib["id"]: node for node in document.iter() if "id" in node.attrib}
    svg = Element("svg", {"viewBox": document.attrib["viewBox"], "fill": "currentColor", **root})
    svg.children = [element for node in document for element in _convert(node, shapes)]
    svg.children = _clips(svg.children, shapes) + svg.children
    return svg


def to_svg(figure: Figure, **root: str) -> str:
    """Return a figure as inline SVG with its text alternative as label; ``root`` as in :func:`elements`.

    Examples
    --------
    >>> to_svg(Picture(figsize=(1, 1)))[:60]
    '<svg viewBox="0 0 72 72" fill="currentColor" class="figure" '
    """
    return str(elements(figure, **{"class": "figure", "role": "img", "aria-label": alt(figure), **root}))


def alt(figure: Figure) -> str:
    """Return the text alternative of a figure, or the titles and labels of its axes."""
    said = getattr(figure, "alt", "")
    named = (text for axes in figure.axes for text in (axes.get_title(), axes.get_xlabel(), axes.get_ylabel()))
    return said or "Figure: " + ", ".join(filter(None, named))

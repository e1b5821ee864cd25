"""A matplotlib figure becomes a clean piece of a page."""

import re

import numpy as np
import pytest
from matplotlib.figure import Figure

from nexttoken.svg import KEPT, Picture, alt, elements, to_svg


def figure(**line) -> Figure:
    """A figure with ticks, a clipped line, a marker, turned text and a label: all that makes trouble."""
    result = Figure(figsize=(3, 2))
    axes = result.add_axes((0.2, 0.2, 0.7, 0.7))
    axes.plot([0, 1, 2], [0, 5, 1], **({"marker": "o", "color": KEPT} | line))
    axes.set_ylim(0, 1)
    axes.set_ylabel("p & q < 1")
    axes.set_title("A title")
    return result


def test_a_picture_is_one_labelled_svg():
    picture = Picture(figsize=(1, 1))
    picture.alt = 'It says "< 1 & > 0".'
    html = picture._repr_html_()
    assert html.startswith('<svg viewBox="0 0 72 72"')
    assert 'role="img" aria-label="It says &quot;&lt; 1 &amp; &gt; 0&quot;."' in html


def test_nothing_leaks_out_of_it():
    """No ids but those of clips, no inline style, no script, no reference to elsewhere, no date."""
    html = to_svg(figure())
    ids = re.findall(r'id="([^"]+)"', html)
    assert all(name.startswith("clip-") for name in ids)
    assert {f"url(#{name})" for name in ids} == set(re.findall(r"url\(#[^)]+\)", html))
    for forbidden in ("style=", "<style", "<script", "xlink", "href", "<use", "http", "metadata", "DejaVu"):
        assert forbidden not in html


def test_ink_follows_the_page_and_paper_is_gone():
    html = to_svg(figure())
    assert "currentColor" in html
    assert f"var(--kept, {KEPT})" in html
    assert "#000000" not in html
    assert "#ffffff" not in html


def test_text_stays_text():
    html = to_svg(figure())
    assert ">A title</text>" in html
    assert ">p &amp; q &lt; 1</text>" in html


def test_equal_clips_have_equal_ids_and_others_do_not():
    """Two figures on a page may share an id only if the clip behind it is the same."""
    wide = Figure(figsize=(6, 2))
    wide.add_axes((0.2, 0.2, 0.7, 0.7)).plot([0, 1], [0, 1])

    def clips(html):
        return dict(re.findall(r'<clipPath id="([^"]+)">(.*?)</clipPath>', html))

    first, again, other = clips(to_svg(figure())), clips(to_svg(figure())), clips(to_svg(wide))
    assert first
    assert first == again
    assert not first.keys() & other.keys()


def test_the_same_figure_gives_the_same_text():
    assert to_svg(figure()) == to_svg(figure())


def test_numbers_are_rounded_to_what_a_screen_shows():
    for path in re.findall(r' d="([^"]+)"', to_svg(figure())):
        assert re.fullmatch(r"(?:[MLCQz]|-?\d+(?:\.\d)?| )+", path)
        assert "-0 " not in path


def test_a_plain_figure_is_described_by_its_titles():
    assert alt(figure()) == "Figure: A title, p & q < 1"


@pytest.mark.parametrize("dash", ["-", "--", ":"])
def test_every_style_of_line_survives(dash):
    """A dashed line is still dashed: the attribute is kept, whatever matplotlib calls it."""
    path = elements(figure(linestyle=dash)).children
    dashed = any("stroke-dasharray" in part.attributes for part in path)
    assert dashed == (dash != "-")


def test_empty_figures_and_odd_values_are_drawn():
    assert to_svg(Figure(figsize=(1, 1))).startswith("<svg")
    broken = Figure(figsize=(1, 1))
    broken.add_subplot().plot([0, np.nan, 1], [1, 2, np.inf])
    assert "nan" not in to_svg(broken).lower()

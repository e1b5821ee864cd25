"""What the build makes of the theme: it fails by name where the theme is no longer what it takes it for."""

from pathlib import Path

import assets
import pytest
from docutils.utils.math import MathError
from mathematics import mathml
from sphinx.errors import ExtensionError

PAGE = {Path("a.html"): f"<body>{' '.join(assets.PROMISED.values())}</body>"}
REDIRECTION = {Path("index.html"): "<meta http-equiv='Refresh'>"}


@pytest.mark.parametrize("name", assets.CURES)
def test_a_fault_that_is_no_longer_there_fails_the_build_with_its_name(name):
    assets.check(PAGE | REDIRECTION, set(assets.CURES))
    with pytest.raises(ExtensionError, match=f"no page has {name} to cure"):
        assets.check(PAGE, set(assets.CURES) - {name})


@pytest.mark.parametrize("name", assets.PROMISED)
def test_a_template_that_the_theme_no_longer_uses_fails_the_build_with_its_name(name):
    html = PAGE[Path("a.html")].replace(assets.PROMISED[name], "")
    with pytest.raises(ExtensionError, match=f"a.html lacks {name}"):
        assets.check({Path("a.html"): html}, set(assets.CURES))


def test_a_style_keeps_what_a_page_can_match():
    css = """@charset "UTF-8"; .a, .b > p, .c:not(.d) {x: 1} .d {y: 2} p {z: 3}
    @media print {.d {y: 2} .a .b {y: 4}} @media print {.d {y: 5}} @font-face {font-family: f}"""
    assert assets.prune(css, {"a", "b", "c"}).split("\n") == [
        ".a, .b > p, .c:not(.d) {x: 1}",
        "p {z: 3}",
        "@media print {.a .b {y: 4}",
        "}",
        "@font-face {font-family: f}",
        "",
    ]


@pytest.mark.parametrize("tex", [r"\foo", r"\frac{a}", r"\operatorname*{lim}_i z_i", r"a \\* b", "a_"])
def test_bad_tex_is_refused(tex):
    with pytest.raises(MathError):
        mathml(tex, True)


def test_functions_and_fractions_stand_as_in_print():
    thin = '<mspace width="0.17em"></mspace>'
    ln = "<mi>ln</mi><mo>&ApplyFunction;</mo>"
    assert f"<mn>2</mn>{thin}{ln}{thin}<mi>p</mi>" in mathml(r"2 \ln p", False)
    assert f"{ln}<mo stretchy" in mathml(r"\ln (p)", False)
    assert '<mi>p</mi><mo lspace="0" rspace="0">/</mo><mi>q</mi>' in mathml("p / q", False)
    assert "…" in mathml(r"w_1 \dots w_n", False)
    assert '<munder><mo movablelimits="true">max</mo>' in mathml(r"\operatorname*{arg\,max}_i z_i", True)

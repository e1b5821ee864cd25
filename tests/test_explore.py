"""The one function: an ordinary widget in a kernel, HTML while the book is built."""

import ipywidgets
import numpy as np
import pytest
from matplotlib.figure import Figure

from nexttoken import explore, plots
from nexttoken.svg import to_svg


def picture(height):
    if height > 0.9:
        raise ValueError("too high")
    return plots.bars(["a", "b"], [height, 1 - height])


def slider():
    return ipywidgets.FloatSlider(0.5, min=0, max=1, step=0.25)


def test_in_a_kernel_it_is_a_widget_that_redraws():
    box = explore(picture, height=slider())
    assert isinstance(box, ipywidgets.VBox)
    view, control = box.children
    assert view.value == to_svg(picture(0.5))
    control.value = 0.75
    assert view.value == to_svg(picture(0.75))


def test_in_a_kernel_no_frame_is_drawn_ahead():
    drawn = []
    explore(lambda height: drawn.append(height) or picture(height), height=slider())
    assert drawn == [0.5]


def test_a_failing_plot_is_seen_and_raises():
    view, control = explore(picture, height=slider()).children
    with pytest.raises(ValueError, match="too high"):
        control.value = 1.0
    assert view.value == "<pre>ValueError: too high</pre>"
    control.value = 0.25  # and the next state is drawn again
    assert view.value == to_svg(picture(0.25))


def test_describe_replaces_the_text_alternative():
    view, control = explore(picture, describe=lambda height: f"At {height}", height=slider()).children
    assert 'aria-label="At 0.5"' in view.value
    control.value = 0.25
    assert 'aria-label="At 0.25"' in view.value


def test_any_matplotlib_figure_will_do():
    def plain(n):
        figure = Figure(figsize=(2, 2))
        figure.add_subplot().plot(np.arange(n))
        return figure

    box = explore(plain, n=ipywidgets.IntSlider(3, min=2, max=5))
    assert box.children[0].value.startswith("<svg")


def test_while_the_book_is_built_it_is_html(monkeypatch):
    monkeypatch.setenv("NEXTTOKEN_STATIC", "1")
    html = explore(picture, height=ipywidgets.FloatSlider(0.5, min=0, max=0.75, step=0.25))._repr_html_()
    assert html.startswith('<div class="explorer"><svg')
    with pytest.raises(RuntimeError, match=r"failed at height=1\.0: ValueError: too high"):
        explore(picture, height=slider())


def test_a_control_without_a_label_is_labelled_with_its_name():
    _, control = explore(lambda bar_height: picture(bar_height), bar_height=slider()).children
    assert control.description == "bar height"


@pytest.fixture(params=["", "1"], ids=["live", "page"])
def both(request, monkeypatch):
    """Runs a test twice: in a kernel, and while the book is built."""
    monkeypatch.setenv("NEXTTOKEN_STATIC", request.param)


on_both_paths = pytest.mark.usefixtures("both")


@on_both_paths
def test_no_control_is_refused():
    with pytest.raises(TypeError, match="at least one control"):
        explore(picture)


@on_both_paths
@pytest.mark.parametrize(
    ("control", "kind"),
    [
        (ipywidgets.Text("a"), "Text"),
        (ipywidgets.IntText(1), "IntText"),
        (ipywidgets.BoundedFloatText(1), "BoundedFloatText"),
        (ipywidgets.FloatLogSlider(1), "FloatLogSlider"),
        (ipywidgets.FloatRangeSlider(), "FloatRangeSlider"),
        (ipywidgets.RadioButtons(options=[1, 2]), "RadioButtons"),
        (ipywidgets.Select(options=[1, 2]), "Select"),
        (ipywidgets.SelectMultiple(options=[1, 2]), "SelectMultiple"),
        (ipywidgets.ToggleButton(), "ToggleButton"),
        (ipywidgets.VBox([]), "VBox"),
        (ipywidgets.FloatSlider, "MetaHasTraits"),
        ((0, 10), "tuple"),
        ([1, 2], "list"),
        (0.5, "float"),
        (None, "NoneType"),
    ],
)
def test_what_is_no_control_is_refused(control, kind):
    with pytest.raises(TypeError, match=rf"^height is a {kind}: give a FloatSlider, .* or Checkbox$"):
        explore(picture, height=control)


@on_both_paths
@pytest.mark.parametrize(
    ("returned", "kind"), [(None, "NoneType"), ("<svg/>", "str"), (Figure().add_subplot(), "Axes")]
)
def test_a_plot_that_returns_no_figure_is_refused(returned, kind):
    with pytest.raises(TypeError, match=rf"^at height=0.0 plot returned {kind}: return a matplotlib Figure$"):
        explore(lambda height: returned, height=ipywidgets.FloatSlider(0, max=0.5, step=0.25))


@on_both_paths
@pytest.mark.parametrize("sentence", [None, 3, ["It is low."]])
def test_a_description_that_is_no_sentence_is_refused(sentence):
    kind = type(sentence).__name__
    with pytest.raises(TypeError, match=rf"^at height=0.0 describe returned {kind}: return a sentence$"):
        explore(picture, describe=lambda height: sentence, height=ipywidgets.FloatSlider(0, max=0.5))


@on_both_paths
@pytest.mark.parametrize("plot", [None, 3, plots.bars(["a"], [1.0])])
def test_a_plot_that_is_no_function_is_refused(plot):
    with pytest.raises(TypeError, match=r"^plot=.* must be a function that returns a matplotlib Figure$"):
        explore(plot, height=slider())


@on_both_paths
def test_a_describe_that_is_no_function_is_refused():
    with pytest.raises(TypeError, match=r"^describe='a' must be a function"):
        explore(picture, describe="a", height=slider())


def test_the_sentence_of_one_state_is_not_kept_for_the_next():
    """A plot may hand out one figure twice."""
    figure = picture(0.5)
    said = {0.5: "It is half.", 0.75: ""}
    view, control = explore(
        lambda height: figure, describe=lambda height: said[height], height=slider()
    ).children
    assert "It is half." in view.value
    control.value = 0.75
    assert f'aria-label="{figure.alt}"' in view.value


@pytest.mark.parametrize(
    ("end", "words"), [(1e9, "10000000001 states of height alone"), (np.inf, "finite ends")]
)
def test_a_slider_of_too_many_steps_is_refused_at_once(monkeypatch, end, words):
    monkeypatch.setenv("NEXTTOKEN_STATIC", "1")
    with pytest.raises(ValueError, match=words):
        explore(picture, height=ipywidgets.FloatSlider(0, min=0, max=end, step=0.1))


@on_both_paths
def test_without_a_sentence_the_figure_has_its_own():
    shown = explore(picture, describe=lambda height: "", height=ipywidgets.FloatSlider(0, max=0.5, step=0.25))
    html = shown.children[0].value if isinstance(shown, ipywidgets.VBox) else shown.html
    assert 'aria-label="Bars of probability. a 0 %, b 100 %."' in html


def test_a_plot_that_returns_a_figure_no_more_is_seen_and_raises():
    view, control = explore(lambda height: picture(height) if height < 0.7 else None, height=slider()).children
    with pytest.raises(TypeError, match=r"at height=0\.75 plot returned NoneType"):
        control.value = 0.75
    assert "plot returned NoneType: return a matplotlib Figure" in view.value

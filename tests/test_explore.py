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


def test_no_control_is_refused():
    with pytest.raises(TypeError, match="at least one control"):
        explore(picture)

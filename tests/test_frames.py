"""The static form of an explorer: what is kept of each state, and that nothing is lost."""

import json
import re
from itertools import product

import numpy as np
import pytest
from ipywidgets import Checkbox, Dropdown, FloatSlider, IntSlider, Label, SelectionSlider, ToggleButtons
from matplotlib.figure import Figure

from nexttoken import apply_temperature, plots, softmax
from nexttoken.frames import DIGITS, Control, compress, draw, encode, static_html
from nexttoken.svg import to_svg

TOKENS = ["cat", "dog", "owl"]
Z = np.array([2.0, 1.0, 0.0])


def picture(temperature, view="probabilities"):
    z = apply_temperature(Z, temperature)
    if view == "logits":
        return plots.bars(TOKENS, z, unit="logit", limits=(0, 20))
    return plots.bars(TOKENS, softmax(z))


def sliders():
    return {
        "view": ToggleButtons(options=["logits", "probabilities"]),
        "temperature": FloatSlider(1, min=0.1, max=3, step=0.1, readout_format=".1f", tooltip="hot or cold"),
    }


def number(digits: str) -> int:
    return int(np.polyval([DIGITS.index(digit) for digit in digits], len(DIGITS)))


def replay(data: dict, state: int, first: str) -> str:
    """Apply the slots of a state to the first frame, as the page script does; return the SVG."""
    group, place = data.get("where", {state: (0, state)})[state]
    group = data["groups"][group]
    svg = group.get("svg", first)
    tags = list(re.finditer(r"<(?!/)[^>]*>([^<]*)", svg))
    changed = {}
    for part, attribute, *pieces in group["slots"]:
        text = ""
        for piece in pieces:
            if isinstance(piece, str):
                text += piece
                continue
            row = group["columns"][piece[0]]
            width = len(row) // group["count"]
            entry = number(row[place * width : (place + 1) * width])
            text += group["words"][entry] if len(piece) == 1 else f"{(entry + piece[1]) / 10:g}"
        changed.setdefault(part, []).append((attribute, text.replace("&", "&amp;").replace("<", "&lt;")))
    result, end = "", 0
    for i, tag in enumerate(tags):
        piece = tag[0]
        for attribute, text in changed.get(i, []):
            if attribute:
                piece = re.sub(rf' {attribute}="[^"]*"', lambda _: f' {attribute}="{text}"', piece, count=1)  # noqa: B023
            else:
                piece = piece[: len(piece) - len(tag[1])] + text
        result += svg[end : tag.start()] + piece
        end = tag.end()
    return result + svg[end:]


def data_of(html: str) -> dict:
    return json.loads(re.search(r'<script type="application/json">(.*)</script>', html)[1])


def test_slots_on_the_first_frame_are_the_frame_drawn_directly():
    html = static_html(picture, None, sliders())
    data, first = data_of(html), re.search(r"<svg.*</svg>", html)[0]
    controls = [Control(name, widget) for name, widget in sliders().items()]
    for state, (view, temperature) in enumerate(product(*(control.values for control in controls))):
        assert replay(data, state, first) == to_svg(picture(temperature, view))


def test_the_first_frame_is_the_state_of_the_controls():
    html = static_html(picture, None, sliders())
    assert to_svg(picture(1.0, "logits")) in html


def test_the_same_explorer_gives_the_same_html():
    assert static_html(picture, None, sliders()) == static_html(picture, None, sliders())


def test_frames_of_different_shapes_are_grouped_and_reported(capsys):
    def growing(n):
        return plots.bars([str(i) for i in range(n)], np.full(n, 1 / n))

    html = static_html(growing, None, {"n": IntSlider(2, min=1, max=4)})
    data, first = data_of(html), re.search(r"<svg.*</svg>", html)[0]
    assert len(data["groups"]) == 4
    assert sum("svg" not in group for group in data["groups"]) == 1  # the one in the page
    for state in range(4):
        assert replay(data, state, first) == to_svg(growing(state + 1))
    assert "frames of 4 shapes" in capsys.readouterr().err


def test_controls_are_native_labelled_and_start_where_they_should():
    html = static_html(picture, None, sliders())
    assert '<legend>view</legend><label><input type="radio" name="view" value="0" checked>' in html
    named = 'name="temperature" aria-label="temperature" aria-description="hot or cold"'
    grid = 'min="0" max="29" step="1" value="9" aria-valuetext="1.0"'
    assert f'<input type="range" {named} {grid}>' in html
    assert '<span>temperature</span><output aria-live="off">1.0</output>' in html
    assert "<small>hot or cold</small>" in html
    cold = FloatSlider(-1, min=-1, max=1, step=1, readout_format="+.1f")
    assert '>−1.0</output><input type="range"' in Control("x", cold).html()
    assert 'aria-valuetext="−1.0"' in Control("x", cold).html()
    assert 'class="controls" hidden disabled>' in html  # a control appears when it works


def test_every_kind_of_control_is_read():
    widgets = {
        "a": IntSlider(3, min=1, max=7, step=2),
        "b": SelectionSlider(options=[("few", 1), ("many", 9)], value=9),
        "c": Dropdown(options=["x", "y"], value="y", description="which"),
        "d": Checkbox(value=True),
    }
    controls = [Control(name, widget) for name, widget in widgets.items()]
    assert [control.values for control in controls] == [[1, 3, 5, 7], [1, 9], ["x", "y"], [False, True]]
    assert [control.labels for control in controls][1:] == [["few", "many"], ["x", "y"], ["off", "on"]]
    assert [control.start for control in controls] == [1, 1, 1, 1]
    html = "".join(control.html() for control in controls)
    assert 'min="0" max="1" step="1" value="1" aria-valuetext="many"' in html
    assert "<span>which</span><select" in html
    assert "<option selected>y</option>" in html
    assert '<input type="checkbox" name="d" aria-label="d" checked>' in html


def test_the_grid_of_a_slider_is_even_and_ends_where_it_can():
    control = Control("t", FloatSlider(0.1, min=0.1, max=1, step=0.1, readout_format=".1f"))
    assert control.labels == ["0.1", "0.2", "0.3", "0.4", "0.5", "0.6", "0.7", "0.8", "0.9", "1.0"]
    assert control.values[2] == 0.3
    assert Control("t", FloatSlider(0, min=0, max=1, step=0.4)).values == [0, 0.4, 0.8]


@pytest.mark.parametrize(
    ("widget", "start", "stops"),
    [
        (SelectionSlider(options=[1e-12, 1e-10, 1.0], value=1e-10), 1, 3),
        (SelectionSlider(options=[1.0, 1 + 2**-52, 1 + 2**-51], value=1 + 2**-52), 1, 3),
        (Dropdown(options=[("one", 1), ("true", True)], index=1), 1, 2),
        (ToggleButtons(options=[("zero", 0), ("no", False), ("off", 0.0)], index=2), 2, 3),
        (Dropdown(options=[("half", 0.5), ("a half", 0.5)], index=1), 1, 2),
        (Dropdown(options=[("none", None), ("one", 1)], index=0), 0, 2),
        (FloatSlider(2e-8, min=0, max=1e-7, step=5e-10), 40, 201),
        (FloatSlider(3e-12, min=-1e-11, max=1e-11, step=1e-12), 13, 21),
        (FloatSlider(1e15 + 5, min=1e15, max=1e15 + 10, step=1), 5, 11),
        (FloatSlider(3e300, min=0, max=1e301, step=1e300), 3, 11),
        (FloatSlider(1 / 3, min=0, max=1, step=1 / 3), 1, 4),
        (FloatSlider(5 * np.pi / 7, min=0, max=np.pi, step=np.pi / 7), 5, 8),
        (FloatSlider(0.1 + 0.2, min=0, max=0.9, step=0.1 + 0.2), 1, 4),
        (FloatSlider(0.1 + 0.2, min=0, max=1, step=0.1), 3, 11),
        (IntSlider(2**60 + 1, min=2**60, max=2**60 + 3), 1, 4),
    ],
)
def test_a_page_starts_where_the_widget_does_at_any_scale(widget, start, stops):
    control = Control("x", widget)
    assert control.start == start
    assert len(control.values) == len(control.labels) == stops
    assert control.values[start] == widget.value
    if hasattr(widget, "max"):
        assert control.values[0] == widget.min
        assert control.values[-1] == widget.max


def test_options_that_compare_equal_keep_their_own_values():
    control = Control("x", Dropdown(options=[("one", 1), ("true", True), ("1.0", 1.0)], index=1))
    assert [type(value) for value in control.values] == [int, bool, float]
    assert "<option>one</option><option selected>true</option><option>1.0</option>" in control.html()


def test_the_stops_of_a_slider_are_what_stands_on_paper():
    """Sums in floats give 0.30000000000000004, and at 1e-13 what no fixed number of decimals cures."""
    for scale in ("", "e-13", "e9"):
        low, high, step = (float(f"{n}{scale}") for n in (-0.3, 0.6, 0.1))
        stops = Control("x", FloatSlider(low, min=low, max=high, step=step)).values
        assert stops == [float(f"{n}{scale}") for n in (-0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)]
    assert format(Control("x", FloatSlider(0, min=-0.3, max=0.3, step=0.1)).values[3], ".1f") == "0.0"


@pytest.mark.parametrize("step", [0, None, -1])
def test_a_slider_that_cannot_step_is_refused(step):
    with pytest.raises(ValueError, match=rf"^x has step={step}.*: give a step above 0"):
        Control("x", FloatSlider(0, step=step))


@pytest.mark.parametrize("options", [[], ["a", "b"]])
def test_a_choice_of_nothing_is_refused(options):
    with pytest.raises(ValueError, match=r"^x starts at None, which is not one of its steps"):
        Control("x", Dropdown(options=options, value=None))


def test_a_description_of_ones_own_is_the_label():
    html = static_html(picture, lambda temperature: f"It is {temperature} & warm.", {"temperature": FloatSlider(1, min=1, max=2, step=1)})  # fmt: skip  # noqa: E501
    assert 'aria-label="It is 1.0 &amp; warm."' in html


def test_labels_and_data_cannot_break_out_of_the_page():
    bad = '</script><b title="'
    html = static_html(lambda c: plots.bars([c, "b"], [0.5, 0.5]), None, {"c": Dropdown(options=[bad, "x"])})
    assert "<b" not in html.replace("<button", "")
    assert html.count("</script>") == 1


def test_one_figure_handed_out_twice_is_drawn_once(monkeypatch):
    same, count = plots.bars(TOKENS, softmax(Z)), []
    monkeypatch.setattr(
        type(same), "savefig", lambda self, *a, **k: count.append(1) or Figure.savefig(self, *a, **k)
    )
    list(draw(lambda n: same, None, [Control("n", IntSlider(1, min=1, max=5))]))
    assert len(count) == 1


def test_small_integers_have_digits_of_equal_width():
    for row in ([0], [0, 91], [5, 92, 8463], [8464]):
        text = encode(row)
        width = len(text) // len(row)
        assert [number(text[i * width : (i + 1) * width]) for i in range(len(row))] == row


def test_a_one_state_explorer_has_no_slots():
    frames = list(draw(picture, None, [Control("temperature", FloatSlider(1, min=1, max=1))]))
    assert compress(frames, 0)["groups"][0]["slots"] == []


def test_too_many_states_are_refused_with_their_count():
    widgets = {"temperature": FloatSlider(1, min=1, max=30, step=0.02), "view": Checkbox()}
    with pytest.raises(ValueError, match=r"2902 states \(temperature 1451 × view 2\) are more than 2000"):
        static_html(picture, None, widgets)


def test_a_plot_that_fails_names_the_state():
    with pytest.raises(RuntimeError, match=r"failed at temperature=0.0: ValueError: temperature=0.0 must be"):
        static_html(picture, None, {"temperature": FloatSlider(0, min=0, max=1, step=0.5)})


def test_a_plot_that_returns_no_figure_is_refused():
    with pytest.raises(TypeError, match="plot returned str: return a matplotlib Figure"):
        static_html(lambda n: "no", lambda n: "", {"n": IntSlider(1, min=1, max=2)})


def test_other_widgets_are_refused():
    with pytest.raises(TypeError, match="n is a Label: give a FloatSlider"):
        static_html(picture, None, {"n": Label("no")})


def test_a_start_off_the_grid_is_refused():
    with pytest.raises(ValueError, match=r"temperature starts at 0\.55"):
        static_html(picture, None, {"temperature": FloatSlider(0.55, min=0.1, max=1, step=0.1)})

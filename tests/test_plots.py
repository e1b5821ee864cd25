"""Every picture over the whole range of what it may be given: it draws, it fits, it says what it shows."""

import re

import numpy as np
import pytest

from nexttoken import apply_temperature, plots, softmax, top_k_filter, top_p_filter
from nexttoken.svg import to_svg

TOKENS = ["cat", "dog", "owl", "fox"]
P = np.array([0.5, 0.25, 0.125, 0.125])


def texts(picture) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", to_svg(picture))


def test_bars_write_every_token_and_value():
    assert texts(plots.bars(TOKENS, P)) == ["cat", "dog", "owl", "fox", "probability", "50 %", "25 %", "12.5 %", "12.5 %"]  # fmt: skip  # noqa: E501


def test_bars_sum_up_the_tokens_that_are_not_listed():
    picture = plots.bars(TOKENS, P, show=[1, 0])
    assert texts(picture)[:3] == ["dog", "cat", "2 others"]
    assert "2 others 25 %" in picture.alt
    assert "2 others ≤ 0.12" in plots.bars(TOKENS, P, show=[1, 0], unit="logit").alt
    for kept, word in (([1, 1, 0, 0], " cut."), ([1, 1, 0, 1], ".")):
        assert plots.bars(TOKENS, P, show=[1, 0], kept=kept).alt.endswith(f"2 others 25 %{word}")


def test_a_cut_token_stays_listed_at_zero():
    kept = np.array([True, True, False, False])
    picture = plots.bars(TOKENS, P * kept / 0.75, kept=kept, before=P)
    assert "owl 0 % cut" in picture.alt
    assert texts(picture).count("0 % cut") == 2


def test_the_drawn_token_is_named_not_only_coloured():
    picture = plots.bars(TOKENS, P, drawn=2)
    assert "▸ owl" in texts(picture)
    assert picture.alt.endswith("Chosen: owl.")


def test_panels_stand_side_by_side():
    picture = plots.bars(TOKENS, {"spiky": P, "flat": np.full(4, 0.25)}, kept={"spiky": P > 0.2, "flat": P > 0})
    assert {"spiky", "flat"} <= set(texts(picture))
    assert "spiky: cat 50 %" in picture.alt
    assert "flat: cat 25 %" in picture.alt


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300, -1e300, 0.0])
@pytest.mark.parametrize("unit", ["logit", "probability"])
def test_bars_draw_whatever_a_broken_softmax_returns(value, unit):
    picture = plots.bars(TOKENS, [value, 1.0, 0.0, 0.5], unit=unit)
    assert "nan" not in to_svg(picture)
    assert "inf" not in to_svg(picture)


def test_bars_have_one_shape_whatever_is_kept(fox):
    """The explorers keep only what differs, so the number and kind of elements must not."""
    tokens = [str(i) for i in range(len(fox))]
    shapes = set()
    for k in (1, 3, 48):
        for t in (0.1, 1.0, 3.0):
            z = apply_temperature(fox, t)
            q = top_k_filter(z, k)
            picture = plots.bars(tokens, softmax(q), show=range(13), kept=np.isfinite(q), before=softmax(z))
            shapes.add(re.sub(r'"[^"]*"|>[^<]*<', "", to_svg(picture)))
    assert len(shapes) == 1


def test_bars_stay_inside_the_picture(fox):
    """The longest bar and the widest value still fit into 440 points."""
    for unit, values in (("probability", [1.0, 0, 0, 0]), ("logit", [20.0, -20, 0, 1])):
        html = to_svg(plots.bars(TOKENS, values, unit=unit))
        xs = [float(x) for x in re.findall(r"[ML] (-?[\d.]+) ", html)]
        assert min(xs) >= 0
        assert max(xs) <= 440 - 50


@pytest.mark.parametrize("p", [0.01, 0.5, 0.75, 0.9, 1.0])
def test_staircase_says_where_it_stops(p):
    kept = np.isfinite(top_p_filter(np.log(P), p))
    picture = plots.staircase(TOKENS, P, p=p, kept=kept)
    assert f"At p = {p:.2f} the nucleus is {kept.sum()} of 4 tokens" in picture.alt
    assert "dog 75 %" in picture.alt
    assert texts(picture).count("100 %") == 1


def test_curves_name_every_line_and_mark():
    x = np.linspace(0, 1, 11)
    picture = plots.curves(x, {"up": x, "down": 1 - x}, x_label="time", y_label="height", mark=0.3)
    assert {"up", "down", "time", "height"} <= set(texts(picture))
    assert picture.alt == "Curves of height. At time 0.30: up 0.3, down 0.7."
    plain = plots.curves(x, {"up": x}, x_label="time", y_label="height")
    assert plain.alt == "Curves of height. Over time 0 to 1: up from 0 to 1."


def test_logarithmic_axes_have_powers_of_ten_and_make_a_power_law_straight():
    x = np.array([1.0, 10, 100, 10_000])
    axes = {"x_label": "rank", "y_label": "share", "log": True, "log_y": True}
    picture = plots.curves(x, {"steep": x**-2.0, "flat": 0 * x + 1e-2}, mark=1000, **axes)
    assert {"1", "10", "1,000", "10⁻⁶", "10⁻⁸"} <= set(texts(picture))
    assert picture.alt == "Curves of share. At rank 1,000: steep 1e-06, flat 0.01."
    (steep,) = re.findall(r'<path d="M ([^"]*)"[^>]*var\(--kept', to_svg(picture))
    points = np.array([point.split() for point in steep.split(" L ")], dtype=float)
    slopes = np.diff(points[:, 1]) / np.diff(points[:, 0])
    np.testing.assert_allclose(slopes, slopes[0], rtol=1e-2)  # drawn to a tenth of a point


def test_a_short_curve_is_named_where_it_ends():
    x = np.arange(5.0)
    lines = {"short": [0.9, 0.8, np.nan, np.nan, np.nan], "long": [0.5] * 5}
    picture = plots.curves(x, lines, x_label="time", y_label="height", mark=2, limits=(0, 1))
    assert picture.alt == "Curves of height. At time 2.00: long 0.5."
    place = {
        name: float(x) for x, name in re.findall(r'<text x="([\d.]+)"[^>]*>(short|long)<', to_svg(picture))
    }
    assert place["short"] < place["long"] - 100
    plain = plots.curves(x * 1000, lines, x_label="time", y_label="height")
    assert plain.alt.endswith("Over time 0 to 4,000: short from 0.9 to 0.8, long from 0.5 to 0.5.")


def test_the_name_of_a_curve_that_leaves_the_frame_stays_at_its_edge():
    picture = plots.curves([1, 2], {"deep": [1, 1e-30]}, x_label="x", y_label="y", limits=(1e-9, 1), log_y=True)
    (y,) = re.findall(r'<text x="[\d.]+" y="([\d.]+)"[^>]*>deep<', to_svg(picture))
    assert float(y) < 245


def test_labels_of_curves_never_touch():
    placed = np.sort(plots._spread([0.5, 0.5, 0.5, 0.9, 0.1], 0.1))
    assert np.diff(placed).min() >= 0.1 - 1e-12
    np.testing.assert_allclose(plots._spread([0.1, 0.9], 0.1), [0.1, 0.9])  # and move only if they must


def test_triangle_puts_certainty_into_a_corner():
    picture = plots.triangle(TOKENS[:3], {"sure": [1, 0, 0], "even": [1 / 3] * 3}, path=np.eye(3))
    assert "sure at cat 100 %, dog 0 %, owl 0 %" in picture.alt
    assert {"cat", "dog", "owl", "sure", "even"} <= set(texts(picture))


def test_forward_pass_shows_every_array_with_its_shape(model, fox):
    tokens, i = model.vocabulary.tokens, model.vocabulary["fox"]
    picture = plots.forward_pass(tokens, i, model.embedding[i], fox, softmax(fox), int(fox.argmax()))
    assert {"token", "embedding", "logits", "probabilities", "(48,)", "(8,)"} <= set(texts(picture))
    assert "the largest 44.4 % for jumps; choice: jumps, 44.4 %" in picture.alt


def test_a_list_of_another_length_is_refused():
    with pytest.raises((ValueError, IndexError)):
        plots.bars(TOKENS, [0.5, 0.5])

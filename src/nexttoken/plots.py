"""Numbers in, picture out: one function for each idea of the book. Nothing is computed here.

Every picture is 440 points wide, which reads well on a phone, and carries a sentence in ``alt``.
Colour never stands alone: what is cut is hollow, what is drawn is named.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Polygon, Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator
from numpy.typing import ArrayLike

from .svg import CUT, DRAWN, KEPT, OTHER, Picture

WIDTH = 440  # all sizes in points
ROW = 21
SIZE = 13  # of the letters
LABELS = 76  # left of the bars, for the tokens' names
VALUES = 58  # right of them
INK = "#000000"
PAPER = "#ffffff"
DASHES = ["-", "--", "-.", ":", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1))]


def _picture(height: float) -> Picture:
    return Picture(figsize=(WIDTH / 72, height / 72))


def _axes(picture: Picture, left: float, top: float, width: float, height: float) -> Axes:
    """Add axes at a place given in points from the upper left corner."""
    w, h = picture.get_size_inches() * 72
    axes = picture.add_axes((left / w, 1 - (top + height) / h, width / w, height / h))
    axes.set_axis_off()
    return axes


def _write(axes: Axes, x: float, y: float, text: str, right: float = 0, **style: Any) -> None:
    """Write at a point of the data, moved ``right`` by some points."""
    low, high = axes.get_xlim()
    width = axes.get_position().width * WIDTH
    place = x if not right else x + right * (high - low) / width
    axes.text(place, y, text, **{"va": "center", "fontsize": SIZE, "clip_on": False, **style})


def percent(probability: float) -> str:
    """Write a probability as a reader would: 44.3 %, 0.02 %, 0 %.

    Examples
    --------
    >>> percent(0.4432), percent(0.0002), percent(0), percent(1)
    ('44.3 %', '0.02 %', '0 %', '100 %')
    """
    value = 100 * float(probability)
    if not np.isfinite(value):
        return number(value)
    if 0 < value < 0.01:
        return "< 0.01 %"
    return f"{value:.2f} %" if 0 < value < 0.1 else f"{value:.1f} %".replace(".0 %", " %")


def number(value: float) -> str:
    """Write a logit with two decimals, a true minus sign, and NaN and infinity by name.

    Examples
    --------
    >>> number(-1.5), number(float("nan")), number(float("-inf"))
    ('−1.50', 'NaN', '−∞')
    """
    text = f"{value + 0.0:.2f}"
    return {"nan": "NaN", "inf": "∞", "-inf": "−∞"}.get(text, text.replace("-", "−"))


FORMATS = {"probability": percent, "logit": number, "log-probability": number, "number": number}


def _listed(names: Sequence[str], values: Sequence[str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True))


def bars(
    tokens: Sequence[str],
    values: ArrayLike | Mapping[str, ArrayLike],
    *,
    show: ArrayLike | None = None,
    kept: ArrayLike | Mapping[str, ArrayLike] | None = None,
    before: ArrayLike | Mapping[str, ArrayLike] | None = None,
    drawn: int | None = None,
    unit: str | Mapping[str, str] = "probability",
    limits: tuple[float, float] | Mapping[str, tuple[float, float]] | None = None,
) -> Picture:
    """Draw one horizontal bar per token, with its value: what is kept, cut and drawn.

    Parameters
    ----------
    tokens : V strings
    values : V numbers, or a mapping of panel titles to such rows, drawn side by side
        NaN has no bar; what is beyond the limits, infinities too, has a bar up to them.
    show : indices, optional
        Which tokens to list, in this order; the others become one last row. By default all.
    kept : V booleans, or a mapping, optional
        A token that is not kept has a hollow bar and the word "cut"; so has the last row if none of it is.
    before : V numbers, or a mapping, optional
        Values before the cut, drawn hollow behind the bars.
    drawn : int, optional
        The token that was chosen: its bar has another colour, and its name an arrow.
    unit : {"probability", "logit", "log-probability", "number"}, or a mapping
    limits : (low, high), or a mapping, optional
        Of the axis. By default 0 and 1 for probabilities, and what the values need for the others.

    Returns
    -------
    Picture

    Examples
    --------
    >>> bars(["cat", "dog", "owl"], [0.5, 0.25, 0.25], kept=[True, True, False]).alt
    'Bars of probability. cat 50 %, dog 25 %, owl 25 % cut.'
    """
    panels = values if isinstance(values, Mapping) else {"": values}
    shown = list(range(len(tokens))) if show is None else [int(i) for i in np.asarray(show)]
    rest = sorted(set(range(len(tokens))) - set(shown))
    names = [*(tokens[t] for t in shown), *([f"{len(rest):,} others"] if rest else [])]
    labels = list(names)
    if drawn is not None:
        place = shown.index(drawn) if drawn in shown else len(shown)
        labels[place] = "▸ " + labels[place]
    top = 26 if any(panels) else 4
    left = max(LABELS, 8 * max(map(len, labels)))
    width = (WIDTH - left) / len(panels)
    picture = _picture(top + len(names) * ROW + 26)
    said = []
    for i, title in enumerate(panels):
        axes = _axes(picture, left + i * width, top, width - VALUES, len(names) * ROW)
        axes.set_title(title, fontsize=SIZE, fontweight="bold", loc="left", pad=7)
        row, ghost, keep, of = (_of(part, title) for part in (panels, before, kept, unit))
        row = np.asarray(row, dtype=float)
        ghost = None if ghost is None else _listing(np.asarray(ghost, dtype=float), shown, rest, of)
        keep = np.ones(len(tokens), dtype=bool) if keep is None else np.asarray(keep, dtype=bool)
        hollow = [*~keep[shown], *([not keep[rest].any()] if rest else [])]
        ends = _listing(row, shown, rest, of)
        _lay_out(axes, labels if i == 0 else [], len(names), _of(limits, title) or _span(ends, of), of)
        words = [FORMATS[of](end) + (" cut" if cut else "") for end, cut in zip(ends, hollow, strict=True)]
        if rest and of != "probability":
            ends[-1] = 0
            words[-1] = "≤ " + words[-1]
        colours = [*[KEPT] * len(shown), CUT]
        if drawn is not None:
            colours[place] = DRAWN
        _draw_rows(axes, ends, ghost, hollow, words, colours)
        said.append((f"{title}: " if title else "") + _listed(names, words))
    units = " and ".join(dict.fromkeys(unit.values())) if isinstance(unit, Mapping) else unit
    chosen = "" if drawn is None else f" Chosen: {tokens[drawn]}."
    picture.alt = f"Bars of {units}. " + ". ".join(said) + "." + chosen
    return picture


def _of(rows: Any, title: str) -> Any:
    return rows[title] if isinstance(rows, Mapping) else rows


def _listing(row: Any, shown: Sequence[int], rest: Sequence[int], unit: str) -> Any:
    """Return the values to list; the tokens that are not shown give one more: their sum or their largest."""
    if not rest:
        return row[shown]
    return np.append(row[shown], row[rest].sum() if unit == "probability" else row[rest].max())


def _span(ends: Any, unit: str) -> tuple[float, float]:
    if unit == "probability":
        return 0, 1
    finite = [0.0, *ends[np.isfinite(ends)]]
    return min(finite), max(*finite, min(finite) + 1e-9)


def _draw_rows(
    axes: Axes, ends: Any, ghost: Any, hollow: Any, words: Sequence[str], colours: Sequence[str]
) -> None:
    """Draw the bars of one panel from the top down, and write the words beside them."""
    for y, (end, word) in enumerate(zip(ends, words, strict=True)):
        reach = [0.0, end]
        if ghost is not None:
            _bar(axes, y, 0, ghost[y], CUT, hollow=True)
            reach.append(ghost[y])
        _bar(axes, y, 0, end, CUT if hollow[y] else colours[y], hollow=hollow[y])
        _write(axes, min(max(r for r in reach if np.isfinite(r)), axes.get_xlim()[1]), y, word, right=4)


def _lay_out(axes: Axes, names: Sequence[str], count: int, limits: tuple[float, float], label: str) -> None:
    """Set up a list of rows, one per token, from the top down, with a line at 0."""
    axes.set_xlim(*limits)
    axes.set_ylim(count - 0.5, -0.5)
    for y, name in enumerate(names):
        _write(axes, limits[0], y, name, right=-6, ha="right")
    axes.add_artist(Line2D([0, 0], [-0.5, count - 0.5], color=INK, linewidth=0.8, clip_on=False))
    _write(axes, sum(limits) / 2, count + 0.1, label, ha="center")


def _bar(axes: Axes, y: float, left: float, right: float, colour: str, hollow: bool = False) -> None:
    """Add one bar. A hollow one differs in nothing but its fill, so that all frames have one shape."""
    low, high = axes.get_xlim()
    left, right = (
        float(np.clip(np.nan_to_num(x, nan=0, posinf=high, neginf=low), low, high)) for x in (left, right)
    )
    look: Any = {
        "facecolor": PAPER if hollow else colour,
        "edgecolor": colour,
        "linewidth": 1,
        "clip_on": False,
    }
    axes.add_artist(Rectangle((left, y - 0.34), right - left, 0.68, **look))


def staircase(
    tokens: Sequence[str], probs: ArrayLike, *, p: float, kept: ArrayLike, show: int | None = None
) -> Picture:
    """Draw the cumulative probability as stairs down the list of tokens, and where they reach p.

    Parameters
    ----------
    tokens : V strings, from the most probable down
    probs : V probabilities, in the same order
    p : float
        Where the dashed line stands.
    kept : V booleans
        What is in the nucleus; the steps outside it are hollow.
    show : int, optional
        How many tokens to list. By default all.

    Returns
    -------
    Picture

    Examples
    --------
    >>> stairs = staircase(["cat", "dog", "owl"], [0.5, 0.25, 0.25], p=0.75, kept=[True, True, False])
    >>> stairs.alt.split(". ")[1]
    'At p = 0.75 the nucleus is 2 of 3 tokens and holds 75 %.'
    """
    probs = np.asarray(probs, dtype=float)
    kept = np.asarray(kept, dtype=bool)
    ends = np.cumsum(probs)
    count = show or len(tokens)
    picture = _picture(24 + count * ROW + 26)
    axes = _axes(picture, LABELS, 24, WIDTH - LABELS - VALUES, count * ROW)
    _lay_out(axes, tokens[:count], count, (0, 1), "cumulative probability")
    axes.add_artist(
        Line2D([p, p], [-0.5, count - 0.5], color=DRAWN, linewidth=1.4, linestyle="--", clip_on=False)
    )
    _write(axes, p, -1, f"p = {p:.2f}", ha="center", color=DRAWN)
    for y in range(count):
        _bar(axes, y, ends[y] - probs[y], ends[y], KEPT if kept[y] else CUT, hollow=not kept[y])
        _write(axes, 1, y, percent(ends[y]), right=6)
    inside = percent(probs[kept].sum())
    picture.alt = (
        f"Stairs of cumulative probability: {_listed(tokens[:count], [percent(e) for e in ends[:count]])}. "
        f"At p = {p:.2f} the nucleus is {kept.sum()} of {len(tokens)} tokens and holds {inside}."
    )
    return picture


def curves(
    x: ArrayLike,
    lines: Mapping[str, ArrayLike],
    *,
    x_label: str,
    y_label: str,
    mark: float | None = None,
    limits: tuple[float, float] | None = None,
    log: bool = False,
    log_y: bool = False,
) -> Picture:
    """Draw named lines over a common axis, such as probabilities over temperature.

    Parameters
    ----------
    x : n numbers, rising
    lines : mapping of names to n numbers
        Each line is named at its right end, and told apart by its dashes as well as its colour. NaN at
        the end makes a line shorter.
    x_label, y_label : str
        With the unit, where there is one.
    mark : float, optional
        An x at which a vertical line stands and every line has a dot with its value.
    limits : (low, high), optional
        Of the upright axis.
    log, log_y : bool
        Whether the x axis and the upright axis are logarithmic. What is drawn over the latter is above 0.

    Returns
    -------
    Picture

    Examples
    --------
    >>> over = [0.5, 1, 2]
    >>> curves(over, {"cat": [0.9, 0.7, 0.6]}, x_label="temperature", y_label="probability").alt
    'Curves of probability. Over temperature 0.5 to 2: cat from 0.9 to 0.6.'
    """
    x = np.asarray(x, dtype=float)
    rows = {name: np.asarray(line, dtype=float) for name, line in lines.items()}
    rows = {name: line[: np.flatnonzero(np.isfinite(line))[-1] + 1] for name, line in rows.items()}
    values = np.concatenate(list(rows.values()))
    low, high = limits or (values.min() if log_y else min(0.0, values.min()), values.max())
    picture = _picture(280)
    left = 52 if log_y else 46
    axes = _axes(picture, left, 26, WIDTH - left - 92, 208)
    axes.set_xscale("log" if log else "linear")
    axes.set_yscale("log" if log_y else "linear")
    for axis in [axes.xaxis] * log + [axes.yaxis] * log_y:
        axis.set_major_locator(LogLocator(numticks=6))
        axis.set_major_formatter(FuncFormatter(lambda value, _: power_of_ten(value)))
        axis.set_minor_locator(NullLocator())
    axes.set_xlim(x[0], x[-1])
    axes.set_ylim(low, high)
    axes.set_axis_on()
    axes.set_facecolor("none")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(length=3, labelsize=SIZE - 1)
    axes.set_xlabel(x_label, fontsize=SIZE)
    axes.set_title(y_label, fontsize=SIZE, loc="left", pad=8)
    colours = [KEPT, DRAWN, OTHER, INK]
    for i, line in enumerate(rows.values()):
        axes.plot(x[: len(line)], line, color=colours[i % 4], linestyle=DASHES[i % len(DASHES)], linewidth=1.8)
    to_scale, from_scale = (np.log, np.exp) if log_y else (np.positive, np.positive)
    ends = to_scale(np.clip([line[-1] for line in rows.values()], low, high))
    heights = from_scale(_spread(ends, 0.065 * (to_scale(high) - to_scale(low))))
    for i, (name, y) in enumerate(zip(rows, heights, strict=True)):
        place: Any = {"xytext": (8, 0), "textcoords": "offset points", "va": "center", "annotation_clip": False}
        axes.annotate(name, (x[len(rows[name]) - 1], y), fontsize=SIZE, color=colours[i % 4], **place)
    said = [f"{name} from {_short(line[0])} to {_short(line[-1])}" for name, line in rows.items()]
    where = f"Over {x_label} {_short(x[0])} to {_short(x[-1])}"
    if mark is not None:
        axes.axvline(mark, color=INK, linewidth=1)
        across, now = (np.log(x), np.log(mark)) if log else (x, mark)
        dots = {
            name: float(from_scale(np.interp(now, across[: len(line)], to_scale(line))))
            for name, line in rows.items()
            if mark <= x[len(line) - 1]
        }
        axes.plot([mark] * len(dots), list(dots.values()), "o", color=INK, markersize=5)
        said = [f"{name} {_short(value)}" for name, value in dots.items()]
        where = f"At {x_label} {mark:{',.0f' if log else '.2f'}}"
    picture.alt = f"Curves of {y_label}. {where}: {', '.join(said)}."
    return picture


def _short(value: float) -> str:
    """Write a number with three digits, a large one in full."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def power_of_ten(value: float) -> str:
    """Write a power of ten as a reader would.

    Examples
    --------
    >>> power_of_ten(10000), power_of_ten(0.01), power_of_ten(1e-6)
    ('10,000', '0.01', '10⁻⁶')
    """
    exponent = round(np.log10(value))
    if -3 <= exponent <= 4:
        return f"{10.0**exponent:,.{max(0, -exponent)}f}"
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _spread(heights: ArrayLike, gap: float) -> list[float]:
    """Move labels apart until neighbours stand at least ``gap`` from each other, about where they were."""
    wanted = np.array(heights, dtype=float)
    order = np.argsort(wanted, kind="stable")
    up = wanted[order] - gap * np.arange(len(order))  # equal steps apart: now only equal heights are too near
    level = (np.maximum.accumulate(up) + np.minimum.accumulate(up[::-1])[::-1]) / 2
    placed = np.empty_like(wanted)
    placed[order] = level + gap * np.arange(len(order))
    return list(placed)


def triangle(
    tokens: Sequence[str], points: Mapping[str, ArrayLike], *, path: ArrayLike | None = None
) -> Picture:
    """Draw distributions over three tokens as points of a triangle: certainty in the corners.

    Parameters
    ----------
    tokens : 3 strings
        One for each corner: lower left, lower right, top.
    points : mapping of names to 3 probabilities
    path : array, shape (n, 3), optional
        Distributions that are joined by a line.

    Returns
    -------
    Picture

    Examples
    --------
    >>> triangle(["cat", "dog", "owl"], {"sure": [1, 0, 0]}).alt
    'Triangle with corners cat, dog, owl. Points: sure at cat 100 %, dog 0 %, owl 0 %.'
    """
    corners = np.array([[0, 0], [1, 0], [0.5, np.sqrt(3) / 2]])
    picture = _picture(330)
    axes = _axes(picture, 70, 34, 300, 260)
    axes.set_xlim(0, 1)
    axes.set_ylim(0, np.sqrt(3) / 2)
    axes.add_artist(Polygon(corners, facecolor=PAPER, edgecolor=INK, linewidth=1, clip_on=False))
    for token, (x, y), down in zip(tokens, corners, (0.06, 0.06, -0.06), strict=True):
        _write(axes, x, y - down, token, ha="center", fontweight="bold")
    if path is not None:
        axes.add_artist(Line2D(*(np.asarray(path) @ corners).T, color=KEPT, linewidth=1.8, clip_on=False))
    for name, probs in points.items():
        x, y = np.asarray(probs, dtype=float) @ corners
        axes.add_artist(Line2D([x], [y], marker="o", color=DRAWN, markersize=8, clip_on=False))
        _write(axes, x, y, name, right=12, va="bottom" if path is None else "top")  # a path bends upwards
    said = [
        f"{name} at {_listed(tokens, [percent(p) for p in np.asarray(row)])}" for name, row in points.items()
    ]
    picture.alt = f"Triangle with corners {', '.join(tokens)}. Points: {'; '.join(said)}."
    return picture


def forward_pass(
    tokens: Sequence[str], token: int, embedding: ArrayLike, logits: ArrayLike, probs: ArrayLike, choice: int
) -> Picture:
    """Draw the arrays of one forward pass in a row, each under its name and shape.

    Parameters
    ----------
    tokens : V strings
    token : int
        Index of the token that is read.
    embedding : d numbers
    logits, probs : V numbers each
    choice : int
        Index of the token that is chosen.

    Returns
    -------
    Picture
        Blue cells are positive and orange ones negative; the stronger the colour, the larger the number.

    Examples
    --------
    >>> forward_pass(["cat", "dog"], 0, [1, -1], [2, 1], [0.73, 0.27], 1).alt.split("; ")[-1]
    'choice: dog, 27 %.'
    """
    arrays = {
        "token": np.eye(len(tokens))[token],
        "embedding": embedding,
        "logits": logits,
        "probabilities": probs,
    }
    picture = _picture(400)
    lefts = (28, 124, 220, 352)
    for i, (name, column) in enumerate(arrays.items()):
        row = np.asarray(column, dtype=float)
        axes = _axes(picture, lefts[i], 44, 30, 330)
        axes.set_xlim(0, 1)
        axes.set_ylim(len(row), 0)
        strength = 0.002 + 0.996 * np.abs(row) / np.abs(row).max()  # an opacity of 0 or 1 goes unwritten
        colours = [(DRAWN if value < 0 else KEPT, float(s)) for value, s in zip(row, strength, strict=True)]
        axes.bar(0, 1, 1, np.arange(len(row)), align="edge", color=colours, clip_on=False)
        axes.bar(0, len(row), 1, 0, align="edge", fill=False, edgecolor=INK, linewidth=0.8, clip_on=False)
        _write(axes, 0.5, -len(row) * 0.085, name, ha="center", fontweight="bold")
        _write(axes, 0.5, -len(row) * 0.035, f"({len(row)},)", ha="center", fontsize=SIZE - 1)
        if i:
            _write(axes, -0.8, len(row) / 2, "→", ha="center", fontsize=20)
        if len(row) == len(tokens):
            pick = {0: token, 3: choice}.get(i, int(row.argmax()))
            word = " " + number(row[pick]) if i == 2 else ""
            colour = DRAWN if i == 3 else INK
            _write(axes, 1.1, pick + 0.5, tokens[pick] + word, fontsize=SIZE - 1, color=colour)
    p = np.asarray(probs, dtype=float)
    picture.alt = (
        f"Forward pass: token {tokens[token]}, number {token} of {len(tokens)}; its embedding of "
        f"{len(np.asarray(embedding))} numbers; {len(tokens)} logits; as many probabilities, the largest "
        f"{percent(p.max())} for {tokens[int(p.argmax())]}; choice: {tokens[choice]}, {percent(p[choice])}."
    )
    return picture

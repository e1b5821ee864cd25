"""Every state of an explorer in one piece of HTML: the first frame whole, the others as what differs.

The plot is drawn once for each combination of values. The frames share one tree of elements, so that
only the *slots* (an attribute or the text of an element) that differ need to be kept. A slot is a list
of pieces: fixed strings, and references to columns that hold one entry per state. Two slots that run
alike share a column; two that run in parallel (a bar's end and the label beside it) share one too,
with an offset. ``book/_static/explorer.js`` sets the slots; it knows nothing of what they mean.
"""

import json
import math
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from html import escape
from itertools import product
from typing import Any

import ipywidgets
import numpy as np
from matplotlib.figure import Figure

from .svg import GEOMETRY, Element, alt, elements

SLIDERS = (ipywidgets.FloatSlider, ipywidgets.IntSlider)
KINDS = (
    *SLIDERS,
    ipywidgets.SelectionSlider,
    ipywidgets.ToggleButtons,
    ipywidgets.Dropdown,
    ipywidgets.Checkbox,
)
ROUNDING = Fraction(1, 10**6)  # of a step: a number so near to a stop is meant to be there
MOST_STATES = 2000
DIGITS = "".join(chr(i) for i in range(32, 127) if chr(i) not in '"\\<')  # what JSON and HTML leave alone


class Control:
    """An ipywidgets control, read: its values, their labels, and where it starts."""

    def __init__(self, name: str, widget: ipywidgets.Widget) -> None:
        check_control(name, widget)
        self.name = name
        self.widget = widget
        self.values: list[Any]
        if isinstance(widget, SLIDERS):
            self.values = _stops(name, widget)
            self.labels = [format(value, widget.readout_format) for value in self.values]
            start = self.values.index(widget.value) if widget.value in self.values else None
        elif isinstance(widget, ipywidgets.Checkbox):
            self.values = [False, True]
            self.labels = ["off", "on"]
            start = int(widget.value)
        else:  # what ipywidgets makes of ``options``; 1 and True are two of them, so the place decides
            self.values = list(widget._options_values)
            self.labels = list(widget._options_labels)
            start = widget.index
        if start is None:
            raise ValueError(f"{name} starts at {widget.value!r}, which is not one of its steps: {self.labels}")
        self.start = start

    @property
    def label(self) -> str:
        return self.widget.description or self.name.replace("_", " ")

    def html(self) -> str:
        """Return the native control; the page script finds it by its name."""
        widget = self.widget
        name = escape(self.name)
        label = escape(self.label)
        named = f'name="{name}" aria-label="{label}"'
        small = ""
        if widget.tooltip:
            hint = escape(widget.tooltip)
            named += f' aria-description="{hint}"'
            small = f"<small>{hint}</small>"
        if isinstance(widget, ipywidgets.Checkbox):
            checked = " checked" if widget.value else ""
            return f'<label><input type="checkbox" {named}{checked}><span>{label}</span>{small}</label>'
        if isinstance(widget, ipywidgets.Dropdown):
            options = [f"<option>{escape(text)}</option>" for text in self.labels]
            options[self.start] = options[self.start].replace("<option", "<option selected")
            return f"<label><span>{label}</span><select {named}>{''.join(options)}</select>{small}</label>"
        if isinstance(widget, ipywidgets.ToggleButtons):
            buttons = ""
            for i, text in enumerate(self.labels):
                checked = " checked" if i == self.start else ""
                buttons += f'<label><input type="radio" name="{name}" value="{i}"{checked}>'
                buttons += f"<span>{escape(text)}</span></label>"
            return f"<fieldset><legend>{label}</legend>{buttons}{small}</fieldset>"
        # The native value is the number of the step, and so is exact however small a step is.
        grid = f'min="0" max="{len(self.values) - 1}" step="1" value="{self.start}"'
        shown = escape(re.sub(r"^-(?=[0-9])", "−", self.labels[self.start]))
        value = f'<output aria-live="off">{shown}</output>'
        slider = f'<input type="range" {named} {grid} aria-valuetext="{shown}">'
        return f"<label><span>{label}</span>{value}{slider}{small}</label>"


def check_control(name: str, widget: Any) -> None:
    """Refuse what cannot control an explorer, live or in a page."""
    if not isinstance(widget, KINDS):
        kinds = [kind.__name__ for kind in KINDS]
        given = f"{name} is a {type(widget).__name__}"
        raise TypeError(f"{given}: give a {', '.join(kinds[:-1])} or {kinds[-1]}")


def check_frame(figure: Any, sentence: Any, values: Mapping[str, Any]) -> None:
    """Refuse what is no picture, or no sentence about one, live or in a page."""
    if not isinstance(figure, Figure):
        returned = f"plot returned {type(figure).__name__}"
        raise TypeError(f"at {_state(values)} {returned}: return a matplotlib Figure")
    if not isinstance(sentence, str):
        returned = f"describe returned {type(sentence).__name__}"
        raise TypeError(f"at {_state(values)} {returned}: return a sentence")


def _state(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in values.items())


def _stops(name: str, slider: Any) -> list[Any]:
    """Return where a slider can stand: the numbers as they are written, so that 0.1 and two steps are 0.3.

    Its own max and value take the place of a stop from which only rounding parts them.
    """
    if not (slider.step and slider.step > 0):
        raise ValueError(f"{name} has step={slider.step}: give a step above 0")
    if not np.isfinite(slider.max - slider.min):
        raise ValueError(f"{name} goes from {slider.min} to {slider.max}: give finite ends")
    low, high, step = (Fraction(str(number)) for number in (slider.min, slider.max, slider.step))
    count = int((high - low) / step + ROUNDING) + 1
    if count > MOST_STATES:
        raise ValueError(f"{count} states of {name} alone are more than {MOST_STATES}: take larger steps")
    kind = type(slider.value)
    stops = [kind(low + i * step) for i in range(count)]
    for own in (slider.max, slider.value):
        place = (Fraction(str(own)) - low) / step
        if abs(place - round(place)) < ROUNDING:
            stops[round(place)] = own
    return stops


def _tell(text: str) -> None:
    """Write to the terminal behind the kernel, which takes standard error for the cell's output."""
    copy = getattr(sys.stderr, "_original_stdstream_copy", None)
    if copy is None:
        print(text, end="", file=sys.stderr, flush=True)
    else:
        os.write(copy, text.encode())


def draw(plot: Callable[..., Figure], describe: Any, controls: Sequence[Control]) -> Iterator[Element]:
    """Yield the frame of every state; the last control moves fastest."""
    count = math.prod(len(control.values) for control in controls)
    if count > MOST_STATES:
        sizes = " × ".join(f"{control.name} {len(control.values)}" for control in controls)
        raise ValueError(
            f"{count} states ({sizes}) are more than {MOST_STATES}: take larger steps or fewer controls"
        )
    drawn: dict[int, tuple[Figure, Element]] = {}
    for state in product(*(control.values for control in controls)):
        values = dict(zip((control.name for control in controls), state, strict=True))
        try:
            figure = plot(**values)
            sentence = describe(**values) if describe else ""
        except Exception as error:
            failed = f"the plot failed at {_state(values)}"
            raise RuntimeError(f"{failed}: {type(error).__name__}: {error}") from error
        check_frame(figure, sentence, values)
        if id(figure) not in drawn:  # a plot may hand out one figure twice
            drawn[id(figure)] = figure, elements(figure, **{"class": "figure", "role": "img", "aria-label": ""})
        frame = Element("svg", drawn[id(figure)][1].attributes | {"aria-label": sentence or alt(figure)})
        frame.children = drawn[id(figure)][1].children
        yield frame


def _flat(frame: Element) -> list[Element]:
    """Return an element and all below it, in the order of ``querySelectorAll("*")``."""
    return [frame, *(inner for child in frame.children for inner in _flat(child))]


def _shape(parts: Sequence[Element]) -> tuple[Any, ...]:
    return tuple((part.tag, tuple(part.attributes), len(part.children), bool(part.text)) for part in parts)


def encode(row: Sequence[int]) -> str:
    """Write small integers as text, each in the same number of digits to base 92.

    Examples
    --------
    >>> encode([0, 1, 91]), encode([0, 92])
    (' !~', '  ! ')
    """
    text = []
    width = 1
    while max(row) >= len(DIGITS) ** width:
        width += 1
    for entry in row:
        text += [DIGITS[entry // len(DIGITS) ** place % len(DIGITS)] for place in reversed(range(width))]
    return "".join(text)


def _common(values: Sequence[str]) -> str:
    """Return the longest text that all begin with."""
    first = min(values)  # and the last are the two that part first
    last = max(values)
    return first[: next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), len(first))]


class Columns:
    """The table behind the slots: rows of words or numbers, one entry per state, none kept twice."""

    def __init__(self) -> None:
        self.words: dict[str, int] = {}
        self.rows: list[str] = []
        self._known: dict[tuple[str, str], int] = {}

    def _row(self, kind: str, row: Sequence[int]) -> int:
        key = (kind, encode(row))
        if key not in self._known:
            self._known[key] = len(self.rows)
            self.rows.append(key[1])
        return self._known[key]

    def text(self, values: Sequence[str]) -> list[Any]:
        """Return the pieces for a text: what all share at both ends, and between them a column."""
        head = _common(values)
        tail = _common([value[len(head) :][::-1] for value in values])[::-1]
        row = [self.words.setdefault(v[len(head) : len(v) - len(tail)], len(self.words)) for v in values]
        pieces = [head, [self._row("text", row)], tail]
        return [piece for piece in pieces if piece]

    def numbers(self, values: Sequence[str]) -> list[Any]:
        """Return the piece for numbers with one decimal: a column of tenths, and an offset."""
        tenths = [round(float(value) * 10) for value in values]
        least = min(tenths)
        return [[self._row("number", [tenth - least for tenth in tenths]), least]]

    def slot(self, values: Sequence[str], separator: str, numeric: bool) -> list[Any]:
        """Return the pieces of one attribute or text over all states."""
        split = [value.split(separator) for value in values]
        if len({len(parts) for parts in split}) > 1:
            return self.text(values)
        pieces: list[Any] = []
        for parts in zip(*split, strict=True):
            pieces.append(separator)
            if len(set(parts)) == 1:
                pieces.append(parts[0])
            elif numeric and all(re.fullmatch(r"-?\d+(\.\d)?", part) for part in parts):
                pieces += self.numbers(parts)
            else:
                pieces += self.text(parts)
        joined: list[Any] = []
        for piece in pieces[1:]:
            if joined and isinstance(piece, str) and isinstance(joined[-1], str):
                joined[-1] += piece
            else:
                joined.append(piece)
        return joined


def _slots(frames: Sequence[list[Element]]) -> dict[str, Any]:
    """Return what differs between frames of one shape: slots, and the columns they point into."""
    columns = Columns()
    slots = []
    for i, parts in enumerate(zip(*frames, strict=True)):
        for name in parts[0].attributes:
            values = [part.attributes[name] for part in parts]
            if len(set(values)) > 1:
                separator = ", " if name == "aria-label" else " "
                slots.append([i, name, *columns.slot(values, separator, name in GEOMETRY)])
        texts = [part.text for part in parts]
        if len(set(texts)) > 1:
            slots.append([i, "", *columns.slot(texts, ", ", False)])
    return {"count": len(frames), "slots": slots, "columns": columns.rows, "words": list(columns.words)}


def compress(frames: Sequence[Element], start: int) -> dict[str, Any]:
    """Return the frames as groups of one shape each, and for every state its group and place in it.

    Each group but that of the starting frame, which stands in the page already, brings its first frame.
    """
    flat = [_flat(frame) for frame in frames]
    shapes: dict[tuple[Any, ...], list[int]] = {}
    for state, parts in enumerate(flat):
        shapes.setdefault(_shape(parts), []).append(state)
    groups = []
    where = [[0, 0]] * len(frames)
    for number, states in enumerate(shapes.values()):
        group = _slots([flat[state] for state in states])
        if start not in states:
            group["svg"] = str(frames[states[0]])
        for place, state in enumerate(states):
            where[state] = [number, place]
        groups.append(group)
    return {"groups": groups} | ({"where": where} if len(groups) > 1 else {})


class StaticHTML:
    """What a cell shows while the book is built: HTML in which every control works without a kernel."""

    def __init__(self, html: str) -> None:
        self.html = html

    def _repr_html_(self) -> str:
        return self.html


def static_html(plot: Callable[..., Figure], describe: Any, widgets: Mapping[str, Any]) -> str:
    """Return the explorer as HTML for a static page; parameters as in :func:`nexttoken.explore`."""
    controls = [Control(name, widget) for name, widget in widgets.items()]
    frames = list(draw(plot, describe, controls))
    start = 0
    for control in controls:
        start = start * len(control.values) + control.start
    data = {"controls": [[control.name, control.labels] for control in controls]} | compress(frames, start)
    if "where" in data:
        shapes = len(data["groups"])
        _tell(f"explorer: frames of {shapes} shapes; fixed axes would be smaller\n")
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return (
        f'<div class="explorer">{frames[start]}<fieldset class="controls" hidden disabled>'
        f'{"".join(control.html() for control in controls)}<button type="button">Reset</button></fieldset>'
        f'<p role="status"></p><script type="application/json">{text}</script></div>'
    )

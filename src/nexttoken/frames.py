"""Every state of an explorer in one piece of HTML: the first frame whole, the others as what differs.

The plot is drawn once for each combination of values. The frames share one tree of elements, so that
only the *slots* (an attribute or the text of an element) that differ need to be kept. A slot is a list
of pieces: fixed strings, and references to columns that hold one entry per state. Two slots that run
alike share a column; two that run in parallel (a bar's end and the label beside it) share one too,
with an offset. ``book/_static/explorer.js`` sets the slots; it knows nothing of what they mean.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from itertools import product
from typing import Any

import ipywidgets
import numpy as np
from matplotlib.figure import Figure

from .svg import GEOMETRY, Element, alt, elements

MOST_STATES = 2000
DIGITS = "".join(chr(i) for i in range(32, 127) if chr(i) not in '"\\<')  # what JSON and HTML leave alone


class Control:
    """An ipywidgets control, read: its values, their labels, and where it starts."""

    def __init__(self, name: str, widget: ipywidgets.Widget) -> None:
        self.name, self.widget = name, widget
        if isinstance(widget, (ipywidgets.FloatSlider, ipywidgets.IntSlider)):
            steps = int((widget.max - widget.min) / widget.step + 1e-9)
            numbers = [widget.min + i * widget.step for i in range(steps + 1)]
            whole = isinstance(widget, ipywidgets.IntSlider)
            self.values: list[Any] = [int(n) if whole else round(n, 12) for n in numbers]
            self.labels = [format(value, widget.readout_format) for value in self.values]
        elif isinstance(widget, ipywidgets.Checkbox):
            self.values, self.labels = [False, True], ["off", "on"]
        elif isinstance(widget, (ipywidgets.SelectionSlider, ipywidgets.ToggleButtons, ipywidgets.Dropdown)):
            self.labels, self.values = (list(row) for row in zip(*_options(widget), strict=True))
        else:
            raise TypeError(
                f"{name} is a {type(widget).__name__}: give a FloatSlider, IntSlider, SelectionSlider, "
                "ToggleButtons, Dropdown or Checkbox"
            )
        near = [i for i, value in enumerate(self.values) if _same(value, widget.value)]
        if not near:
            raise ValueError(f"{name} starts at {widget.value!r}, which is not one of its steps: {self.labels}")
        self.start = near[0]

    @property
    def label(self) -> str:
        return self.widget.description or self.name.replace("_", " ")

    def html(self) -> str:
        """Return the native control; the page script finds it by its name."""
        widget, name, start = self.widget, escape(self.name), self.labels[self.start]
        label, hint = escape(self.label), escape(widget.tooltip or "")
        named = f'name="{name}" aria-label="{label}"' + f' aria-description="{hint}"' * bool(hint)
        small = f"<small>{hint}</small>" * bool(hint)
        if isinstance(widget, ipywidgets.Checkbox):
            checked = " checked" * self.start
            return f'<label><input type="checkbox" {named}{checked}><span>{label}</span>{small}</label>'
        if isinstance(widget, ipywidgets.Dropdown):
            options = [f"<option>{escape(text)}</option>" for text in self.labels]
            options[self.start] = options[self.start].replace("<option", "<option selected")
            return f"<label><span>{label}</span><select {named}>{''.join(options)}</select>{small}</label>"
        if isinstance(widget, ipywidgets.ToggleButtons):
            buttons = [
                f'<label><input type="radio" name="{name}" value="{i}"{" checked" * (i == self.start)}>'
                f"<span>{escape(text)}</span></label>"
                for i, text in enumerate(self.labels)
            ]
            return f"<fieldset><legend>{label}</legend>{''.join(buttons)}{small}</fieldset>"
        if isinstance(widget, ipywidgets.SelectionSlider):  # any labels: the native value is their number
            grid = f'min="0" max="{len(self.values) - 1}" step="1" value="{self.start}"'
            grid += f' aria-valuetext="{escape(start)}"'
        else:  # an even grid of numbers: the native value is the true one
            low, high, now = (f"{self.values[i]:.12g}" for i in (0, -1, self.start))
            grid = f'min="{low}" max="{high}" step="{widget.step:.12g}" value="{now}"'
        value = f'<output aria-live="off">{escape(re.sub(r"^-(?=[0-9])", "−", start))}</output>'
        return f'<label><span>{label}</span>{value}<input type="range" {named} {grid}>{small}</label>'


def _options(widget: Any) -> list[tuple[str, Any]]:
    """Return the (label, value) pairs that ipywidgets makes of ``options``."""
    return list(zip(widget._options_labels, widget._options_values, strict=True))


def _same(a: Any, b: Any) -> bool:
    return abs(a - b) < 1e-9 if isinstance(a, float) and isinstance(b, (int, float)) else bool(a == b)


def _tell(text: str) -> None:
    """Write to the terminal behind the kernel, which takes standard error for the cell's output."""
    copy = getattr(sys.stderr, "_original_stdstream_copy", None)
    if copy is None:
        print(text, end="", file=sys.stderr, flush=True)
    else:
        os.write(copy, text.encode())


def draw(plot: Callable[..., Figure], describe: Any, controls: Sequence[Control]) -> Iterator[Element]:
    """Yield the frame of every state; the last control moves fastest."""
    count = int(np.prod([len(control.values) for control in controls]))
    if count > MOST_STATES:
        sizes = " × ".join(f"{control.name} {len(control.values)}" for control in controls)
        raise ValueError(
            f"{count} states ({sizes}) are more than {MOST_STATES}: take larger steps or fewer controls"
        )
    drawn: dict[int, tuple[Figure, Element]] = {}
    for state in product(*(control.values for control in controls)):
        values = dict(zip((control.name for control in controls), state, strict=True))
        said = ", ".join(f"{name}={value!r}" for name, value in values.items())
        try:
            figure = plot(**values)
            sentence = describe(**values) if describe else alt(figure)
        except Exception as error:
            raise RuntimeError(f"the plot failed at {said}: {type(error).__name__}: {error}") from error
        if not isinstance(figure, Figure):
            raise TypeError(f"at {said} plot returned {type(figure).__name__}: return a matplotlib Figure")
        if id(figure) not in drawn:  # a plot may hand out one figure twice
            drawn[id(figure)] = figure, elements(figure, **{"class": "figure", "role": "img", "aria-label": ""})
        frame = Element("svg", drawn[id(figure)][1].attributes | {"aria-label": sentence})
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
    text, width, largest = [], 1, max(row)
    while largest >= len(DIGITS) ** width:
        width += 1
    for entry in row:
        text += [DIGITS[entry // len(DIGITS) ** place % len(DIGITS)] for place in reversed(range(width))]
    return "".join(text)


def _common(values: Sequence[str]) -> str:
    """Return the longest text that all begin with."""
    first, last = min(values), max(values)  # the two that part first
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
    columns, slots = Columns(), []
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
    groups, where = [], [[0, 0]] * len(frames)
    for number, states in enumerate(shapes.values()):
        group = _slots([flat[state] for state in states])
        if start not in states:
            group["svg"] = str(frames[states[0]])
        for place, state in enumerate(states):
            where[state] = [number, place]
        groups.append(group)
    return {"groups": groups} | ({"where": where} if len(groups) > 1 else {})


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

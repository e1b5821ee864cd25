"""One function: controls and a plot make an interactive, live in a kernel and in a static page."""

import os
from collections.abc import Callable
from html import escape
from typing import Any

import ipywidgets
from matplotlib.figure import Figure

from .frames import StaticHTML, check_control, check_frame, static_html
from .svg import to_svg


def explore(
    plot: Callable[..., Figure], *, describe: Callable[..., str] | None = None, **controls: ipywidgets.Widget
) -> ipywidgets.VBox | StaticHTML:
    """Join a plot to controls that move it.

    In a live kernel this is an ordinary ipywidgets interactive, redrawn in place. While the book is
    built (environment variable ``NEXTTOKEN_STATIC``), every state is drawn ahead and the page needs no
    kernel; see ``frames.py``.

    Parameters
    ----------
    plot : function
        Called as ``plot(name=value, ...)`` with one value per control; returns a matplotlib Figure.
    describe : function, optional
        Called likewise; returns the sentence for those who cannot see the figure. By default the
        figure's own ``alt``.
    **controls : FloatSlider, IntSlider, SelectionSlider, ToggleButtons, Dropdown or Checkbox
        By the names of plot's parameters. ``description`` is the label (the name, if empty), ``tooltip``
        a line of meaning, ``readout_format`` the format of the number, ``value`` where it starts.

    Returns
    -------
    ipywidgets.VBox, or an object that shows HTML

    Raises
    ------
    TypeError
        If plot or describe is no function, there is no control, a control is of another kind, plot returns no
        Figure, or describe no string.
    ValueError
        While the book is being built: if the controls have more than 2,000 states together, a control
        starts where it cannot stand, or a step is not above 0.
    RuntimeError
        While the book is being built: if plot or describe fails. A live one raises its own error.

    Examples
    --------
    >>> from nexttoken import plots
    >>> def picture(height):
    ...     return plots.bars(["a", "b"], [height, 1 - height])
    >>> box = explore(picture, height=ipywidgets.FloatSlider(0.5, min=0, max=1))
    >>> box.children[1].value = 0.25
    >>> "25 %" in box.children[0].value
    True
    """
    if not callable(plot):
        raise TypeError(f"plot={plot!r:.60} must be a function that returns a matplotlib Figure")
    if describe is not None and not callable(describe):
        raise TypeError(f"describe={describe!r:.60} must be a function that returns a sentence")
    if not controls:
        raise TypeError("explore needs at least one control, such as temperature=FloatSlider(1)")
    for name, control in controls.items():
        check_control(name, control)
        control.description = control.description or name.replace("_", " ")
        control.style.description_width = "initial"  # a long one would be cut off
    if os.environ.get("NEXTTOKEN_STATIC"):
        return StaticHTML(static_html(plot, describe, controls))

    view = ipywidgets.HTML(layout=ipywidgets.Layout(max_width="34rem"))

    def redraw(_change: Any = None) -> None:
        values = {name: control.value for name, control in controls.items()}
        try:
            figure = plot(**values)
            sentence = describe(**values) if describe else ""
            check_frame(figure, sentence, values)
            said = {"aria-label": sentence} if sentence else {}
            view.value = to_svg(figure, **said)
        except Exception as error:  # otherwise a running widget would fail where nobody looks
            view.value = f"<pre>{escape(f'{type(error).__name__}: {error}')}</pre>"
            raise

    redraw()
    for control in controls.values():
        control.observe(redraw, names="value")
    return ipywidgets.VBox([view, *controls.values()])

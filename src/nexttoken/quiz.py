"""A claim that the reader calls true or false; then, and not before, a few lines of code give the evidence."""

import inspect
import io
import os
import re
import textwrap
from collections.abc import Callable
from contextlib import redirect_stdout
from html import escape

import ipywidgets

from .explore import StaticExplorer


def quiz(claim: str, evidence: Callable[[], bool], why: str) -> ipywidgets.VBox | StaticExplorer:
    """Ask whether a claim is true; once the reader has committed, show what the code says.

    In a live kernel the code runs when the reader commits. While the book is built (environment variable
    ``NEXTTOKEN_STATIC``) it runs at once, and the page, with radio buttons and no script, keeps what it
    said out of sight until one is chosen.

    Parameters
    ----------
    claim : str
        One sentence that is true or false; what stands between asterisks is set in italics.
    evidence : function without arguments
        Prints the evidence and returns whether the claim is true. A page shows its lines too.
    why : str
        What the evidence means, in a sentence or two.

    Returns
    -------
    ipywidgets.VBox, or an object that shows HTML

    Raises
    ------
    TypeError
        If ``evidence`` returns neither True nor False.

    Examples
    --------
    >>> def evidence():
    ...     print(0.1 + 0.2)
    ...     return 0.1 + 0.2 == 0.3
    >>> box = quiz("In Python 0.1 + 0.2 is 0.3.", evidence, "Binary floats round tenths.")
    >>> box.children[1].value = False
    >>> "Right. The claim is false." in box.children[2].value
    True
    """
    if os.environ.get("NEXTTOKEN_STATIC"):
        return StaticExplorer(_static(claim, evidence, why))

    answer = ipywidgets.HTML()
    buttons = ipywidgets.ToggleButtons(options=[("True", True), ("False", False)], value=None)

    def commit(change: dict[str, bool]) -> None:
        buttons.disabled = True
        try:
            holds, printed = _run(evidence)
        except Exception as error:  # otherwise a running widget would fail where nobody looks
            answer.value = f"<pre>{escape(f'{type(error).__name__}: {error}')}</pre>"
            raise
        said = "✓ Right." if change["new"] == holds else "✗ No."
        answer.value = f"<p>{said} {_verdict(holds)}</p><pre>{escape(printed)}</pre><p>{_words(why)}</p>"

    buttons.observe(commit, names="value")
    return ipywidgets.VBox([ipywidgets.HTML(f"<b>True or false?</b> {_words(claim)}"), buttons, answer])


def _run(evidence: Callable[[], bool]) -> tuple[bool, str]:
    """Return the verdict, and what was printed on the way."""
    with redirect_stdout(io.StringIO()) as printed:
        holds = evidence()
    if str(holds) not in ("True", "False"):  # NumPy's count as well
        raise TypeError(f"{evidence.__name__} returned {holds!r:.60}: return whether the claim is true")
    return bool(holds), printed.getvalue().rstrip()


def _verdict(holds: bool) -> str:
    return f"The claim is {str(holds).lower()}."


def _words(text: str) -> str:
    return re.sub(r"\*(.+?)\*", r"<em>\1</em>", escape(text))


def _static(claim: str, evidence: Callable[[], bool], why: str) -> str:
    """Return the quiz as HTML that needs no script; ``book/_static/quiz.css`` hides the answer."""
    holds, printed = _run(evidence)
    name, choices, said = escape(claim), "", ""
    for choice in (True, False):
        word = str(choice).lower()
        choices += f'<label><input type="radio" name="{name}" value="{word}" autocomplete="off">'
        choices += f"<span>{choice}</span></label>"
        said += f'<b class="said-{word}">{"✓ Right." if choice == holds else "✗ No."}</b> '
    lines = textwrap.dedent(inspect.getsource(evidence).partition("\n")[2]).rstrip()
    return (
        f'<div class="quiz"><fieldset><legend><b>True or false?</b> '
        f'{_words(claim)}</legend>{choices}</fieldset><p role="status"><span class="settled">{said}'
        f'{_verdict(holds)}</span></p><div class="settled"><pre>{escape(lines)}</pre>'
        f'<pre class="printed">{escape(printed)}</pre><p>{_words(why)}</p></div></div>'
    )

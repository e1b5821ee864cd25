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
import numpy as np

from .frames import StaticHTML


def quiz(claim: str, evidence: Callable[[], bool], why: str) -> ipywidgets.VBox | StaticHTML:
    """Ask whether a claim is true; once the reader has committed, show what the code says.

    In a live kernel the code runs when the reader commits. While the book is built (environment variable
    ``NEXTTOKEN_STATIC``) it runs at once, and the page, with radio buttons and no script, keeps what it
    said out of sight until one is chosen.

    Parameters
    ----------
    claim : str
        One sentence that is true or false. Words between asterisks are set in italics, as in Markdown; a
        product such as 2*3*4 is left alone.
    evidence : function without arguments
        Prints the evidence and returns whether the claim is true, as a bool of Python or NumPy. A page
        shows its lines too.
    why : str
        What the evidence means, in a sentence or two.

    Returns
    -------
    ipywidgets.VBox, or an object that shows HTML

    Raises
    ------
    TypeError
        If ``evidence`` is no function, or what it returns is no bool.

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
    if not callable(evidence):
        raise TypeError(f"evidence={evidence!r:.60} must be a function that returns whether the claim is true")
    for name, text in (("claim", claim), ("why", why)):
        if not isinstance(text, str):
            raise TypeError(f"{name}={text!r:.60} must be a sentence")
    if not inspect.isfunction(inspect.unwrap(evidence)):
        raise TypeError(f"evidence={evidence!r:.60} must be a function without arguments: its lines are shown")
    if os.environ.get("NEXTTOKEN_STATIC"):
        return StaticHTML(_static(claim, evidence, why))

    answer = ipywidgets.HTML()
    buttons = ipywidgets.ToggleButtons(options=[("True", True), ("False", False)], value=None)

    def commit(change: dict[str, bool | None]) -> None:
        if change["new"] is None:
            return
        buttons.disabled = True
        try:
            holds, printed = _run(evidence)
        except BaseException as error:  # otherwise a running widget would fail where nobody looks
            answer.value = f"<pre>{escape(f'{type(error).__name__}: {error}')}</pre>"
            buttons.value = None  # an error or an interrupt settles nothing: the reader may try again
            buttons.disabled = False
            raise
        said = "✓ Right." if change["new"] == holds else "✗ No."
        answer.value = f"<p>{said} {_verdict(holds)}</p><pre>{escape(printed)}</pre><p>{_words(why)}</p>"

    buttons.observe(commit, names="value")
    return ipywidgets.VBox([ipywidgets.HTML(f"<b>True or false?</b> {_words(claim)}"), buttons, answer])


def _run(evidence: Callable[[], bool]) -> tuple[bool, str]:
    """Return the verdict, and what was printed on the way."""
    with redirect_stdout(io.StringIO()) as printed:
        holds = evidence()
    if not isinstance(holds, (bool, np.bool_)):
        raise TypeError(f"evidence returned {holds!r:.60}: return whether the claim is true, a bool")
    return bool(holds), printed.getvalue().rstrip()


def _verdict(holds: bool) -> str:
    return f"The claim is {str(holds).lower()}."


def _words(text: str) -> str:
    """Return a text as HTML; asterisks close around words are italics, and those of a product are not."""
    return re.sub(r"(?<![\w*)\]])\*(\w(?:[^*]*\w)?)\*(?![\w*(\[])", r"<em>\1</em>", escape(text))


def _lines(evidence: Callable[[], bool]) -> str:
    """Return the body of a function as it is written; of a lambda, the lines that it stands on."""
    source = textwrap.dedent(inspect.getsource(evidence))
    head = r"\A(@.*\n)*def [\s\S]*?\)( *->[^:\n]*)?:[ \t]*(#.*)?\n?"
    return textwrap.dedent(re.sub(head, "", source)).strip()


def _static(claim: str, evidence: Callable[[], bool], why: str) -> str:
    """Return the quiz as HTML that needs no script; ``book/_static/quiz.css`` hides the answer."""
    holds, printed = _run(evidence)
    choices = ""
    said = ""
    for choice in (True, False):
        word = str(choice).lower()
        choices += f'<label><input type="radio" name="verdict" value="{word}" autocomplete="off">'
        choices += f"<span>{choice}</span></label>"
        said += f'<b class="said-{word}">{"✓ Right." if choice == holds else "✗ No."}</b> '
    # A form of its own keeps the radio buttons of a page, and of copies, apart; that of a dialog sends nothing.
    return (
        f'<div class="quiz"><form method="dialog"><fieldset><legend><b>True or false?</b> '
        f'{_words(claim)}</legend>{choices}</fieldset></form><p role="status"><span class="settled">{said}'
        f'{_verdict(holds)}</span></p><div class="settled"><pre>{escape(_lines(evidence))}</pre>'
        f'<pre class="printed">{escape(printed)}</pre><p>{_words(why)}</p></div></div>'
    )

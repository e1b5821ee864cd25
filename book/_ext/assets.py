"""Sphinx extension: a page loads one style sheet and one script, and the site holds nothing that no page uses.

The theme brings 1.5 MB of icons, 400 kB of styles and a dozen scripts. Here the styles become one file without
the rules that no page can match, and the scripts one file that waits for the text. ``_templates`` has the theme
ask for these two, under a policy that allows nothing but the site's own files.
"""

import base64
import hashlib
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import tinycss2
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError

# Its templates ask for these themselves, and for its script.
THEME = ["basic.css", "styles/pydata-sphinx-theme.css"]
THEME_SCRIPT = "_static/scripts/pydata-sphinx-theme.js"
SEARCH = ["_static/searchtools.js", "_static/language_data.js", "searchindex.js"]
EXPLORER = "_static/explorer.js"
GLOBAL = ("documentation_options.js", "doctools.js", "sphinx_highlight.js")  # others call what they define
KEPT = re.compile(  # of _static
    r"(book|explorer|searchtools|language_data)\.js|book\.css|logo\.svg|file\.png|[\w-]+\.woff2|licences\.txt"
)
CURES = {  # what a screen reader stumbles over, and what it should be
    "the label of a folded cell": ('<summary aria-label="Toggle hidden content">', "<summary>"),
    "the role of a source": ('role="doc-biblioentry"', 'role="listitem"'),
}
PROMISED = {  # what the templates put into every page
    "the policy": '<meta http-equiv="Content-Security-Policy"',
    "the style sheet": "_static/book.css",
    "the script": "_static/book.js",
    "the role of the menu": 'role="navigation" aria-label="Book"',
}
NESTED = ("media", "supports", "layer")


def hashed(script: str) -> str:
    """Return a script as the policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def prepare(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Note what a page asks for, name the scripts that it loads, and cure its text."""
    app.styles |= dict.fromkeys(str(file.filename) for file in context["css_files"])  # type: ignore[attr-defined]
    wanted = [str(file.filename) for file in context["script_files"] if file.filename]
    own = [EXPLORER] if EXPLORER in wanted else []
    if page == "search":
        own += SEARCH
    app.scripts |= dict.fromkeys(name for name in wanted if name != EXPLORER)  # type: ignore[attr-defined]
    context |= {"hashed": hashed, "scripts_later": ["_static/book.js", *own]}
    for name, (fault, cure) in CURES.items():
        if fault in context.get("body", ""):
            app.cured.add(name)  # type: ignore[attr-defined]
            context["body"] = context["body"].replace(fault, cure)


def check(pages: dict[Path, str], cured: set[str]) -> None:
    """Fail where the theme, or what writes the pages, is no longer what the build takes it for."""
    for name in CURES.keys() - cured:
        raise ExtensionError(f"no page has {name} to cure: take it out of CURES in assets.py")
    for path, html in pages.items():
        for name, text in PROMISED.items():
            if text not in html and "<body" in html:
                raise ExtensionError(f"{path.name} lacks {name}: look at PROMISED in assets.py")


def prune(css: str, used: set[str]) -> str:
    """Return a style sheet without icon fonts and without selectors for classes that nothing uses."""
    return "".join(_rules(tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True), used))


def _rules(rules: Iterable[Any], used: set[str]) -> Iterable[str]:
    for rule in rules:
        if rule.type == "qualified-rule":
            selectors = re.split(r",(?![^(]*\))", tinycss2.serialize(rule.prelude))
            kept = [selector for selector in selectors if classes(selector) <= used]
            if kept:
                yield f"{','.join(kept)}{{{tinycss2.serialize(rule.content).strip()}}}\n"
        elif rule.lower_at_keyword in NESTED and rule.content:
            inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            if text := "".join(_rules(inner, used)):
                yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{text}}}\n"
        elif rule.lower_at_keyword != "charset" and "Font Awesome" not in rule.serialize():
            yield rule.serialize() + "\n"


def classes(selector: str) -> set[str]:
    """Return the classes that an element must have to match, those inside ``:not()`` left out."""
    return set(re.findall(r"\.(-?[_a-zA-Z][\w-]*)", re.sub(r":not\([^)]*\)", "", selector)))


def finish(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)

    def text(name: str) -> str:
        return (site / name).read_text(encoding="utf-8")

    def task(name: str) -> str:
        """Return a script as a task of its own, so that a reader's click is heard between it and the next."""
        return text(name) if name.endswith(GLOBAL) else f"setTimeout(() => {{{text(name)}\n}})"

    pages = {
        path: path.read_text(encoding="utf-8") for path in site.rglob("*.html") if "_static" not in path.parts
    }
    check(pages, app.cured)  # type: ignore[attr-defined]
    script = "\n".join(map(task, [*app.scripts, THEME_SCRIPT]))  # type: ignore[attr-defined]
    ours = "".join(map(text, (EXPLORER, *SEARCH)))
    words = set(re.findall(r"[\w-]+", " ".join(re.findall(r'class="([^"]*)"', "".join(pages.values())))))
    words |= set(re.findall(r"[\w-]+", script + ours))  # a script may add a class to an element
    signs = {word for word in words if re.match(r"fa[srb]?(-|$)", word)}  # icons.css has its own
    theme = "".join(map(text, (f"_static/{name}" for name in THEME)))
    others = "".join(map(text, app.styles))  # type: ignore[attr-defined]
    notices = "\n".join(dict.fromkeys(re.findall(r"/\*!.*?\*/", theme, re.DOTALL)))
    styles = f"{notices}\n{prune(theme, words - signs)}{prune(others, words)}"
    (site / "_static" / "book.js").write_text(script, encoding="utf-8")
    (site / "_static" / "book.css").write_text(styles, encoding="utf-8")
    for path in (site / "_static").iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif not KEPT.fullmatch(path.name):
            path.unlink()


def setup(app: Sphinx) -> dict[str, Any]:
    app.styles, app.scripts, app.cured = {}, {}, set()  # type: ignore[attr-defined]
    app.add_css_file("icons.css", priority=880)
    app.add_css_file("site.css", priority=900)
    app.connect("html-page-context", prepare, priority=990)
    app.connect("build-finished", finish, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": False}

"""Sphinx extension: when the pages are written, each keeps what it uses and drops the rest.

The theme brings 1.5 MB of icons, 400 kB of styles and a dozen scripts. Here the icons in use become inline
SVG, the styles become one file without the rules that no page can match, the scripts one file that waits
for the text, and a content security policy allows nothing but the site's own files.
"""

import base64
import hashlib
import json
import os
import re
from collections.abc import Iterable
from html import escape, unescape
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import tinycss2
from sphinx.application import Sphinx

ICONS = "theme/pydata_sphinx_theme/static/scripts/fontawesome.js"
SEARCH = ("searchtools.js", "language_data.js", "searchindex.js")  # for the search page
ALONE = ("explorer.js", *SEARCH)  # not for every page
LEFT = ("fontawesome.js", "bootstrap.js")  # for none
GLOBAL = ("documentation_options.js", "doctools.js", "sphinx_highlight.js")  # others call what they define
NESTED = ("media", "supports", "layer")
SCRIPT = re.compile(r'[ \t]*<script[^>]*\bsrc="([^"?]+)[^>]*></script>\n?')
STYLE = re.compile(r'[ \t]*<link[^>]*\brel="stylesheet"[^>]*>\n?')
MEASURE = re.compile(r'"complete"===document\.readyState\?(\w)\(\):window\.addEventListener\("load",\1\)')
ICON = re.compile(r'<(?:i|span) class="((?:[^"]* )?fa[srb]?[ -][^"]*)"([^>]*)></(?:i|span)>')
FIRST = """const page = document.documentElement.dataset;
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    page.theme = page.mode !== "auto" ? page.mode : dark ? "dark" : "light";
    for (const face of location.protocol === "file:" ? [] : ["regular", "it", "semibold"]) {
      const href = `${page.content_root}_static/source-serif-${face}.woff2`;
      const font = { rel: "preload", as: "font", type: "font/woff2", crossOrigin: "", href };
      document.head.append(Object.assign(document.createElement("link"), font));
    }"""  # before the first paint: a theme or a font that comes later is seen to come
LAST = """<script>
    addEventListener("DOMContentLoaded", () => {
      for (const { href } of document.querySelectorAll("link[as=script]")) {
        document.head.append(Object.assign(document.createElement("script"), { src: href, async: false }));
      }
    });
  </script>"""  # after the styles, which it waits for, and the text: scripts hold up neither
MENDED = [  # what the theme writes, and what it should
    (r"(<math(?:(?!</math>).)*</math>[,.;:?!)’]+)", r'<span class="joined">\1</span>'),
    ("By The authors", "By the authors"),
    (r'<button[^>]*id="pst-back-to-top".*?</button>', ""),  # it measures the page before the page is shown
    (
        r'<div class="dropdown dropdown-download-buttons">.*?(<svg.*?</svg>).*?(href="[^"]*").*?</div>',
        r'<a class="btn btn-sm" \2 download title="Download the source of this page">\1</a>',
    ),
    (r'\s+data-bs-[a-z]+="[^"]*"', ""),  # for a script of 80 kB: a title does as well
    (r'[ \t]*<link rel="preload" as="script"[^>]*>\n?', ""),
    (r"[ \t]*<script>DOCUMENTATION_OPTIONS\.[^<]*</script>\n?", ""),
    ('data-theme="auto"', 'data-theme="light"'),  # of a page whose scripts are off
    (r'(<meta name="viewport"[^>]*/>)(.*?)<meta name="viewport"[^>]*/>', r"\1\2"),
    (r"document\.documentElement\.dataset\.theme = localStorage[^\n]*", FIRST),
    (r'(search-button-field[^>]*) title="Search" aria-label="Search"', r"\1"),  # it has words of its own
    (r'(<h1><span class="section-number">)(\d+)\. ', r"\1Chapter \2 "),
    (r'<summary aria-label="Toggle hidden content">', "<summary>"),  # likewise
    (r'role="doc-biblioentry"', 'role="listitem"'),  # the list around it allows no other
    (r'(<t(?:able|d|r)[^>]*) style="[^"]*"', r"\1"),  # of the index
    (r'<div id="pst-primary-sidebar"', '<div role="navigation" aria-label="Book" id="pst-primary-sidebar"'),
]
POLICY = (
    "default-src 'none'; script-src {scripts}; style-src {styles}; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'"
)


def icon(match: re.Match[str], source: str) -> str:
    """Return the drawing of an icon in place of the element that a script would fill."""
    names = [name for name in match[1].split() if name.startswith("fa-") and name not in ("fa-solid", "fa-lg")]
    name = names[0].removeprefix("fa-")
    found = re.findall(rf'[,{{]"?{name}"?:(\[\d+,\d+,\[[^]]*\],"[^"]*","[^"]*"\])', source)
    if not found:
        raise ValueError(f"no icon {name} in the theme's {ICONS}")
    width, height, _, _, path = json.loads(found[-1])  # the last is the solid one
    classes = " ".join(["icon", *match[1].split()])
    return (
        f'<svg class="{classes}"{match[2]} viewBox="0 0 {width} {height}" aria-hidden="true">'
        f'<path fill="currentColor" d="{path}"/></svg>'
    )


def sheet(file: Path) -> str:
    """Return a style sheet with those that it imports in their place."""
    css = file.read_text(encoding="utf-8")
    return re.sub(r'@import "([^"]+)";?', lambda match: sheet((file.parent / match[1]).resolve()), css)


def prune(css: str, used: set[str]) -> str:
    """Return a style sheet without icon fonts and without selectors for classes that nothing uses."""
    return "".join(_rules(tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True), used))


def _rules(rules: Iterable[Any], used: set[str]) -> Iterable[str]:
    for rule in rules:
        if rule.type == "qualified-rule":
            selectors = re.split(r",(?![^(]*\))", tinycss2.serialize(rule.prelude))
            kept = [s for s in selectors if classes(s) <= used]
            if kept:
                yield f"{','.join(kept)}{{{tinycss2.serialize(rule.content).strip()}}}\n"
        elif rule.type == "at-rule" and rule.lower_at_keyword in NESTED and rule.content:
            inner = tinycss2.parse_rule_list(rule.content, skip_comments=True, skip_whitespace=True)
            if text := "".join(_rules(inner, used)):
                yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{text}}}\n"
        elif rule.type == "at-rule" and rule.lower_at_keyword != "charset":
            text = rule.serialize()
            if "Font Awesome" not in text and "FontAwesome" not in text:
                yield text + "\n"


def classes(selector: str) -> set[str]:
    """Return the classes that an element must have to match, those inside ``:not()`` left out."""
    return set(re.findall(r"\.(-?[_a-zA-Z][\w-]*)", re.sub(r":not\([^)]*\)", "", selector)))


def task(file: Path) -> str:
    """Return a script as a task of its own, so that a reader's click is heard between it and the next."""
    text = file.read_text(encoding="utf-8")
    return text if file.name in GLOBAL else f"setTimeout(() => {{{text}\n}})"


def _sources(pattern: re.Pattern[str], html: str) -> list[str]:
    links = [match[0] for match in pattern.finditer(html)]
    return [re.search(r'(?:src|href)="([^"?]+)', link)[1] for link in links]  # type: ignore[index]


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def finish(app: Sphinx, error: Exception | None) -> None:
    if error is not None or app.builder.format != "html":
        return
    site = Path(app.outdir)
    paths = set(site.rglob("*.html")) - set(site.glob("_static/**/*"))
    pages = {path: path.read_text(encoding="utf-8") for path in sorted(paths)}
    icons = files("pydata_sphinx_theme").joinpath(ICONS).read_text(encoding="utf-8")
    styles: dict[Path, None] = {}
    scripts: dict[Path, None] = {}
    for path, html in pages.items():
        html = pages[path] = html.replace(f'"{app.config.notfound_urls_prefix}_static/', '"_static/')
        styles |= dict.fromkeys((path.parent / link).resolve() for link in _sources(STYLE, html))
        links = [link for link in _sources(SCRIPT, html) if not link.endswith((*LEFT, *ALONE))]
        scripts |= dict.fromkeys((path.parent / link).resolve() for link in links)

    pages = {path: slim(html, path == site / "search.html", icons) for path, html in pages.items()}
    script = ";\n".join(map(task, scripts))
    script, found = MEASURE.subn("0", script)
    if found != 1:
        raise ValueError("the theme no longer measures every box on load: MEASURE and scrollers.js can go")
    words = set(re.findall(r"[\w-]+", " ".join(re.findall(r'class="([^"]*)"', "".join(pages.values())))))
    words |= set(re.findall(r"[\w-]+", script))
    (site / "_static" / "book.js").write_text(script, encoding="utf-8")
    style = "".join(prune(sheet(file), words) for file in styles)
    (site / "_static" / "book.css").write_text(style, encoding="utf-8")
    for path, text in pages.items():
        if path == site / "404.html":  # it is shown at any address, so its links are absolute
            text = re.sub(r'"(?:\./)?(_static/[^"]*)"', rf'"{app.config.notfound_urls_prefix}\1"', text)
        path.write_text(text, encoding="utf-8")


def reachable(match: re.Match[str]) -> str:
    """Return a box of code; where its lines may not fit it is a stop of the Tab key, to scroll from."""
    lines = unescape(re.sub("<[^>]+>", "", match[1])).splitlines()
    stop = ' tabindex="0"' * (max(map(len, lines), default=0) > 66)
    return f"<pre{stop}>{match[1]}</pre>"


def slim(html: str, search: bool, icons: str) -> str:
    """Return a page with drawn icons, one style sheet, one script that waits, and a policy."""
    root = re.search(r'data-content_root="([^"]*)"', html)
    if not root:  # a redirection
        return html
    html = ICON.sub(lambda match: icon(match, icons), html)
    html = re.sub("<pre>(.*?)</pre>", reachable, html, flags=re.DOTALL)
    for pattern, text in MENDED:
        html = re.sub(pattern, text, html, flags=re.DOTALL)
    used = ALONE if search else set(ALONE) - set(SEARCH)
    kept = [link for link in _sources(SCRIPT, html) if link.endswith(tuple(used))]
    later = '<link rel="preload" as="script" fetchpriority="low" href="{}">'
    scripts = [later.format(link) for link in (root[1] + "_static/book.js", *kept)]
    head = f'<link rel="stylesheet" href="{root[1]}_static/book.css">\n' + "\n".join(scripts)
    html = STYLE.sub("", SCRIPT.sub("", html)).replace("</head>", head + "\n</head>", 1)
    html = html.replace("</body>", LAST + "\n</body>", 1)
    inline = re.findall(r"<script(?![^>]*(?:src=|application/json))[^>]*>(.*?)</script>", html, flags=re.DOTALL)
    written = re.findall(r"<style[^>]*>(.*?)</style>", html, flags=re.DOTALL)
    allowed = {"scripts": map(_hash, inline), "styles": map(_hash, written)}
    policy = POLICY.format_map({kind: " ".join(["'self'", "file:", *some]) for kind, some in allowed.items()})
    meta = f'<meta http-equiv="Content-Security-Policy" content="{escape(policy)}">'
    return html.replace('<meta charset="utf-8" />', f'<meta charset="utf-8" />\n    {meta}', 1)


def place(app: Sphinx, config: Any) -> None:
    """Say where the site stands: BOOK_URL, where it is set, names the address that readers use."""
    url = os.environ.get("BOOK_URL", "https://example.org/from-logits-to-tokens").rstrip("/") + "/"
    config.html_baseurl = config.ogp_site_url = url
    config.notfound_urls_prefix = urlsplit(url).path


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_css_file("site.css", priority=900)
    app.add_js_file("scrollers.js", loading_method="defer")
    app.connect("config-inited", place, priority=100)
    app.connect("build-finished", finish, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

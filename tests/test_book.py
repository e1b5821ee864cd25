"""The built book: every page, figure and explorer in place, and nothing that needs a kernel."""

import gzip
import json
import re
from html import escape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from conftest import NOTEBOOKS, ROOT, cells

FONT = "stix-two-math.woff2"
SITE = ROOT / "_build" / "html"
PAGES = sorted({*SITE.rglob("*.html")} - {*SITE.glob("_static/**/*")} - {*SITE.glob("lite/**/*")})
STYLE = (SITE / "_static" / "book.css").read_text(encoding="utf-8") if SITE.exists() else ""


def page(name: str) -> str:
    return (SITE / "book" / f"{name}.html").read_text(encoding="utf-8")


def test_the_book_is_built():
    assert SITE.exists(), "there is no built book: run make build first"
    names = re.findall(r"(?:root|file): (\S+)", (ROOT / "_toc.yml").read_text())
    for name in names:
        assert (SITE / f"{name}.html").exists()


def test_the_book_is_not_older_than_its_sources():
    """A test of yesterday's pages proves nothing."""
    built = (SITE / "index.html").stat().st_mtime
    made = {"__pycache__", ".ipynb_checkpoints"}
    files = [path for folder in ("src", "book") for path in (ROOT / folder).rglob("*") if path.is_file()]
    sources = [path for path in files if made.isdisjoint(path.parts)] + [
        ROOT / "_config.yml",
        ROOT / "_toc.yml",
    ]
    assert [str(path) for path in sources if path.stat().st_mtime > built] == [], "run make build again"


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_figure_and_explorer_of_a_chapter_is_in_its_page(notebook):
    code, html = cells(notebook, "code"), page(notebook.stem)
    drawn = re.compile(r"plots\.(bars|staircase|curves|triangle|forward_pass)\(")
    explorers = sum(len(re.findall(r"^explore\(", source, flags=re.MULTILINE)) for source in code)
    figures = sum(bool(drawn.match(source.strip().splitlines()[-1])) for source in code)
    assert html.count('<div class="explorer">') == explorers >= 1
    assert html.count('<svg viewBox="') >= explorers + figures
    for svg in re.findall(r'<svg viewBox="[^>]*>', html):
        assert re.search(r'aria-label="[^"]{20,}"', svg)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_no_widget_runtime_and_nothing_for_a_policy_to_refuse(path):
    html = path.read_text(encoding="utf-8")
    for forbidden in ("widget-view+json", "widget-state+json", "require.js", "html-manager", "thebe"):
        assert forbidden not in html
    for explorer in re.findall(r'<div class="explorer">.*?</script></div>', html, flags=re.DOTALL):
        assert " style=" not in explorer
        assert not re.search(r" on\w+=", explorer)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_holds_the_words_to_the_code_is_for_their_author(notebook):
    """The metadata of a cell reaches no reader."""
    html = page(notebook.stem)
    kept = [cell["metadata"].get("words", {}) for cell in json.loads(notebook.read_text("utf-8"))["cells"]]
    claims = [claim for words in kept for claim in words.get("claims", []) if len(claim) > 20]
    assert claims
    assert [claim for claim in claims if escape(claim) in html] == []


def test_the_page_script_is_small_and_loaded_where_it_is_used():
    assert (SITE / "_static" / "explorer.js").stat().st_size < 6000
    for path in PAGES:
        html = path.read_text(encoding="utf-8")
        assert ("explorer.js" in html) == ('<div class="explorer">' in html), path


def test_a_second_explorer_adds_less_than_60_kb():
    for path in PAGES:
        html = path.read_text(encoding="utf-8")
        for explorer in re.findall(r'<div class="explorer">.*?</script></div>', html, flags=re.DOTALL):
            assert len(explorer.encode()) < 60_000, (path.stem, len(explorer))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_first_view_of_a_chapter_is_light(notebook):
    """What a browser fetches for a chapter: at most 250 kB compressed, of which 60 kB are scripts."""
    html = page(notebook.stem)
    names = set(re.findall(r'(?:src|href)="\.\./(_static/[^"?]+\.(?:js|css|svg))', html)) | {f"_static/{FONT}"}
    weight = {name: len(gzip.compress((SITE / name).read_bytes())) for name in names}
    assert sum(weight.values()) + len(gzip.compress(html.encode())) <= 250_000
    assert sum(size for name, size in weight.items() if name.endswith(".js")) <= 60_000


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_is_the_sites_own_and_nothing_in_it_is_inline(path):
    """No address of another host is loaded; a policy says so, and what it would refuse is not there."""
    html = path.read_text(encoding="utf-8")
    assert not re.search(r'<(?:script|img|iframe)[^>]*src="(?:https?:)?//', html)
    assert not re.search(r'<link[^>]*rel="(?:stylesheet|preload|icon)[^>]*href="(?:https?:)?//', html)
    if path.name != "index.html":
        assert "Content-Security-Policy" in html
        assert not re.search(r'<[^>]* (?:style|on[a-z]+)="', html)
        for sign in re.findall(r'class="[^"]*\b(fa-(?!solid|lg)[\w-]+)', html):
            assert f".{sign} {{--sign:" in STYLE, f"icons.css does not draw {sign}"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_no_script_holds_up_the_text(path):
    """A page asks for its scripts when it has been read; until then they are only fetched, last of all."""
    html = path.read_text(encoding="utf-8")
    assert not re.search(r"<script[^>]* src=", html)
    early = re.findall(r'<link rel="preload" as="script"([^>]*)>', html)
    assert all('fetchpriority="low"' in rest for rest in early)
    assert bool(early) == (path.name != "index.html")


def test_the_style_asks_for_files_that_are_there():
    for address in re.findall(r'url\("?([^")]+)', STYLE):
        assert address.startswith("data:") or (SITE / "_static" / address).exists(), address


def test_formulas_are_mathml_that_every_browser_draws():
    """Chromium knows no bold or calligraphic variants; none is used."""
    for notebook in NOTEBOOKS:
        html = page(notebook.stem)
        assert html.count("<math") >= 5
        assert set(re.findall(r'mathvariant="([^"]*)"', html)) <= {"normal"}
        assert r"\(" not in re.sub(r"<pre>.*?</pre>", "", html, flags=re.DOTALL)


class Links(HTMLParser):
    """Collects the ids of a page and the places that it points to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids |= {given["id"]} if given.get("id") else set()
        self.links += [given[name] for name in ("href", "src") if given.get(name)]


def test_no_link_inside_the_book_is_dead():
    parsed = {path: Links(path.read_text(encoding="utf-8")) for path in PAGES}
    for path, links in parsed.items():
        for link in links.links:
            if re.match(r"[a-z]+:|//", link):
                continue
            if path.name == "404.html":  # shown at any address: its links begin at the site's
                link = link.removeprefix(re.search(r'href="([^"]*)_static/book.css"', path.read_text())[1])
            target, _, anchor = link.partition("#")
            file = (path.parent / target.partition("?")[0]).resolve() if target else path.resolve()
            assert file.exists(), (path.name, link)
            if anchor and "=" not in anchor and file.suffix == ".html":  # with one, it is an explorer's state
                ids = parsed[next(p for p in parsed if p.resolve() == file)].ids
                assert anchor in ids, (path.name, link)


def test_the_sources_of_the_pages_name_no_place_on_this_machine():
    for path in PAGES:
        assert str(Path.home()) + "/" not in path.read_text(encoding="utf-8")
        assert str(ROOT) not in path.read_text(encoding="utf-8")

"""Print the built book as one PDF, with the system's Chromium: python tools/paper.py SITE FILE.

All pages become one document, so that links lead from page to page. It is printed twice: the first time to
learn on which page each chapter begins, the second time with those numbers in the contents.
"""

import os
import re
import shutil
import sys
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import sync_playwright
from pypdf import PdfReader

HERE = Path(__file__).parent
ROOT = HERE.parent
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
NOT_FOR_PAPER = "script, template, .headerlink, .explorer > .controls, .explorer > [role=status]"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def pages(site: Path) -> list[Path]:
    """Return the pages in the order of the table of contents."""
    first = site / "book" / "intro.html"
    menu = BeautifulSoup(first.read_text("utf-8"), "html.parser").select("nav.bd-links a.internal")
    names = (str(link["href"]).partition("#")[0] for link in menu)
    return [first, *(first.parent / name for name in names if name)]


def part(path: Path, known: set[str]) -> Tag:
    """Return a page as part of the whole: its ids begin with its name, its links stay inside."""
    section = BeautifulSoup(path.read_text("utf-8"), "html.parser").select_one("article > section")
    if section is None:
        raise ValueError(f"{path} has no article: build the book again")
    for tag in section.select(NOT_FOR_PAPER):
        tag.decompose()
    for tag in section.select("details"):
        tag["open"] = ""
        for words in tag.select("summary .expanded"):
            words.string = words.get_text().replace("Hide the", "The")
    for tag in section.select("[id]:not(clipPath)"):  # equal clips have equal ids, and may
        tag["id"] = f"{path.stem}--{tag['id']}"
    for tag in section.select("a[href]"):
        page, _, place = str(tag["href"]).partition("#")
        name = Path(page).stem if page else path.stem
        if name in known and "://" not in page:
            tag["href"] = f"#{name}--{place}" if place else f"#{name}"
        elif "://" not in page:
            del tag["href"]
    section["id"], section["class"] = path.stem, "page"
    return section


def whole(site: Path, numbers: dict[str, int]) -> str:
    """Return the book as one HTML document: cover, contents with page numbers where known, pages."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    title, author = escape(config["title"]), escape(config["author"])
    files = pages(site)
    parts = [part(path, {path.stem for path in files}) for path in files]
    contents = "".join(
        f'<li><a href="#{section["id"]}">{section.h1.decode_contents()}'
        f"<span>{numbers.get(section['id'], '')}</span></a></li>"
        for section in parts[1:]
    )
    css = (site / "_static" / "book.css").read_text("utf-8").replace("optional", "block")  # wait for the fonts
    css += (HERE / "paper.css").read_text("utf-8")
    return f"""<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">
<title>{title}</title><meta name="author" content="{author}"><style>{css}</style></head>
<body><main class="bd-article"><section class="cover"><h1>{title}</h1>
<p>How a language model chooses its next word</p>{(ROOT / "book" / "_static" / "logo.svg").read_text("utf-8")}
<footer>© {config["copyright"]}. Text and figures: CC BY 4.0. Code: MIT.</footer></section>
<nav class="contents"><h1>Contents</h1><ol>{contents}</ol></nav>
{"".join(map(str, parts))}</main></body></html>"""


def first_pages(file: Path) -> dict[str, int]:
    """Return the page number of every place in a PDF that something links to."""
    reader = PdfReader(file)
    places = reader.named_destinations.items()
    return {name.lstrip("/"): reader.get_destination_page_number(place) + 1 for name, place in places}


def main(site: Path, file: Path) -> None:
    if not CHROMIUM:
        sys.exit("No Chromium on the path: install one, or name it in CHROMIUM.")
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        for font in (site / "_static").glob("*.woff2"):
            shutil.copy(font, folder)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page, source = browser.new_page(), Path(folder, "book.html")
        numbers: dict[str, int] = {}
        for _ in range(2):
            source.write_text(whole(site, numbers), "utf-8")
            page.goto(source.as_uri())
            page.evaluate("document.fonts.ready")
            page.pdf(path=file, prefer_css_page_size=True, print_background=True, outline=True, tagged=True)
            numbers = first_pages(file)
        browser.close()
    print(f"{len(PdfReader(file).pages)} pages: {re.sub(f'^{re.escape(os.getcwd())}/', '', str(file))}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

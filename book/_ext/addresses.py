"""Sphinx extension: where the book and its source stand, for canonical links, cards, and pages that say so.

Until there is an address nothing names one. ``[project.urls]`` in pyproject.toml is the one place to set it;
BOOK_REPOSITORY and BOOK_URL, where they are set, go before it, so that the book of a fork names the fork.
"""

import os
import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sphinx.application import Sphinx
from sphinx.config import Config

ROOT = Path(__file__).parents[2]
GITHUB = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+")


def _address(variable: str, name: str) -> str:
    written = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"].get("urls", {})
    return str(os.environ.get(variable) or written.get(name, ""))


def repository() -> str:
    """Return the address of the book's source, or nothing where there is none yet."""
    address = _address("BOOK_REPOSITORY", "Repository")
    if address and not GITHUB.fullmatch(address):
        raise ValueError(f"{address!r} is no repository: give an address like https://github.com/owner/name")
    return address


def site() -> str:
    """Return the address that readers of the book use, with a slash at its end, or nothing."""
    address = _address("BOOK_URL", "Documentation")
    return f"{address.rstrip('/')}/" if address else ""


def commit() -> str:
    """Return the commit that is built, to which links into the source are pinned; outside of Git nothing."""
    command = ["git", "-C", str(ROOT), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def published() -> bool:
    """Whether others can reach the source as it is built."""
    return bool(repository() and commit())


def place(app: Sphinx, config: Config) -> None:
    """Hand the addresses to Sphinx, and to the extensions that are there because of them."""
    config.notfound_urls_prefix = urlsplit(site()).path or "/"
    if site():
        config.html_baseurl = config.ogp_site_url = site()
        config.ogp_enable_meta_description = True
        config.ogp_social_cards = {"line_color": "#0072b2", "font": "DejaVu Sans"}  # its own font has no bold
        config.sitemap_url_scheme = "{link}"
        config.sitemap_show_lastmod = False
    if published():
        app.tags.add("published")


def name_source(app: Sphinx, page: str, source: list[str]) -> None:
    """Put the repository and the commit where a page says ``BOOK_REPOSITORY`` and ``BOOK_COMMIT``."""
    if published():
        source[0] = source[0].replace("BOOK_REPOSITORY", repository()).replace("BOOK_COMMIT", commit())


def setup(app: Sphinx) -> dict[str, Any]:
    if site():
        app.setup_extension("sphinxext.opengraph")
        app.setup_extension("sphinx_sitemap")
    app.connect("config-inited", place, priority=100)
    app.connect("source-read", name_source)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

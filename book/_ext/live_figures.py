"""Sphinx extension: cells draw for a page without a kernel, and are run again when the package changes."""

import hashlib
import os
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

SOURCE = Path(__file__).parents[2] / "src"


def prepare(app: Sphinx, config: Config) -> None:
    """Tell the kernels, which inherit the environment, and key their cache on the package's source."""
    os.environ["NEXTTOKEN_STATIC"] = "1"
    digest = hashlib.sha256()
    for file in sorted(path for path in SOURCE.rglob("*") if path.suffix in (".py", ".txt")):
        digest.update(file.relative_to(SOURCE).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    cache = Path(app.outdir).parent / ".jupyter_cache" / digest.hexdigest()[:16]
    config.nb_execution_cache_path = str(cache)


def add_files(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Load style and script where there are figures and explorers, and no state of widgets anywhere."""
    app.env.nb_metadata.get(page, {}).get("js_files", {}).pop("ipywidgets_state", None)
    body = context.get("body", "")
    if '<svg viewBox="' in body:
        app.add_css_file("explorer.css")
    if '<div class="quiz"' in body:
        app.add_css_file("quiz.css")
    if '<div class="explorer">' in body:
        app.add_js_file("explorer.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    app.connect("config-inited", prepare, priority=100)
    app.connect("html-page-context", add_files, priority=100)  # before MyST-NB adds its own
    return {"parallel_read_safe": True, "parallel_write_safe": False}

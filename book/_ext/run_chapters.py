"""Sphinx extension: chapters run side by side, draw for a page without a kernel, and follow the package."""

import hashlib
import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import nbclient
from jupyter_cache import get_cache
from jupyter_cache.executors import utils
from myst_nb.core.execute import create_client
from myst_nb.core.read import create_nb_reader
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util.logging import getLogger, suppress_logging
from sphinx.util.parallel import ParallelTasks, SerialTasks, parallel_available

SOURCE = Path(__file__).parents[2] / "src"


def prepare(app: Sphinx, config: Config) -> None:
    """Tell the kernels, which inherit the environment, and key their cache on the package's source."""
    os.environ["NEXTTOKEN_STATIC"] = "1"
    digest = hashlib.sha256()
    for file in sorted(path for path in SOURCE.rglob("*") if path.suffix in (".npz", ".py", ".txt")):
        digest.update(file.relative_to(SOURCE).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    cache = Path(app.outdir).parent / ".jupyter_cache" / digest.hexdigest()[:16]
    config.nb_execution_cache_path = str(cache)
    # A busy kernel sends one line in two pieces. Here they become what was printed; MyST-NB's own
    # nb_merge_streams puts a line break between them.
    utils.executenb = partial(nbclient.execute, coalesce_streams=True)


def run_chapters(app: Sphinx, env: Any, pages: list[str]) -> None:
    """Have up to four chapters run at a time, into the cache where MyST-NB then finds what they gave.

    One that fails is not kept there: MyST-NB runs it once more, and says where it failed.
    """
    chapters = {}
    for page in pages:
        path = env.doc2path(page)
        text = [Path(path).read_text(encoding="utf-8")]
        app.emit("source-read", page, text)  # as Sphinx does before it reads a page
        if reader := create_nb_reader(path, env.myst_config, env.mystnb_config, text[0]):
            chapters[path] = reader.read(text[0]), reader.read_fmt

    def run(path: str) -> None:
        notebook, form = chapters[path]
        with suppress_logging(), create_client(notebook, path, env.mystnb_config, getLogger(__name__), form):
            pass

    def tell(path: str, _result: None = None) -> None:
        left.remove(path)
        if sys.stderr.isatty():
            said = f"{len(chapters) - len(left)} of {len(chapters)} pages have run"
            print("\r" + said, end="" if left else "\n", file=sys.stderr, flush=True)

    left = set(chapters)
    _ = get_cache(env.mystnb_config.execution_cache_path).db  # made here, for all of them
    tasks = ParallelTasks(min(4, os.cpu_count() or 1)) if parallel_available else SerialTasks()
    for path in chapters:
        tasks.add_task(run, path, tell)
    tasks.join()


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
    app.connect("env-before-read-docs", run_chapters)
    app.connect("html-page-context", add_files, priority=100)  # before MyST-NB adds its own
    return {"parallel_read_safe": True, "parallel_write_safe": False}

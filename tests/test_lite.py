"""The site in which the chapters run in the reader's browser."""

import json
import os
import re
import subprocess
from mimetypes import guess_type
from threading import Thread

import lite
import pytest
from conftest import NOTEBOOKS, ROOT
from playwright.sync_api import expect, sync_playwright
from serve import open_server
from test_pages import CHROMIUM, FLAGS

PYTHON = ROOT / ".venv-lite" / "bin" / "python"
PYODIDE = os.environ.get("PYODIDE")
SECONDS = 1000  # a limit for the browser, in its milliseconds

needs_pyodide = pytest.mark.skipif(
    not PYODIDE,
    reason="no Pyodide: name a distribution in PYODIDE, a folder or an archive with NumPy and matplotlib",
)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """``served(name, pyodide)`` builds the site and serves it below a path; returns its address and folder."""
    if not PYTHON.exists() or not CHROMIUM:
        assert not os.environ.get("CI")
        pytest.skip("no .venv-lite or no Chromium: run make .venv-lite/ready, and install a browser")
    home, servers = tmp_path_factory.mktemp("home"), []

    def serve(name, *pyodide):
        site = home / "a-shelf" / name
        subprocess.run([PYTHON, ROOT / "tools" / "lite.py", site, *pyodide], check=True)
        servers.append(open_server(str(home), 8800))
        Thread(target=servers[-1].serve_forever, daemon=True).start()
        return f"http://localhost:{servers[-1].server_port}/a-shelf/{name}", site

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def from_the_cdn(served):
    return served("lite")


@pytest.fixture
def visit():
    """``visit(address)`` opens a page where only this machine answers; ``asked`` are the others it asked.

    ``cdn``, a function that reads a file of a distribution, answers in place of the public CDN.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page, asked = context.new_page(), []

        def away(route):
            asked.append(route.request.url)
            if page.cdn and asked[-1].startswith(lite.CDN):
                name = asked[-1].rpartition("/")[2]
                free = {"Access-Control-Allow-Origin": "*"}
                route.fulfill(body=page.cdn(name), content_type=guess_type(name)[0], headers=free)
            else:
                route.abort()

        context.route(re.compile(r"^https?://(?!localhost:)"), away)
        page.asked, page.cdn = asked, None

        def go(address, cdn=None):
            page.cdn = cdn
            page.goto(address)
            expect(page.locator(".jp-NotebookPanel .jp-CodeCell").first).to_be_visible(timeout=60 * SECONDS)
            return page

        yield go
        browser.close()


def test_the_site_holds_the_chapters_the_package_and_no_python(from_the_cdn):
    _, site = from_the_cdn
    for notebook in NOTEBOOKS:
        text = (site / "files" / notebook.name).read_text(encoding="utf-8")
        assert "{cite" not in text
    (wheel,) = (site / "pypi").glob("nexttoken-*.whl")
    config = json.loads((site / "jupyter-lite.json").read_text())["jupyter-config-data"]
    settings = config["litePluginSettings"][lite.KERNEL]
    assert settings["pyodideUrl"] == f"{lite.CDN}/pyodide.mjs"
    assert f"{lite.FROM_THE_WORKER}/{wheel.name}" in settings["loadPyodideOptions"]["packages"]
    assert not list(site.rglob("*.wasm"))
    assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) < 40e6


def test_the_pin_is_the_version_that_the_kernel_is_made_for():
    code = "from jupyterlite_pyodide_kernel.constants import PYODIDE_CDN_URL as url; print(url)"
    if PYTHON.exists():
        done = subprocess.run([PYTHON, "-c", code], check=True, capture_output=True, text=True)
        assert done.stdout.strip() == lite.CDN


@pytest.mark.parametrize("app", ["lab", "notebooks"])
def test_the_shell_asks_no_other_host_but_for_the_pinned_runtime(visit, from_the_cdn, app):
    page = visit(f"{from_the_cdn[0]}/{app}/index.html?path=03_temperature.ipynb")
    expect(page.get_by_role("heading", name="Turn the temperature")).to_be_visible()
    for _ in range(60):
        if page.asked:
            break
        page.wait_for_timeout(500)
    assert page.asked  # the kernel starts, so it was right to wait
    assert all(url.startswith(f"{lite.CDN}/") for url in page.asked), page.asked


@needs_pyodide
@pytest.mark.parametrize("runtime", ["in the site", "from the CDN"])
def test_a_chapter_runs_to_its_last_cell_and_its_sliders_move(visit, served, from_the_cdn, runtime):
    own = runtime == "in the site"
    address, _ = served("own", PYODIDE) if own else from_the_cdn
    page = visit(
        f"{address}/notebooks/index.html?path=03_temperature.ipynb",
        None if own else lite.open_distribution(PYODIDE),
    )
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    figure = page.locator(".jp-OutputArea-output svg").first
    expect(figure).to_be_attached(timeout=240 * SECONDS)
    expect(page.locator(".jp-InputArea-prompt", has_text="[*]")).to_have_count(0, timeout=240 * SECONDS)
    assert page.locator('[data-mime-type="application/vnd.jupyter.stderr"]').all_text_contents() == []
    assert page.get_by_text("✓ Right.").count() == 3
    slider, view = page.locator(".widget-slider .noUi-handle").first, page.locator(".widget-html svg").first
    before = view.evaluate("svg => svg.outerHTML")
    for _ in range(20):  # the notebook may take the focus back while it settles
        slider.press("ArrowLeft")
        page.wait_for_timeout(500)
        if view.evaluate("svg => svg.outerHTML") != before:
            break
    else:
        pytest.fail("the slider moved nothing")
    assert bool(page.asked) != own
    assert all(url.startswith(f"{lite.CDN}/") for url in page.asked)

"""The pages in a browser, opened from disk with the network closed: every control moves its figure."""

import os
import re
from itertools import product

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import NOTEBOOKS, ROOT
from ipywidgets import FloatSlider
from paper import CHROMIUM, FLAGS
from playwright.sync_api import sync_playwright

from nexttoken import plots
from nexttoken.frames import Control, draw, static_html

SITE = ROOT / "_build" / "html"
ALONE = {SITE / "index.html", SITE / "404.html"}  # a redirection; a page of absolute links
PAGES = sorted({*SITE.rglob("*.html")} - {*SITE.glob("_static/**/*")} - {*SITE.glob("lite/**/*")} - ALONE)
every_chapter = pytest.mark.parametrize("name", [path.stem for path in NOTEBOOKS])

if not CHROMIUM and not os.environ.get("CI"):
    pytest.skip("no Chromium on the path: install one, or name it in CHROMIUM", allow_module_level=True)


@pytest.fixture(scope="module")
def browser():
    assert CHROMIUM, "no Chromium on the path: install one, or name it in CHROMIUM"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser):
    """``visit("02_softmax")`` opens a page from disk; at the end no error may have been seen."""
    errors, contexts = [], []

    def go(name, anchor="", **options):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        context.route(re.compile("^https?:"), lambda route: errors.append(route.request.url) or route.abort())
        page = context.new_page()
        page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        file = name if str(name).endswith(".html") else SITE / "book" / f"{name}.html"
        page.goto(f"file://{file}{anchor}")
        return page

    yield go
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture(scope="module")
def explorers(chapter):
    """``explorers("02_softmax")``: of each explorer of a chapter its plot, describe and controls."""
    return lambda name: [
        (plot, describe, [Control(*item) for item in controls.items()])
        for plot, describe, controls in chapter(name).explorers
    ]


def values(page, place):
    """Return what the controls of an explorer show."""
    return page.evaluate(
        """place => [...document.querySelectorAll(".explorer")[place].querySelectorAll("input, select")]
        .map(input => input.type === "radio" || input.type === "checkbox" ? input.checked : input.value)""",
        place,
    )


@every_chapter
def test_every_control_moves_the_figure_from_the_keyboard(visit, name):
    """A control may matter only where another one stands elsewhere: then up to 20 seeded places are tried."""
    page, rng = visit(name), np.random.default_rng(0)
    keys = {"range": ["End", "Home", "ArrowRight", "PageUp", "PageDown", "ArrowLeft"], "checkbox": ["Space"]}

    def press(explorer, control, names):
        """Return the figures seen before and after each key."""
        seen = [explorer.locator("svg").evaluate("svg => svg.outerHTML")]
        control.focus()
        for key in names:
            page.keyboard.press(key)
            seen.append(explorer.locator("svg").evaluate("svg => svg.outerHTML"))
        return seen

    for explorer in page.locator(".explorer").all():
        start = explorer.locator("svg").evaluate("svg => svg.outerHTML")
        controls = explorer.locator(
            "input:not([type=radio]), input[type=radio]:checked, select"
        ).element_handles()
        assert controls
        for control in controls:
            kind = control.get_attribute("type")
            for _ in range(20):
                if len(set(press(explorer, control, keys.get(kind, ["ArrowDown", "ArrowUp"])))) > 1:
                    break
                for other in controls:
                    step = "PageUp" if other.get_attribute("type") == "range" else "ArrowDown"
                    press(explorer, other, ["Home"] + [step] * int(rng.integers(10)))
            else:
                pytest.fail(f"dead: {control.evaluate('control => control.outerHTML')}")
            explorer.locator("button").click()
            assert explorer.locator("svg").evaluate("svg => svg.outerHTML") == start


@every_chapter
def test_slots_give_the_frame_that_is_drawn_directly(visit, explorers, name):
    """Seeded random states of every explorer, set through the address."""
    page, rng = visit(name), np.random.default_rng(0)
    for place, (plot, describe, controls) in enumerate(explorers(name)):
        for _ in range(4):
            picks = [int(rng.integers(len(control.values))) for control in controls]
            alone = [_only(control, pick) for control, pick in zip(controls, picks, strict=True)]
            (frame,) = draw(plot, describe, alone)
            state = {c.name: c.labels[pick] for c, pick in zip(controls, picks, strict=True)}
            page.evaluate("state => { location.hash = new URLSearchParams(state) }", state)
            page.wait_for_timeout(30)
            shown, drawn = page.evaluate(
                """([place, html]) => {
                const holder = document.createElement("div");
                holder.innerHTML = html;
                const figure = document.querySelectorAll(".explorer")[place].querySelector("svg");
                return [figure.outerHTML, holder.innerHTML];
                }""",
                [place, str(frame)],
            )
            assert shown == drawn, state


def _only(control, pick):
    """Return the control with one value left."""
    one = object.__new__(Control)
    one.name, one.widget, one.start = control.name, control.widget, 0
    one.values, one.labels = [control.values[pick]], [control.labels[pick]]
    return one


def test_the_value_is_written_and_the_sentence_follows(visit):
    page = visit("03_temperature")
    explorer = page.locator(".explorer").first
    slider, status = explorer.locator("input[type=range]"), explorer.locator("[role=status]")
    slider.focus()
    page.keyboard.press("Home")
    assert explorer.locator("output").text_content() == "0.1"
    assert status.text_content() == ""  # nothing is said while the reader moves
    page.wait_for_timeout(900)
    assert status.text_content() == explorer.locator("svg").get_attribute("aria-label")
    assert "jumps 99.9 %" in status.text_content()
    assert page.url.endswith("#view=probabilities&temperature=0.1")


def test_a_negative_value_has_a_true_minus_sign(visit):
    explorer = visit("02_softmax").locator(".explorer").first
    explorer.locator("input[type=range]").first.press("Home")
    assert explorer.locator("output").first.text_content() == "−3.0"


def test_the_address_carries_the_state(visit, fox):
    page = visit("03_temperature", "#temperature=0.5&view=logits")
    explorer = page.locator(".explorer").first
    assert explorer.locator("output").text_content() == "0.5"
    assert explorer.locator("input[type=radio]").first.is_checked()
    assert explorer.locator(f"text={fox.max() / 0.5:.2f}").count() == 1


def test_an_address_that_means_nothing_changes_nothing(visit):
    page = visit("03_temperature", "#temperature=cold&%zz")
    assert page.locator(".explorer output").first.text_content() == "1.0"


def test_the_page_turning_keys_spare_a_slider(visit):
    page = visit("03_temperature")
    page.locator(".explorer input[type=range]").first.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_timeout(200)
    assert "03_temperature" in page.url
    assert page.locator(".explorer output").first.text_content() == "1.1"


def test_two_copies_of_one_explorer_both_work(visit, tmp_path):
    """Radio buttons share their name with the other copy in the source; the script makes it their own."""
    html = (SITE / "book" / "03_temperature.html").read_text(encoding="utf-8")
    one = re.search(r'<div class="explorer">.*?</script></div>', html, flags=re.DOTALL)[0]
    script = (SITE / "_static" / "explorer.js").as_uri()
    file = tmp_path / "two.html"
    file.write_text(
        f'<!doctype html><meta charset="utf-8">{one}<p hidden>{one}</p>{one}<script src="{script}"></script>'
    )
    page = visit(file)
    for place in (0, 2):
        page.locator(".explorer").nth(place).locator("input[type=radio]").first.check()
    assert values(page, 0)[:2] == values(page, 2)[:2] == [True, False]
    assert values(page, 1)[:2] == [False, True]


def test_a_slider_of_any_scale_reaches_every_stop(visit, tmp_path):
    """Seven sevenths of pi are a rounding more than pi, and a step of 1e-10 is nothing beside 1."""
    widgets = {
        "turn": FloatSlider(0, min=0, max=np.pi, step=np.pi / 7, readout_format=".2f"),
        "tiny": FloatSlider(2e-10, min=-3e-10, max=3e-10, step=1e-10, readout_format="+.0e"),
    }
    html = static_html(lambda turn, tiny: plots.bars(["a"], [turn / 4 + tiny]), None, widgets)
    script = (ROOT / "book" / "_static" / "explorer.js").as_uri()
    file = tmp_path / "scales.html"
    file.write_text(
        f'<!doctype html><meta charset="utf-8">{html}<script src="{script}"></script>', encoding="utf-8"
    )
    page = visit(file)
    turn, tiny = page.locator("output").all()
    assert (turn.text_content(), tiny.text_content()) == ("0.00", "+2e-10")
    for place, key, shown in ((0, "End", "3.14"), (1, "Home", "−3e-10"), (1, "ArrowRight", "−2e-10")):
        page.locator("input[type=range]").nth(place).press(key)
        assert page.locator("output").nth(place).text_content() == shown
        assert page.locator("input[type=range]").nth(place).get_attribute("aria-valuetext") == shown


@every_chapter
def test_without_a_script_there_is_the_figure_and_no_dead_control(visit, name):
    page = visit(name, java_script_enabled=False)
    assert page.locator(".explorer svg").first.is_visible()
    assert page.locator(".explorer svg").count() == page.locator(".explorer").count()
    for control in page.locator(".explorer input, .explorer select, .explorer button").all():
        assert not control.is_visible()


def test_paper_has_no_controls(visit):
    page = visit("03_temperature")
    page.emulate_media(media="print")
    assert page.locator(".explorer svg").first.is_visible()
    assert not page.locator(".explorer input").first.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_ink_and_colours_stand_out_in_both_themes(visit, scheme):
    """Text at least 4.5 to 1, bars at least 3 to 1 against the page, as WCAG 2.2 AA asks."""
    page = visit("03_temperature", color_scheme=scheme)
    text, bar, ground = page.evaluate(
        """() => {
        const fill = name => getComputedStyle(document.querySelector(`.explorer svg ${name}`)).fill;
        return [fill("text"), fill("path"), getComputedStyle(document.body).backgroundColor];
        }"""
    )
    assert contrast(text, ground) >= 4.5
    assert contrast(bar, ground) >= 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_axe_finds_nothing(visit, path, scheme):
    """And on every page: no error in the console, no request that leaves the disk."""
    page = visit(path, color_scheme=scheme, reduced_motion="reduce")
    found = Axe().run(page, options={"preload": False}).response["violations"]  # it would read the style sheet
    assert [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in found] == []


@pytest.mark.parametrize("width", [412, 1280])
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_nothing_moves_while_a_page_opens(visit, path, width):
    page = visit(path, viewport={"width": width, "height": 900})
    moved = page.evaluate(
        """() => new Promise(done => {
        let sum = 0;
        new PerformanceObserver(seen => seen.getEntries().forEach(shift => sum += shift.value))
            .observe({ type: "layout-shift", buffered: true });
        setTimeout(() => done(sum), 300);
        })"""
    )
    assert moved <= 0.01


@every_chapter
@pytest.mark.parametrize(("width", "beside"), [(1280, True), (390, False)])
def test_side_notes_stand_beside_the_text_where_there_is_room(visit, name, width, beside):
    page = visit(name, viewport={"width": width, "height": 900})
    text, notes = page.locator(".bd-article-container").bounding_box(), page.locator("aside.margin").all()
    assert notes
    for box in [note.bounding_box() for note in notes]:
        assert (box["x"] >= text["x"] + text["width"]) == beside
        assert text["x"] <= box["x"] < box["x"] + box["width"] <= width


@pytest.mark.parametrize("how", ["address", "click"])
def test_a_link_to_a_heading_far_below_arrives(visit, how):
    """Cells that have never been near have a guessed height; the heading may not slip away with it."""
    place = "#from-a-word-to-a-sentence"
    page = visit("07_forward_pass", place if how == "address" else "", reduced_motion="reduce")
    if how == "click":
        page.locator(f".page-toc a[href='{place}']").click()
    page.wait_for_timeout(700)
    assert 0 <= page.locator(f"{place} > h2").bounding_box()["y"] <= 120


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_reads_well_without_scripts(visit, path):
    """On a phone all its text is there, no control that is dead, and a way to the other pages."""
    page = visit(path, java_script_enabled=False, viewport={"width": 390, "height": 844})
    assert page.locator("h1:visible").count() == 1
    for dead in page.locator(".bd-header-article button, .search-button, .theme-switch-button").all():
        assert not dead.is_visible()
    assert page.locator("nav.bd-links a:visible").count() >= 10
    folded = ".controls *, .quiz *, details *, [hidden], template *"
    for text in page.locator(f"article :is(p, pre, li, math):not({folded})").all():
        assert text.is_visible() or not text.text_content().strip() or text.get_attribute("role") == "status"


def test_a_term_and_a_citation_say_what_they_mean(visit):
    """On focus and under a pointer; Escape, and going elsewhere, take the text away (WCAG 2.2, 1.4.13)."""
    page, glossary = visit("05_top_k"), visit("glossary")
    tip, link = page.locator("#hover"), page.locator("article a.term").first
    meaning = glossary.locator(f"#{link.get_attribute('href').partition('#')[2]} + dd p").first.text_content()
    page.bring_to_front()
    link.focus()
    tip.wait_for()
    assert tip.text_content().startswith(meaning)
    assert link.get_attribute("aria-describedby") == tip.get_attribute("id")
    assert Axe().run(page, options={"preload": False}).response["violations"] == []
    page.keyboard.press("Escape")
    tip.wait_for(state="hidden")
    source = page.locator("article a[href^='references.html#']").first
    source.scroll_into_view_if_needed()
    page.wait_for_timeout(500)  # what comes into view is laid out, and may move the word from under the pointer
    source.hover()
    tip.wait_for()
    tip.hover()  # the text itself can be pointed at
    page.wait_for_timeout(400)
    assert tip.is_visible()
    page.mouse.move(2, 2)
    tip.wait_for(state="hidden")


def test_a_term_is_a_link_once_a_page_and_not_where_the_page_defines_it(visit):
    for name in [path.stem for path in NOTEBOOKS]:
        page = visit(name)
        links = [link.get_attribute("href") for link in page.locator("article a.term").all()]
        bold = page.locator("article strong").all_text_contents()
        assert len(set(links)) == len(links) >= (name != "01_logits")  # the first chapter defines its own
        assert not {f"glossary.html#term-{word.lower().replace(' ', '-')}" for word in bold} & set(links)


def contrast(one: str, other: str) -> float:
    def luminance(colour):
        c = np.array([int(part) for part in re.findall(r"\d+", colour)[:3]]) / 255
        return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_nothing_runs_off_a_phone(visit, path):
    page = visit(path, viewport={"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@every_chapter
def test_targets_are_large_enough_for_a_thumb(visit, name):
    page = visit(name, viewport={"width": 360, "height": 740})
    for control in page.locator(".explorer input[type=range], .explorer select, .explorer button").all():
        assert control.bounding_box()["height"] >= 44
    for label in page.locator(".explorer fieldset label").all():
        assert label.bounding_box()["height"] >= 44


def test_every_state_of_a_small_explorer_can_be_reached(visit, explorers):
    page = visit("03_temperature")
    _, _, controls = explorers("03_temperature")[0]
    slider = page.locator(".explorer").first.locator("input[type=range]")
    slider.focus()
    page.keyboard.press("Home")
    seen = [page.locator(".explorer output").first.text_content()]
    for _ in range(len(controls[1].labels) - 1):
        page.keyboard.press("ArrowRight")
        seen.append(page.locator(".explorer output").first.text_content())
    assert seen == controls[1].labels
    assert len(list(product(*(control.values for control in controls)))) == 60


def commit(page, quiz, place):
    """Choose by key: Space takes the first choice, an arrow the second. Return that and the other."""
    quiz.locator("input").first.focus()
    page.keyboard.press("Space" if place % 2 else "ArrowDown")
    page.keyboard.press("Enter")  # which sends nothing
    return ("true", "false") if place % 2 else ("false", "true")


@every_chapter
def test_a_claim_keeps_its_answer_until_the_reader_commits_without_any_script(visit, name):
    page = visit(name, java_script_enabled=False)
    page.set_viewport_size({"width": 360, "height": 740})
    for place, quiz in enumerate(page.locator(".quiz").all()):
        for hidden in quiz.locator(".settled").all():
            assert not hidden.is_visible()
        for label in quiz.locator("label").all():
            assert label.bounding_box()["height"] >= 44
        choice, other = commit(page, quiz, place)
        said = quiz.locator("[role=status]").inner_text()
        assert said.startswith("✓ Right." if f"The claim is {choice}." in said else "✗ No.")
        assert not quiz.locator(f".said-{other}").is_visible()
        assert quiz.locator("pre.printed").is_visible()
    assert place >= 1


def test_two_copies_of_one_claim_are_answered_apart_without_any_script(visit, tmp_path):
    html = (SITE / "book" / "03_temperature.html").read_text(encoding="utf-8")
    one = re.search(r'<div class="quiz">.*?</div></div>', html, flags=re.DOTALL)[0]
    file = tmp_path / "two.html"
    file.write_text(f'<!doctype html><meta charset="utf-8">{one}{one}', encoding="utf-8")
    page = visit(file, java_script_enabled=False)
    for place, word in enumerate(("true", "false")):
        page.locator(".quiz").nth(place).locator(f"[value={word}]").check()
        page.keyboard.press("Enter")
    assert [radio.is_checked() for radio in page.locator(".quiz input").all()] == [True, False, False, True]
    assert page.url == file.as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_answers(visit, scheme):
    page = visit("02_softmax", color_scheme=scheme, reduced_motion="reduce")
    page.set_viewport_size({"width": 360, "height": 740})
    for place, quiz in enumerate(page.locator(".quiz").all()):
        commit(page, quiz, place)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found = Axe().run(page, context=".quiz", options={"preload": False}).response["violations"]
    assert [(rule["id"], [node["html"][:200] for node in rule["nodes"]]) for rule in found] == []

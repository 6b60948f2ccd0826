"""The built book, as a reader meets it: no kernel, no other host, in a real browser."""

import ast
import re
import shutil
import subprocess
from collections import Counter
from urllib.parse import unquote, urldefrag, urljoin

import nbformat
import pytest
from api import every_entry
from bs4 import BeautifulSoup
from build import BUILD
from every_page import page_paths, violations
from execute import ROOT, chapters, notebooks

from moe_tutorial.exercises import CHAPTERS, EXERCISES, QUIZZES


def read(page):
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


@pytest.fixture(scope="module")
def soups(pages):
    """Every page of the book by its path from the first page."""
    paths = [path.relative_to(pages) for path in sorted(pages.rglob("*.html"))]
    found = {str(path): read(pages / path) for path in paths if path.parts[0] != "_static"}
    assert len(found) > 8
    return found


def test_every_chapter_is_in_the_book(soups):
    for chapter in chapters():
        assert f"notebooks/{chapter.stem}.html" in soups


def test_nothing_is_loaded_from_another_host(soups):
    loading = dict.fromkeys(["script", "img", "audio", "video", "source", "iframe", "embed"], "src")
    loading |= {"object": "data", "link": "href"}
    for path, soup in soups.items():
        for tag, attribute in loading.items():
            for element in soup.find_all(tag, attrs={attribute: re.compile(r"^(https?:)?//")}):
                assert tag == "link" and {"canonical", "alternate"} & {*element.get("rel", [])}, f"{path}: {element}"


def test_every_internal_link_leads_somewhere(pages, soups):
    ids = {path: {e["id"] for e in soup.find_all(id=True)} for path, soup in soups.items()}
    for path, soup in soups.items():
        for link in soup.find_all("a", href=True):
            if re.match(r"[a-z]+:", link["href"]):
                continue
            target, fragment = urldefrag(urljoin(path, link["href"]))
            target = unquote(target) or path
            assert (pages / target).is_file(), f"{path}: {link['href']}"
            if fragment and target in ids:
                assert unquote(fragment) in ids[target] | {"", "top"}, f"{path}: {link['href']}"


def test_no_page_has_the_same_place_twice(soups):
    for path, soup in soups.items():
        ids = [element["id"] for element in soup.find_all(id=True)]
        assert sorted(ids) == sorted(set(ids)), path


def test_a_stylesheet_or_script_that_the_configuration_names_exists(pages, soups):
    for path, soup in soups.items():
        for element in soup.find_all(["script", "link", "img", "audio"]):
            address = element.get("src") or element.get("href")
            if address and not address.startswith(("data:", "http", "#")):
                target = unquote(urljoin(path, address).split("?")[0].split("#")[0])
                assert (pages / target).exists(), f"{path}: {address}"


def test_every_picture_of_a_chapter_has_its_description_in_the_page(soups):
    for chapter in chapters():
        wanted = [cell.metadata["mystnb"]["image"]["alt"] for cell in nbformat.read(chapter, as_version=4).cells
                  if "mystnb" in cell.metadata]
        main = soups[f"notebooks/{chapter.stem}.html"].find("main")
        stills = {id(image) for image in main.select(".moe-interactive img")}
        assert [image["alt"] for image in main.find_all("img") if id(image) not in stills] == wanted
        assert len(main.find_all("figcaption")) >= len(wanted)


def test_figures_and_code_outputs_are_all_there(soups):
    """A notebook that lost its outputs would build without a word."""
    for chapter in chapters():
        notebook = nbformat.read(chapter, as_version=4)
        printed = sum(any(o.output_type == "stream" for o in cell.get("outputs", [])) for cell in notebook.cells)
        shown = soups[f"notebooks/{chapter.stem}.html"].select("main div.cell_output div.output.stream")
        assert len(shown) == printed > 3


def test_every_public_name_has_its_place_in_the_pages_of_the_package(soups):
    pages = [soup for path, soup in soups.items() if path.startswith("book/api/")]
    assert every_entry().keys() <= {entry["id"] for soup in pages for entry in soup.select("dt.sig[id]")}


def test_every_use_of_the_package_in_a_cell_leads_to_what_is_said_of_it(soups):
    uses = Counter()
    for path in notebooks():
        cells = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"
                 and "remove-cell" not in cell.metadata.get("tags", [])]
        shown = soups[f"{path.relative_to(ROOT).with_suffix('').as_posix()}.html"].select("main div.cell_input pre")
        imported = set()
        for source, cell in zip(cells, shown, strict=True):
            assert cell.text.strip() == source.strip(), "what is copied is the code"
            nodes = list(ast.walk(ast.parse(source)))
            statements = [node for node in nodes if isinstance(node, ast.ImportFrom)]
            statements = [node for node in statements if node.module.startswith("moe_tutorial")]
            names = [name.name for node in statements for name in node.names]
            own = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
            imported = imported - own | {*names}
            wanted = Counter(["moe_tutorial" for _ in statements] + names)
            wanted.update(node.id for node in nodes if isinstance(node, ast.Name) and node.id in imported)
            links = [(link.text, link["href"]) for link in cell.select("a")]
            assert not wanted - Counter(text.split(".")[0] for text, _ in links), f"{path.name}: {source}"
            for text, target in links:
                if text.split(".")[0] in imported:
                    wanted_place = rf"/api/\w+\.html#(module-)?moe_tutorial\.([\w.]+\.)?{text.split('.')[-1]}$"
                    assert re.search(wanted_place, target), f"{text} leads to {target}"
            uses[path.stem] += wanted.total()
    assert uses.total() > 450 and min(uses.values()) > 10, uses


def test_a_name_that_is_gone_breaks_the_build(tmp_path):
    shutil.copy(ROOT / "_config.yml", tmp_path)
    (tmp_path / "scripts").symlink_to(ROOT / "scripts")
    (tmp_path / "book" / "api").mkdir(parents=True)
    for name in ("_static", "references.bib", "api/model.rst"):
        (tmp_path / "book" / name).symlink_to(ROOT / "book" / name)
    (tmp_path / "book" / "names.md").write_text("# Two\n\n{py:obj}`moe_tutorial.Mixture` {py:obj}`moe_tutorial.Mixtures`\n")
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: book/names\nchapters:\n  - file: book/api/model\n")
    done = subprocess.run([*BUILD, tmp_path], capture_output=True, text=True)
    assert done.returncode and done.stderr.count("WARNING") == 1, done.stderr
    assert "py:obj reference target not found: moe_tutorial.Mixtures\n" in re.sub(r"\x1b\[[\d;]*m", "", done.stderr)


@pytest.mark.parametrize("path", page_paths())
@pytest.mark.parametrize("width", [1280, 390])
def test_a_page_opens_without_a_fault(opened, path, width):
    page, wrong = opened(path, viewport={"width": width, "height": 900})
    page.wait_for_function("() => !window.MathJax || !MathJax.startup || MathJax.startup.promise.then(() => true)")
    page.wait_for_timeout(100)
    assert wrong == []
    unrendered = page.evaluate("""() => [...document.querySelectorAll('main .math')]
        .filter(e => !e.querySelector('mjx-container') || e.querySelector('mjx-merror, [style*="color: red"]'))
        .map(e => e.textContent)""")  # MathJax shows a command that it does not know in red
    assert unrendered == []
    text = page.locator("main").inner_text()
    assert not re.search(r"\$\$|\\tag|\\frac|\\sum", text)
    stray = page.evaluate("""() => [...document.querySelectorAll('main p, main li, main dd')].filter(e => {
        const copy = e.cloneNode(true);
        copy.querySelectorAll('code').forEach(code => code.remove());
        return copy.textContent.includes('$');
    }).map(e => e.textContent)""")
    assert stray == [], "a dollar sign that closes or opens no formula"
    wider = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wider <= 0, f"the page scrolls sideways by {wider} px"
    broken = page.evaluate("""() => Promise.all([...document.querySelectorAll('main img')].map(async (image) => {
        image.loading = 'eager'; // one far below waits for its reader
        return image.decode().then(() => null, () => image.src);
    }))""")
    assert not any(broken), broken


# What stays on the screen while the rest scrolls, as its share of the height.
STAYING = """() => [...document.querySelectorAll("body *")]
    .filter((element) => ["sticky", "fixed"].includes(getComputedStyle(element).position))
    .map((element) => element.getBoundingClientRect())
    .filter(({width, left, right}) => width && right > 0 && left < innerWidth)
    .reduce((sum, {top, bottom}) => sum + Math.max(0, Math.min(bottom, innerHeight) - Math.max(top, 0)), 0) / innerHeight"""


def test_at_400_per_cent_no_page_scrolls_sideways_half_of_the_screen_is_free_and_axe_finds_nothing(browser, server, soups):
    """WCAG 1.4.10: a window of 1280 by 1024 is 320 by 256 then. Of a page with interactives, these are in sight."""
    context = browser.new_context(viewport={"width": 320, "height": 256})
    page = context.new_page()
    wider, cut, covered, wrong = {}, {}, {}, {}
    for path in (*soups, "_static/404.html"):
        page.goto(server + path)
        page.wait_for_function("() => !window.MathJax || !MathJax.startup || MathJax.startup.promise.then(() => true)")
        wider[path] = page.evaluate("() => document.documentElement.scrollWidth")
        cut[path] = page.locator(".moe-live fieldset, .moe-live label").evaluate_all(
            "parts => parts.filter((part) => part.scrollWidth > part.clientWidth).map((part) => part.textContent)")
        if path in page_paths():  # the other pages of source code are like the one that is among them
            wrong[path] = violations(page, **{"color-contrast": {"enabled": False}})  # colours do not hang on the width
        places = page.locator(".moe-panels").all()
        for place in places:
            place.evaluate("place => place.scrollIntoView()")
            covered[path] = max(covered.get(path, 0), page.evaluate(STAYING))
        if not places:
            page.evaluate("() => scrollTo(0, document.documentElement.scrollHeight / 2)")
            covered[path] = page.evaluate(STAYING)
    context.close()
    assert {path: width for path, width in wider.items() if width > 320} == {}
    assert {path: texts for path, texts in cut.items() if texts} == {}
    assert {path: share for path, share in covered.items() if share > 0.5} == {}
    assert max(covered.values()) > 0.2, "the bar of the theme is seen"
    assert {path: found for path, found in wrong.items() if found} == {} and len(wrong) == len(page_paths())


def test_the_sounds_can_be_played(opened):
    page, wrong = opened("notebooks/02_vowels.html")
    lengths = page.evaluate("""() => Promise.all([...document.querySelectorAll('main audio')].map(
        audio => new Promise((found, failed) => {
            audio.onloadedmetadata = () => found(audio.duration);
            audio.onerror = () => failed(audio.getAttribute('aria-label'));
            audio.preload = 'auto';
            audio.load();
        })))""")
    assert len(lengths) == 7 and all(abs(length - 0.6) < 0.01 for length in lengths)
    assert wrong == []


def test_the_book_works_from_the_disk(browser, pages):
    page = browser.new_page()
    wrong = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto((pages / "notebooks" / "04_gate.html").as_uri())
    page.wait_for_selector("main mjx-container")
    page.close()
    assert wrong == []


def test_a_quiz_is_answered_with_the_keyboard_and_gives_a_reason_for_each_answer(opened):
    page, wrong = opened("notebooks/04_gate.html")
    answers = page.locator("section#quiz details.answer")
    questions = QUIZZES[4]
    assert answers.count() == sum(len(question.options) for question in questions)
    place = 0
    for question in questions:
        for number, (text, reason) in enumerate(question.options):
            answer = answers.nth(place)
            shown = answer.locator("p")
            assert answer.locator("summary").inner_text() == text and not shown.first.is_visible()
            answer.locator("summary").focus()
            page.keyboard.press("Enter")
            assert shown.first.is_visible()
            said = shown.first.inner_text()
            assert said.startswith("Right." if number == question.right else "Not this one.")
            assert said.split(". ", 1)[1][:8] == reason.split("$")[0].replace("`", "").replace("*", "")[:8]
            place += 1
    assert wrong == []


def test_ticks_are_remembered_counted_and_forgotten(opened):
    page, wrong = opened("index.html")
    page.goto(page.url.replace("index.html", "book/intro.html"))
    progress = page.locator("#progress")
    assert f"0 of {len(EXERCISES)} exercises, 0 of 17 quizzes" in progress.inner_text()
    assert progress.locator("button").count() == 0
    page.goto(page.url.replace("book/intro", "notebooks/04_gate"))
    assert page.locator("label.tick").count() == len(CHAPTERS[4]) + 1
    page.get_by_label("exercise 4.2 done").check()
    page.get_by_label("quiz 4 done").focus()
    page.keyboard.press("Space")
    page.reload()
    assert page.get_by_label("exercise 4.2 done").is_checked() and page.get_by_label("quiz 4 done").is_checked()
    assert not page.get_by_label("exercise 4.1 done").is_checked()
    page.goto(page.url.replace("notebooks/04_gate", "book/intro"))
    assert f"1 of {len(EXERCISES)} exercises, 1 of 17 quizzes" in progress.inner_text()
    progress.get_by_role("button", name="Forget what I ticked").press("Enter")
    assert f"0 of {len(EXERCISES)} exercises, 0 of 17 quizzes" in progress.inner_text()
    page.goto(page.url.replace("book/intro", "notebooks/04_gate"))
    assert not page.get_by_label("exercise 4.2 done").is_checked()
    assert wrong == []


def test_who_comes_back_sees_the_ticks_that_are_kept(opened):
    """Without the cache of pages, which is off here, and with it, of which the event tells."""
    page, wrong = opened("notebooks/04_gate.html")
    page.get_by_label("exercise 4.2 done").check()
    page.goto(page.url.replace("notebooks/04_gate", "book/intro"))
    progress = page.locator("#progress")
    assert f"1 of {len(EXERCISES)} exercises" in progress.inner_text()
    progress.get_by_role("button", name="Forget what I ticked").click()
    page.go_back()
    assert not page.get_by_label("exercise 4.2 done").is_checked()
    page.evaluate("localStorage.setItem('moe-tutorial-progress', '[\"quiz 4\"]'); dispatchEvent(new Event('pageshow'))")
    assert page.get_by_label("quiz 4 done").is_checked()
    page.go_forward()
    page.evaluate("localStorage.removeItem('moe-tutorial-progress'); dispatchEvent(new Event('pageshow'))")
    assert f"0 of {len(EXERCISES)} exercises, 0 of 17 quizzes" in progress.inner_text()
    assert wrong == []


def test_a_tick_that_storage_has_no_room_for_goes_back_and_is_told(opened):
    page, wrong = opened("notebooks/04_gate.html")
    page.get_by_label("exercise 4.1 done").check()
    places = page.locator(".tick-said[role=status]")  # they are there before they speak
    assert places.all_text_contents() == [""] * (len(CHAPTERS[4]) + 1)
    page.evaluate("""() => {
        Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); };
    }""")
    for name, kept in (("exercise 4.1 done", True), ("quiz 4 done", False)):
        box = page.get_by_label(name)
        box.press("Space")
        assert box.is_checked() == kept
        said = box.locator("xpath=../following-sibling::*[1]")
        assert said.get_attribute("role") == "status" and said.is_visible()
        assert said.inner_text().startswith("This could not be kept: the browser has no room for it")
    page.evaluate("() => { Storage.prototype.setItem = () => {}; }")
    box.press("Space")
    assert box.is_checked() and said.inner_text() == "", "what was said is gone when there is room"
    assert wrong == []


def test_the_welcome_page_knows_how_many_exercises_and_quizzes_there_are(soups):
    progress = soups["book/intro.html"].find(id="progress")
    assert progress["data-exercises"] == str(len(EXERCISES)) and progress["data-quizzes"] == str(len(QUIZZES))
    for name, number in ((path.stem, int(path.stem[:2])) for path in chapters()):
        main = soups[f"notebooks/{name}.html"].find("main")
        heads = [strong.text for strong in main.select("p > strong:first-child") if strong.text.startswith("Exercise ")]
        wanted = [f"Exercise {number}.{place}" for place in range(1, len(CHAPTERS[number]) + 1)]
        assert [head.split(":")[0] for head in heads] == wanted


@pytest.mark.parametrize("without", ["script", "storage"])
def test_pages_lose_nothing_without_script_or_storage(browser, server, without):
    context = browser.new_context(java_script_enabled=without != "script")
    page, wrong = context.new_page(), []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    if without == "storage":
        page.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new Error('no storage'); }})")
    page.goto(server + "notebooks/04_gate.html")
    assert page.locator("label.tick").count() == 0
    assert page.locator("section#exercises").inner_text().count("Exercise 4.") == len(CHAPTERS[4])
    answer = page.locator("section#quiz details.answer").first
    answer.locator("summary").press("Enter")
    assert answer.locator("p").first.is_visible()
    page.goto(server + "book/intro.html")
    assert not page.locator("#progress").is_visible()
    context.close()
    assert not [message for message in wrong if "progress" in message]


@pytest.mark.parametrize("words, chapter", [("responsibility", "06_competitive_loss"), ("eq. 1.3", "06_competitive_loss")])
def test_the_search_finds(opened, words, chapter):
    page, wrong = opened("search.html")
    box = page.locator("input[name=q]:visible").first
    box.fill(words)
    box.press("Enter")
    page.locator("#search-results .search-summary, #search-results p", has_text="matching").first.wait_for()
    page.locator(f"#search-results a[href*='{chapter}']").first.click()
    page.wait_for_load_state()
    assert page.locator("h1").first.inner_text().startswith("6. The competitive loss")
    assert wrong == []


@pytest.mark.parametrize("path, name", [("notebooks/07_training.html", "training-player"),
                                        ("book/train_it_yourself.html", "train-it-yourself"),
                                        ("notebooks/10_em.html", "em-step-by-step"),
                                        ("notebooks/11_tree.html", "grow-a-tree"),
                                        ("notebooks/13_balance.html", "sorting-office"),
                                        ("notebooks/13_balance.html", "prices"),
                                        ("notebooks/15_what_experts_know.html", "which-expert")])
def test_on_a_phone_the_controls_stay_in_sight(opened, path, name):
    page, wrong = opened(path, viewport={"width": 390, "height": 844}, has_touch=True)
    row, last = (page.locator(f"#interactive-{name} {part}") for part in (".moe-stay", ".moe-panels svg"))
    last.last.evaluate("drawing => window.scrollTo(0, drawing.getBoundingClientRect().top + scrollY - 300)")
    box = row.bounding_box()
    bar = page.locator(".bd-header-article").bounding_box()
    assert bar["y"] + bar["height"] - 1 <= box["y"] < 80, "below the bar of the page"
    assert box["height"] < 140, "and small enough to see what it changes"
    assert wrong == []

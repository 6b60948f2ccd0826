"""The way through the book: cards, paths whose minutes add up, the list of pages, the front of the README."""

import io
import re
import subprocess
from pathlib import Path

import nbformat
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from execute import ROOT, chapters
from PIL import Image
from stills import FOLDER, PARTS, SIZE, still
from way import LINES, STEP, WORDS, duration, parts, paths, reading_minutes, stops

from moe_tutorial.exercises import CHAPTERS

WELCOME, PATHS = "book/intro.html", "book/how_to_use.html"


@pytest.fixture(scope="module")
def soup(pages):
    """A function that reads a built page."""
    return lambda path: BeautifulSoup((pages / path).read_text(encoding="utf-8"), "html.parser")


def minutes(text):
    return [int(number) for number in re.findall(r"\d+", text)]


# Minutes.


def notebook(*cells):
    kinds = {"markdown": nbformat.v4.new_markdown_cell, "code": nbformat.v4.new_code_cell}
    return nbformat.v4.new_notebook(cells=[kinds[kind](source) for kind, source in cells])


def test_reading_minutes_are_those_of_words_and_lines_without_the_exercises():
    prose, code = ("markdown", "# Title\n\n" + "word " * (10 * WORDS - 2)), ("code", "x = 1\n\n" * 10 * LINES)
    assert reading_minutes(notebook(prose)) == 10
    assert reading_minutes(notebook(prose, code)) == 20, "blank lines are not read"
    practice = [("markdown", "## Exercises\n\n" + "word " * 5000), code]
    assert reading_minutes(notebook(prose, *practice)) == 10
    assert reading_minutes(notebook(prose, *practice, ("markdown", "## Where to go further"), code)) == 20
    assert reading_minutes(notebook(("markdown", "A [link](" + "x/" * 9999 + ") and <b class='a b c d'>three</b>"))) == STEP
    assert reading_minutes(notebook(("markdown", "word " * 12 * WORDS))) == 10, "to the nearest five"


@pytest.mark.parametrize("path", chapters(), ids=lambda path: path.stem)
def test_the_frame_of_a_chapter_has_the_minutes_that_are_counted(path):
    stored = nbformat.read(path, as_version=4)
    said = re.search(r"\*\*Reading time\*\*: (\d+) min", stored.cells[0].source)
    assert int(said[1]) == reading_minutes(stored) == stops()[f"notebooks/{path.stem}"].reading, "run `make exercises`"


def test_the_speeds_are_said_where_the_minutes_are(soup):
    said = soup(PATHS).find(id="three-paths").p.text
    assert f"{WORDS} words of prose and {LINES} lines of code a minute" in said and STEP == 5 and "five minutes" in said


@pytest.mark.parametrize("path", paths(), ids=lambda path: path.name)
def test_the_times_of_a_path_add_up_and_are_those_of_its_chapters(soup, path):
    rows = [[cell.text.strip() for cell in row.select("td")]
            for row in soup(PATHS).find(id=path.name.lower().replace(" ", "-")).select("tbody tr")]
    *groups, (together, in_words, sums) = rows
    assert together == "Together" and [row[0] for row in groups] == list(path.groups)
    columns = list(zip(*(minutes(row[2]) for row in groups), strict=True))
    assert [sum(column) for column in columns] == minutes(sums)
    assert duration(sum(minutes(sums))) == in_words
    for (_, what, shown), pages in zip(groups, path.groups.values(), strict=True):
        titles, wanted = [], [0, 0]
        for page in pages:
            cells = nbformat.read(ROOT / f"{page}.ipynb", as_version=4).cells
            titles.append(cells[0].source.split("\n")[0].removeprefix("# "))
            framed = re.search(r"\*\*Reading time\*\*: (\d+) min", cells[0].source)
            wanted[0] += int(framed[1]) if framed else stops()[page].reading
            wanted[1] += sum(int(found) for cell in cells for found in re.findall(
                r"^\*\*Exercise \d+\.\d+: .*?\(\w+, (\d+) min\)", cell.source))
        assert what == ", ".join(titles)
        assert minutes(shown) == wanted[:1 + path.practised]


def test_the_paths_are_as_long_as_their_names_say():
    hour, weekend, term = paths()
    assert 45 <= sum(hour.minutes()) <= 60
    assert all(180 <= sum(weekend.minutes(day)) <= 300 for day in weekend.groups) and len(weekend.groups) == 2
    assert len(term.groups) == 14 and max(sum(term.minutes(week)) for week in term.groups) <= 180
    read = [page for pages in term.groups.values() for page in pages]
    assert read == [page for page, stop in stops().items() if stop.number], "every chapter, in order, once"


def test_the_welcome_page_says_how_long_the_paths_are(soup):
    said = " ".join(soup(WELCOME).find("main").text.split())
    for path in paths():
        assert f"{path.name.lower()} ({duration(sum(path.minutes()))})" in said


@pytest.mark.parametrize("count, words", [(0, "0 min"), (59, "59 min"), (60, "1 h"), (135, "2 h 15 min")])
def test_minutes_in_words(count, words):
    assert duration(count) == words


# Cards.


def test_every_chapter_has_a_card_with_its_own_title_question_minutes_and_picture(soup):
    cards = soup(WELCOME).select(".chapter-cards .sd-card")
    assert len(cards) == len(chapters()) == 17
    for card, path in zip(cards, chapters(), strict=True):
        first = nbformat.read(path, as_version=4).cells[0].source
        title, question = re.match(r"# (.+)\n\n\*(.+\?)\*\n", first).groups()
        link = card.select_one(".sd-card-title a")
        assert link.text == title and link["href"] == f"../notebooks/{path.stem}.html"
        asked, counted = (words.text for words in card.select("p.sd-card-text"))
        assert asked == question
        practice = [exercise.minutes for exercise in CHAPTERS[int(path.stem[:2])]]
        reading = int(re.search(r"\*\*Reading time\*\*: (\d+) min", first)[1])
        assert minutes(counted) == [reading, sum(practice), len(practice)]
        image = card.img
        assert image["src"] == f"../_images/{path.stem}.png" and image["loading"] == "lazy"
        assert image["alt"] == PARTS[int(path.stem[:2])][-1] and len(image["alt"]) > 30


def test_the_parts_of_the_book_have_their_cards(soup):
    for part in ("Part I: the paper", "Part II: what came after"):
        place = re.sub(r"[^a-z]+", "-", part.lower())
        links = soup(WELCOME).find(id=place).select(".chapter-cards .sd-card-title a")
        assert [link["href"] for link in links] == [f"../{page}.html" for page in parts()[part] if "notebooks" in page]


@pytest.mark.parametrize("path", chapters(), ids=lambda path: path.stem)
def test_the_picture_of_a_card_is_cut_out_of_the_chapters_own_and_is_small(path):
    stored = FOLDER / f"{path.stem}.png"
    assert stored.stat().st_size <= 12_000
    new, old = (np.asarray(Image.open(file).convert("RGB")).astype(float) for file in (io.BytesIO(still(path)), stored))
    assert old.shape == (SIZE[1], SIZE[0], 3) and np.abs(new - old).mean() < 2, "run scripts/stills.py"
    assert (old.min(axis=2) < 200).mean() > 0.01, "something is to be seen"


def test_there_is_a_picture_for_each_chapter_and_no_other():
    assert {path.stem for path in FOLDER.glob("*.png")} == {path.stem for path in chapters()} | {"live"}


def test_a_card_says_what_of_its_chapter_is_ticked(opened):
    page, wrong = opened(WELCOME)
    said = page.locator(".card-ticked:visible")
    assert said.count() == 0, "and nothing where nothing is"
    page.goto(page.url.replace(WELCOME, "notebooks/04_gate.html"))
    page.get_by_label("exercise 4.2 done").check()
    page.get_by_label("exercise 4.3 done").check()
    page.get_by_label("quiz 4 done").check()
    page.goto(page.url.replace("notebooks/04_gate", "notebooks/14_language_model"))
    page.get_by_label("exercise 14.1 done").check()
    page.goto(page.url.replace("notebooks/14_language_model", "book/intro"))
    texts = ["Ticked: 2 of 3 exercises, quiz", f"Ticked: 1 of {len(CHAPTERS[14])} exercises"]
    assert said.all_inner_texts() == texts
    card = page.locator(".chapter-cards .sd-card", has=page.get_by_text(texts[0]))
    assert card.locator("a").inner_text() == "4. The gate"
    page.get_by_role("button", name="Forget what I ticked").click()
    assert said.count() == 0
    page.evaluate("""() => {
        localStorage.setItem("moe-tutorial-progress", '["quiz 1", 7, null]');
        dispatchEvent(new Event("pageshow"));
    }""")
    assert said.all_inner_texts() == ["Ticked: quiz"], "what is no tick does not matter, and quiz 1 is not quiz 11"
    assert wrong == []


def test_a_card_is_reached_by_keyboard_shows_it_and_is_a_link_everywhere(opened):
    page, wrong = opened(WELCOME, viewport={"width": 1280, "height": 900})
    links = page.locator(".chapter-cards .sd-card-title a")
    links.nth(0).focus()
    card = page.locator(".chapter-cards .sd-card").nth(1)
    outline = "card => getComputedStyle(card).outlineStyle"
    assert card.evaluate(outline) == "none"
    page.keyboard.press("Tab")
    assert links.nth(1).evaluate("link => link === document.activeElement"), "one stop for each card"
    assert card.evaluate(outline) == "solid"
    page.keyboard.press("Enter")
    page.wait_for_url("**/02_vowels.html")
    page.go_back()
    card.scroll_into_view_if_needed()
    box = card.bounding_box()
    page.mouse.click(box["x"] + box["width"] - 8, box["y"] + 8)  # on the picture, far from the title
    page.wait_for_url("**/02_vowels.html")
    assert wrong == []


@pytest.mark.parametrize("width, scheme", [(1280, "light"), (1280, "dark"), (390, "dark"), (320, "light")])
def test_cards_and_paths_fit_and_axe_finds_nothing(opened, width, scheme):
    for path in (WELCOME, PATHS, "book/solutions.html"):
        page, wrong = opened(path, viewport={"width": width, "height": 700}, color_scheme=scheme)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
        cut = "parts => parts.filter(({scrollWidth, parentElement}) => scrollWidth > parentElement.clientWidth).length"
        assert page.locator(".sd-card, table.path").evaluate_all(cut) == 0
        assert wrong == []
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        assert [(violation["id"], violation["nodes"][0]["html"]) for violation in found] == []


# The list of pages.


def test_the_list_of_pages_has_one_entry_for_all_solutions_and_tells_the_parts_apart(soup):
    nav = soup("notebooks/04_gate.html").select_one("nav.bd-docs-nav")
    captions = [caption.text.strip() for caption in nav.select("p.caption")]
    assert captions == ["Before you start", "Part I: the paper", "Part II: what came after", "Reference"]
    shown = [link for link in nav.select("li.toctree-l1 > a") if "olution" in link.text]
    assert [link.text for link in shown] == ["Solutions"]
    folded = shown[0].find_parent("li").find("details")
    assert not folded.has_attr("open") and len(folded.select("a")) == 17
    assert soup("book/solutions/04_gate.html").select_one("li.toctree-l1.current > details").has_attr("open")


def test_the_page_of_solutions_and_each_chapter_lead_to_them(soup):
    links = [link["href"] for link in soup("book/solutions.html").select("main article li a")]
    assert links == [f"solutions/{path.stem}.html" for path in chapters()]
    for path in chapters():
        exercises = soup(f"notebooks/{path.stem}.html").find(id="exercises")
        assert exercises.find("a", href=f"../book/solutions/{path.stem}.html"), path.stem


def test_next_and_previous_lead_on_along_the_way(soup):
    def ends(path):
        return [soup(path).select_one(f".prev-next-area a.{side}-{side_of}")["href"]
                for side, side_of in (("left", "prev"), ("right", "next"))]

    assert ends("notebooks/17_what_was_left.html") == ["16_processes.html", "../book/glossary.html"]
    for path in chapters():
        before, after = ends(f"book/solutions/{path.stem}.html")
        assert before == f"../../notebooks/{path.stem}.html"
        own = ends(f"notebooks/{path.stem}.html")[1]
        assert Path(after).name == Path(own).name, "the chapter's own next"
        assert "solutions" not in own


@pytest.mark.parametrize("path", ["notebooks/17_what_was_left.html", "book/solutions/16_processes.html", WELCOME])
@pytest.mark.parametrize("width, scheme", [(1280, "light"), (1280, "dark"), (390, "light"), (320, "dark")])
def test_you_are_here(opened, path, width, scheme):
    page, wrong = opened("book/notation.html", viewport={"width": width, "height": 600}, color_scheme=scheme)
    page.goto(page.url.replace("book/notation.html", path))  # the theme keeps the list as the page before had it
    page.wait_for_load_state("networkidle")
    if width < 992:
        assert not page.locator("nav.bd-docs-nav").is_visible() or page.locator("dialog[open]").count() == 0
        button = page.locator(".primary-toggle:visible")
        button.press("Enter")
        page.locator("dialog[open] nav.bd-docs-nav").wait_for()
    here = page.locator("nav.bd-docs-nav [aria-current=page]")
    assert here.count() == 1
    page.wait_for_function("""() => {
        const here = document.querySelector("nav.bd-docs-nav [aria-current=page]").getBoundingClientRect();
        return here.top >= 0 && here.bottom <= innerHeight && here.left >= 0 && here.right <= innerWidth;
    }""")
    title = page.locator("main h1").first.inner_text().rstrip("#").strip()
    assert here.inner_text().strip() == title
    look = "link => (({color, fontWeight}) => [color, Number(fontWeight)])(getComputedStyle(link))"
    others = page.locator("nav.bd-docs-nav li:not(.current) > a").evaluate_all(f"links => links.map({look})")
    colour, weight = here.evaluate(look)
    assert all(colour != other and weight > thin for other, thin in others)
    if width < 992:
        page.keyboard.press("Escape")
        assert page.locator("dialog[open]").count() == 0
        assert button.evaluate("button => button === document.activeElement"), "back where one was"
    assert wrong == []


def test_the_contents_of_a_page_open_on_a_phone(opened):
    page, wrong = opened("notebooks/04_gate.html", viewport={"width": 390, "height": 800})
    page.locator(".secondary-toggle:visible").click()
    page.locator("#pst-secondary-sidebar-modal[open]").get_by_role("link", name="Recap").wait_for()
    assert wrong == []


# The front of the project.


def test_make_alone_says_what_there_is_to_make():
    done = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)
    targets = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)[1].split()
    listed = dict(re.findall(r"^  make ([a-z]+) +(\S.*)$", done.stdout, re.M))
    assert sorted(listed) == sorted(targets) and done.stderr == ""


def test_the_readme_shows_the_live_training_and_leads_on_in_ten_lines():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    front = readme.split("\n## ")[0]
    alt, address = re.search(r"^!\[([^]]+)\]\((\S+)\)$", front, re.M).groups()
    assert len(alt) > 100 and (ROOT / address).stat().st_size <= 60_000
    with Image.open(ROOT / address) as picture:
        width, height = picture.size
    assert width > 600 and height > 300
    assert len([line for line in front.split("\n") if line.strip()]) <= 10
    for lead in ("| read | `make serve`", "| run | `make lab`", "| test | `make check`", "| teach | [Teaching"):
        assert lead in front
    for target in re.findall(r"\]\(([\w/.]+)\)", front):
        assert (ROOT / target).is_file(), target

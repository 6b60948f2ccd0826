"""The words of the course: each is what the chapters say, and a reader gets to it by mouse, keys and finger."""

import re
from urllib.parse import urljoin

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from execute import ROOT, chapters
from glossary import FILE, ExtensionError, formula_of, formulas, glossary, mathml

KNOWN = glossary()
ENTRIES = {entry["id"]: entry for entry in [*KNOWN["terms"], *KNOWN["equations"]]}
EQUATION = re.compile(r"\b[Ee]qs?\.\s((?:\d\.\d(?!\d)(?:,? and |,? or | to |, )?)+)")


def prose(path):
    """The Markdown of a notebook."""
    return "\n\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown")


PROSE = {path.stem: prose(path) for path in chapters()}


def plain(text):
    return re.sub(r"\s+", " ", text.replace("*", ""))


def signs(latex):
    """What a formula shows, sign after sign."""
    return BeautifulSoup(mathml(latex, "block"), "html.parser").get_text()


@pytest.fixture(scope="module")
def soups(pages):
    """Each page of the book, by its path."""
    found = [path.relative_to(pages).as_posix() for path in pages.rglob("*.html")]
    return {path: BeautifulSoup((pages / path).read_text(encoding="utf-8"), "html.parser") for path in found
            if path.startswith(("book/", "notebooks/"))}


def test_there_are_enough_words_each_once_and_none_is_long():
    assert 60 <= len(KNOWN["terms"]) <= 90 and len(ENTRIES) == len(KNOWN["terms"]) + len(KNOWN["equations"])
    names = [term["said"]["term"] for term in KNOWN["terms"]]
    assert len(set(names)) == len(names)
    for term in KNOWN["terms"]:
        said = term["said"]["says"]
        assert re.search(r"[.]$", said) and len(said) < 240, said
        assert 1 <= len(re.findall(r"[.](?= [A-Z]|$)", said)) <= 3, said


def test_a_language_of_which_the_file_says_nothing_is_told():
    with pytest.raises(ExtensionError, match="says nothing in the language 'xx' of "):
        glossary("xx")


@pytest.mark.parametrize("term", KNOWN["terms"], ids=lambda term: term["id"])
def test_a_term_stands_in_the_section_that_introduces_it(term):
    chapter, _, slug = term["in"].partition("#")
    text = PROSE[chapter].split("\n## Quiz")[0]
    sections = re.split(r"^## ", text, flags=re.MULTILINE)
    slugs = [re.sub(r"[^\w\s-]", "", section.splitlines()[0].lower()).strip().replace(" ", "-") for section in sections]
    section = sections[slugs.index(slug)] if slug else sections[0]
    forms = [term["said"]["term"], *term["said"].get("forms", [])]
    code = "".join(cell.source for cell in nbformat.read(ROOT / "notebooks" / f"{chapter}.ipynb", as_version=4).cells)
    assert any(re.search(rf"(?<!\w){re.escape(form)}(?!\w)", plain(section), re.IGNORECASE) for form in forms), section[:80]
    if "formula" in term:
        assert re.sub(r"\s", "", term["formula"]) in re.sub(r"\s", "", text + code), "the formula is the chapter's"


def test_each_letter_is_that_of_the_notation():
    """The row of the letter says the term, in one of its forms."""
    notation = (ROOT / "book" / "notation.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in notation.replace(r"\mid", "MID").splitlines()
            if line.startswith("| $")]
    meanings = [(letter, row[-1]) for row in rows for letter in re.findall(r"\$([^$]+)\$", row[0])]
    meanings += [(letter, said) for letter, said in re.findall(r"\$(\w)\$ (?:counts )?(\w+)", notation)]
    meanings += [("R", "runs")] if "size $R$ for $R$ *runs*" in notation else []
    letters = {term["id"]: term["letter"] for term in KNOWN["terms"] if "letter" in term}
    assert len(letters) > 20
    for term in KNOWN["terms"]:
        if "letter" in term:
            forms = [term["said"]["term"], *term["said"].get("forms", [])]
            said = [meaning.replace("*", "") for letter, meaning in meanings if re.split(", ", letter)[0] == term["letter"]
                    or letter == term["letter"]]
            assert any(form.lower() in meaning.lower() for form in forms for meaning in said), (term["id"], said)


def test_a_number_means_one_formula_in_all_chapters():
    found = [(number, formula.strip()) for text in PROSE.values()
             for formula, number in re.findall(r"\$\$([^$]+?)\\tag\{([\d.]+)\}\s*\$\$", text)]
    assert {number for number, _ in found} == {equation["number"] for equation in KNOWN["equations"]} == formulas().keys()
    assert len(set(found)) == len(formulas()), "the same number with another formula"


def test_a_formula_that_cannot_be_shown_is_told():
    with pytest.raises(ExtensionError, match=r"\\nonsense"):
        mathml(r"\nonsense{x}")


def test_the_page_has_all_words_in_order_and_each_leads_to_its_section(soups):
    page = soups["book/glossary.html"]
    terms = page.select("dl.moe-glossary dt")
    assert {term["id"] for term in terms} == ENTRIES.keys()
    names = [term.get_text().replace("’", "'") for term in page.select("dl.moe-glossary")[1].select("dt")]
    assert names == sorted((term["said"]["term"] for term in KNOWN["terms"]), key=str.casefold)
    for term in terms:
        entry, links = ENTRIES[term["id"]], [link["href"] for link in term.find_next("dd").select("a[href*=notebooks]")]
        assert links and all(entry["in"].split("#")[0] in link for link in links)
        assert any("#" in link for link in links) == ("#" in entry["in"])


def test_each_mark_leads_to_its_word_and_shows_it(soups):
    anchors = {place["id"] for place in soups["book/glossary.html"].find_all(id=True)}
    marked = set()
    for path, soup in soups.items():
        shown = {word["id"]: word for word in soup.select(".moe-word")}
        links = soup.select("a.moe-term")
        assert {link["href"].split("#")[1] for link in links} == shown.keys(), path
        for link in links:
            entry = link["href"].split("#")[1]
            assert link["href"].split("#")[0].endswith("glossary.html") and entry in anchors
            assert soup.find(id=link["aria-describedby"]).parent is shown[entry]
            assert not link.find_parent(["h1", "h2", "h3", "pre", "code", "summary", "figcaption", "a"])
        words = [link["href"].split("#")[1] for link in links if "#word-" in link["href"]]
        assert len(set(words)) == len(words), f"{path} marks a term twice"
        assert not words or path.startswith("notebooks/")
        marked |= set(words)
    wanted = {term["id"] for term in KNOWN["terms"] if term["said"].get("marks") != []}
    assert marked == wanted, "each word is marked somewhere"


def test_what_is_shown_is_the_word_its_letter_its_formula_and_its_section(pages, soups):
    for path, soup in soups.items():
        for word in soup.select(".moe-word"):
            entry, said = ENTRIES[word["id"]], word.select("p")
            formula, place = word.select_one("math[display=block]"), said[-1].find("a")["href"]
            assert (formula and formula.get_text()) == (formula_of(entry) and signs(formula_of(entry)))
            assert ("letter" in entry) <= (said[0].find("math") is not None)
            assert urljoin(path, place).startswith(f"notebooks/{entry['in'].split('#')[0]}.html")
            assert "\\" not in word.get_text() and "$" not in word.get_text(), path


def test_every_equation_that_prose_names_shows_its_formula(soups):
    """Counted in the source, by paragraphs that are no headings, and found in the page."""
    total = 0
    for chapter, text in PROSE.items():
        soup = soups[f"notebooks/{chapter}.html"]
        lines = [line for line in text.splitlines() if not line.startswith("#") and "<summary>" not in line]
        text = re.sub(r"`[^`]*`|\[[^\]]*\]\([^)]*\)", "", "\n".join(lines))
        wanted = sorted(number for named in EQUATION.findall(text) for number in re.findall(r"\d\.\d", named)
                        if number in formulas())
        links = soup.select("a.moe-term[href*='#eq-']")
        assert sorted(link["href"].split("#eq-")[1].replace("-", ".") for link in links) == wanted, chapter
        for link in links:
            number = link["href"].split("#eq-")[1].replace("-", ".")
            assert link.get_text().endswith(number)
            shown = soup.find(id=link["href"].split("#")[1]).select_one("math[display=block]")
            assert shown.get_text() == signs(formulas()[number])
        total += len(links)
    assert total > 100, total


PLACE = "notebooks/06_competitive_loss.html"


def visible(page):
    return page.locator(".moe-word:popover-open").evaluate_all("words => words.map((word) => word.id)")


def test_it_shows_under_the_mouse_and_goes_when_the_mouse_goes(opened):
    page, wrong = opened(PLACE, viewport={"width": 1280, "height": 900})
    link = page.locator("a.moe-term[href$='#eq-1-2']").first
    link.scroll_into_view_if_needed()
    link.hover()
    word = page.locator("#eq-1-2")
    word.wait_for(state="visible")
    assert word.locator("math").first.is_visible()
    word.hover()  # it stays while the mouse is in it
    page.wait_for_timeout(500)
    assert visible(page) == ["eq-1-2"]
    page.mouse.move(2, 2)
    word.wait_for(state="hidden")
    link.hover()
    word.wait_for(state="visible")
    page.keyboard.press("Escape")
    assert visible(page) == []
    assert wrong == []


def test_it_shows_to_who_comes_with_the_keyboard(opened):
    page, wrong = opened(PLACE, viewport={"width": 1280, "height": 900})
    link = page.locator("a.moe-term[href$='#eq-1-2']").first
    link.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    assert visible(page) == ["eq-1-2"]
    page.keyboard.press("Escape")
    assert visible(page) == [] and link.evaluate("link => link === document.activeElement")
    page.keyboard.press("Enter")
    assert visible(page) == ["eq-1-2"] and PLACE in page.url
    page.keyboard.press("Tab")  # to the links in what is shown
    assert page.evaluate("() => document.activeElement.closest('.moe-word')?.id") == "eq-1-2"
    page.keyboard.press("Escape")
    assert visible(page) == [] and link.evaluate("link => link === document.activeElement"), "Escape leads back"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert "eq-1-2" not in visible(page), "who goes on closes it"
    assert wrong == []


@pytest.mark.parametrize("width, height", [(390, 844), (320, 256)])
def test_a_tap_shows_it_within_a_phone_and_a_tap_beside_it_closes_it(opened, width, height):
    page, wrong = opened(PLACE, viewport={"width": width, "height": height}, has_touch=True, is_mobile=True)
    ids = page.locator("main a.moe-term").evaluate_all("links => links.map((link) => link.hash.slice(1))")
    for number in sorted({ids.index(entry) for entry in ids}):
        link = page.locator("main a.moe-term").nth(number)
        if not link.is_visible():
            continue  # in an answer of the quiz that is not open
        link.evaluate("link => link.scrollIntoView({block: 'center'})")
        link.tap()
        assert visible(page) == [ids[number]]
        box = page.locator(f"#{ids[number]}").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width and box["y"] >= 0 and box["y"] + box["height"] <= height
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
        page.keyboard.press("Escape")
    assert PLACE in page.url
    page.locator("main a.moe-term:visible").last.tap()
    page.locator(".moe-word:popover-open").get_by_role("link").last.tap()
    page.wait_for_url("**/glossary.html#*")
    page.go_back()
    page.locator("main a.moe-term").first.tap()
    page.touchscreen.tap(width - 3, height - 3)
    assert visible(page) == []
    assert wrong == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_what_is_shown(opened, scheme):
    page, _ = opened(PLACE, viewport={"width": 1280, "height": 900}, color_scheme=scheme)
    for entry in ("eq-1-3", "word-responsibility"):
        page.locator(f"a.moe-term[href$='#{entry}']").first.evaluate("link => link.click()")
        assert visible(page) == [entry]
        found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
        assert found == [], [(one["id"], [node["html"] for node in one["nodes"]]) for one in found]
        ground = page.locator(f"#{entry}").evaluate("word => getComputedStyle(word).backgroundColor")
        ink = page.locator(f"#{entry} math").first.evaluate("math => getComputedStyle(math).color")
        ground, ink = (sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in (ground, ink))
        assert abs(ground - ink) > 400 and (ground < ink) == (scheme == "dark"), "a formula has the colour of the text"


def test_without_script_a_word_is_a_link_to_the_glossary(browser, server):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(server + PLACE)
    assert page.locator(".moe-word").count() > 10 and not any(word.is_visible() for word in page.locator(".moe-word").all())
    page.locator("a.moe-term[href$='#word-responsibility']").click()
    assert page.url.endswith("book/glossary.html#word-responsibility")
    assert page.locator("#word-responsibility").is_visible()
    context.close()


def test_paper_has_nothing_of_it(opened):
    page, _ = opened(PLACE)
    page.locator("a.moe-term").first.evaluate("link => link.click()")
    page.emulate_media(media="print")
    assert not any(word.is_visible() for word in page.locator(".moe-word").all())
    assert page.locator("a.moe-term").first.evaluate("link => getComputedStyle(link).textDecorationLine") == "none"


def test_the_file_of_words_is_read_by_people():
    assert all(len(line) <= 135 for line in FILE.read_text(encoding="utf-8").splitlines())

"""The form under an exercise that asks for a prediction says what `check` says, whatever is typed, and needs no kernel."""

import gzip
import json
import re
import shutil
from dataclasses import replace

import nbformat
import pytest
from bs4 import BeautifulSoup
from every_page import violations
from execute import ROOT, chapters
from stamp import stamp

from moe_tutorial.exercises import CHAPTERS, EXERCISES, check, diagnose
from moe_tutorial.exercises._value import RULES, judge_text, rounded

PREDICTED = {name: exercise for name, exercise in EXERCISES.items() if exercise.kind == "predict"}
NUMBERS = {name: exercise for name, exercise in PREDICTED.items() if not exercise.choices}
CHAPTER = {path.stem[:2]: path.stem for path in chapters()}
NUMBER = {exercise.name: f"{chapter}.{place}" for chapter, several in CHAPTERS.items()
          for place, exercise in enumerate(several, 1)}
QUARTER = EXERCISES["no_opinion"]  # its answer is 0.25

# What a reader types, and the number that it is; None where it is none, and nan where it is said not to be one.
TEXTS = {
    "0.25": 0.25, " 0.25 ": 0.25, ".25": 0.25, "0.25000": 0.25, "+0.25": 0.25, "25e-2": 0.25, "2.5E-1": 0.25, "1/4": 0.25,
    "1 / 4": 0.25, "0,25": 0.25, ",25": 0.25, "2,5/10": 0.25, "25 %": 0.25, "25%": 0.25, "25,0 %": 0.25, "0.5/2": 0.25,
    "¼": 0.25, "½": 0.5, "０．２５": 0.25, "０，２５": 0.25, "２５％": 0.25, "１／４": 0.25, "1⁄4": 0.25,
    "1 ÷ 4": 0.25, "0·25": 0.25, "-0.25": -0.25, "−0.25": -0.25, "–0.25": -0.25, "- 0.25": -0.25, "－０．２５": -0.25,
    "1e-3": 0.001, "1e−3": 0.001, "3.": 3.0, "28 672": 28672.0, "28\u202f672": 28672.0, "28\xa0672": 28672.0,
    "28_672": 28672.0, "1,028,672": 1028672.0, "28,672.5": 28672.5, "0,125": 0.125, "1,25": 1.25, "12,5000": 12.5,
    "1e999": float("inf"), "-1e999": float("-inf"), "1e-999": 0.0, "NaN": float("nan"), "nan": float("nan"),
    "1" * 10_000: float("inf"), f"0.25{'0' * 10_000}": 0.25, "0.25\u200b": 0.25,
    # Digits of other writings, numerals, units, sums: a clear line, and no guess.
    "영점이오": None, "이십오": None, "일": None, "二": None, "Ⅳ": None, "2²": None, "\U0001d7d2": None, "٠٫٢٥": None,
    "1½": None, "1 1/2": None, "1 2": None, "1.2.3": None, "1.234,5": None, "0.25 kHz": None, "1/0": None, "0/0": None,
    "1/2/3": None, "--1": None, "1e": None, "e": None, "%": None, "/": None, "+": None, "inf": None, "Infinity": None,
    "0x10": None, "0b1": None, "1e3.5": None, "1__0": None, "a" * 10_000: None, f"1 {' ' * 10_000}x": None,
    "<b>1</b>": None, "<img src=x onerror=alert(1)>": None, "{says}": None, "{given}": None, "$&$1": None, "'": None,
    "\\": None, "&lt;": None, "\u202e0.25": None, "0\x0025": None, "👩\u200d🔬": None,
}

# Which of two numbers is meant.
UNCLEAR = {"28,672": ("28.672", "28672"), "-1,250": ("-1.250", "-1250"), "１，２５０": ("1.250", "1250"),
           "1,250/3": ("1.250", "1250")}


def said_by_check(capsys, name, answer):
    check(name, answer)
    return capsys.readouterr().out.removesuffix("\n")


def as_in_the_page(said, name, hints=0):
    """What `check` printed, with the page's words in the place of the call for a hint."""
    return said.replace(f"hint({name!r})", RULES["hint"][hints])


class Form:
    """The form of one exercise, and what a reader does with it."""

    def __init__(self, page, name):
        self.page, self.exercise = page, EXERCISES[name]
        self.form = page.get_by_role("form", name=f"Answer to exercise {NUMBER[name]}", exact=True)
        self.said = self.form.get_by_role("status")
        self.box = page.get_by_label(f"exercise {NUMBER[name]} done")

    def answer(self, given):
        """Give an answer with the keyboard, and return what is said then."""
        if self.exercise.choices:
            self.form.get_by_role("radio", name=given, exact=True).press("Space")
            self.page.keyboard.press("Enter")
        else:
            field = self.form.get_by_role("textbox")
            field.fill(given)
            assert self.said.inner_text() == "", "what was said of another answer is gone"
            field.press("Enter")
        return self.said.inner_text()

    def answer_all(self, texts):
        """What is said of each of many texts, given one after the other without the keyboard."""
        return self.form.evaluate("""(form, texts) => texts.map((text) => {
            form.querySelector("input").value = text;
            form.requestSubmit();
            return form.querySelector("[role=status]").textContent;
        })""", texts)


def address(name):
    return f"notebooks/{CHAPTER[NUMBER[name].split('.')[0].zfill(2)]}.html"


@pytest.fixture
def form(opened):
    """A function that opens the page of an exercise and returns its form and what went wrong."""
    def of(name, **context):
        page, wrong = opened(address(name), **context)
        return Form(page, name), wrong

    return of


def test_there_are_fourteen_predictions_and_more():
    assert len(PREDICTED) >= 14 and len(PREDICTED) - len(NUMBERS) >= 4


@pytest.mark.parametrize("name", PREDICTED)
def test_the_page_says_what_check_says_of_the_right_answer_each_known_mistake_and_others(form, capsys, name):
    exercise = EXERCISES[name]
    shown, wrong = form(name)
    forms = [form for mistake in exercise.wrong for form in mistake.forms]
    given = [*exercise.choices]
    if not given:
        right = exercise.reference
        given = [right, *forms, *(right + share * exercise.tolerance for share in (0.99, -0.99, 1.01, -1.01)), 100 * right,
                 -right, 123456.75, -3.25e-7, 1e22, float("inf"), float("nan")]
    told = {}
    for value in given:
        printed = said_by_check(capsys, name, value)
        text = value if exercise.choices else {"inf": "1e999"}.get(repr(value), repr(value))
        told[text] = shown.answer(text)
        assert told[text] == as_in_the_page(printed.replace("said inf", "said 1e999"), name), text
    assert sum(said == "Right." for said in told.values()) >= 1 and shown.box.is_checked()
    named = {said for said in told.values() if said in {f"Not yet: {mistake.says}" for mistake in exercise.wrong}}
    assert len(named) == len(exercise.wrong), "each mistake that has a name was told"
    assert wrong == []


def test_what_is_typed_while_the_page_still_loads_stays(form):
    shown, _ = form("no_opinion")
    shown.form.get_by_role("textbox").fill("0.25")
    shown.page.evaluate("dispatchEvent(new Event('pageshow'))")
    shown.form.get_by_role("textbox").press("Enter")
    assert shown.said.inner_text() == "Right."


@pytest.mark.parametrize("name", NUMBERS)
def test_the_page_reads_every_text_as_check_does(form, capsys, name):
    shown, wrong = form(name)
    reference, tolerance = NUMBERS[name].reference, NUMBERS[name].tolerance
    own = [f"{value:.6g}{after}" for value in (reference, 100 * reference, reference + tolerance / 2)
           for after in ("", " %", "/1", " / 100")]
    texts = [*TEXTS, *UNCLEAR, "", "   ", *own, *(text.replace(".", ",") for text in own)]
    told = shown.answer_all(texts)
    for text, said in zip(texts, told, strict=True):
        assert said == as_in_the_page(diagnose(NUMBERS[name], text), name), text[:40]
        assert len(said) < 400 and "\n" not in said
    assert wrong == []


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text)[:24])
def test_what_a_text_means(text):
    number, said = TEXTS[text], judge_text(QUARTER, text)
    if number is None:
        assert said.startswith("Not yet: wanted a number, such as 0.25, got '")
    elif number != number:
        assert said == "Not yet: wanted a number, got NaN." == diagnose(QUARTER, number)
    elif number == 0.25 and ("%" in text or "％" in text):
        assert said == f"Not yet in the wanted form: say it as a part of 1, 0.25 in place of {text}."
    elif said.startswith("Not yet: you said "):
        assert diagnose(QUARTER, number).startswith("Not yet: you said ")
    else:
        assert said == diagnose(QUARTER, number)
    assert len(said) < 150 if len(text) > 150 else True


@pytest.mark.parametrize(("text", "number"), [(text, number) for text, number in TEXTS.items() if number is not None])
def test_a_text_is_its_number_to_the_last_bit(text, number):
    """An exercise whose answer is this very number, and no other, calls the text right."""
    if number != number or abs(number) == float("inf"):
        return
    said = judge_text(replace(QUARTER, reference=number, tolerance=1e-300), text)
    assert said == "Right." or "%" in text.replace("％", "%") and said.startswith("Not yet in the wanted form")


@pytest.mark.parametrize("text", UNCLEAR)
def test_a_comma_before_three_digits_is_asked_about(text):
    part, whole = UNCLEAR[text]
    assert judge_text(QUARTER, text) == f"Not yet: is the comma in {text} a point? Say {part}, or {whole}."


def test_a_number_is_rounded_like_in_the_page(form):
    shown, _ = form("no_opinion")
    ties = [0.5 + place / 128 for place in range(64)] + [0.1, 1 / 3, 0.4527, 45.27 / 100, 0.25 + 1e-7]
    there = shown.page.evaluate("values => values.map((value) => String(Number(value.toFixed(6))))", ties)
    assert there == [rounded(one) for one in ties]
    scaled = [f"{100 * (0.24 + place / 8192)!r}" for place in range(0, 160, 3)]
    told = shown.answer_all(scaled)
    assert told == [as_in_the_page(diagnose(QUARTER, float(one)), "no_opinion") for one in scaled]
    assert sum("as a part of 1" in said for said in told) > 40


def test_what_is_typed_is_text_and_no_markup(form):
    shown, wrong = form("no_opinion")
    for text in ("<b>1</b>", "<img src=x onerror=document.title='gone'>", "<script>document.title='gone'</script>"):
        said = shown.answer(text)
        assert said.startswith(f"Not yet: wanted a number, such as 0.25, got '{text[:20]}")
        assert shown.said.evaluate("said => said.children.length") == 0
    assert "gone" not in shown.page.title()
    shown.answer("x" * 10_000)
    assert "x..." in shown.said.inner_text() and len(shown.said.inner_text()) < 120
    assert wrong == []


def test_two_hints_one_press_each_and_then_the_way_to_the_solution(form, capsys):
    shown, wrong = form("no_opinion")
    link = shown.form.get_by_role("link", name="Solution")
    assert shown.answer("7").endswith(f"{RULES['hint'][0]} helps.") and not link.is_visible()
    assert shown.answer("") == f"not started yet; {RULES['hint'][0]} gives a first hint"
    for number, label in enumerate(("Hint", "Another hint")):
        assert RULES["hint"][number] == f'"{label}" below'
        shown.form.get_by_role("button", name=label, exact=True).press("Enter")
        hints = shown.form.locator(".predict-hints p").all_inner_texts()
        assert hints == [f"Hint {n} of 2: {text}" for n, text in enumerate(QUARTER.hints[:number + 1], 1)]
        assert shown.said.inner_text() == f"not started yet; {RULES['hint'][0]} gives a first hint", "a hint is no answer"
    assert shown.form.get_by_role("button").all_inner_texts() == ["Answer"]
    assert link.is_visible() and link.evaluate("link => link === document.activeElement")
    assert shown.answer("7").endswith('"Solution" below helps.') and not shown.box.is_checked()
    shown.page.keyboard.press("Tab")
    shown.page.keyboard.press("Tab")
    shown.page.keyboard.press("Enter")
    shown.page.wait_for_url("**/book/solutions/01_interference.html#*")
    place = shown.page.locator(f"[id='{shown.page.url.split('#')[1]}']")
    assert place.locator("h2").inner_text().startswith(f"{NUMBER['no_opinion']} ")
    assert wrong == []


@pytest.mark.parametrize("name", PREDICTED)
def test_each_solution_link_leads_to_its_own_heading(pages, name):
    page = BeautifulSoup((pages / address(name)).read_text(encoding="utf-8"), "html.parser")
    found = [facts for facts in (json.loads(one["data-predict"]) for one in page.select("[data-predict]"))
             if facts["number"] == NUMBER[name]]
    assert len(found) == 1
    target, place = found[0]["solution"].split("#")
    solutions = BeautifulSoup((pages / "notebooks" / target).read_text(encoding="utf-8"), "html.parser")
    assert solutions.find(id=place).find("h2").text.startswith(f"{NUMBER[name]} ")


def test_every_prediction_has_a_form_beside_the_cell_that_it_stands_for(pages):
    for number, exercises in CHAPTERS.items():
        stem = CHAPTER[f"{number:02}"]
        soup = BeautifulSoup((pages / f"notebooks/{stem}.html").read_text(encoding="utf-8"), "html.parser")
        places = soup.select("[data-predict]")
        cells = [place.find_previous_sibling().select_one("div.cell_input pre").text for place in places]
        checks = [cell.strip().split("\n")[-1] for cell in cells]
        assert checks == [f'check("{exercise.name}", prediction)' for exercise in exercises if exercise.kind == "predict"]
        assert len(soup.select("[data-predict-rules]")) == bool(places)
        scripts = [script.get("src", "") for script in soup.find_all("script")]
        assert any("predict.js" in source for source in scripts)


def test_the_tick_follows_is_kept_and_stays(form):
    shown, wrong = form("no_opinion")
    assert shown.answer("0.5").startswith("Not yet") and not shown.box.is_checked()
    assert shown.answer("0.25") == "Right." and shown.box.is_checked()
    assert shown.form.get_by_role("link", name="Solution").is_visible()
    shown.answer("0.5")
    assert shown.box.is_checked(), "an exercise that was done is done"
    for again in (shown.page.reload, lambda: (shown.page.goto("about:blank"), shown.page.go_back())):
        again()
        shown.page.wait_for_load_state("networkidle")
        assert shown.box.is_checked()
        assert shown.form.get_by_role("textbox").input_value() == "" and shown.said.inner_text() == ""
        assert shown.answer("0.125").startswith("Not yet: there is a factor")
    shown.page.reload()
    shown.page.evaluate("""() => {
        document.querySelector(".predict-form input[type=text]").value = "0.5";
        dispatchEvent(new Event("pageshow"));
    }""")
    assert shown.form.get_by_role("textbox").input_value() == "", "another browser may fill the form again"
    assert wrong == []


def test_a_full_storage_keeps_no_tick_and_says_so_and_the_answer_is_judged_all_the_same(form):
    shown, wrong = form("no_opinion")
    shown.page.evaluate("() => { Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceeded'); }; }")
    assert shown.answer("0.25") == "Right." and not shown.box.is_checked()
    told = shown.box.locator("xpath=../following-sibling::*[1]")
    assert told.inner_text().startswith("This could not be kept")
    assert wrong == []


def test_without_storage_the_form_works_and_there_is_no_tick(browser, server):
    page = browser.new_page()
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.add_init_script("Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('off'); }})")
    page.goto(server + address("every_other_epoch"))
    for name, given, answer in (("no_opinion", "1/4", "Right."), ("every_other_epoch", "both", "Right.")):
        shown = Form(page, name)
        assert shown.answer(given) == answer and shown.box.count() == 0
    page.close()
    assert set(wrong) <= {"off"}, "the theme's own scripts ask for it, too"


def test_without_script_and_on_paper_there_is_the_cell_and_no_form(form):
    for context in ({"java_script_enabled": False}, {}):
        shown, _ = form("no_opinion", **context)
        cell = shown.page.locator("div.cell", has_text='check("no_opinion", prediction)')
        if not context:
            assert shown.form.is_visible() and not cell.is_visible()
            shown.page.emulate_media(media="print")
        assert cell.is_visible() and shown.page.locator(".predict-form:visible").count() == 0
        assert "no_opinion" in cell.inner_text() and "not started yet" in cell.inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_on_every_width_nothing_is_cut_controls_can_be_hit_and_axe_finds_nothing(form, width, scheme):
    shown, wrong = form("every_other_epoch", viewport={"width": width, "height": 800}, color_scheme=scheme)
    shown.answer("a")
    number = Form(shown.page, "no_opinion")
    number.answer("W" * 500)
    for button in ("Hint", "Another hint"):
        number.form.get_by_role("button", name=button, exact=True).click()
    shown.page.wait_for_function("() => !window.MathJax || !MathJax.startup || MathJax.startup.promise.then(() => true)")
    assert shown.page.evaluate("() => document.documentElement.scrollWidth") <= width
    for control in (*shown.form.locator("button:visible, label").all(), *number.form.locator("button:visible, input").all()):
        box = control.bounding_box()
        assert box["height"] >= 24 and box["x"] >= 0 and box["x"] + box["width"] <= width
    assert wrong == []
    assert violations(shown.page) == []
    number.answer("0.25")  # looks different
    assert violations(shown.page) == []


@pytest.mark.parametrize("path", chapters(), ids=lambda path: path.stem)
def test_the_forms_of_a_page_weigh_little(pages, path):
    text = (pages / f"notebooks/{path.stem}.html").read_text(encoding="utf-8")
    added = "".join(re.findall(r'<div data-predict[^>]*></div>', text))
    scripts = "".join((pages / "_static" / name).read_text(encoding="utf-8") for name in ("predict.js", "predict.css"))
    assert 0 < len(gzip.compress((added + scripts).encode())) < 8_000


def test_where_the_book_is_published_a_function_is_written_in_colab_at_its_own_cell(pages, tmp_path):
    site = tmp_path / "html"
    shutil.copytree(pages, site)
    assert "colab.research" not in (site / "notebooks" / "04_gate.html").read_text(encoding="utf-8")
    stamp(site, "ada-school/moe-course", "0" * 40)
    seen = 0
    for number, exercises in CHAPTERS.items():
        stem = CHAPTER[f"{number:02}"]
        soup = BeautifulSoup((site / "notebooks" / f"{stem}.html").read_text(encoding="utf-8"), "html.parser")
        copy = nbformat.read(site / "notebooks" / f"{stem}.ipynb", as_version=4)
        nbformat.validate(copy)
        by_id = {cell.metadata["id"]: cell for cell in copy.cells}
        links = {link.text: link for link in soup.select("p.in-colab a")}
        wanted = {f"Exercise {NUMBER[one.name]} in Colab": one for one in exercises if one.kind != "predict"}
        assert links.keys() == wanted.keys(), "functions have a link, predictions none"
        for text, exercise in wanted.items():
            page, cell = links[text]["href"].split("#scrollTo=")
            assert page == f"https://colab.research.google.com/github/ada-school/moe-course/blob/gh-pages/notebooks/{stem}.ipynb"
            assert by_id[cell].id == cell
            assert by_id[cell].source.endswith(f'check("{exercise.name}", {exercise.answer_name})')
            before = links[text].parent.find_previous_sibling()
            assert f'check("{exercise.name}"' in before.text, "it stands under its own cell"
            seen += 1
    assert seen == len(EXERCISES) - len(PREDICTED)
    original = nbformat.read(ROOT / "notebooks" / "04_gate.ipynb", as_version=4)
    assert not any("id" in cell.metadata for cell in original.cells)

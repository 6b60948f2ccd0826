"""The page that leads from the paper to the code: what it finds, and that each way to fail is seen."""

import re
import subprocess
import sys

import crosswalk
import nbformat
import pytest
from crosswalk import ITEMS, PAGE, Item, equation, page, problems, slug, sources
from execute import ROOT, chapters

# The paper has one equation, and the package one function for it, one beside it and one that names it in passing.
ONE = (equation("1.1", "the error"),)
PACKAGE = {
    "moe_tutorial": "from . import losses\nfrom .losses import error\n",
    "moe_tutorial.losses": '''
def error(d, o):
    """Eq. 1.1, the error."""

def slope(d, o):
    """The slope of eqs. 1.1
    and 1.1."""

def train(d):
    """Learn.

    loss: eq. 1.1.
    """

def _hidden():
    """Eq. 1.1 in secret."""
''',
}
TESTS = {"tests/test_losses.py": '''
from moe_tutorial import error, losses
from moe_tutorial.model.losses import train

def test_the_error():
    assert error(0, 1) == 1

def test_the_slope():
    assert losses.slope(0, 1) == 2
'''}
BOOK = {"05_loss": [
    ("markdown", "# 5. The loss\n\nA chapter."),
    ("code", "%pip install -q moe_tutorial\nfrom moe_tutorial import error, losses"),
    ("markdown", "It begins.\n\n## What it asks, in `d`?\n\n$$ E = 0 \\tag{1.1} $$\n\n### Aside\n\nMore.\n\n## Runs"),
    ("code", "print(error(0, 1), error(1, 1))"),
    ("markdown", "## Recap\n\nEq. 1.1 again."),
]}


def changed(sources, name, old, new):
    assert old in sources[name]
    return {**sources, name: sources[name].replace(old, new)}


def said(package=PACKAGE, tests=TESTS, book=BOOK, items=ONE):
    return problems(items, crosswalk.crosswalk(items, package, tests, book), package)


def test_code_tests_and_sections_of_an_item_are_found():
    (entry,) = crosswalk.crosswalk(ONE, PACKAGE, TESTS, BOOK)
    assert said() == []
    assert entry.code == ["moe_tutorial.losses.error", "moe_tutorial.losses.slope"]
    assert entry.beside == ["moe_tutorial.losses.train"]
    assert entry.tests == [("tests/test_losses.py", "test_the_error"), ("tests/test_losses.py", "test_the_slope")]
    assert [section.heading for section in entry.sections] == ["What it asks, in `d`?", "Runs"]
    assert page([entry]).endswith("""
## Eq. 1.1: the error

Code
: `moe_tutorial.losses.error` and `moe_tutorial.losses.slope`. Named in passing by `moe_tutorial.losses.train`.

Tests
: In `tests/test_losses.py`: `test_the_error` and `test_the_slope`.

Sections
: [chapter 5, What it asks, in `d`?](../notebooks/05_loss.ipynb#what-it-asks-in-d) and \
[chapter 5, Runs](../notebooks/05_loss.ipynb#runs).
""")


def test_an_equation_without_code_is_said():
    unnamed = changed(changed(PACKAGE, "moe_tutorial.losses", "Eq. 1.1, the error", "The error"),
                      "moe_tutorial.losses", "The slope of eqs. 1.1\n    and 1.1.", "The slope.")
    assert said(unnamed) == ["Eq. 1.1: the error: no docstring of the package names it in its first paragraph"]


def test_code_that_no_test_uses_is_said():
    tests = changed(TESTS, "tests/test_losses.py", "losses.slope(0, 1)", "slope(0, 1)")
    assert said(tests=tests) == ["Eq. 1.1: the error: no test uses moe_tutorial.losses.slope"]
    assert len(said(tests={})) == 2


def test_an_equation_that_no_section_shows_is_said():
    aside = {"05_loss": [BOOK["05_loss"][0], BOOK["05_loss"][-1]]}  # a recap explains nothing
    assert said(book=aside) == ["Eq. 1.1: the error: no section of a chapter shows it"]


@pytest.mark.parametrize("wrong", ["eq. 1.7", "Figure 9", "Table 2"])
def test_a_docstring_that_names_what_the_paper_does_not_have_is_said(wrong):
    package = changed(PACKAGE, "moe_tutorial.losses", "loss: eq. 1.1.", f"loss: eqs. 1.1 and 1.1, and {wrong}.")
    assert said(package) == [f"moe_tutorial.losses.train: its docstring names {wrong}, "
                             "which is not among the items of the paper"]


@pytest.mark.parametrize("listed, numbers", [
    ("Eq. 1.1, the error", {"1.1"}), ("eqs. 1.1 and 1.2", {"1.1", "1.2"}),
    ("eqs. 1.1, 1.2 and\n    1.3", {"1.1", "1.2", "1.3"}),
    ("eq. 1.10", set()), ("seq. 1.1", set()), ("version 1.1", set()),
])
def test_equations_are_named_alone_and_in_lists(listed, numbers):
    assert {number for number in ("1.1", "1.2", "1.3") if equation(number, "what").named_in(listed)} == numbers


@pytest.mark.parametrize("source, used", [
    # Directly, under another name, through the package's root, through a list, a helper or a fixture of the module.
    ("from moe_tutorial import error\ndef test_it(): error()", {"losses.error"}),
    ("from moe_tutorial.model.losses import error as e\ndef test_it(): e()", {"losses.error"}),
    ("import moe_tutorial\ndef test_it(): moe_tutorial.error()", {"losses.error"}),
    ("def test_it():\n from moe_tutorial import losses\n losses.slope()", {"losses.slope"}),
    ("from moe_tutorial import error\nALL = {'1.1': error}\n@pytest.mark.parametrize('one', ALL)\ndef test_it(one): 1",
     {"losses.error"}),
    ("from moe_tutorial import error\nALL = [lambda: error(1)]\ndef test_it(): ALL[0]()", {"losses.error"}),
    ("from moe_tutorial import error\ndef help(): error()\ndef more(): help()\ndef test_it(): more()", {"losses.error"}),
    ("from moe_tutorial import error\n@pytest.fixture\ndef made(): error()\ndef test_it(made): 1", {"losses.error"}),
    # Not at all: another thing of that name, material that the module makes once, or another test's business.
    ("def test_it(): error()", set()),
    ("from moe_tutorial import error\ndef test_it():\n error = 1\n error", set()),
    ("from moe_tutorial import error\ndef test_it(error): error", set()),
    ("from moe_tutorial import error\ndef test_it(): self.error", set()),
    ("from moe_tutorial import error\nCASES = error(1).x\ndef test_it(): CASES", set()),
    ("from moe_tutorial import error\nALL = [error]\ndef help(): error()\ndef test_it(): 1", set()),
])
def test_a_use_is_a_use_of_the_package(source, used):
    found = crosswalk.tests_and_uses(source, crosswalk.real_names(PACKAGE))
    documented = {name.removeprefix("moe_tutorial."): name for name in crosswalk.docstrings(PACKAGE)}
    assert {test: {name for name, full in documented.items() if full in names} for test, names in found.items()} == {
        "test_it": used}


def test_a_function_that_a_chapter_builds_itself_is_not_the_package_s():
    cells = [("markdown", "## By hand"), ("code", "def error(d):\n    return d"), ("code", "error(1)"),
             ("markdown", "## After"), ("code", "from moe_tutorial import error"), ("code", "error(1)")]
    assert not any(section.uses for section in crosswalk.sections("05_loss", cells, {}))
    assert crosswalk.sections("05_loss", cells[3:], {})[0].uses == {"moe_tutorial.error": 1}


def test_the_best_tests_and_sections_come_first_and_the_others_are_counted():
    others = "".join(f"def test_{n}(): error({n}), losses.train()\n" for n in range(4))
    tests = {"tests/test_a.py": TESTS["tests/test_losses.py"].split("def")[0] + others, **TESTS}
    cells = BOOK["05_loss"] + [(kind, text) for n in range(3) for kind, text in
                               (("markdown", f"## Use {n}"), ("code", "error(1)" + "; error(2)" * n))]
    (entry,) = crosswalk.crosswalk(ONE, PACKAGE, tests, {"05_loss": cells})
    assert entry.tests[0] == ("tests/test_losses.py", "test_the_error") and len(entry.tests) == 6
    assert "`test_0` and `test_1`; and two other tests." in page([entry])
    assert [section.heading for section in entry.sections][:3] == ["What it asks, in `d`?", "Use 2", "Runs"]
    assert "#runs) and [chapter 5, Use 2](../notebooks/05_loss.ipynb#use-2); and two other sections." in page([entry])
    assert crosswalk._others(1, "test") == "; and one other test" and crosswalk._others(13, "test") == "; and 13 other tests"


def test_the_page_is_written_once_it_is_whole_and_a_stale_one_is_said(tmp_path, capsys):
    path = tmp_path / "crosswalk.md"

    def run(check, tests=TESTS):
        return crosswalk.main(check, ONE, lambda: (PACKAGE, tests, BOOK), path), capsys.readouterr().out

    stale = "crosswalk.md is not what the sources give; run `python scripts/crosswalk.py` and commit the page\n"
    assert run(check=True) == (1, stale)
    assert run(check=False) == (0, "") and run(check=True) == (0, "")
    before = path.read_text(encoding="utf-8")
    renamed = changed(TESTS, "tests/test_losses.py", "test_the_slope", "test_the_gradient")
    assert run(check=True, tests=renamed) == (1, stale)
    assert run(check=False, tests={})[0] == 1 and path.read_text(encoding="utf-8") == before


def test_the_page_of_the_book_is_complete_and_current():
    done = subprocess.run([sys.executable, ROOT / "scripts" / "crosswalk.py", "--check"], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_entries_are_those_that_a_reader_would_expect():
    found = {entry.item.name.split(":")[0]: entry for entry in crosswalk.crosswalk(ITEMS, *sources())}
    assert [f"Eq. 1.{n}" in found for n in range(1, 6)] == [True] * 5 and "Table 1" in found
    assert "moe_tutorial.losses.cooperative_error" in found["Eq. 1.1"].code
    assert "moe_tutorial.losses.expected_error" in found["Eq. 1.2"].code
    assert "moe_tutorial.losses.mixture_nll" in found["Eq. 1.3"].code
    assert found["Eq. 1.4"].code == ["moe_tutorial.losses.expected_error_gradient"]
    assert "moe_tutorial.gate.switch" in found["Figure 1"].code and "moe_tutorial.plots.trails" in found["Figure 3"].code
    for figure in ("Figure 2", "Figure 3", "Table 1"):
        assert found[figure].sections[0].heading == figure and found[figure].sections[0].chapter == "08_vowel_experiment"


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.name)
def test_an_item_whose_docstrings_no_longer_name_it_breaks_the_build(item):
    package, tests, book = sources()
    without = {module: re.sub(item.pattern, "it", source, flags=re.IGNORECASE) for module, source in package.items()}
    assert any(problem.startswith(f"{item.name}: no docstring") for problem in
               problems((item,), crosswalk.crosswalk((item,), without, tests, book), {}))


def test_every_link_of_the_page_leads_to_a_heading():
    anchors = {}
    for path in chapters():
        prose = "\n".join(c.source for c in nbformat.read(path, as_version=4).cells if c.cell_type == "markdown")
        headings = re.findall(r"^##? (.*)", prose, re.MULTILINE)
        anchors[f"../notebooks/{path.name}"] = [slug(heading) for heading in headings]
        assert len(set(map(slug, headings))) == len(headings)  # a second one of the same name has another anchor
    links = re.findall(r"\]\(([^)#]+)#([^)]+)\)", PAGE.read_text(encoding="utf-8"))
    assert len(links) >= len(ITEMS) and all(anchor in anchors[path] for path, anchor in links)


def test_an_anchor_is_made_as_the_book_makes_it():
    from mdit_py_plugins.anchors.index import slugify

    for heading in ("5. The cooperative loss", "1.4 against 1.5, on the same five experts",
                    "What one line can do: X, T0 and T1", "Eq. 1.2: whose score rises?", "How it's *made*, in `d`, [ʌ]"):
        assert slug(heading) == slugify(heading)


def test_an_item_may_be_shown_by_other_words_than_it_is_named_by():
    item = Item("Section 3", "task of section 3", "first 50 speakers")
    assert item.named_in("The task\n    of section 3.") and not item.named_in("The first 50 speakers.")
    assert item.times_in("The first\n50 speakers are the first 50 speakers.") == 2

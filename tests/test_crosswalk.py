"""The page that leads from the paper to the code. That its names and sections exist is held by the build of the book."""

import ast
import re

from api import every_entry, naming_tests
from execute import ROOT

PAGE = (ROOT / "book" / "crosswalk.md").read_text(encoding="utf-8")
ROWS = {what: set(re.findall(r"`~([\w.]+)`", code)) for what, code in re.findall(r"^\| (.+?) \| (\{.+?) \| \[", PAGE, re.M)}
ENTRIES = {entry.address: entry.docstring for entry in every_entry().values() if entry.kind in ("function", "class")}


def named(text):
    """The equations, figures and tables of the paper that a text names: "eq. 1.4", "eqs. 1.1, 1.4 and 1.5", "Table 1"."""
    text = " ".join((text or "").split())
    listed = re.findall(r"\beqs?\. ((?:\d\.\d(?:,? (?:and|or|to|against) |, |\b))+)", text, re.I)
    return {f"Eq. {number}" for number in re.findall(r"\d\.\d", " ".join(listed))} | set(
        re.findall(r"\b(?:Figure|Table) \d+", text))


def test_the_code_of_each_item_is_named_by_a_test():
    assert len(ROWS) == 34
    assert {address for code in ROWS.values() for address in code} <= ENTRIES.keys() & naming_tests().keys()


def test_no_docstring_names_what_the_paper_does_not_have():
    for path in (ROOT / "moe_tutorial").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
                assert named(ast.get_docstring(node)) <= named(" ".join(ROWS)), f"{path.name}: {ast.get_docstring(node)}"


def test_what_says_that_it_is_an_item_is_in_its_row():
    for address, said in ENTRIES.items():
        for item in named((said or "").split("\n\n")[0]):
            assert address in set().union(*(ROWS[row] for row in ROWS if item in named(row))), f"{address}: {item}"

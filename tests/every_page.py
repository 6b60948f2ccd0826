"""The pages of the book, and what axe finds wrong with one, for the tests that go through all of them."""

import re

from axe_playwright_python.sync_playwright import Axe
from execute import ROOT


def page_paths():
    """The pages of the table of contents, known before the book is built, and the ones the builder adds."""
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    added = ["index.html", "search.html", "genindex.html", "_modules/index.html", "_modules/moe_tutorial/model/losses.html"]
    return [f"{path}.html" for path in re.findall(r"(?:root|file): (\S+)", toc)] + added


def violations(page, **rules):
    options = {"resultTypes": ["violations"], "rules": rules}  # to write down the others takes most of the time
    found = Axe().run(page, options=options).response["violations"]
    return [f"{violation['id']}: {node['html'][:200]}" for violation in found for node in violation["nodes"]]

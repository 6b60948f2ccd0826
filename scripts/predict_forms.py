"""A Sphinx extension that lets a page judge its reader's predictions, and marks where a function is to be written.

After each cell that checks a prediction it puts the data with which `book/_static/predict.js` makes a form; what a text
means and what is said of it is in `moe_tutorial.exercises._value`. After each cell with a function to write or to repair it
puts a comment with the cell's name, in whose place `scripts/stamp.py` puts a link to Colab. The notebooks stay as they are.
"""

import html
import json
import re

import nbformat
from docutils import nodes
from sphinx.util import logging

from moe_tutorial.exercises import CHAPTERS
from moe_tutorial.exercises._value import RULES, facts

CHECK = re.compile(r'^check\("(\w+)", \w+\)$', re.MULTILINE)


def add_forms(app, doctree, docname):
    """Put the data of forms, and the marks for Colab, after the cells of a chapter's exercises."""
    chapter = re.fullmatch(r"notebooks/((\d\d)_\w+)", docname)
    if not chapter or app.builder.format != "html":
        return
    by_name = {exercise.name: (place, exercise) for place, exercise in enumerate(CHAPTERS[int(chapter[2])], 1)}
    ids = {found[1]: cell.id for cell in nbformat.read(app.env.doc2path(docname), as_version=4).cells
           if cell.cell_type == "code" and (found := CHECK.search(cell.source))}
    rules = _data("predict-rules", RULES)
    for cell in [node for node in doctree.findall(nodes.container) if node.get("nb_element") == "cell_code"]:
        found = CHECK.search("\n".join(block.astext() for block in cell.findall(nodes.literal_block)))
        if found is None or found[1] not in by_name:
            continue
        place, exercise = by_name[found[1]]
        number = f"{int(chapter[2])}.{place}"
        if exercise.kind == "predict":
            solution = _solution(app, docname, chapter[1], number)
            added = _data("predict", {**facts(exercise), "number": number, "solution": solution}) + rules
            rules = ""
        else:
            added = f"<!-- exercise {number} in cell {ids[exercise.name]} -->"
        cell.parent.insert(cell.parent.index(cell) + 1, nodes.raw("", added, format="html"))


def _data(name, value):
    said = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return f'<div data-{name}="{html.escape(said)}" hidden></div>'


def _solution(app, docname, chapter, number):
    """The address of an exercise's solution, seen from its chapter."""
    page = next(name for name in sorted(app.env.all_docs) if name.endswith(f"solutions/{chapter}"))
    links = [link for link in app.env.tocs[page].findall(nodes.reference) if link.astext().startswith(f"{number} ")]
    if not links:
        logging.getLogger(__name__).warning("no solution of exercise %s on the page %s", number, page, location=docname)
    return app.builder.get_relative_uri(docname, page) + (links[0]["anchorname"] if links else "")


def add_files(app, pagename, templatename, context, doctree):
    """The script and its looks, on pages that have use for them."""
    if doctree is not None and any("data-predict" in node.astext() or "in cell" in node.astext()
                                   for node in doctree.findall(nodes.raw)):
        app.add_js_file("predict.js")
        app.add_css_file("predict.css")


def setup(app):
    app.connect("doctree-resolved", add_forms)
    app.connect("html-page-context", add_files)
    return {"parallel_read_safe": True}

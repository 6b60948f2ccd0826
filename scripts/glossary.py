"""A Sphinx extension that explains words: the glossary page, and what a term or "eq. 1.3" in the text shows.

All of it comes from `book/glossary.yml`, in the language of the book, and the formulas of the paper's equations from the
chapters. A term is marked where a chapter has it first after its frame; the number of an equation, wherever prose names it.
Each is a link to the glossary. What it shows stands in the page as static HTML, with formulas in MathML;
`book/_static/words.js` shows it.
"""

import functools
import html
import json
import re

import latex2mathml.converter
import yaml
from docutils import nodes
from docutils.statemachine import StringList
from execute import ROOT, chapters
from sphinx import addnodes
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

PAGE = "book/glossary"
FILE = ROOT / "book" / "glossary.yml"

UNMARKED = (nodes.literal, nodes.FixedTextElement, nodes.reference, nodes.math, nodes.title, nodes.caption, nodes.term,
            addnodes.pending_xref)
"""What keeps its text as it is: code, links, formulas, headings, captions."""


@functools.cache
def glossary(language="en"):
    """The labels, equations and terms in a language, as dictionaries; a term or an equation has its words in `said`."""
    read = yaml.safe_load(FILE.read_text(encoding="utf-8"))
    for entry in [*read["terms"], *read["equations"], {"id": "labels", **read["labels"]}]:
        if language not in entry:
            raise ExtensionError(f"{FILE.name} says nothing in the language {language!r} of {entry.get('id', entry)}")
        entry["said"] = entry[language]
    for equation in read["equations"]:
        equation["id"] = "eq-" + equation["number"].replace(".", "-")
    for term in read["terms"]:
        term["id"] = "word-" + term["id"]
    terms = sorted(read["terms"], key=lambda term: term["said"]["term"].casefold())
    return {"labels": read["labels"][language], "equations": read["equations"], "terms": terms}


@functools.cache
def formulas():
    """The paper's equations by their number, in LaTeX, as the chapters have them."""
    found = {}
    for path in chapters():
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            if cell["cell_type"] == "markdown":
                for formula, number in re.findall(r"\$\$([^$]+?)\\tag\{([\d.]+)\}\s*\$\$", "".join(cell["source"])):
                    found.setdefault(number, formula.strip())
    return found


def formula_of(entry):
    """The formula of a term or an equation in LaTeX, or None."""
    return entry.get("formula") or formulas().get(entry.get("equation") or entry.get("number"))


class Words(SphinxDirective):
    """The whole glossary: the equations by number, and the terms in the order of the alphabet."""

    def run(self):
        known = glossary(self.env.config.language)
        self.env.note_dependency(FILE)
        labels, listed = known["labels"], nodes.definition_list(classes=["moe-glossary"])
        equations = nodes.definition_list(classes=["moe-glossary"])
        for equation in known["equations"]:
            equations += self._item(equation, labels["equation"].format(equation["number"]), equation["said"], labels)
        for term in known["terms"]:
            listed += self._item(term, term["said"]["term"], term["said"]["says"], labels)
        sections = []
        for title, content in ((labels["equations"], equations), (labels["words"], listed)):
            section = nodes.section("", nodes.title(title, title), content, ids=[nodes.make_id(title)])
            self.state.document.note_explicit_target(section)
            sections.append(section)
        return sections

    def _item(self, entry, name, says, labels):
        path, _, section = entry["in"].partition("#")
        places = [f"[](../notebooks/{path}.ipynb)"] + [f"[](../notebooks/{path}.ipynb#{section})"] * bool(section)
        facts = [f"{labels['letter']} ${entry['letter']}$"] if "letter" in entry else []
        if "equation" in entry:
            facts.append(f"[{labels['equation'].format(entry['equation'])}](#eq-{entry['equation'].replace('.', '-')})")
        lines = [says, "", *(["$$", formula_of(entry), "$$", ""] if formula_of(entry) else []),
                 ". ".join([*facts, f"{labels['introduced']} {', '.join(places)}."])]
        term = nodes.term("", name, ids=[entry["id"]], names=[entry["id"]])
        self.state.document.note_explicit_target(term)
        definition = nodes.definition()
        self.state.nested_parse(StringList(lines, PAGE), self.content_offset, definition)
        return nodes.definition_list_item("", term, definition)


def mark(app, doctree, docname):
    """Make a link of each number of an equation, and in a chapter of the first of each term after the chapter's frame."""
    if docname == PAGE or docname.startswith("book/api/") or app.builder.format != "html":
        return
    known = glossary(app.config.language)
    target = app.builder.get_relative_uri(docname, PAGE)
    numbers = {equation["number"]: equation["id"] for equation in known["equations"]}
    chapter = re.match(r"notebooks/(\d+)_", docname)
    forms, before = _forms(known["terms"], int(chapter[1])) if chapter else {}, set()
    for around, text, sections in list(_prose(doctree)):
        found = list(_equations(text, numbers, known["labels"]["reference"]))
        if sections:
            found += _terms(text, forms, before)
        if found:
            _link(around, text, sorted(found), target)


def _forms(terms, chapter):
    """What a chapter may call each term, to its entry."""
    return {form: term["id"] for term in terms if chapter in term.get("pages", [chapter])
            for form in term["said"].get("marks", [term["said"]["term"], *term["said"].get("forms", [])])}


def _prose(node, sections=0, inside=False):
    """The texts of the paragraphs below a node, none of them in an output, code, a link or a formula.

    Of each the element that holds it, and in how many sections it is; 0 for the frame of a chapter, the paragraphs at its
    top that begin with what is said in bold or italics. From above, since not every node knows its parent.
    """
    if isinstance(node, nodes.paragraph):
        inside = True
        first = next((child for child in node.children if child.astext()), None)
        if sections == 1 and isinstance(first, nodes.strong | nodes.emphasis):
            sections = 0
    for child in list(node.children):
        if isinstance(child, nodes.Text):
            if inside:
                yield node, child, sections
        elif not isinstance(child, UNMARKED) and "cell_output" not in child.get("classes", []):
            yield from _prose(child, sections + isinstance(child, nodes.section), inside)


def _equations(text, numbers, reference):
    """Where in a text an equation is named, and its entry; of several after one "eqs." each by itself."""
    one = r"\d\.\d(?!\d)"
    for named in re.finditer(rf"{reference}\s?{one}(?:(?:,| and| or| to|, and)\s{one})*", text):
        for place, number in enumerate(re.finditer(one, named[0])):
            if number[0] in numbers:
                yield named.start() + (number.start() if place else 0), named.start() + number.end(), numbers[number[0]]


def _terms(text, forms, before):
    """Where in a text a term stands that the page did not have `before`, to which it is added; of two in one the longer."""
    listed = "|".join(re.escape(form).replace(r"\ ", r"\s+") for form in sorted(forms, key=len, reverse=True)) or "(?!)"
    # A word by itself, and not a part of "cross-entropy" or of "top-2"; it may begin a sentence.
    for place in re.finditer(rf"(?<![\w-])(?:{listed})(?![\w-])", text, re.IGNORECASE):
        form = " ".join(place[0].split())
        entry = forms.get(form) or forms.get(form[0].lower() + form[1:])
        if entry and entry not in before:
            before.add(entry)
            yield place.start(), place.end(), entry


def _link(around, text, found, target):
    """Put links into a text, at places that do not overlap."""
    parts, done = [], 0
    for begin, end, entry in found:
        if begin >= done:
            parts += [nodes.Text(text[done:begin]), nodes.reference("", text[begin:end], internal=True, classes=["moe-term"],
                                                                    refuri=f"{target}#{entry}")]
            done = end
    place = next(number for number, child in enumerate(around) if child is text)  # not the first text that says the same
    around[place:place + 1] = [part for part in [*parts, nodes.Text(text[done:])] if part.astext()]


def explain(app, pagename, templatename, context, doctree):
    """Put what the marked words of a page show at the end of its text."""
    body, shown = context.get("body") or "", {}
    known = glossary(app.config.language)
    entries = {entry["id"]: entry for entry in [*known["terms"], *known["equations"]]}

    def described(link):
        shown[link[1]] = entries[link[1]]
        return f'{link[0][:-1]} aria-describedby="{link[1]}-says">'

    body = re.sub(r'<a class="[^"]*\bmoe-term\b[^"]*" href="[^"]*#([\w-]+)">', described, body)
    if shown:
        pop_ups = "\n".join(pop_up(app, pagename, entry, known["labels"]) for entry in shown.values())
        context["body"] = f'{body}\n<div class="moe-words">\n{pop_ups}\n</div>\n'


def pop_up(app, pagename, entry, labels):
    """What one term or equation shows, as HTML."""
    term = "term" in entry["said"]
    name = entry["said"]["term"] if term else labels["equation"].format(entry["number"])
    letter = f" {mathml(entry['letter'])}" if "letter" in entry else ""
    docname, _, slug = entry["in"].partition("#")
    docname = f"notebooks/{docname}"
    place, title = app.builder.get_relative_uri(pagename, docname), app.env.titles[docname].astext()
    if slug:
        _, anchor, section = app.env.metadata[docname]["myst_slugs"][slug]
        place, title = f"{place}#{anchor}", f"{title}: {section}"
    says = inline(entry["said"]["says"] if term else entry["said"])
    formula = f"<p>{mathml(formula_of(entry), 'block')}</p>" if formula_of(entry) else ""
    more = f'{app.builder.get_relative_uri(pagename, PAGE)}#{entry["id"]}'
    return (f'<div class="moe-word" id="{entry["id"]}" popover>'
            f'<p id="{entry["id"]}-says"><strong>{html.escape(name)}</strong>{letter}: {says}</p>{formula}'
            f'<p>{labels["introduced"]} <a href="{place}">{html.escape(title)}</a>. <a href="{more}">{labels["all"]}</a></p>'
            '</div>')


def inline(text):
    """Plain text with formulas in dollar signs, as HTML."""
    return "".join(mathml(part) if place % 2 else html.escape(part) for place, part in enumerate(text.split("$")))


@functools.cache
def mathml(latex, display="inline"):
    """A formula as MathML, which a browser draws in the colour of the text and a screen reader reads."""
    plain = re.sub(r"\\[lr]Vert", r"\\|", re.sub(r"\\[Bb]igg?(?![a-z])", "", latex))
    made = latex2mathml.converter.convert(plain, display=display)
    if "\\" in made:
        raise ExtensionError(f"what {FILE.name} says has a formula with a command that MathML is not made of: {latex}")
    made = made.replace(' xmlns="http://www.w3.org/1998/Math/MathML"', "")
    # Of one letter, and in the font of all others: what a browser puts for it by itself a font may lack.
    return re.sub(r"<mi>(?=(?:\w|&#x[0-9A-F]+;)</mi>)", '<mi class="moe-letter">', made)


def setup(app):
    app.add_directive("words", Words)
    app.add_css_file("words.css")
    app.add_js_file("words.js")
    app.connect("doctree-resolved", mark, priority=700)  # when all other links are there
    app.connect("html-page-context", explain, priority=700)
    return {"parallel_read_safe": True}

"""A Sphinx extension that shows the package as pages of the book.

A page of `book/api` is a title and the directive `room`, which documents a room and its modules. What this adds to autodoc:
signatures with the shapes of the course, the house's docstrings, the tests that name an entry, and links from a chapter's
cell to an entry whatever address the cell imports it from.
"""

import inspect
import re

from api import PACKAGE, entries, every_entry, naming_tests, other_addresses
from docutils import nodes
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective
from sphinx.util.parsing import nested_parse_to_nodes
from sphinx_codeautolink.extension.backref import DetailsNode, SummaryNode

from moe_tutorial.shapes import _Shown

TESTS = 3  # so many are named of those that name an entry


class Room(SphinxDirective):
    """What a room holds: its docstring, and module by module what is public in it."""

    required_arguments = 1

    def run(self):
        lines = []
        for number, (module, listed) in enumerate(entries(self.arguments[0]).items()):
            title = module.rpartition(".")[2]
            lines += [title, "-" * len(title)] if number else []
            lines += ["", f".. automodule:: {module}", ""]
            for entry in listed:
                lines += [f".. auto{entry.kind}:: {entry.address}", *_options(entry), ""]
        return nested_parse_to_nodes(self.state, StringList(lines, self.arguments[0]), allow_section_headings=True)


def _options(entry):
    if entry.kind == "class":
        return ["   :members:", "   :member-order: bysource"]
    simple = isinstance(entry.value, int | float | str | tuple) and len(repr(entry.value)) < 60
    return ["   :no-value:"] if entry.kind == "data" and not simple else []


def docstring(app, what, name, obj, options, lines):
    """Make the house's docstring reStructuredText, and say which tests name the entry."""
    entry = every_entry().get(name)
    text = entry.docstring or "" if entry and what == "data" else "\n".join(lines)
    known = list(getattr(obj, "__annotations__", ()))
    if what in ("class", "function", "method"):
        known += list(inspect.signature(obj).parameters)
    text = re.sub(r" *# doctest: .*", "", text)
    paragraphs = [part if part.startswith(">>>") else _paragraph(part, known) for part in text.strip().split("\n\n")]
    if listed := naming_tests().get(name, [])[:TESTS]:
        files = dict.fromkeys(file for file, _ in listed)
        said = "; ".join(f"{_code(file)}: " + ", ".join(_code(test) for where, test in listed if where == file)
                         for file in files)
        paragraphs.append(f".. rst-class:: moe-tests\n\nTested in {said}.")
    elif ">>>" in text and entry:
        paragraphs.append(".. rst-class:: moe-tests\n\nTested by its example.")
    lines[:] = "\n\n".join(paragraphs).splitlines()


def _paragraph(text, known):
    """Names in backticks become links or code, and `name: what it is` an item of a list."""
    text = re.sub(r"`([^`]+)`", lambda found: _code(found[1]) if found[1] in known else _link(found[1]), text)
    words = "|".join(sorted(map(re.escape, known), key=len, reverse=True)) or "(?!)"
    begins = rf"(?:^|(?<=[.;] ))((?:{words})(?:, (?:{words}))*|\w+(?:Error|Warning)(?:, \w+Error)*): "
    first, *others = re.split(begins, text, flags=re.MULTILINE)
    items = [f"* **{names}**: " + " ".join(said.split()) for names, said in zip(others[::2], others[1::2])]
    return "\n\n".join(filter(None, [first.strip(), "\n".join(items)]))


def _code(text):
    return f"``{text}``"


def _link(text):
    """A link to the entry that a docstring means; code where it means none, or might mean several."""
    wanted = other_addresses().get(f"{PACKAGE}.{text}", f"{PACKAGE}.{text}")
    same = [wanted] if wanted in every_entry() else [entry.address for entry in every_entry().values() if entry.name == text]
    return f":py:obj:`{text} <{same[0]}>`" if len(same) == 1 else _code(text)


def signatures(app, doctree):
    """Shapes in place of what Python makes of them; and each entry has a place by the name of its module, too."""
    for node in doctree.findall(addnodes.desc_signature):
        name, _, member = node["fullname"].partition(".")
        entry = every_entry().get(f"{node['module']}.{name}")
        if entry is None:
            continue
        value = getattr(entry.value, member) if member else entry.value
        for empty in list(node.findall(addnodes.desc_parameterlist)):
            node.remove(empty)
        if callable(value) and entry.kind != "exception":
            after = node.index(next(node.findall(addnodes.desc_name))) + 1
            node[after:after] = _signature(value, member)
        node["module"] = entry.module.__name__  # where viewcode finds its source
        if (place := f"{node['module']}.{node['fullname']}") not in node["ids"]:
            node["ids"].append(place)


def _signature(value, member):
    """The nodes of a signature."""
    found = inspect.signature(value)
    listed, last = addnodes.desc_parameterlist(), None
    for parameter in list(found.parameters.values())[bool(member):]:
        if parameter.kind is parameter.KEYWORD_ONLY and last not in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL):
            listed += addnodes.desc_parameter("", "*")
        last = parameter.kind
        stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        shape = "" if parameter.annotation is parameter.empty else f": {_shape(parameter.annotation)}"
        default = "" if parameter.default is parameter.empty else repr(parameter.default)
        given = (" = " if shape else "=") + (default if len(default) <= 40 else "…") if default else ""
        listed += addnodes.desc_parameter("", "", addnodes.desc_sig_name("", f"{stars}{parameter.name}"),
                                          nodes.Text(shape + given))
    if isinstance(value, type) or found.return_annotation is found.empty:
        return [listed]
    return [listed, addnodes.desc_returns("", _shape(found.return_annotation))]


def _shape(hint):
    return re.sub(r"~|\b(?:[A-Za-z_]\w*\.)+(?=\w)", "", repr(_Shown(hint)))


def sections(app, doctree, docname):
    """The sections of the chapters that use an entry, as a list in the book's order in place of a table by addresses.

    Before a chapter's first section stand its imports: a chapter as a whole is named where none of its sections is. What
    uses a module is said of the entries in it.
    """
    pages = sorted(page for page in app.env.tocs if not page.startswith("book/api/"))
    pages.sort(key=lambda page: not page.startswith("notebooks/"))
    places = [f"{app.builder.get_relative_uri(docname, page)}{link['anchorname']}" for page in pages
              for link in app.env.tocs[page].findall(nodes.reference)]
    for details in list(doctree.findall(DetailsNode)):
        entry = isinstance(details.parent.parent, addnodes.desc_content)
        links = {link["refuri"]: link for table in details.findall(nodes.table) for link in table.findall(nodes.reference)}
        links = {place if place in places else place.split("#")[0]: link for place, link in links.items() if entry}
        shown = {place.split("#")[0] for place in links if "#" in place}
        links = {place: links[place] for place in places if place in links and place not in shown}
        found = nodes.bullet_list()
        for link in links.values():
            found += nodes.list_item("", nodes.paragraph("", "", link))
        said = f"Used in {len(links)} section{'s' if len(links) > 1 else ''} of the book"
        details[:] = [SummaryNode("", said), found]
        details.parent.replace_self(details if links else [])


def constants(app, pagename, templatename, context, doctree):
    """Link a constant whose method is called, as in `WORDS.values()`, which codeautolink leaves out."""
    body = context.get("body") or ""
    for link, name in set(re.findall(r'(<a class="sphinx-codeautolink-a"[^>]*>)(<span class="n">[A-Z_]+</span>)</a>', body)):
        body = re.sub(rf'(?<!">){name}(?=<span class="o">\.</span>)', f"{link}{name}</a>", body)
    context["body"] = body


def setup(app):
    app.connect("config-inited", lambda app, config: config.codeautolink_inventory_map.update(other_addresses()))
    app.connect("autodoc-process-signature", lambda *given: ("", ""))
    app.connect("autodoc-process-docstring", docstring, priority=400)  # codeautolink adds to it
    app.connect("doctree-read", signatures, priority=400)  # before viewcode
    app.connect("doctree-resolved", sections, priority=600)  # after codeautolink
    app.connect("html-page-context", constants, priority=600)  # after codeautolink
    app.add_directive("room", Room)
    return {"parallel_read_safe": True}

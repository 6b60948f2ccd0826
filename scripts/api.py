"""The package as pages of the book: what is public in which room, and a Sphinx extension that shows it.

A page of `book/api` is a title and the directive `room`, which documents a room and its modules. What this adds to autodoc:
signatures with the shapes of the course, the house's docstrings, the tests that name an entry, and links from a chapter's
cell to an entry whatever address the cell imports it from.
"""

import ast
import inspect
import pkgutil
import re
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType

from docutils import nodes
from docutils.statemachine import StringList
from execute import ROOT
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective
from sphinx.util.parsing import nested_parse_to_nodes
from sphinx_codeautolink.extension.backref import DetailsNode, SummaryNode

import moe_tutorial
from moe_tutorial.shapes import _Shown

PACKAGE = moe_tutorial.__name__
TESTS = 3  # so many are named of those that name an entry


@dataclass(frozen=True)
class Entry:
    """A public function, class or constant. address: where readers import it from. docstring: as it stands, or None."""

    address: str
    module: ModuleType
    name: str
    docstring: str | None

    @property
    def value(self):
        return getattr(self.module, self.name)

    @property
    def kind(self):
        """What autodoc calls it."""
        if isinstance(self.value, type):
            return "exception" if issubclass(self.value, Exception) else "class"
        return "function" if inspect.isroutine(self.value) else "data"


def rooms():
    """The names of the package's rooms."""
    return [module.name for module in pkgutil.iter_modules(moe_tutorial.__path__) if not module.name.startswith("_")]


@cache
def defined(module):
    """What a module defines without an underscore, functions, classes and constants, each with its docstring, in order.

    A constant's docstring is the string below it, or below the constants in the lines below it.
    """
    found, group, last = {}, [], 0
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = ast.get_docstring(node)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            names = [name.id for name in ast.walk(node) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
                     and name.id.isupper()]
            group = [*(group if node.lineno == last + 1 else []), *names]
            found |= dict.fromkeys(names)
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.lineno == last + 1:
            found |= dict.fromkeys(group, inspect.cleandoc(str(node.value.value)))
        last = node.end_lineno
    return {name: docstring for name, docstring in found.items() if not name.startswith("_")}


@cache
def entries(room):
    """What is public in a room: by the addresses of the room and of its modules, their entries in the order of the source.

    That is what the room's `__all__` names, and everything in a module that readers import from the package's root.
    """
    package, found = import_module(f"{PACKAGE}.{room}"), {f"{PACKAGE}.{room}": []}
    below = pkgutil.iter_modules(getattr(package, "__path__", ()), f"{package.__name__}.")
    for module in (package, *(import_module(one.name) for one in below)):
        short = module.__name__.rpartition(".")[2]
        whole = getattr(moe_tutorial, short, None) is module and not hasattr(module, "__all__")
        place = f"{PACKAGE}.{short}" if whole else package.__name__ if short.startswith("_") else module.__name__
        for name, docstring in defined(module).items():
            above = [one.__name__ for one in (moe_tutorial, package) if name in getattr(one, "__all__", ())
                     and getattr(one, name) is getattr(module, name)]
            if above or whole:
                found.setdefault(place, []).append(Entry(f"{[*above, place][0]}.{name}", module, name, docstring))
    return found


@cache
def every_entry():
    """All entries of the package by their addresses."""
    return {entry.address: entry for room in rooms() for listed in entries(room).values() for entry in listed}


@cache
def other_addresses():
    """What else an entry may be imported as, and its methods: by such an address the one that has its place in the pages."""
    found = {}
    for entry in every_entry().values():
        own = entry.module.__name__
        members = [f".{name}" for name in vars(entry.value)] if isinstance(entry.value, type) else []
        for module in (own, f"{PACKAGE}.{own.rpartition('.')[2]}", ".".join(own.split(".")[:2])):
            found |= {f"{module}.{entry.name}{member}": f"{entry.address}{member}" for member in ("", *members)}
    return {other: address for other, address in found.items() if other not in every_entry()}


@cache
def naming_tests():
    """By the address of a function or class the tests that name it, as (file, test), those first that name few others.

    A test names what stands in it and in the lists of its module that it takes; those whose helpers name it come last.
    """
    known, found = {id(entry.value): entry.address for entry in every_entry().values() if entry.kind != "data"}, {}
    for path in sorted((ROOT / "tests").glob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {name.asname or name.name: getattr(import_module(node.module), name.name)
                    for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for name in node.names
                    if node.module.split(".")[0] == PACKAGE}
        lists = {name.id: node.value for node in tree.body if isinstance(node, ast.Assign) for target in node.targets
                 for name in ast.walk(target) if isinstance(name, ast.Name)}
        functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}

        def named(nodes, imported=imported):
            for one in (one for node in nodes for one in ast.walk(node)):
                if isinstance(one, ast.Name):
                    yield known.get(id(imported.get(one.id)))
                elif isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name):
                    yield known.get(id(getattr(imported.get(one.value.id), one.attr, None)))

        for test in (node for name, node in functions.items() if name.startswith("test_")):
            words = {getattr(one, "id", getattr(one, "arg", None)) for one in ast.walk(test)}
            near = {*named([test, *(lists[word] for word in words & lists.keys())])} - {None}
            far = {*named(functions[word] for word in words & functions.keys())} - {None} - near
            for address in near | far:
                found.setdefault(address, []).append((address in far, len(near), path.name, test.lineno, test.name))
    return {address: [(file, test) for *_, file, _, test in sorted(listed)] for address, listed in found.items()}


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
    return "\n".join([*filter(None, [first.strip(), "" if first.strip() and items else None]), *items])


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
        node["ids"].append(f"{node['module']}.{node['fullname']}")


def _signature(value, member):
    """The nodes of a signature."""
    found = inspect.signature(value)
    listed, last = addnodes.desc_parameterlist(), None
    for parameter in list(found.parameters.values())[bool(member):]:
        if parameter.kind is parameter.KEYWORD_ONLY and last not in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL):
            listed += addnodes.desc_parameter("", "*")
        last = parameter.kind
        stars = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
        said = addnodes.desc_parameter("", "", addnodes.desc_sig_name("", f"{stars}{parameter.name}"))
        if parameter.annotation is not parameter.empty:
            said += nodes.Text(f": {_shape(parameter.annotation)}")
        if parameter.default is not parameter.empty:
            text = repr(parameter.default)
            said += nodes.Text(f" = {text}" if len(text) <= 40 else " = …")
        listed += said
    returned = found.return_annotation
    return [listed, *([addnodes.desc_returns("", _shape(returned))] if returned is not found.empty and not
                      isinstance(value, type) else [])]


def _shape(hint):
    return re.sub(r"~|\b(?:[A-Za-z_]\w*\.)+(?=\w)", "", repr(_Shown(hint)))


def sections(app, doctree, docname):
    """The sections of the chapters that use an entry, as a list in the book's order in place of a table by addresses.

    Before a chapter's first section stand its imports: a chapter as a whole is named where none of its sections is. What
    uses a module is said of the entries in it.
    """
    places = [f"{app.builder.get_relative_uri(docname, page)}{link['anchorname']}" for page, contents in
              sorted(app.env.tocs.items()) if not page.startswith("book/api/") for link in contents.findall(nodes.reference)]
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

"""What is public in the package, room by room, and which tests name it."""

import ast
import inspect
import pkgutil
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from types import ModuleType

from execute import ROOT

import moe_tutorial

PACKAGE = moe_tutorial.__name__


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

"""What of a notebook an answer needs: its calls of `check`, and the statements that its cell leans on.

Reads code and runs none. It is called in the fenced process, for a parser can be brought down by what it reads.
"""

import ast
import hashlib
import re
import symtable
from dataclasses import dataclass, field

HAND_IN = "__hand_in__"
"""What takes the place of `check` where an answer is handed in."""

_LOOKS = re.compile(r"exercises\s*\.\s*_|exercises\s+import\s+\(?[\w\s,]*_\w|\bchapter_\d\d\b|\bEXERCISES\b"
                    r"|\bgetsource\b|\bsolution_(?:code|text)\b")
_ASKS = re.compile(r"(?<!def )\bsolution\s*\(")
_EDITS = re.compile(r"\b(?:def\s+(?:check|diagnose)\s*\(|(?:check|diagnose)\s*=[^=]"
                    r"|setattr\s*\([^)]*[\"'](?:check|diagnose)[\"'])")
_CALL = re.compile(r"\bcheck\s*\(\s*[\"'](\w{1,100})[\"']")


@dataclass
class Unit:
    """A statement of a cell: what it binds, what it needs, and whether it is an import or changes something."""

    cell: int
    source: str
    binds: set = field(default_factory=set)
    changes: set = field(default_factory=set)
    needs: set = field(default_factory=set)
    imports: bool = False


@dataclass
class Read:
    """What was read: units; by exercise the last cell that hands it in; cells that cannot be read; remarks."""

    units: list
    found: dict
    cells: dict
    broken: dict
    remarks: list
    code: dict


def read(sources):
    """Read the sources of code cells, a list of (number of the cell, source)."""
    units, found, broken, cells, code = [], {}, {}, {}, {}
    trees = {}
    for number, source in sources:
        try:
            trees[number] = ast.parse(plain(source))
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            said = error.msg if isinstance(error, SyntaxError) else type(error).__name__
            broken[number] = f"{said} (line {getattr(error, 'lineno', None) or 1})"
            for name in _CALL.findall(source):
                found[name] = number
    names = _names_of_check(trees.values())
    for number, tree in trees.items():
        handed = _Calls(names)
        tree = ast.fix_missing_locations(handed.visit(tree))
        for name in handed.found:
            found[name] = number
            code[name] = [signature(one) for one in tree.body if isinstance(one, ast.FunctionDef)]
        units += [_unit(number, one) for one in tree.body]
        cells[number] = ast.unparse(tree)
    return Read(units, found, cells, broken, _remarks(sources), code)


def needed(notebook, number):
    """The units outside of a cell that it needs, directly or through others, in the order of the notebook."""
    units = notebook.units
    own = [place for place, unit in enumerate(units) if unit.cell == number]
    begin = own[0] if own else len(units)
    chosen: set[int] = set()
    waiting = [(name, begin) for place in own for name in units[place].needs]
    # A module's settings, such as `torch.set_default_dtype`, are changes of what an import binds.
    waiting += [(name, begin) for unit in units if unit.imports for name in unit.binds]
    chosen.update(place for place, unit in enumerate(units) if unit.imports and unit.cell != number)
    seen = set()
    while waiting:
        name, before = waiting.pop()
        if (name, before) in seen:
            continue
        seen.add((name, before))
        binding = [place for place, unit in enumerate(units) if name in unit.binds and place not in own]
        earlier = [place for place in binding if place < before]
        taken = earlier[-1:] or binding[:1]
        taken += [place for place in range(taken[0] if taken else 0, before)
                  if name in units[place].changes and place not in own]
        for place in set(taken) - chosen:
            chosen.add(place)
            waiting += [(other, at) for other in units[place].needs for at in (place, begin)]
    return [units[place] for place in sorted(chosen)]


def plain(source):
    """A cell's source without what only IPython understands."""
    lines = source.split("\n")
    if lines and lines[0].lstrip().startswith("%%"):
        if not re.match(r"\s*%%(time|timeit|capture)\b", lines[0]):
            return ""
        lines[0] = ""
    return "\n".join(re.sub(r"^(\s*)(?:[%!].*|\?+[\w.]+\s*|[\w.]+\?+\s*)$", r"\1pass", line) for line in lines)


def signature(function):
    """A mark of a function's code that does not depend on names of the function, comments and docstrings."""
    body = [one for one in function.body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]
    text = ast.dump(function.args) + "".join(map(ast.dump, body))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class _Calls(ast.NodeTransformer):
    """Puts `HAND_IN` in the place of `check` and notes the exercises."""

    def __init__(self, names):
        self.names, self.found = names, []

    def visit_Call(self, node):
        self.generic_visit(node)
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", None)
        arguments = [*node.args, *(one.value for one in node.keywords if one.arg == "name")]
        first = next((one.value for one in arguments if isinstance(one, ast.Constant)), None)
        if name in self.names and isinstance(first, str):
            self.found.append(first)
            node.func = ast.Name(HAND_IN, ast.Load())
        return node


def _names_of_check(trees):
    """`check`, and what it is called by where it is imported under another name."""
    names = {"check"}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "moe_tutorial.exercises":
                names.update(one.asname for one in node.names if one.name == "check" and one.asname)
    return names


def _unit(number, statement):
    source = ast.unparse(statement)
    unit = Unit(number, source, imports=isinstance(statement, ast.Import | ast.ImportFrom))
    try:
        table = symtable.symtable(source, "cell", "exec")
    except (SyntaxError, RecursionError):
        return unit  # running it will say what is wrong
    for symbol in table.get_symbols():
        if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace():
            unit.binds.add(symbol.get_name())
        if symbol.is_referenced():
            unit.needs.add(symbol.get_name())
    below = list(table.get_children())
    while below:
        table = below.pop()
        unit.needs.update(symbol.get_name() for symbol in table.get_symbols() if symbol.is_global())
        below += table.get_children()
    if isinstance(statement, ast.AugAssign):
        unit.needs.update(unit.binds)
    unit.changes = _changes(statement)
    return unit


def _changes(statement):
    """Names whose objects a statement changes: `x[0] = 1`, `x.y = 1`, `x.append(1)`, `torch.set_default_dtype(…)`."""
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    changed: list[ast.expr] = [one for one in targets if isinstance(one, ast.Subscript | ast.Attribute)]
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        method = statement.value.func
        settings = ("set_", "manual_seed", "append", "extend", "update", "add", "load_state_dict")
        if isinstance(method, ast.Attribute) and (method.attr.startswith(settings) or method.attr.endswith("_")):
            changed.append(method)
    names: set[str] = set()
    for one in changed:
        while isinstance(one, ast.Subscript | ast.Attribute | ast.Call):
            one = one.func if isinstance(one, ast.Call) else one.value
        if isinstance(one, ast.Name):
            names.add(one.id)
    return names


def _remarks(sources):
    said = []
    for pattern, text in ((_LOOKS, "reads what the reference answers come from"), (_ASKS, "asks for the solution"),
                          (_EDITS, "redefines `check`, which changes nothing here")):
        where = [str(number) for number, source in sources if pattern.search(source)]
        if where:
            said.append(f"{text} (cell {', '.join(where[:5])}{' and others' if len(where) > 5 else ''})")
    return said

"""Write the page that leads from the paper to the code: for each equation, figure, table and described part of the paper
the functions that hold it, the tests that use these functions, and the sections of the book that show it.

    python scripts/crosswalk.py [--check]        (--check: write nothing)

What the paper has is listed here, in ITEMS. The rest is found by reading the sources, without importing them: docstrings
name the items, imports lead from the tests and chapters to the functions. An item without code, without a section or
with code that no test uses is said in words, as is a page that is out of date, and the exit status is 1.
"""

import ast
import re
import sys
from collections import Counter
from dataclasses import dataclass, replace

import nbformat
from execute import ROOT, chapters

PAGE = ROOT / "book" / "crosswalk.md"
PACKAGE = "moe_tutorial"
TESTS, SECTIONS = 4, 3  # how many of an item's tests and sections are named; the others are counted
ASIDE = ("Recap", "Quiz", "Exercises", "Where to go further")  # no section of these explains an equation

INTRODUCTION = (
    "# From the paper to the code\n\n"
    "For each equation, figure and table of the paper, and for each part of it that this course rebuilds: the code that "
    "holds it, the tests that use this code, and the sections that show it. The page is made from the docstrings, the tests "
    "and the chapters, and the book is not built while an entry lacks one of the three.\n\n"
    "Code is listed if the first paragraph of its docstring names the entry. Of the tests, those come first that use this "
    "code and little else; of the sections, those where the equation stands or whose heading "
    "names the entry, then those that name it and use its code most.\n"
)


@dataclass(frozen=True)
class Item:
    """Something that the paper has: its name, and the patterns by which docstrings name it and chapters show it.

    tag: the number of an equation. shown: None where the chapters use the pattern of the docstrings.
    """

    name: str
    pattern: str
    shown: str | None = None
    tag: str | None = None

    def named_in(self, docstring):
        return _count(self.pattern, docstring) > 0

    def times_in(self, prose):
        return _count(self.shown or self.pattern, prose)


def _count(pattern, text):
    return len(re.findall(pattern, " ".join(text.split()), re.IGNORECASE))


def equation(number, what):
    """An equation, which is named alone or in a list: "eq. 1.4", "eqs. 1.1, 1.4 and 1.5"."""
    before = r"(?:\d\.\d(?:,| and| or| to| against) )*"
    return Item(f"Eq. {number}: {what}", rf"\beqs?\. {before}{re.escape(number)}\b", tag=number)


ITEMS = (
    Item("Figure 1: experts, gate and switch", r"\bFigure 1\b", r"\bFigure 1\b|\bstochastic switch\b"),
    Item("The softmax of the gate", r"\bgate's softmax\b"),
    equation("1.1", "the squared error of the blend"),
    equation("1.2", "the expected error under the switch"),
    equation("1.3", "the negative log likelihood"),
    equation("1.4", "the gradient of eq. 1.2"),
    equation("1.5", "the gradient of eq. 1.3"),
    Item("The responsibilities in eq. 1.5", r"\bresponsibilit(?:y|ies)\b"),
    Item("Section 2: a mixture of Gaussians", r"\bmixtures? of Gaussians\b"),
    Item("Section 3: the task", r"\btask of section 3\b", r"\bfirst 50 speakers\b"),
    Item("Section 3: the experts", r"\bexperts of section 3\b", r"\blinear decision surface\b|\bdecision line$"),
    Item("Section 3: the training", r"\btraining of section 3\b", r"\bno momentum\b"),
    Item("Section 3: the ordinary networks", r"\bnetworks of section 3\b", r"\bone hidden layer\b"),
    Item("Table 1: epochs and accuracies of four systems", r"\bTable 1\b"),
    Item("Figure 2: vowels, decision lines and a gate line", r"\bFigure 2\b"),
    Item("Figure 3: how the decision lines move", r"\bFigure 3\b"),
)


@dataclass(frozen=True)
class Section:
    """A section of a chapter: the chapter's stem, its place in it, heading, prose, and how often its cells use what."""

    chapter: str
    place: int
    heading: str
    prose: str
    uses: Counter

    def score(self, item, code):
        """How much the section is about an item, larger is more; all 0 where it is not about it at all."""
        named, used = item.times_in(self.prose), [self.uses[name] for name in code if self.uses[name]]
        tagged = item.tag is not None and rf"\tag{{{item.tag}}}" in self.prose
        return tagged, item.times_in(self.heading) > 0, (named > 0) + len(used), named > 0, named + sum(used)

    def link(self):
        number = int(self.chapter[:2])
        title = f"chapter {number}" if self.heading.startswith(f"{number}. ") else f"chapter {number}, {self.heading}"
        return f"[{title}](../notebooks/{self.chapter}.ipynb#{slug(self.heading)})"


@dataclass(frozen=True)
class Entry:
    """What was found of an item, the best first. code, beside: names of functions and classes. tests: (file, test)."""

    item: Item
    code: list
    beside: list
    tests: list
    sections: list
    untested: list


def slug(heading):
    """The anchor of a heading, as the book makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower().replace(" ", "-"))


def docstrings(package):
    """The docstrings of the public functions and classes, by their full names. package: sources by module."""
    found = {}
    for module, source in package.items():
        for node in ast.parse(source).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                found[f"{module}.{node.name}"] = ast.get_docstring(node) or ""
    return found


def imports(tree, module=""):
    """The names that a tree imports, each with the full name of what it stands for. module: where the tree stands."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                top = name.name.split(".")[0]
                found[name.asname or top] = name.name if name.asname else top
        elif isinstance(node, ast.ImportFrom):
            # Within the package `from .losses import x`; only its root and its modules are read, so one dot is enough.
            above = [module.split(".")[0]] if node.level else []
            where = ".".join(above + ([node.module] if node.module else []))
            found |= {name.asname or name.name: f"{where}.{name.name}" for name in node.names}
    return found


def real_names(package):
    """For what a module of the package only imports, such as the package's root: the name where it is defined."""
    return {f"{module}.{name}": target for module, source in package.items()
            for name, target in imports(ast.parse(source), module).items() if target.startswith(f"{PACKAGE}.")}


def bound(tree):
    """The names that a tree gives a meaning of its own: by assignment, as an argument, or by a definition in it."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef) and node is not tree:
            found.add(node.name)
    return found


def called_at_once(node):
    """The names in a statement of a module that stand for functions which are called while the module is read."""
    if isinstance(node, ast.Lambda | ast.FunctionDef | ast.ClassDef):
        return []
    here = list(ast.walk(node.func)) if isinstance(node, ast.Call) else []
    return here + [name for child in ast.iter_child_nodes(node) for name in called_at_once(child)]


def uses(tree, imported, real, without=()):
    """How often a tree uses each imported thing, by its real name. A name that the tree binds itself is not the import.

    without: nodes that do not count.
    """
    own = bound(tree)

    def full(node):
        if isinstance(node, ast.Name):
            return None if node.id in own else imported.get(node.id)
        if isinstance(node, ast.Attribute) and (above := full(node.value)):
            return real.get(f"{above}.{node.attr}", f"{above}.{node.attr}")
        return None

    names = (full(node) for node in ast.walk(tree) if isinstance(node, ast.Name | ast.Attribute) and node not in without)
    return Counter(real.get(name, name) for name in names if name)


def tests_and_uses(source, real):
    """For each test function of a file, in order, what it uses: itself, or through what it names of its own module.

    A function that the module calls while it is read, as in `CASES = vowel_task()`, makes material for the tests, and is
    not what they try; one that it lists, as in `LOSSES = [expected_error]`, is.
    """
    tree = ast.parse(source)
    imported = imports(tree)
    defined = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                defined |= dict.fromkeys(bound(target), node)

    def named(node):
        """What of the module a definition names; an argument names a fixture."""
        own = bound(node) if isinstance(node, ast.FunctionDef | ast.ClassDef) else set()
        found = {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)} - own
        return found | {n.arg for n in ast.walk(node) if isinstance(n, ast.arg) and _is_fixture(defined.get(n.arg))}

    found = {}
    for name, test in defined.items():
        if isinstance(test, ast.FunctionDef) and name.startswith("test_"):
            reached, waiting = [], [test]
            while waiting:
                node = waiting.pop()
                if node not in reached:
                    reached.append(node)
                    waiting += [defined[other] for other in sorted(named(node) & set(defined))]
            found[name] = set().union(*(uses(node, imported, real, called_at_once(node)) for node in reached))
    return found


def _is_fixture(node):
    return isinstance(node, ast.FunctionDef) and any("fixture" in ast.unparse(d) for d in node.decorator_list)


def sections(chapter, cells, real):
    """The sections of a chapter down to the second level, in order. cells: (type, source) of each."""
    # Magics are no Python, and what they do is no use of the package.
    code = [ast.parse(re.sub(r"^(\s*)[%!].*", r"\1pass", source, flags=re.MULTILINE)) if kind == "code" else None
            for kind, source in cells]
    imported = {}
    for tree in filter(None, code):
        imported |= imports(tree)
    for tree in filter(None, code):  # a chapter that builds a function itself does not use the package's
        imported = {name: target for name, target in imported.items() if name not in bound(tree)}
    found = []
    for (kind, source), tree in zip(cells, code):
        if kind == "code" and found:
            found[-1].uses.update(uses(tree, imported, real))
        elif kind == "markdown":
            for part in re.split(r"^(?=##? )", source, flags=re.MULTILINE):
                heading = re.match(r"##? (.*)\n*", part)
                if heading:
                    found.append(Section(chapter, len(found), heading[1].strip(), part[heading.end():], Counter()))
                elif found:
                    found[-1] = replace(found[-1], prose=f"{found[-1].prose}\n\n{part}")
    return found


def crosswalk(items, package, tests, book):
    """An `Entry` for each item. package, tests: sources by module and by file. book: the cells of chapters by stem."""
    documented, real = docstrings(package), real_names(package)
    tested = {(file, name): {one for one in used if one.startswith(f"{PACKAGE}.") and one not in package}
              for file, source in tests.items() for name, used in tests_and_uses(source, real).items()}
    shown = [section for chapter, cells in book.items() for section in sections(chapter, cells, real)
             if section.heading not in ASIDE]

    def entry(item):
        code = [name for name, said in documented.items() if item.named_in(said.split("\n\n")[0])]
        beside = [name for name, said in documented.items() if item.named_in(said) and name not in code]
        alike = {test: len(used & set(code)) / len(used | set(code)) for test, used in tested.items() if used & set(code)}
        about = [section for section in shown if any(section.score(item, code))]
        return Entry(item, code, beside, sorted(alike, key=alike.get, reverse=True),
                     sorted(about, key=lambda section: section.score(item, code), reverse=True),
                     [name for name in code if not any(name in used for used in tested.values())])

    return [entry(item) for item in items]


def problems(items, entries, package):
    """What is wrong, in sentences."""
    said = []
    for entry in entries:
        name = entry.item.name
        if not entry.code:
            said.append(f"{name}: no docstring of the package names it in its first paragraph")
        said += [f"{name}: no test uses {function}" for function in entry.untested]
        if not entry.sections:
            said.append(f"{name}: no section of a chapter shows it")
    for function, docstring in docstrings(package).items():
        text = " ".join(docstring.split())
        numbers = [number for found in re.findall(r"\beqs?\. ((?:\d\.\d(?:,| and| or| to)? ?)+)", text, re.IGNORECASE)
                   for number in re.findall(r"\d\.\d", found)]
        for name in [f"eq. {number}" for number in numbers] + re.findall(r"\b(?:Figure|Table) \d+", text):
            if not any(item.named_in(name) for item in items):
                said.append(f"{function}: its docstring names {name}, which is not among the items of the paper")
    return said


def page(entries):
    """The Markdown of the page."""
    lines = [INTRODUCTION]
    for entry in entries:
        best = sorted(entry.sections[:SECTIONS], key=lambda section: (section.chapter, section.place))
        others = _others(len(entry.sections[SECTIONS:]), "section")
        beside = f". Named in passing by {_listed(map(_code, entry.beside))}" if entry.beside else ""
        lines += [f"## {entry.item.name}", "",
                  "Code", f": {_listed(map(_code, entry.code))}{beside}.", "",
                  "Tests", f": {_tests(entry.tests)}.", "",
                  "Sections", f": {_listed(section.link() for section in best)}{others}.", ""]
    return "\n".join(lines)


def _tests(tests):
    files = {}
    for file, test in tests[:TESTS]:
        files.setdefault(file, []).append(_code(test))
    listed = "; ".join(f"in `{file}`: {_listed(names)}" for file, names in files.items())
    return listed[0].upper() + listed[1:] + _others(len(tests[TESTS:]), "test")


def _code(name):
    return f"`{name}`"


def _listed(names):
    names = list(names)
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _others(count, kind):
    """What is said of those that are not named."""
    words = "zero one two three four five six seven eight nine ten eleven twelve".split()
    number = words[count] if count < len(words) else str(count)
    return f"; and {number} other {kind}{'s' if count > 1 else ''}" if count else ""


def sources():
    """The package's modules, the test files and the chapters as they stand."""
    modules = {f"{PACKAGE}.{path.stem}": path for path in sorted((ROOT / PACKAGE).glob("[!_]*.py"))}
    modules[PACKAGE] = ROOT / PACKAGE / "__init__.py"
    package = {module: path.read_text(encoding="utf-8") for module, path in modules.items()}
    tests = {f"tests/{path.name}": path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests").glob("test_*.py"))}
    book = {path.stem: [(cell.cell_type, cell.source) for cell in nbformat.read(path, as_version=4).cells]
            for path in chapters()}
    return package, tests, book


def main(check, items=ITEMS, read=sources, path=PAGE):
    package, tests, book = read()
    entries = crosswalk(items, package, tests, book)
    said = problems(items, entries, package)
    if not said:
        wanted = page(entries)
        if not check:
            path.write_text(wanted, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != wanted:
            said = [f"{path.name} is not what the sources give; run `python scripts/crosswalk.py` and commit the page"]
    print("\n".join(said), end="\n" if said else "")
    return 1 if said else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))

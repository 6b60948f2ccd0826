"""The way through the book: parts and chapters with their minutes, and paths for three readers.

Everything is counted from the chapters themselves: reading minutes from their words and lines of code, at the speeds below,
the minutes of exercises from the package. `scripts/exercises.py` writes the reading minutes into the frame of each chapter;
`way_pages.py` shows what is here in the book.
"""

import re
from dataclasses import dataclass
from functools import cache

import nbformat
import yaml
from execute import ROOT

from moe_tutorial.exercises import CHAPTERS

WORDS, LINES = 200, 20  # that are read in a minute: of prose, and of code
STEP = 5  # minutes are rounded to so many

READING_TIME = re.compile(r"(?<=\*\*Reading time\*\*: )\d+(?= min)")


@dataclass(frozen=True)
class Stop:
    """A page on the way: a chapter, or another notebook of the book."""

    page: str  # as in `_toc.yml`
    title: str
    question: str  # empty where a page asks none
    reading: int  # minutes
    exercises: tuple[int, ...]  # minutes of each

    @property
    def number(self):
        """The number of a chapter, None for another page."""
        found = re.match(r"notebooks/(\d+)_", self.page)
        return int(found[1]) if found else None


@dataclass(frozen=True)
class Path:
    """A way through the book for one kind of reader: pages in groups, with or without their exercises."""

    name: str
    reader: str
    groups: dict[str, tuple[str, ...]]  # what a group is called, and its pages
    practised: bool

    def minutes(self, group=None):
        """The minutes of reading and of exercises of a group, or of the whole path."""
        pages = [page for name, listed in self.groups.items() if group in (None, name) for page in listed]
        reading = sum(stops()[page].reading for page in pages)
        return reading, sum(sum(stops()[page].exercises) for page in pages) if self.practised else 0


def contents():
    """The table of contents, as `_toc.yml` has it."""
    return yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))


def files(entries):
    """The names of all pages of a list of `_toc.yml`, sections after what they belong to."""
    for entry in entries:
        yield entry["file"]
        yield from files(entry.get("sections", ()))


def parts():
    """What the parts of the book are called, and the pages of each."""
    return {part["caption"]: list(files(part["chapters"])) for part in contents()["parts"]}


def reading_minutes(notebook):
    """How long a notebook takes to read: all of it but the exercises, which have minutes of their own."""
    words = lines = 0
    exercises = False
    for cell in notebook.cells:
        if cell.source.startswith("## "):
            exercises = cell.source.startswith("## Exercises")
        if exercises or "remove-cell" in cell.metadata.get("tags", []):
            continue
        if cell.cell_type == "markdown":
            words += len(re.sub(r"<[^>]+>|\]\([^)]*\)", " ", cell.source).split())
        else:
            lines += sum(bool(line.strip()) for line in cell.source.split("\n"))
    return max(STEP, STEP * round((words / WORDS + lines / LINES) / STEP))


@cache
def stops():
    """Every notebook of the book by its page, in the order of the contents."""
    pages = (page for listed in parts().values() for page in listed)
    return {page: _stop(page) for page in pages if (ROOT / f"{page}.ipynb").is_file()}


def _stop(page):
    notebook = nbformat.read(ROOT / f"{page}.ipynb", as_version=4)
    first = notebook.cells[0].source
    question = re.search(r"^\*([^*]+\?)\*$", first, re.MULTILINE)
    number = re.match(r"notebooks/(\d+)_", page)
    return Stop(page, first.split("\n")[0].removeprefix("# "), question[1] if question else "", reading_minutes(notebook),
                tuple(exercise.minutes for exercise in CHAPTERS[int(number[1])]) if number else ())


def paths():
    """The three paths: an hour, a weekend, a term."""
    chapter = {stop.number: page for page, stop in stops().items() if stop.number}
    chapter["train"] = "book/train_it_yourself"
    hour = {"First": (1,), "Second": (4,), "Third": ("train",), "Last": (17,)}
    weekend = {"Saturday": (1, 2, 3, 4, 5), "Sunday": (6, 7, 8, 9)}
    weeks = (1, 2), (3, 4), (5,), (6,), (7,), (8,), (9,), (10,), (11,), (12,), (13,), (14,), (15,), (16, 17)
    term = {f"Week {week}": numbers for week, numbers in enumerate(weeks, 1)}

    def pages(groups):  # a fork may have left a chapter out
        found = {when: tuple(chapter[number] for number in numbers if number in chapter) for when, numbers in groups.items()}
        return {when: listed for when, listed in found.items() if listed}

    return (
        Path("An hour", "You want to know what the paper did, and what is left of it.", pages(hour), practised=False),
        Path("A weekend", "You want to understand the paper, and do the exercises of its chapters.", pages(weekend),
             practised=True),
        Path("A term", "You want all of it, with every exercise.", pages(term), practised=True),
    )



def duration(minutes):
    """Minutes in words: "50 min", "2 h", "4 h 15 min"."""
    hours, rest = divmod(minutes, 60)
    return " ".join(filter(None, [f"{hours} h" if hours else "", f"{rest} min" if rest or not hours else ""]))

"""Write quizzes, exercises, solution pages, worksheets and reading times from `moe_tutorial.exercises` into the book.

    python scripts/exercises.py [--check]        (--check: write nothing; exit status 1 if something would change)

A chapter's cells from the heading "Quiz" (or "Exercises") to "Where to go further" are replaced, and the minutes of reading
in its frame, which `way.py` counts. Execute the chapter after
that: `make execute CHAPTERS=...`.
"""

import re
import sys

import nbformat
from execute import ROOT, chapters, text
from way import READING_TIME, reading_minutes

from moe_tutorial.exercises import CHAPTERS, QUIZZES
from moe_tutorial.exercises._exercise import solution_code

KINDS = {"write": "Write a function.", "predict": "Predict, then run.", "repair": "Repair."}
REPLACED, LAST = ("## Quiz", "## Exercises"), "## Where to go further"


def section(name):
    """The cells of a chapter's quiz and exercises, a list of (id, type, source)."""
    number = int(name[:2])
    cells = [("quiz", "markdown", _quiz(number)),
             ("exercises", "markdown",
              "## Exercises\n\nChange a cell and run it: `check` says whether the answer is right and, if not, which "
              "mistake it is, or with which case the answer differs, and `case(name)` gives that case. "
              "`hint(name)` gives a hint, a second call another one. The solutions, with explanations, are "
              f"on [a page of their own](../book/solutions/{name}.md); `solution(name)` prints them here."),
             ("import", "code", "from moe_tutorial.exercises import case, check, hint, solution")]
    for place, exercise in enumerate(CHAPTERS[number], 1):
        head = (f"**Exercise {number}.{place}: {exercise.title}** ({exercise.difficulty}, {exercise.minutes} min). "
                f"*{KINDS[exercise.kind]}* {_joined(exercise.statement)}")
        cells.append((f"{place}-task", "markdown", head))
        cells.append((f"{place}-answer", "code", f'{exercise.stub}\n\ncheck("{exercise.name}", {exercise.answer_name})'))
    return [(f"{name[:2]}-{suffix}", kind, source) for suffix, kind, source in cells]


def with_section(notebook, name):
    """The notebook with its quiz and exercises from the package; outputs are kept where a cell's source is the same."""
    def heading(cell):
        return cell.source.split("\n")[0] if cell.cell_type == "markdown" else ""

    begin = next(place for place, cell in enumerate(notebook.cells) if heading(cell) in REPLACED)
    end = next(place for place, cell in enumerate(notebook.cells) if heading(cell) == LAST)
    before = {(cell.id, cell.source): cell for cell in notebook.cells[begin:end]}
    cells = []
    for identity, kind, source in section(name):
        new = nbformat.v4.new_markdown_cell if kind == "markdown" else nbformat.v4.new_code_cell
        cells.append(before.get((identity, source)) or new(source, id=identity))
    notebook.cells[begin:end] = cells
    return notebook


def solutions_page(name, title):
    """The Markdown of a chapter's solutions."""
    number = int(name[:2])
    lines = [f"# Solutions to chapter {title}", "",
             f"The questions are at the end of [the chapter](../../notebooks/{name}.ipynb#exercises)."]
    for place, exercise in enumerate(CHAPTERS[number], 1):
        lines += ["", f"## {number}.{place} {exercise.title[0].upper()}{exercise.title[1:]}", "",
                  "```python", solution_code(exercise), "```", "", *_paragraphs(exercise.explanation), "",
                  "Mistakes that `check` knows:", ""]
        lines += [f"- {wrong.says[0].upper()}{_joined(wrong.says)[1:]}" for wrong in exercise.wrong]
    return "\n".join(lines) + "\n"


WORKSHEETS = """# Worksheets

The exercises that ask for a prediction, one sheet of paper a chapter, to answer with a pencil before anything is run.
Printing this page prints the sheets alone; for one chapter, print its page only. The reason is worth more than the number.

The answers are on the [pages of solutions](solutions/01_interference.md), and `check` knows the usual mistakes."""


def worksheets(titles):
    """The Markdown of the page with a sheet for each chapter's predictions. titles: of the chapters, by number."""
    parts = [WORKSHEETS]
    for number, title in titles.items():
        parts += [f"## Chapter {title}", '<p class="sheet-head">Name: <span></span> Date: <span></span></p>']
        for place, exercise in enumerate(CHAPTERS[number], 1):
            if exercise.kind != "predict":
                continue
            parts.append(f"**{number}.{place} {exercise.title[0].upper()}{exercise.title[1:]}** ({exercise.minutes} min). "
                         f"{_joined(exercise.statement)}")
            quoted = {one.lower(): one for one in re.findall(r'"([^"]+)"', exercise.statement)}  # "A", not "a"
            choices = " ".join(f"<span>☐ {quoted[choice]}</span>" for choice in exercise.choices) or "<i></i>"
            parts.append(f'<p class="sheet-answer">Answer: {choices}</p>')
            parts.append('<p class="sheet-why">Because:<i></i><i></i><i></i></p>')
    return "\n\n".join(parts) + "\n"


def files():
    """What every chapter, solutions page and the worksheets should hold: a dict from path to text."""
    wanted, titles = {}, {}
    for path in chapters():
        notebook = nbformat.read(path, as_version=4)
        title = notebook.cells[0].source.split("\n")[0].removeprefix("# ").replace(". ", ": ", 1)
        with_section(notebook, path.stem)
        first = notebook.cells[0]
        first.source = READING_TIME.sub(str(reading_minutes(notebook)), first.source)
        titles[int(path.stem[:2])] = title
        wanted[path] = text(notebook)
        wanted[ROOT / "book" / "solutions" / f"{path.stem}.md"] = solutions_page(path.stem, title)
    wanted[ROOT / "book" / "worksheets.md"] = worksheets(titles)
    return wanted


def _quiz(number):
    lines = ["## Quiz", "", "Open an answer to see whether it is right, and why."]
    for place, question in enumerate(QUIZZES[number], 1):
        lines += ["", f"**Question {number}.{place}.** {_joined(question.question)}"]
        for choice, (answer, reason) in enumerate(question.options):
            verdict = "Right." if choice == question.right else "Not this one."
            lines += ["", f'<details class="answer"><summary>{answer}</summary>', "", f"*{verdict}* {_joined(reason)}", "",
                      "</details>"]
    return "\n".join(lines)


def _joined(markdown):
    """A paragraph on one line, as the chapters are written."""
    return " ".join(markdown.split())


def _paragraphs(markdown):
    return "\n\n".join(_joined(paragraph) for paragraph in markdown.strip().split("\n\n")).split("\n")


def main(check):
    changed = [path for path, wanted in files().items() if not path.is_file() or path.read_text(encoding="utf-8") != wanted]
    for path in changed:
        print(path.relative_to(ROOT), "differs from its source" if check else "written")
    if not check:
        for path, wanted in files().items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(wanted, encoding="utf-8")
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))

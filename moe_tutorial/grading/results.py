"""Writes what became of a class: a CSV, a page for each notebook, and an overview."""

import csv
import html
import io
import re
import unicodedata
from collections import Counter
from pathlib import Path

from ..exercises import EXERCISES
from . import fence
from .handed_in import GradingError

OVERVIEW, TABLE, PAGES = "overview.html", "grades.csv", "students"
COLUMNS = ("student", "file", "chapter", "exercise", "name", "title", "result", "said", "limits", "remarks")
_MADE = '<meta name="generator" content="moe_tutorial grade">'

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 1rem auto; max-width: 70rem; padding: 0 1rem; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
caption { font-weight: bold; padding: 0.5rem 0; text-align: start; }
th, td { border-bottom: 1px solid #8888; padding: 0.3rem 0.6rem 0.3rem 0; text-align: start; vertical-align: top; }
th, td { overflow-wrap: break-word; }
td:first-child { min-width: 8rem; }
td:first-child, td:last-child { overflow-wrap: anywhere; }
td:not(:first-child, :last-child) { white-space: nowrap; }
td:last-child { min-width: 12rem; }
@media (max-width: 40rem) {
  table.marks, table.marks :is(caption, tbody, tr, td) { display: block; }
  table.marks thead { display: none; }
  table.marks td { border: 0; padding: 0; }
  table.marks tr { border-bottom: 1px solid #8888; padding: 0.5rem 0; }
}
@media print { body { margin: 0; } tr { break-inside: avoid; } }
"""
_SIGNS = {"right": "✓ right", "not yet": "✗ not yet", "not started": "– not started", "stopped": "! stopped",
          "missing": "? missing"}


def write(grades, to):
    """Write all files into a folder; the same grades give the same files. Returns the path of the overview."""
    to = Path(to)
    names = page_names([one.path[:-len(".ipynb")] for one in grades.notebooks])
    wanted = {to / TABLE: "\ufeff" + table(grades), to / OVERVIEW: overview(grades, names)}
    wanted |= {to / PAGES / name: page(one, grades) for one, name in zip(grades.notebooks, names)}
    try:
        (to / PAGES).mkdir(parents=True, exist_ok=True)
        for path in (to / PAGES).glob("*.html"):
            if path not in wanted and _MADE in path.read_text(encoding="utf-8", errors="replace")[:1000]:
                path.unlink()  # of a notebook that is gone
        for path, text in wanted.items():
            path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise GradingError(f"{error.filename}: {error.strerror}") from error
    return to / OVERVIEW


def page_names(names):
    """A file name for each name: letters and digits of any script stay; names that would meet get numbers.

    >>> page_names(["kim/04_gate", "kim 04_gate", "김", "<b>"])
    ['kim_04_gate.html', 'kim_04_gate-2.html', '김.html', 'b.html']
    """
    taken, found = set(), []
    for name in names:
        name = unicodedata.normalize("NFC", name)
        begin = re.sub(r"[^\w-]+", "_", name).strip("_")[:80] or "student"
        if begin.split("_")[0].upper() in ("CON", "PRN", "AUX", "NUL"):  # which Windows keeps for itself
            begin = f"student_{begin}"
        number, one = 1, begin
        while one.casefold() in taken:
            number += 1
            one = f"{begin}-{number}"
        taken.add(one.casefold())
        found.append(f"{one}.html")
    return found


def table(grades):
    """The CSV: a line for each exercise of each notebook, or one for a notebook in which nothing could be graded."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for one in grades.notebooks:
        if one.problem:
            writer.writerow(map(_cell, (one.name, one.path, "", "", "", "", "no answer", one.problem, "",
                                        "; ".join(one.remarks))))
        for mark in one.marks:
            writer.writerow(map(_cell, (one.name, one.path, one.chapter, mark.number, mark.exercise,
                                        EXERCISES[mark.exercise].title, mark.result, mark.said, "; ".join(mark.limits),
                                        "; ".join([*one.remarks, *mark.remarks]))))
    return out.getvalue()


def _cell(value):
    """A cell that no spreadsheet takes for a formula."""
    text = " ".join(str(value).split()) if value is not None else ""
    return f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@", "|", "%")) else text


def page(one, grades):
    """The page of a notebook, for its student."""
    lines = [f"<p>File: {_text(one.path)}" + (f", chapter {one.chapter}" if one.chapter else "") + ".</p>"]
    if one.problem:
        lines.append(f"<p><strong>Nothing could be graded:</strong> {_text(one.problem)}.</p>")
    else:
        lines.append(f"<p><strong>{one.right} of {len(one.marks)} right.</strong></p>")
        rows = [(_text(f"{mark.number} {EXERCISES[mark.exercise].title}"), _SIGNS[mark.result], _said(mark))
                for mark in one.marks]
        lines.append(_table("Exercises", ("exercise", "result", "what is said of it"), rows, "marks"))
    if one.remarks:
        lines.append("<h2>Remarks</h2>" + _list(one.remarks))
    limits = grades.limits
    lines.append(f"<p>Each answer had {limits.seconds:g} s, {limits.memory / 1e9:g} GB of memory and "
                 f"{limits.disk // 1_000_000} MB of disk.</p>")
    return _document(one.name, lines)


def _said(mark):
    extra = [f"limit hit: {said}" for said in mark.limits] + [f"remark: {said}" for said in mark.remarks]
    return "<br>".join(map(_text, (mark.said, *extra)))


def overview(grades, names):
    """The page for the teacher."""
    count = len(grades.notebooks)
    marks = [mark for one in grades.notebooks for mark in one.marks]
    nothing = sum(bool(one.problem) for one in grades.notebooks)
    lines = [f"<p>{count} notebook{'s' * (count != 1)}, {sum(mark.result == 'right' for mark in marks)} of {len(marks)} "
             f"answers right, {nothing} with nothing to grade. {grades.others} other files were left alone. "
             f"<a href=\"{TABLE}\">All as a table (CSV)</a>.</p>"]
    if grades.unreadable:
        lines.append("<p>Folders that could not be read:</p>" + _list(grades.unreadable))
    rows = []
    for one, name in zip(grades.notebooks, names):
        remarks = [*one.remarks, *(f"{mark.number}: {said}" for mark in one.marks for said in (*mark.limits, *mark.remarks))]
        remarks = [one.problem, *remarks] if one.problem else remarks
        said = [f"{mark.number} {_SIGNS[mark.result]}" for mark in one.marks]
        rows.append((f'<a href="{PAGES}/{_text(name)}">{_text(one.name)}</a>', str(one.chapter or "–"),
                     "–" if one.problem else f"{one.right} of {len(one.marks)}", "<br>".join(map(_text, said)),
                     "<br>".join(map(_text, remarks))))
    lines.append(_table("Notebooks", ("student", "chapter", "right", "exercises", "problems, limits and remarks"), rows))
    lines.append(_table("Exercises", ("exercise", "right", "the mistakes, the most frequent first"), _by_exercise(marks)))
    lines.append("<h2>What held the answers</h2>" + _list(
        f"{said}: {'yes' if grades.fence.get(name) else 'not here'}" for name, said in fence.WHAT.items()))
    lines.append("<p>This is no wall around code of strangers. The page for teachers says what is not held, and has the "
                 "command for a container.</p>")
    return _document("Grades", lines)


def _by_exercise(marks):
    rows = []
    for name in dict.fromkeys(mark.exercise for mark in sorted(marks, key=lambda mark: mark.order)):
        own = [mark for mark in marks if mark.exercise == name]
        mistakes = Counter(mark.mistake or "another difference" for mark in own if mark.result == "not yet")
        other = Counter(mark.result for mark in own if mark.result not in ("right", "not yet"))
        counted = sorted((mistakes + other).items(), key=lambda one: (-one[1], one[0]))
        said = [f"{times} × {what}" for what, times in counted]
        rows.append((_text(f"{own[0].number} {EXERCISES[name].title}"),
                     f"{sum(mark.result == 'right' for mark in own)} of {len(own)}", "<br>".join(map(_text, said))))
    return rows


def _table(caption, heads, rows, kind=""):
    head = "".join(f'<th scope="col">{one}</th>' for one in heads)
    body = "\n".join("<tr>" + "".join(f"<td>{one}</td>" for one in row) + "</tr>" for row in rows)
    return (f'<div class="wide" tabindex="0" role="region" aria-label="{caption}"><table class="{kind}"><caption>{caption}'
            f"</caption>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>")


def _list(items):
    return "<ul>" + "".join(f"<li>{_text(one)}</li>" for one in items) + "</ul>"


def _text(text):
    return html.escape(str(text))


def _document(title, lines):
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    return "\n".join([
        "<!DOCTYPE html>", '<html lang="en">', "<head>", '<meta charset="utf-8">', _MADE,
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">', f"<title>{_text(title)}</title>",
        f"<style>{_STYLE}</style>", "</head>", "<body>", "<main>", f"<h1>{_text(title)}</h1>", *lines, "</main>", "</body>",
        "</html>", ""])

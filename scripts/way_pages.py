"""A Sphinx extension that shows the way through the book: cards of the chapters, three paths, the list of solutions.

What it shows is counted by `way.py`, so that nothing of it is typed twice. The directives:

`chapter-cards`  the chapters of the part whose caption in `_toc.yml` is the argument
`path-times`     the three paths with their times, in a sentence
`path`           the path whose name is the argument, as a table
`solution-list`  the pages of solutions
"""

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective
from stills import FOLDER, PARTS
from way import duration, parts, paths, stops

from moe_tutorial.exercises import CHAPTERS

SOLUTIONS = "book/solutions/"


class FromMarkdown(SphinxDirective):
    """A directive that stands for the Markdown that its `lines` give."""

    optional_arguments = 1
    final_argument_whitespace = True

    def run(self):
        place = nodes.Element()
        self.state.nested_parse(StringList(self.lines(), self.env.docname), self.content_offset, place)
        return place.children

    def lines(self):
        raise NotImplementedError


class ChapterCards(FromMarkdown):
    """A card for each chapter of a part, with picture, question and minutes, and a place for what the reader ticked."""

    def run(self):
        cards = super().run()
        for image in (image for card in cards for image in card.findall(nodes.image)):
            image["loading"] = "lazy"
        return cards

    def lines(self):
        lines = [":::::{grid} 1 2 3 3", ":gutter: 3", ":class-container: chapter-cards", ""]
        for page in parts()[self.arguments[0]]:
            if stops()[page].number:
                lines += _card(stops()[page])
        return [*lines, ":::::"]


def _card(stop):
    practice = len(stop.exercises)
    return ["::::{grid-item-card} " + _link(stop),
            f":img-top: /{FOLDER.parent.name}/{FOLDER.name}/{stop.page.rpartition('/')[2]}.png",
            f":img-alt: {PARTS[stop.number][-1]}", "",
            stop.question, "",
            "```{rst-class} card-minutes", "```", "",
            f"{stop.reading} min, and {sum(stop.exercises)} min for {practice} exercises", "",
            "```{raw} html",
            f'<p class="card-ticked" data-chapter="{stop.number}" data-exercises="{practice}" hidden></p>', "```",
            "::::", ""]


class PathTimes(FromMarkdown):
    """The paths with the time that each takes, in a sentence."""

    def lines(self):
        listed = [f"{path.name.lower()} ({duration(sum(path.minutes()))})" for path in paths()]
        said = f"{', '.join(listed[:-1])} and {listed[-1]}"
        return [f"[Three paths](/book/how_to_use.md#three-paths) lead through it: {said}."]


class PathTable(FromMarkdown):
    """One path: for whom it is, its pages, and minutes that add up."""

    def run(self):
        made = super().run()
        for table in (table for node in made for table in node.findall(nodes.table)):
            table["classes"].append("path")
        return made

    def lines(self):
        path = next(path for path in paths() if path.name == self.arguments[0])
        rows = ["| when | what | minutes |", "|---|---|---|"]
        for when, pages in path.groups.items():
            what = ", ".join(_link(stops()[page]) for page in pages)
            rows.append(f"| {when} | {what} | {self.minutes(path, when)} |")
        rows.append(f"| **Together** | {duration(sum(path.minutes()))} | {self.minutes(path)} |")
        return [path.reader + (" Minutes of reading, and of exercises:" if path.practised else ""), "", *rows]

    @staticmethod
    def minutes(path, when=None):
        reading, practice = path.minutes(when)
        return f"{reading}\N{NO-BREAK SPACE}+\N{NO-BREAK SPACE}{practice}" if path.practised else f"{reading}"


class SolutionList(FromMarkdown):
    """A link to the solutions of each chapter."""

    def lines(self):
        return [f"- [{stop.title}](/{SOLUTIONS}{stop.page.rpartition('/')[2]}.md): {len(CHAPTERS[stop.number])} exercises"
                for stop in stops().values() if stop.number]


def _link(stop):
    return f"[{stop.title}](/{stop.page}.ipynb)"


def around_solutions(app, pagename, templatename, context, doctree):
    """A page of solutions stands between its chapter and what follows the chapter, not between two other such pages."""
    chapter = f"notebooks/{pagename.removeprefix(SOLUTIONS)}"
    if pagename.startswith(SOLUTIONS) and chapter in app.builder.relations:
        following = app.builder.relations[chapter][2]
        context["prev"], context["next"] = ({"link": app.builder.get_relative_uri(pagename, page),
                                             "title": app.builder.render_partial(app.env.titles[page])["title"]}
                                            for page in (chapter, following))


def setup(app):
    for name, directive in {"chapter-cards": ChapterCards, "path-times": PathTimes, "path": PathTable,
                            "solution-list": SolutionList}.items():
        app.add_directive(name, directive)
    app.connect("html-page-context", around_solutions)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""How to cite the course, from `CITATION.cff`: as text and as BibTeX, and the directive that shows them in a page.

    ```{citation} bibtex
    ```
"""

import yaml
from docutils import nodes
from execute import ROOT
from pybtex.database import BibliographyData, Entry, Person
from sphinx.util.docutils import SphinxDirective

SOURCE = ROOT / "CITATION.cff"

KINDS = {"software": "software", "article": "article"}
"""What BibTeX calls the types of the citation file that are used here."""


def given():
    """What the citation file says of the course."""
    return yaml.safe_load(SOURCE.read_text(encoding="utf-8"))


def paper():
    """What the citation file says of the paper that the course rebuilds."""
    return given()["references"][0]


def plain(address=None):
    """The course as a line of text, with the address of the copy that was used, if there is one."""
    said = given()
    names = ", ".join(author["name"] for author in said["authors"])
    line = f"{names} ({said['date-released'].year}). {said['title']} (version {said['version']}) [Computer software]."
    return f"{line} {address}" if address else line


def bibtex(address=None):
    """The course and the paper in BibTeX, the course with the address of the copy that was used, if there is one."""
    entries = {"moe-tutorial": _entry(given(), address), "jacobs1991": _entry(paper())}
    return BibliographyData(entries).to_string("bibtex").strip()


def _entry(said, address=None):
    year = said["year"] if "year" in said else said["date-released"].year
    fields = {"title": f"{{{said['title']}}}", "year": str(year)}
    fields |= {name: str(said[name]) for name in ("version", "journal", "volume", "doi") if name in said}
    if "issue" in said:
        fields |= {"number": str(said["issue"]), "pages": f"{said['start']}--{said['end']}"}
    if address:
        fields["url"] = address
    return Entry(KINDS[said["type"]], fields, {"author": [_person(author) for author in said["authors"]]})


def _person(author):
    if "name" in author:
        return Person(f"{{{author['name']}}}")
    return Person(f"{author['family-names']}, {author['given-names']}")


class Citation(SphinxDirective):
    """A block to copy. Only a published book knows its address, so `stamp.py` puts it in."""

    required_arguments = 1

    def run(self):
        self.env.note_dependency(str(SOURCE))
        text = {"text": plain, "bibtex": bibtex}[self.arguments[0]]()
        return [nodes.literal_block(text, text, language="none", classes=["citation-block"])]


def setup(app):
    app.add_directive("citation", Citation)
    return {"parallel_read_safe": True}

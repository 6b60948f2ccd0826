"""The feed of releases, an Atom document, from the dated sections of `CHANGELOG.md`."""

import datetime
import re
import tomllib
from xml.etree import ElementTree

from citation import given
from execute import ROOT
from markdown_it import MarkdownIt

ATOM = "http://www.w3.org/2005/Atom"


def description():
    """What the course is, in half a sentence; its one place is `pyproject.toml`."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["description"]


def releases(text):
    """The version, the day and the Markdown of each release in the text of a changelog, the newest first.

    A section without the line "Released on YEAR-MONTH-DAY." is not released yet.
    """
    found = []
    for heading, body in re.findall(r"^## (.+)\n((?:(?!## ).*\n?)*)", text, re.M):
        day = re.search(r"^Released on (\d{4}-\d\d-\d\d)\.$", body, re.M)
        if day:
            found.append((heading, datetime.date.fromisoformat(day[1]), body.replace(day[0], "").strip()))
    return sorted(found, key=lambda release: release[1], reverse=True)


def feed(text, address):
    """The Atom document of the releases in a changelog, of a book that stands at the address; bytes."""
    said, known = given(), releases(text)
    root = ElementTree.Element("feed", {"xmlns": ATOM, "xml:lang": "en"})
    _add(root, "id", f"{address}feed.xml")
    _add(root, "title", f"{said['title']}: releases")
    _add(root, "subtitle", description())
    _add(root, "updated", _moment(known[0][1]))
    _add(root, "link", rel="self", type="application/atom+xml", href=f"{address}feed.xml")
    _add(root, "link", rel="alternate", type="text/html", href=address)
    for author in said["authors"]:
        _add(_add(root, "author"), "name", author["name"])
    for version, day, body in known:
        entry = _add(root, "entry")
        _add(entry, "id", f"{address}feed.xml#{version}")
        _add(entry, "title", f"Version {version}")
        _add(entry, "updated", _moment(day))
        _add(entry, "link", rel="alternate", type="text/html", href=address)
        _add(entry, "content", MarkdownIt().render(body), type="html")
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


def _add(parent, tag, text=None, **attributes):
    child = ElementTree.SubElement(parent, tag, attributes)
    child.text = text
    return child


def _moment(day):
    return f"{day.isoformat()}T00:00:00Z"

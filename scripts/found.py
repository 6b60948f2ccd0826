"""What a book is found by: a card and a feed in the head of its pages, and files beside them.

An extension of Sphinx. Addresses in what it writes begin with that of the configuration, and `stamp.py` puts the real one
in. Beside the pages: `llms.txt` (https://llmstxt.org), the pages with a line each; `feed.xml`, the releases; in
`_static/cards/` a picture for each chapter. The site map is `sphinx-sitemap`'s.
"""

import html
import re
from pathlib import Path

import cards
import yaml
from docutils import nodes
from execute import ROOT, chapters
from feed import description, feed

RESTS = "Optional"
"""The convention's name for the section that a reader in a hurry leaves out."""

ABOUT = (
    "Every chapter is a Jupyter notebook, shown executed. In the published book the notebook lies beside its page: the same "
    "address with `.ipynb` for `.html`. The text of the pages without code is below `_sources/`, with `.md` for `.html`. "
    "Code: MIT licence. Text and figures: CC BY 4.0."
)


def chapter_of(page):
    """The notebook of the chapter that a page is, or has the solutions to; None for any other page."""
    named = re.fullmatch(r"(?:notebooks|book/solutions)/(\d\d_\w+)", page)
    return next((path for path in chapters() if named and path.stem == named[1]), None)


def tags(app, page, template, context, doctree):
    """Name the card of the page for `sphinxext-opengraph`, which comes after, and the feed."""
    if app.builder.format != "html" or doctree is None:
        return
    meta = context["meta"] = dict(context.get("meta") or {})
    meta |= {"og:image:width": str(cards.SIZE[0]), "og:image:height": str(cards.SIZE[1])}
    chapter = chapter_of(page)
    if chapter:
        meta["og:image"] = f"{app.config.html_baseurl}_static/cards/{chapter.stem}.png"
        meta["og:image:alt"] = html.escape(cards.description(chapter), quote=False)
    link = f'<link rel="alternate" type="application/atom+xml" title="Releases" href="{context["pathto"]("feed.xml", 1)}" />'
    context["metatags"] = f"{context.get('metatags', '')}\n{link}\n"


def files(app, exception):
    """Write what stands beside the pages."""
    if exception or app.builder.format != "html":
        return
    out = Path(app.outdir)
    address = app.config.html_baseurl
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    (out / "feed.xml").write_bytes(feed(changes, address))
    (out / "llms.txt").write_text(llms(app, address), encoding="utf-8")
    for page in sorted(app.env.found_docs):
        if page.startswith("notebooks/"):
            cards.save(chapter_of(page), out / "_static" / "cards")


def llms(app, address):
    """The text of `llms.txt`: title, summary, and the pages as they stand in the contents, each with a line on it."""
    contents = yaml.safe_load((Path(app.srcdir) / "_toc.yml").read_text(encoding="utf-8"))
    parts = contents.get("parts", [{"caption": "Pages", "chapters": contents.get("chapters", [])}])
    sections = {"Start": [contents["root"]]}
    for part in parts:
        for page in _pages(part):
            name = RESTS if page.startswith("book/solutions/") else part["caption"]
            sections.setdefault(name, []).append(page)
    sections[RESTS] = sections.pop(RESTS, [])
    lines = [f"# {app.config.ogp_site_name}", f"> {description()}", ABOUT]
    for name, pages in sections.items():
        listed = "\n".join(f"- [{app.env.titles[page].astext()}]({address}{page}.html): {summary(app.env.get_doctree(page))}"
                           for page in pages)
        lines += [f"## {name}", listed] if pages else []
    return "\n\n".join(lines) + "\n"


def summary(doctree):
    """The question that a chapter asks under its title, or the first sentence of another page.

    ValueError: there is no sentence.
    """
    texts = (" ".join(paragraph.astext().split()) for paragraph in doctree.findall(nodes.paragraph))
    text = next(filter(None, texts), "")
    if not text:
        raise ValueError(f"{doctree['source']} has no sentence that llms.txt could say of it")
    return re.match(r".*?[.?!:](?=\s|$)|.*", text)[0].removesuffix(":")


def _pages(entry):
    """The pages below an entry of the contents, in their order."""
    for below in [*entry.get("chapters", []), *entry.get("sections", [])]:
        if "file" in below:
            yield below["file"]
        yield from _pages(below)


def setup(app):
    app.setup_extension("citation")
    app.connect("html-page-context", tags, priority=400)  # before sphinxext-opengraph
    app.connect("build-finished", files)
    return {"parallel_read_safe": True}

"""Make a built book that of the repository it is published from.

    python scripts/stamp.py SITE --repository owner/name --revision HASH [--address https://…/] [--branch main]

The book is built without knowing where it will stand, so a local build has no button that leads nowhere. This script
puts that knowledge in: the addresses of the pages, in the site map, the feed of releases, llms.txt and citations as well;
the links to Colab, to the source and to a problem report on every page, and those from exercises to their cells in Colab; a
page for addresses that do not exist; and beside the pages copies of the notebooks whose set-up cell installs this very
revision and whose links lead to the published book. SITE is changed in place.
"""

import argparse
import html
import json
import posixpath
import re
import sys
from pathlib import Path
from urllib.parse import quote, urlencode

from citation import bibtex, plain
from execute import ROOT, notebooks

from moe_tutorial import __version__

NOWHERE = "https://book.invalid/"
"""The address that the book is built with, in `_config.yml`. The domain is reserved for never being one."""

BESIDE = ("sitemap.xml", "feed.xml", "llms.txt")
"""What else has addresses of pages, beside the pages."""

UNKNOWN_ARCHIVE = 'os.environ.get("MOE_TUTORIAL_ARCHIVE", "")'
"""The place in the set-up cell of each notebook where the archive of the course is put."""


def stamp(site, repository, revision, address=None, branch="main"):
    """Stamp the pages in the folder `site`. ValueError: no repository, or a folder that holds no unstamped book."""
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository) or repository.endswith(".git"):
        raise ValueError(f"the repository must be owner/name, got {repository!r}")
    pages = [path for path in sorted(site.rglob("*.html")) if "_static" not in path.relative_to(site).parts]
    if not any(NOWHERE in path.read_text(encoding="utf-8") for path in pages):
        raise ValueError(f"{site} holds no book that was not stamped before")
    owner, name = repository.split("/")
    home = f"https://{owner.lower()}.github.io/"
    address = (address or (home if home == f"https://{name.lower()}/" else f"{home}{name}/")).rstrip("/") + "/"
    for path in pages:
        page = path.relative_to(site).as_posix()
        text = path.read_text(encoding="utf-8").replace(NOWHERE, address)
        # After the heading of the text; the theme has one more, for paper, which has no link to itself.
        heading = re.search(r'<h1>.*?<a class="headerlink".*?</h1>', text)
        if heading:
            text = text[:heading.end()] + page_links(page, repository, revision, branch) + text[heading.end():]
        if page == "book/citing.html":
            text = cited(text, address)
        text = with_exercise_links(text, colab(repository, page.replace(".html", ".ipynb")))
        path.write_text(text, encoding="utf-8")
    for name in BESIDE:
        text = (site / name).read_text(encoding="utf-8")
        (site / name).write_text(text.replace(NOWHERE, address), encoding="utf-8")
    lost = (ROOT / "book" / "_static" / "404.html").read_text(encoding="utf-8")
    (site / "404.html").write_text(lost.replace("<head>", f'<head>\n  <base href="{address}">', 1), encoding="utf-8")
    archive = f"https://github.com/{repository}/archive/{revision}.zip"
    for path in notebooks():
        for folder in (site, site / "_sources"):  # beside the page for Colab, and where the page's download leads
            copy = folder / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(stamped_notebook(path, archive, address), encoding="utf-8")
    (site / ".nojekyll").touch()  # without it the platform leaves out folders that begin with an underscore


def cited(text, address):
    """The page on how to cite, with the address where readers found the course. ValueError: it cites something else."""
    for citation in (plain, bibtex):
        # One extension of the build writes quotation marks as they are, where the page has links from code.
        for quoted in (True, False):
            known, stamped = (html.escape(words, quote=quoted) for words in (citation(), citation(address)))
            if known in text:
                text = text.replace(known, stamped)
                break
        else:
            raise ValueError(f"the page on how to cite does not show {citation()!r}")
    return text


def colab(repository, notebook):
    """Where a notebook opens in Colab: from the published branch, because the notebooks there know where the package is."""
    return f"https://colab.research.google.com/github/{repository}/blob/gh-pages/{notebook}"


def with_exercise_links(text, address):
    """A page whose marked cells, those of functions to write, are followed by a link to the same cell in Colab."""
    link = rf'<p class="in-colab"><a href="{html.escape(address)}#scrollTo=\2">Exercise \1 in Colab</a></p>'
    return re.sub(r"<!-- exercise ([\d.]+) in cell ([\w-]+) -->", link, text)


def page_links(page, repository, revision, branch):
    """The links of a page, by its path in the site; none for a page without a source."""
    stem = page.removesuffix(".html")
    source = next((stem + kind for kind in (".ipynb", ".md", ".rst") if (ROOT / (stem + kind)).is_file()), None)
    if source is None:
        return ""
    solutions = re.match(r"book/solutions/(\d\d)_", source)
    written = f"moe_tutorial/exercises/chapter_{solutions[1]}.py" if solutions else source  # pages that scripts make
    here = f"https://github.com/{repository}"
    filled_in = {"template": "problem.yml", "page": stem, "version": f"{__version__} ({revision[:7]})"}
    report = urlencode(filled_in, quote_via=quote)
    links = {"Edit this page": f"{here}/edit/{branch}/{written}", "Report a problem": f"{here}/issues/new?{report}"}
    if source.endswith(".ipynb"):
        links = {"Open in Colab": colab(repository, source), **links}
    listed = " ".join(f'<a href="{html.escape(target)}">{text}</a>' for text, target in links.items())
    return f'<nav class="page-links" lang="en" aria-label="This page">{listed}</nav>'


def stamped_notebook(path, archive, address):
    """The text of a notebook that knows the archive of the package and the address of the book."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    folder = path.parent.relative_to(ROOT).as_posix()

    def absolute(link):
        target = posixpath.normpath(posixpath.join(folder, link[1]))
        return f"]({address}{re.sub(r'[.](ipynb|md)$', '.html', target)}{link[2] or ''})"

    found = False
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            source = re.sub(r"\]\((?![a-z]+:|#)([^)#\s]+)(#[^)\s]*)?\)", absolute, source)
        elif UNKNOWN_ARCHIVE in source:
            found = True
            source = source.replace(UNKNOWN_ARCHIVE, UNKNOWN_ARCHIVE.replace('""', f'\n    "{archive}"'))
        cell["source"] = source.splitlines(keepends=True)
        cell["metadata"]["id"] = cell["id"]  # by which Colab finds a cell that a link names
    if not found:
        raise ValueError(f"{path.name} has no set-up cell with {UNKNOWN_ARCHIVE}")
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("site", type=Path, help="the folder of a built book")
    parser.add_argument("--repository", required=True, help="owner/name")
    parser.add_argument("--revision", required=True, help="the hash of the commit or the name of the tag")
    parser.add_argument("--address", help="where the book will stand, when it is not the usual place")
    parser.add_argument("--branch", default="main", help="the branch that readers edit")
    given = parser.parse_args()
    try:
        stamp(given.site, given.repository, given.revision, given.address, given.branch)
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

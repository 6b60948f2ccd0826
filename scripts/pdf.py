"""Print the whole built book into one PDF with page numbers, by a headless Chromium.

    python scripts/pdf.py [--site _build/html] [--output _build/book.pdf]

The pages are put one after the other, in the order of the contents. Interactives print as their pictures, quiz answers are
opened, and links inside the book lead to pages of the PDF.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

from bs4 import BeautifulSoup
from execute import ROOT
from playwright.sync_api import sync_playwright
from way import contents as table_of_contents
from way import files

STYLE = ROOT / "scripts" / "pdf.css"

FOOTER = ('<div style="width: 100%; font: 8px sans-serif; text-align: center; color: #555">'
          '<span class="pageNumber"></span> / <span class="totalPages"></span></div>')


def contents():
    """The names of the book's pages, such as "notebooks/04_gate", in their order."""
    toc = table_of_contents()
    return [toc["root"], *(page for part in toc["parts"] for page in files(part["chapters"]))]


def whole_book(site, names):
    """The HTML of all pages of the folder `site` in one, with addresses that lead into it or to files on the disk."""
    soups = {name: BeautifulSoup((site / f"{name}.html").read_text(encoding="utf-8"), "html.parser") for name in names}
    places = {}
    for name, soup in soups.items():
        places[f"{name}.html"] = _place(name)
        article = soup.select_one("article.bd-article")
        for element in article.find_all(id=True):
            element["id"] = _place(name, element["id"])
        article["id"] = _place(name)
        article["lang"] = soup.html["lang"]
    for name, soup in soups.items():
        for attribute in ("href", "src"):
            for element in soup.find_all(attrs={attribute: True}):
                target, fragment = urldefrag(element[attribute])
                if ":" in target:
                    continue
                page = unquote(urljoin(f"{name}.html", target)) if target else f"{name}.html"
                if page in places:
                    element[attribute] = "#" + _place(page.removesuffix(".html"), unquote(fragment))
                else:
                    element[attribute] = (site / page.split("?")[0]).absolute().as_uri()
    first = soups[names[0]]
    for script in [s for soup in soups.values() for s in soup.select("article script")]:
        script.decompose()
    if not first.select("head script[src*=mathjax]"):  # the first page has no formula of its own
        whose = next((soup for soup in soups.values() if soup.select("head script[src*=mathjax]")), first)
        for script in whose.select("head script"):
            if "mathjax" in f"{script.get('src', '')}{script.string or ''}".lower():  # what it is told stands before it
                first.head.append(script)
    for words in [w for soup in soups.values() for w in soup.select(".moe-words")]:
        words.decompose()  # what a word shows when it is pointed at
    main = first.select_one("article.bd-article")
    for name in names[1:]:
        main.append(soups[name].select_one("article.bd-article"))
    return str(first)


def _place(name, fragment=""):
    return f"{name}--{fragment}".replace("/", "-")


def make_pdf(browser, site, output):
    """Print the built book in the folder `site` into the PDF `output`, by a running Chromium of playwright."""
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "book.html"
        page.write_text(whole_book(site, contents()), encoding="utf-8")
        tab = browser.new_page(color_scheme="light")
        tab.goto(page.as_uri())
        tab.wait_for_function("() => window.MathJax?.startup?.promise.then(() => true)")
        tab.add_style_tag(path=STYLE)
        tab.evaluate("() => document.querySelectorAll('details').forEach(details => { details.open = true; })")
        tab.pdf(path=output, format="A4", print_background=True, outline=True, tagged=True, display_header_footer=True,
                header_template="<span></span>", footer_template=FOOTER,
                margin={"top": "18mm", "bottom": "18mm", "left": "17mm", "right": "17mm"})
        tab.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--site", type=Path, default=ROOT / "_build" / "html")
    parser.add_argument("--output", type=Path, default=ROOT / "_build" / "book.pdf")
    given = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("The PDF needs Chromium, and there is none on this machine.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        make_pdf(browser, given.site, given.output)
        browser.close()
    print(f"The book as a PDF: {given.output}")


if __name__ == "__main__":
    main()

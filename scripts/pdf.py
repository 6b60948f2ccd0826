"""Print the whole book into one PDF with page numbers, from its HTML by a headless Chromium.

    python scripts/pdf.py [--output _build/book.pdf]

Interactives print as their pictures, quiz answers are opened, and links inside the book lead to pages of the PDF.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

from execute import ROOT

WORK = ROOT / "_build" / "pdf"

FOOTER = ('<div style="width: 100%; font: 8px sans-serif; text-align: center; color: #555">'
          '<span class="pageNumber"></span> / <span class="totalPages"></span></div>')


def browser_path():
    """The Chromium of this machine. FileNotFoundError: there is none."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        raise FileNotFoundError("the PDF needs Chromium, and there is none on this machine")
    return found


def single_page():
    """Build the book as one page and return its path."""
    jupyter_book = Path(sys.executable).with_name("jupyter-book")
    subprocess.run([jupyter_book, "build", ROOT, "--builder", "singlehtml", "--path-output", WORK, "--all", "--quiet"],
                   check=True, stdout=subprocess.DEVNULL)
    return WORK / "_build" / "singlehtml" / "book" / "intro.html"


def print_page(page, output):
    """Print the HTML file `page` into the PDF `output`."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path(), args=["--no-sandbox", "--disable-gpu"])
        tab = browser.new_page(color_scheme="light")
        tab.add_init_script("localStorage.setItem('mode', 'light'); localStorage.setItem('theme', 'light')")
        tab.goto(page.as_uri())
        tab.wait_for_function("() => window.MathJax?.startup?.promise.then(() => true)")
        tab.add_style_tag(path=ROOT / "scripts" / "pdf.css")
        tab.evaluate("() => document.querySelectorAll('details').forEach(details => { details.open = true; })")
        tab.pdf(path=output, format="A4", print_background=True, outline=True, tagged=True, display_header_footer=True,
                header_template="<span></span>", footer_template=FOOTER,
                margin={"top": "18mm", "bottom": "18mm", "left": "17mm", "right": "17mm"})
        browser.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=ROOT / "_build" / "book.pdf")
    output = parser.parse_args().output
    print_page(single_page(), output)
    print(f"The book as a PDF: {output}")


if __name__ == "__main__":
    main()

"""The book on paper: whole, numbered, and with links that lead into it."""

import re

import pypdf
import pytest
from pdf import contents, make_pdf, whole_book


@pytest.fixture(scope="module")
def document(browser, pages, tmp_path_factory):
    output = tmp_path_factory.mktemp("pdf") / "book.pdf"
    make_pdf(browser, pages, output)
    return pypdf.PdfReader(output)


def test_every_page_of_the_contents_is_in_it_in_order(document):
    titles = [entry.title for entry in document.outline if not isinstance(entry, list)]
    assert len(titles) == len(contents()) and titles[0] == "What is a mixture of experts, really?"
    chapters = [title for title in titles if re.match(r"\d+\.", title)]
    assert [int(title.split(".")[0]) for title in chapters] == list(range(1, 18))


def test_pages_equations_and_pictures_have_what_they_need(document):
    texts = [page.extract_text() for page in document.pages]
    for number, text in enumerate(texts, start=1):
        assert re.search(rf"{number} / {len(texts)}\s*$", text), f"page {number} ends {text[-30:]!r}"
    everything = "\n".join(texts)
    for equation in ("(1.1)", "(1.2)", "(1.3)", "(1.4)", "(1.5)"):
        assert equation in everything
    assert "\\frac" not in everything and "$$" not in everything
    assert everything.count("Not this one.") > 50, "the answers of the quizzes are open"
    assert "With script switched on" in everything, "interactives stand as their pictures"
    assert "{...}" not in everything and sum(len(page.images) for page in document.pages) > 20


def test_links_lead_into_the_document_or_to_other_sites(document):
    inside = 0
    for page in document.pages:
        for annotation in (entry.get_object() for entry in page.get("/Annots") or []):
            if annotation.get("/Subtype") != "/Link":
                continue
            if "/A" in annotation:
                assert str(annotation["/A"]["/URI"]).startswith("https://"), annotation["/A"]["/URI"]
            else:
                inside += 1
                target = annotation["/Dest"]
                assert not isinstance(target, str) or target in document.named_destinations, target
    assert inside > 100


def test_no_link_of_the_page_is_without_its_place(pages):
    """Chromium drops a link to a place that does not exist without a word."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(whole_book(pages, contents()), "html.parser")
    places = [element["id"] for element in soup.select("article [id], article[id]")]
    assert len(places) == len(set(places))
    for link in soup.select("article a[href^='#']"):
        assert link["href"][1:] in places, link

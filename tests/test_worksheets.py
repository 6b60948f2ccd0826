"""The worksheets on paper: a sheet for each chapter with its predictions, and nothing else of the page."""

import io
from unicodedata import normalize

import pypdf
import pytest
from execute import ROOT

from moe_tutorial.exercises import CHAPTERS


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_each_chapter_is_one_sheet_of_paper(opened, paper):
    page, wrong = opened("book/worksheets.html")
    page.wait_for_function("document.querySelectorAll('mjx-container').length > 3")
    margin = dict.fromkeys(("top", "bottom", "left", "right"), "15mm")
    sheets = pypdf.PdfReader(io.BytesIO(page.pdf(format=paper, margin=margin))).pages
    texts = [" ".join(normalize("NFKC", sheet.extract_text()).replace("\u2019", "'").split()) for sheet in sheets]
    assert len(texts) == len(CHAPTERS) and not wrong, [text[:40] for text in texts]
    for (chapter, exercises), text in zip(CHAPTERS.items(), texts):
        predictions = [(place, one) for place, one in enumerate(exercises, 1) if one.kind == "predict"]
        assert text.startswith(f"Chapter {chapter}: ") and "Name: Date:" in text and "Next" not in text
        assert all(f"{chapter}.{place} {one.title[0].upper()}{one.title[1:]}" in text for place, one in predictions), text
        assert text.count("Because:") == len(predictions)


def test_no_sheet_gives_an_answer_away():
    page = (ROOT / "book" / "worksheets.md").read_text(encoding="utf-8")
    for one in (one for exercises in CHAPTERS.values() for one in exercises if one.kind == "predict"):
        assert " ".join(one.statement.split()) in page
        assert one.explanation.strip()[:40] not in page
        assert page.count(f"☐ {one.choices[-1]}</span></p>") if one.choices else True

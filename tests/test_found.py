"""What the book is found and cited by: cards, feed, llms.txt, site map, citations, and the paper about the course."""

import re
from io import BytesIO
from xml.etree import ElementTree

import cards
import citation
import feed
import pytest
import yaml
from bs4 import BeautifulSoup
from execute import ROOT, chapters
from PIL import Image
from pybtex.database import parse_string
from stamp import NOWHERE

import moe_tutorial
from moe_tutorial import interactive
from moe_tutorial.exercises import EXERCISES, QUIZZES

CITED = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
CHANGES = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
PAPER = (ROOT / "paper.md").read_text(encoding="utf-8")
ATOM = {"a": "http://www.w3.org/2005/Atom"}


def pages_of_the_contents():
    return re.findall(r"(?:root|file): (\S+)", (ROOT / "_toc.yml").read_text(encoding="utf-8"))


def names(person):
    return " ".join([*person.first_names, *person.middle_names, *person.last_names]).strip("{}")


def test_text_and_bibtex_say_what_the_citation_file_says():
    line = citation.plain("https://there.test/")
    for said in (CITED["title"], CITED["version"], str(CITED["date-released"].year), CITED["authors"][0]["name"]):
        assert said in line
    assert line.endswith(" https://there.test/") and "http" not in citation.plain()
    entries = parse_string(citation.bibtex("https://there.test/"), "bibtex").entries
    course, paper = entries["moe-tutorial"], entries["jacobs1991"]
    assert [names(person) for person in course.persons["author"]] == [author["name"] for author in CITED["authors"]]
    assert course.fields["title"].strip("{}") == CITED["title"] and course.fields["version"] == CITED["version"]
    assert course.fields["year"] == str(CITED["date-released"].year) and course.fields["url"] == "https://there.test/"
    known = CITED["references"][0]
    wanted = [f"{author['given-names']} {author['family-names']}" for author in known["authors"]]
    assert [names(person) for person in paper.persons["author"]] == wanted
    assert paper.fields["pages"] == f"{known['start']}--{known['end']}" and paper.fields["number"] == str(known["issue"])
    assert {name: paper.fields[name] for name in ("doi", "journal", "volume", "year")} == {
        name: str(known[name]) for name in ("doi", "journal", "volume", "year")}
    assert "url" not in parse_string(citation.bibtex(), "bibtex").entries["moe-tutorial"].fields


def test_a_page_shows_them(pages):
    soup = BeautifulSoup((pages / "book" / "citing.html").read_text(encoding="utf-8"), "html.parser")
    shown = [block.text.strip() for block in soup.select(".citation-block pre")]
    assert shown == [citation.plain(), citation.bibtex()]


def test_the_version_of_the_citation_was_released_on_its_day():
    dated = {version: day for version, day, _ in feed.releases(CHANGES)}
    assert dated[CITED["version"]] == CITED["date-released"] and CITED["version"] == moe_tutorial.__version__


def test_the_feed_has_every_release_with_what_changed_and_nothing_that_is_not_released():
    text = ("# Changes\n\nWords.\n\n## Not released yet\n\n- Soon.\n\n"
            "## 0.2.0\n\nReleased on 2027-02-03.\n\n- One & 2 < 3.\n"
            "\n## 0.1.0\n\nReleased on 2026-11-29.\n\nThe `first`.\n")
    root = ElementTree.fromstring(feed.feed(text, "https://there.test/"))
    entries = root.findall("a:entry", ATOM)
    assert [entry.find("a:title", ATOM).text for entry in entries] == ["Version 0.2.0", "Version 0.1.0"]
    assert [entry.find("a:updated", ATOM).text[:10] for entry in entries] == ["2027-02-03", "2026-11-29"]
    assert root.find("a:updated", ATOM).text == "2027-02-03T00:00:00Z"
    contents = [BeautifulSoup(entry.find("a:content", ATOM).text, "html.parser") for entry in entries]
    assert contents[0].find("li").text == "One & 2 < 3." and contents[1].find("code").text == "first"
    assert "Released on" not in str(contents)
    ids = [entry.find("a:id", ATOM).text for entry in [root, *entries]]
    assert len(set(ids)) == 3 and all(name.startswith("https://there.test/") for name in ids)


def test_every_dated_section_of_the_changes_is_in_the_feed_of_the_book_and_every_page_names_it(pages):
    root = ElementTree.parse(pages / "feed.xml").getroot()
    titles = [title.text for title in root.iterfind("a:entry/a:title", ATOM)]
    assert titles == [f"Version {version}" for version in re.findall(r"^## (\d.+)$", CHANGES, re.M)]
    for page in pages_of_the_contents():
        soup = BeautifulSoup((pages / f"{page}.html").read_text(encoding="utf-8"), "html.parser")
        link = soup.find("link", rel="alternate", type="application/atom+xml")
        assert (pages / page).parent.joinpath(link["href"]).resolve() == (pages / "feed.xml").resolve(), page


def test_llms_txt_has_every_page_once_with_a_line_in_the_form_of_its_convention(pages):
    text = (pages / "llms.txt").read_text(encoding="utf-8")
    head, *sections = text.split("\n\n## ")
    assert re.fullmatch(r"# .+\n\n> .+\n\n[^#>].+", head) and sections[-1].startswith("Optional\n")
    listed = {}
    for section in sections:
        for line in section.strip().splitlines()[2:]:
            title, address, said = re.fullmatch(r"- \[(.+?)\]\((\S+)\): (.{5,})", line).groups()
            assert address not in listed
            listed[address] = title, said
    assert listed.keys() == {f"{NOWHERE}{page}.html" for page in pages_of_the_contents()}
    for path in chapters():
        number, title, question, _ = cards.read(path)
        assert listed[f"{NOWHERE}notebooks/{path.stem}.html"] == (f"{number}. {title}", question)
    assert all((pages / "_sources" / f"{page}.md").is_file() for page in pages_of_the_contents() if "book/" in page
               and (ROOT / f"{page}.md").is_file()), "as it says"


def test_the_site_map_has_every_page_and_nothing_else(pages):
    found = [place.text for place in ElementTree.parse(pages / "sitemap.xml").getroot().iter() if place.tag.endswith("loc")]
    assert sorted(found) == sorted(f"{NOWHERE}{page}.html" for page in pages_of_the_contents())


@pytest.mark.parametrize("path", chapters(), ids=lambda path: path.stem)
def test_the_card_of_a_chapter_is_small_and_the_same_each_time(path, tmp_path):
    for folder in (tmp_path / "one", tmp_path / "other"):
        cards.save(path, folder)
    drawn = (tmp_path / "one" / f"{path.stem}.png").read_bytes()
    assert drawn == (tmp_path / "other" / f"{path.stem}.png").read_bytes()
    image = Image.open(BytesIO(drawn))
    assert image.size == (1200, 630) and len(drawn) < 100_000
    ink = image.convert("L").point(lambda value: 255 * (value < 160))
    left, top, right, bottom = ink.crop((0, 0, 560, 630)).getbbox()
    assert left >= 40 and right <= 550 and top >= 40 and bottom <= 600, "the text keeps to its column"
    assert ink.crop((0, 540, 560, 556)).getbbox() is None, "and stays above the name of the course"
    assert ink.crop((590, 0, 1200, 630)).getbbox() is not None, "a picture stands beside it"


def test_a_card_shows_a_picture_that_its_chapter_has():
    assert cards.PICTURES.keys() == {path.stem for path in chapters()}


def test_a_chapter_without_its_picture_is_told(tmp_path):
    lost = tmp_path / "04_gate.ipynb"
    lost.write_text((ROOT / "notebooks" / "04_gate.ipynb").read_text(encoding="utf-8").replace('"04-017"', '"04-017x"'),
                    encoding="utf-8")
    with pytest.raises(ValueError, match="04_gate.ipynb has no .* picture that its card shows: 04-017"):
        cards.read(lost)


def test_a_chapter_and_its_solutions_have_its_card_and_other_pages_the_general_one(pages):
    described = set()
    for page in pages_of_the_contents():
        soup = BeautifulSoup((pages / f"{page}.html").read_text(encoding="utf-8"), "html.parser")
        said = {tag["property"]: tag["content"] for tag in soup.find_all("meta", property=True)}
        chapter = next((path for path in chapters() if path.stem == page.rpartition("/")[2]), None)
        wanted = f"cards/{chapter.stem}.png" if chapter else "card.png"
        assert said["og:image"] == f"{NOWHERE}_static/{wanted}", page
        with Image.open(pages / "_static" / wanted) as card:
            assert (str(card.width), str(card.height)) == (said["og:image:width"], said["og:image:height"])
        if chapter:
            assert said["og:image:alt"] == cards.description(chapter)
        described.add(said["og:image:alt"])
        assert soup.find("meta", attrs={"name": "twitter:card"})["content"] == "summary_large_image"
    assert len(described) == len(chapters()) + 1


def test_the_paper_has_what_its_journal_asks_for_and_every_reference():
    head, body = PAPER.split("---", 2)[1:]
    head = yaml.safe_load(head)
    assert [author["name"] for author in head["authors"]] == [author["name"] for author in CITED["authors"]]
    assert head["title"].startswith(CITED["title"]) and head["bibliography"] == "paper.bib"
    sections = re.findall(r"^# (.+)$", body, re.M)
    for wanted in ("Statement of need", "Audience and learning objectives", "Content", "Instructional design",
                   "Experience of use", "Story of the project", "References"):
        assert wanted in sections
    assert 500 <= len(body.split()) <= 1000
    references = parse_string((ROOT / "paper.bib").read_text(encoding="utf-8"), "bibtex").entries
    assert set(re.findall(r"@(\w+)", body)) == references.keys()
    assert all({"title", "year"} <= entry.fields.keys() and entry.persons for entry in references.values())


def test_the_numbers_of_the_paper_are_those_of_the_course():
    minutes = re.search(r"are (\d+) minutes of reading, and the exercises (\d+) minutes",
                        (ROOT / "book" / "teaching.md").read_text(encoding="utf-8"))
    objects = [getattr(interactive, name) for name in dir(interactive)]
    kinds = [kind for kind in objects if isinstance(kind, type) and kind is not interactive.Interactive
             and issubclass(kind, interactive.Interactive)]
    words = dict(enumerate("zero one two three four five six seven eight nine ten eleven twelve".split()))
    for said in (f"{len(chapters())} chapters", f"{len(EXERCISES)} exercises",
                 f"{words[len(kinds)].capitalize()} interactives",
                 f"takes {minutes[1]} minutes, and the exercises {minutes[2]}.",
                 f"under {len(moe_tutorial.multiverse.CELLS)} combinations"):
        assert said in PAPER, said
    assert len(QUIZZES) == len(chapters()) and min(len(exercise.wrong) for exercise in EXERCISES.values()) >= 3

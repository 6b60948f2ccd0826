"""The corpus is what the Debian package holds, cut as chapter 14 says, and a file that is another one is refused."""

import gzip
import json
import os
import re

import handbook
import pytest
import torch
from execute import ROOT
from hypothesis import given
from hypothesis import strategies as st

from moe_tutorial import Text, TextError, encode, load_handbook
from moe_tutorial.tasks.text import DOMAINS, UNKNOWN

FILE = ROOT / "moe_tutorial" / "data" / "handbook.jsonl.gz"
BOOK = load_handbook()


def page(*paragraphs, code=()):
    blocks = "".join(f'<pre class="screen">{one}</pre>' for one in code)
    return "".join(f'<div class="para">{one}</div>' for one in paragraphs) + blocks


WORDS = "so many words that they are a paragraph and no heading of a table or of a figure, " * 2
LONG = {name: f"{name} {WORDS}" for name in ("en", "de", "fr", "es")}


def pages(**changed):
    given = {name: page(text, code=["ls " * 30] if name == "en" else ()) for name, text in LONG.items()} | changed
    return [(name, "one", text) for name, text in given.items()]


def made(**changed):
    return handbook.translated(handbook.paragraphs(pages(**changed)))


def test_paragraphs_and_blocks_of_code_are_taken():
    assert [one[:2] for one in made()] == [("en", "one"), ("code", "one"), ("de", "one"), ("fr", "one"), ("es", "one")]
    assert made()[0][2] == LONG["en"].strip() and made()[1][2] == ("ls " * 30).strip()


def test_tags_and_entities_become_text():
    text = made(en=page(LONG["en"] + "<em>a</em> &amp;\n  b"))[0][2]
    assert text.endswith("a & b") and "<" not in text


def test_what_is_short_or_holds_more_than_text_is_left_out():
    assert made(en=page(LONG["en"], "short", LONG["en"] + "<ul><li>one</li></ul>"))[:1] == made()[:1]
    assert len([one for one in made(en=page(LONG["en"], "short")) if one[0] == "en"]) == 1


def test_english_in_another_languages_page_is_left_out():
    assert [one[2] for one in made(de=page(LONG["de"], LONG["en"])) if one[0] == "de"] == [LONG["de"].strip()]


def test_a_section_that_is_not_whole_in_all_languages_keeps_its_code_alone():
    assert {one[0] for one in made(en=page(*[LONG["en"]] * 3, code=["ls " * 30]))} == {"code"}


@pytest.mark.skipif("MOE_HANDBOOK" not in os.environ, reason="MOE_HANDBOOK does not name the Debian package")
def test_the_file_is_what_the_debian_package_holds():
    assert gzip.decompress(FILE.read_bytes()).decode("utf-8") == handbook.lines(os.environ["MOE_HANDBOOK"])


def test_the_file_is_small_and_its_licence_is_named_beside_it():
    assert FILE.stat().st_size <= 600_000
    licence = (FILE.parent / "HANDBOOK-LICENSE.txt").read_text(encoding="utf-8")
    assert "Attribution-ShareAlike 3.0 Unported" in licence and "8. Miscellaneous" in licence
    for place in (FILE.parent / "README.md", ROOT / "LICENSE-TEXT.md"):
        text = place.read_text(encoding="utf-8")
        assert "CC BY-SA 3.0" in text and "HANDBOOK-LICENSE.txt" in text
        assert re.search(r"Raphaël Hertzog.*Roland Mas", text, re.DOTALL)


def test_the_corpus_has_the_sizes_that_the_chapter_says():
    assert (len(BOOK.train), len(BOOK.test), len(BOOK.train.alphabet)) == (20013, 2622, 119)
    assert BOOK.train.domains == DOMAINS and BOOK.train.characters.shape == (20013, 65)
    assert torch.bincount(BOOK.train.domain).tolist() == [5075, 4866, 4345, 4576, 1151]


def test_no_section_is_in_both_parts():
    train, test = (set(text.section.unique().tolist()) for text in (BOOK.train, BOOK.test))
    assert not train & test and len(train) == 63 and len(test) == 9


@pytest.mark.parametrize("part", ["train", "test"])
def test_pieces_follow_each_other_in_a_domain_and_share_one_character(part):
    text = getattr(BOOK, part)
    same = text.domain[1:] == text.domain[:-1]
    assert torch.equal(text.characters[:-1, -1][same], text.characters[1:, 0][same])


def test_the_pieces_of_a_domain_are_its_paragraphs():
    paragraphs = [json.loads(line) for line in gzip.decompress(FILE.read_bytes()).decode("utf-8").splitlines()]
    text = BOOK.test[BOOK.test.domain == 1]
    held_out = {text.sections[number] for number in text.section.unique().tolist()}
    whole = "".join(words + "\n" for domain, section, words in paragraphs if domain == "de" and section in held_out)
    known = "".join(one if one in text.alphabet else UNKNOWN for one in whole)
    read = "".join(text.read(piece) for piece in range(len(text)))
    assert known.startswith(read) and len(known) - len(read) <= 65


def test_few_characters_are_unknown():
    assert (BOOK.test.characters == 0).double().mean() < 0.0005


def test_some_takes_as_many_of_each_domain():
    few = BOOK.test.some(3, seed=1)
    assert torch.bincount(few.domain).tolist() == [3] * 5 and isinstance(few, Text)
    assert torch.equal(BOOK.test.some(2).characters[2], BOOK.test.characters[BOOK.test.domain == 1][0])
    assert not torch.equal(few.characters, BOOK.test.some(3, seed=2).characters)
    with pytest.raises(ValueError, match="only 673 pieces of 'en'"):
        BOOK.test.some(10000)


def test_domains_are_numbered_in_the_order_that_is_asked_for():
    book = load_handbook(("code", "fr"), length=32)
    assert book.train.domains == ("code", "fr") and book.train.characters.shape[1] == 33
    assert "sudo" in "".join(book.train.read(piece) for piece in (book.train.domain == 0).nonzero()[:, 0].tolist())


@given(st.text(alphabet="abcxyz"))
def test_encode_numbers_what_it_knows(text):
    alphabet = (UNKNOWN, "a", "b", "c")
    assert encode(text, alphabet).tolist() == [alphabet.index(one) if one in "abc" else 0 for one in text]


OTHER_FILES = {
    "missing": (None, "there is no such file"),
    "empty": (b"", "not a corpus of the course"),
    "text": (b"text", "not a corpus of the course"),
    "cut off": (FILE.read_bytes()[:-1000], "cut off or changed"),
    "two bytes": (FILE.read_bytes()[:200_000] + b"xx" + FILE.read_bytes()[200_002:], "cut off or changed"),
    "no JSON": (gzip.compress(b"some text\n"), "whose lines are"),
    "a number": (gzip.compress(b'["en", "one", 3]\n'), "whose lines are"),
    "another language": (gzip.compress(b'["it", "one", "ciao"]\n'), "whose lines are"),
    "no UTF-8": (gzip.compress(b"\xff\xfe"), "cut off or changed"),
    "nothing in it": (gzip.compress(b""), "whose lines are"),
}


@pytest.mark.parametrize("kind", OTHER_FILES)
def test_a_file_that_is_another_one_is_refused(tmp_path, kind):
    content, said = OTHER_FILES[kind]
    path = tmp_path / "corpus.gz"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TextError, match=said) as error:
        load_handbook(path=path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("domains", [(), "en", ("en", "en"), ("it",), ("en", 3)])
def test_unknown_domains_are_refused(domains):
    with pytest.raises((ValueError, TypeError), match="domains"):
        load_handbook(domains)


def test_pieces_that_are_longer_than_a_domain_are_refused():
    with pytest.raises(ValueError, match="no piece of 'en' to train"):
        load_handbook(length=10**6)

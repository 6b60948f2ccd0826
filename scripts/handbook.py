"""Make the corpus of chapters 14 and 15 from the Debian package `debian-handbook`: the one source of its paragraphs.

    apt-get download debian-handbook
    python scripts/handbook.py debian-handbook_11.20220922_all.deb

Writes moe_tutorial/data/handbook.jsonl.gz, a line of JSON for each paragraph: language, section, text. Needs dpkg-deb. The
same package gives the same lines; `tests/test_text.py` compares them where MOE_HANDBOOK names the package.
"""

import gzip
import html
import json
import re
import subprocess
import sys
import tarfile
from collections import Counter
from pathlib import Path

LANGUAGES = {"en": "en-US", "de": "de-DE", "fr": "fr-FR", "es": "es-ES"}
PLACE = re.compile(r".*/html/([a-z]+-[A-Z]+)/sect\.(.+)\.html")
PARAGRAPH = re.compile(r'<div class="para">\s*(.*?)\s*</div>', re.DOTALL)
BLOCK = re.compile(r'<pre class="(?:screen|programlisting)"[^>]*>(.*?)</pre>', re.DOTALL)
INSIDE = ("<pre", "<ul", "<div")  # a paragraph that holds more than text
SHORTEST = {"prose": 80, "code": 60}  # characters
TRANSLATED = 0.7  # a section is kept if each language has this part of the longest

FILE = Path(__file__).resolve().parent.parent / "moe_tutorial" / "data" / "handbook.jsonl.gz"


def package_pages(package):
    """The pages of a Debian package: language, section, HTML, in the order of the languages, then of the sections."""
    unpacked = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", package], stdout=subprocess.PIPE)
    pages = {}
    with unpacked, tarfile.open(fileobj=unpacked.stdout, mode="r|") as files:
        for file in files:
            place = PLACE.fullmatch(file.name)
            if place and place[1] in LANGUAGES.values():
                pages[place[1], place[2]] = files.extractfile(file).read().decode("utf-8")
    if unpacked.returncode:
        sys.exit(f"dpkg-deb could not read {package}")
    return [(language, section, pages[folder, section]) for language, folder in LANGUAGES.items()
            for section in sorted(section for kind, section in pages if kind == folder)]


def plain(marked):
    """The text between the tags."""
    return html.unescape(re.sub(r"<[^>]+>", "", marked))


def paragraphs(pages):
    """The paragraphs of the pages, (domain, section, text): prose in its language, and the blocks of code of English pages.

    Left out are short ones, and English ones that stand in another language's page because nobody translated them.
    """
    found = []
    for language, section, page in pages:
        for marked in PARAGRAPH.findall(page):
            text = re.sub(r"\s+", " ", plain(marked)).strip()
            if len(text) >= SHORTEST["prose"] and not any(tag in marked for tag in INSIDE):
                found.append((language, section, text))
        if language == "en":
            blocks = (plain(block).strip() for block in BLOCK.findall(page))
            found += [("code", section, text) for text in blocks if len(text) >= SHORTEST["code"]]
    english = {text for language, _, text in found if language == "en"}
    return [one for one in found if one[0] in ("en", "code") or one[2] not in english]


def translated(found):
    """Those of the sections that are whole in all languages, and all code."""
    characters = Counter()
    for domain, section, text in found:
        characters[domain, section] += len(text)
    lengths = {section: [characters[language, section] for language in LANGUAGES] for _, section, _ in found}
    whole = {section for section, several in lengths.items() if min(several) > TRANSLATED * max(several)}
    return [one for one in found if one[1] in whole or one[0] == "code"]


def lines(package):
    """What the file holds, as text."""
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in translated(paragraphs(package_pages(package))))


if __name__ == "__main__":
    with gzip.GzipFile(FILE, "wb", 9, mtime=0) as file:
        file.write(lines(sys.argv[1]).encode("utf-8"))

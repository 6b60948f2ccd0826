"""A Sphinx extension for the one Korean page among the English ones.

It says to browsers, screen readers and other sites which language is where, and lets the book's search find a Korean word
with the particle that it carries in the text, with another one, and with none.
"""

import re

from bs4 import BeautifulSoup
from bs4.formatter import HTMLFormatter
from sphinx.errors import ExtensionError
from sphinx.search.en import SearchEnglish

PAGE, TWIN = "book/ko", "book/intro"

# What the theme has around a page's text, in English: on the Korean page each of these is marked as that.
AROUND = ("#pst-skip-link", "#pst-back-to-top", "#pst-search-dialog", "#pst-header", "#pst-primary-sidebar",
          ".bd-header-article", ".prev-next-footer", "#jb-print-toc h2", ".bd-sidebar-secondary .tocsection",
          ".bd-footer-content")

# Between these a browser breaks a line, although a particle belongs to what it follows: 70%|였습니다, (gate)|는, 식|1.1.
WHOLE = re.compile(r"(식 1\.\d\S*|\S*(?:[)%”’][가-힣]|[가-힣]\()\S*)")

# Particles that a noun carries, one or two of them, after the ending of the plural.
PARTICLES = ("들?(?:은|는|이|가|을|를|의|에게?|에서|와|과|으?로|도|만|까지|부터|보다|마다|처럼|이라고?|이란|이나|입니다)"
             "(?:는|도|만|의)?|들")


class Words(SearchEnglish):
    """English as Sphinx splits it; of a Korean word all beginnings of two syllables and more are in the index.

    The page asks for a word without its particle. Whether an end is a particle cannot be told from the word alone: 전문가
    (expert) ends like a noun with 가. Therefore the index has beginnings, so that too much cut off finds the word as well.
    """

    js_splitter_code = r"""
var splitQuery = (query) =>
  (query.normalize("NFC").match(
    /\p{Script=Hangul}+|(?:(?!\p{Script=Hangul})[\p{Letter}\p{Number}_\p{Emoji_Presentation}])+/gu) || [])
    .map((word) => word.replace(/^(\p{Script=Hangul}{2,}?)(?:PARTICLES)$/u, "$1"));
""".replace("PARTICLES", PARTICLES)

    def split(self, input):
        runs = [run for word in super().split(input) for run in re.findall("[가-힣]+|[^가-힣]+", word)]
        return [part for run in runs for part in (beginnings(run) if re.match("[가-힣]", run) else [run])]


def beginnings(word):
    """The beginnings of a Korean word, from two syllables on, and the word.

    >>> beginnings("전문가는")
    ['전문', '전문가', '전문가는']
    """
    return [word[:length] for length in range(2, len(word))] + [word]


def languages(app, page, template, context, doctree):
    """The page's own language, and where the same is in another one."""
    if page == PAGE:
        context["language"] = "ko"
    if page in (PAGE, TWIN) and PAGE in app.env.found_docs:
        for language, name in (("en", TWIN), ("ko", PAGE), ("x-default", TWIN)):
            address = f"{app.config.html_baseurl}{app.builder.get_target_uri(name)}"
            context["metatags"] = (context.get("metatags") or "") + (
                f'\n<link rel="alternate" hreflang="{language}" href="{address}" />')


def parts(app, exception):
    """Mark what is Korean on English pages, and what is English around the Korean page."""
    if exception or app.builder.format != "html" or PAGE not in app.env.found_docs:
        return
    for name in app.env.found_docs:
        path = app.builder.get_outfilename(name)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        marked = around(text) if name == PAGE else korean_parts(text)
        if marked != text:
            with open(path, "w", encoding="utf-8") as file:
                file.write(marked)


def korean_parts(text):
    """An English page with its Korean words marked, and the links to the Korean page."""
    text = re.sub(r'<a (?![^>]*hreflang)(?=[^>]*href="[^"#]*\bko\.html")', '<a hreflang="ko" ', text)
    return re.sub(r"<(a|p|span)\b(?![^>]* lang=)([^>]*)>(?=\s*[가-힣])", r'<\1 lang="ko"\2>', text)


def around(text):
    """The Korean page with the theme's English words marked, and with what must not be broken in one piece."""
    soup = BeautifulSoup(text, "html.parser")
    for place in AROUND:
        found = soup.select(place)
        if not found:
            raise ExtensionError(f"the theme has no {place} any more, whose words scripts/korean.py marks as English")
        for element in found:
            element["lang"] = "en"
    for link in soup.select("#pst-primary-sidebar a.current"):
        link["lang"] = "ko"
    for link in soup.select("a.headerlink"):
        link["title"] = "이 제목의 링크"
    for text in soup.select_one("article.bd-article").find_all(string=WHOLE):
        parts = WHOLE.split(text)  # what matched has an odd number
        for number, part in enumerate(parts):
            if number % 2:
                parts[number] = soup.new_tag("span", attrs={"class": "whole"})
                parts[number].string = part
        text.replace_with(*filter(None, parts))
    return soup.decode(formatter=AsWritten())


class AsWritten(HTMLFormatter):
    """Attributes stay in their order; Beautiful Soup would sort them."""

    def attributes(self, tag):
        return tag.attrs.items()


def setup(app):
    app.add_search_language(Words)
    app.connect("html-page-context", languages, priority=900)  # after the extension that writes the other metatags
    app.connect("build-finished", parts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

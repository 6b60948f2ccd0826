"""A first visit is light: what is sent, in bytes and never in seconds, and that nothing is missing for it."""

import re
from pathlib import Path

import pydata_sphinx_theme
import pytest
from bs4 import BeautifulSoup
from execute import chapters
from light import icon_font, icons_known, icons_used
from weight import CHAPTER, WELCOME, served, visit

PAGES = {"book/intro.html": WELCOME} | {f"notebooks/{path.stem}.html": CHAPTER for path in chapters()}


@pytest.mark.parametrize("path", PAGES)
def test_a_first_visit_sends_little(browser, pages, path):
    with served(pages) as (address, sent):
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        visit(context.new_page(), address + path)
        context.close()
    assert f"/{path}" in sent and len(sent) > 5
    assert sum(sent.values()) <= PAGES[path], sorted(sent.items(), key=lambda item: -item[1])[:6]


def test_mathjax_is_loaded_where_a_formula_is_and_nowhere_else(pages):
    with_it = 0
    for path in pages.rglob("*.html"):
        if "_static" not in path.parts:
            soup = BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
            loaded = any("mathjax" in script["src"] for script in soup.find_all("script", src=True))
            assert loaded == bool(soup.select("main .math")), path.relative_to(pages)
            with_it += loaded
    assert with_it > 17


def test_each_icon_of_a_page_has_its_rule_and_its_drawing(pages):
    """In the style sheet of the theme, and in the font in icons.css: no other file has any."""
    sheet = (pages / "_static" / "styles" / "pydata-sphinx-theme.css").read_text(encoding="utf-8")
    known = icons_known(sheet)
    texts = [path.read_text(encoding="utf-8") for path in pages.rglob("*.html") if "_static" not in path.parts]
    styled = {"fa-lg", "fa-fw", "fa-solid", "fa-regular", "fa-brands"}  # not icons, but how they look
    classes = {found for text in texts for found in re.findall(r'class="([^"]*\bfa-[^"]*)"', text)}
    named = {name for found in classes for name in found.split() if name.startswith("fa-")}
    assert len(named - styled) > 8
    assert named - styled <= known.keys(), "an icon without its rule"
    assert "fontawesome" not in "".join(re.findall(r"<(?:script|link)[^>]*>", "".join(texts)))
    assert "/fontawesome/" not in sheet


@pytest.mark.parametrize("path", ["book/intro.html", "notebooks/04_gate.html"])
def test_each_icon_is_drawn(opened, path):
    """The font in the page has its character: without it another one stands there, as wide as any missing one."""
    page, wrong = opened(path, viewport={"width": 1280, "height": 900})
    icons = page.evaluate("""async () => {
        await document.fonts.ready;
        const pen = document.createElement("canvas").getContext("2d");
        const drawn = (text, font) => {
            pen.canvas.width = pen.canvas.height = 40;
            pen.font = font;
            pen.fillText(text, 4, 30);
            return pen.canvas.toDataURL();
        };
        return [...document.querySelectorAll("i[class*='fa-']")].map((icon) => {
            const {content, fontFamily, fontWeight} = getComputedStyle(icon, "::before");
            const family = fontFamily.split(",")[0];
            const of = (text) => drawn(text, `${fontWeight} 24px ${family}`);
            return {name: icon.className, has: content.length > 2, drawn: of(content.replaceAll('"', "")) !== of("\\uf8fe"),
                    loaded: document.fonts.check(`${fontWeight} 24px ${family}`)};
        });
    }""")
    assert len(icons) > 8
    assert [icon for icon in icons if not (icon["has"] and icon["drawn"] and icon["loaded"])] == []
    assert wrong == []


def test_icons_are_found_in_markup_and_in_scripts_and_nothing_else_is():
    known = icons_known('.fa-bars:before,.fa-navicon:before{content:"\\f0c9"}.fa-sun:before{content:"\\f185"}')
    assert known == {"fa-bars": 0xF0C9, "fa-navicon": 0xF0C9, "fa-sun": 0xF185}
    assert icons_used(['<i class="fa-solid fa-bars fa-lg">', "'fas fa-sun'", "sofa-navicon"], known) == {"fa-bars", "fa-sun"}


def test_a_font_without_any_of_the_icons_is_left_out():
    theme = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme"
    fonts = theme / "static" / "vendor" / "fontawesome" / "webfonts"
    assert icon_font(fonts / "fa-brands-400.ttf", {0xF0C9}) is None
    assert len(icon_font(fonts / "fa-solid-900.ttf", {0xF0C9, 0xF185})) < 3000

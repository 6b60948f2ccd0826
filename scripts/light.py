"""A Sphinx extension that makes a first visit light: a page is sent what it shows and no more.

The theme's icons come as a script with all of some two thousand, and a font of them: the few that occur are kept, as a font
inside of `icons.css`. The theme's style sheet names each of the two thousand; the others are taken out. MathJax is loaded by
pages with a formula of their own.
"""

import base64
import io
import re
from pathlib import Path

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from sphinx.domains.math import MathDomain

ICON = re.compile(r"(?<![\w.-])fa-[a-z0-9-]+(?![\w-])")

FACES = {"fa-solid-900": ("Font Awesome 6 Free", 900), "fa-regular-400": ("Font Awesome 6 Free", 400),
         "fa-brands-400": ("Font Awesome 6 Brands", 400)}
"""The files of the theme's fonts of icons, with the family and weight under which its style sheet has them."""

RULE = re.compile(r'((?:\.fa-[a-z0-9-]+:before,?)+)\{content:"\\([0-9a-f]+)"\}')
"""A rule of the theme's style sheet for one icon, which may have several names."""


class PageMath(MathDomain):
    """Sphinx's domain of formulas, in which a page has those of its own and not those of the pages below it."""

    def has_equations(self, docname=None):
        """Whether a page, or any page at all, has a formula."""
        return self.data["has_equations"].get(docname, False) if docname else super().has_equations()


def icons_used(texts, known):
    """The names of the icons, of those in `known`, that occur in texts."""
    return {name for text in texts for name in ICON.findall(text)} & known.keys()


def icons_known(style):
    """The icons of the theme's style sheet: each name, such as "fa-bars", to its number in the fonts."""
    return {name: int(number, 16) for names, number in RULE.findall(style) for name in re.findall(r"fa-[a-z0-9-]+", names)}


def icon_font(file, numbers):
    """The part of a font with the characters of these numbers, packed as a WOFF; None if it has none of them."""
    font = TTFont(file, recalcTimestamp=False)
    numbers = sorted(numbers & font.getBestCmap().keys())
    if not numbers:
        return None
    options = Options(desubroutinize=True, layout_features=[], notdef_outline=False, name_IDs=[], hinting=False)
    options.drop_tables += ["FFTM"]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=numbers)
    subsetter.subset(font)
    font.flavor, made = "woff", io.BytesIO()
    font.save(made)
    return made.getvalue()


def icon_style(folder, numbers):
    """The style sheet with the icons of these numbers, from the theme's fonts in a folder."""
    rules = []
    for name, (family, weight) in FACES.items():
        if packed := icon_font(folder / f"{name}.ttf", numbers):
            data = base64.b64encode(packed).decode("ascii")
            rules.append(f'@font-face{{font-family:"{family}";font-weight:{weight};font-style:normal;font-display:block;'
                         f'src:url(data:font/woff;base64,{data}) format("woff")}}')
    return "\n".join(rules) + "\n"


def lighten(app, failed):
    """Take out of a built book what no page shows."""
    if failed or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    sheet = static / "styles" / "pydata-sphinx-theme.css"
    style = sheet.read_text(encoding="utf-8")
    known = icons_known(style)
    pages = [path for path in Path(app.outdir).rglob("*.html") if static not in path.parents]
    scripts = [path for path in static.rglob("*.js") if path.name not in ("fontawesome.js", "bootstrap.js")
               and "mathjax" not in path.parts]
    used = icons_used((path.read_text(encoding="utf-8") for path in (*pages, *scripts)), known)
    drawn = icon_style(static / "vendor" / "fontawesome" / "webfonts", {known[name] for name in used})
    (static / "icons.css").write_text(drawn, encoding="utf-8")
    style = RULE.sub(lambda rule: rule[0] if used & set(re.findall(r"fa-[a-z0-9-]+", rule[1])) else "", style)
    sheet.write_text(re.sub(r"@font-face\{[^}]*/fontawesome/[^}]*\}", "", style), encoding="utf-8")
    for path in pages:
        page = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r'<script [^>]*/fontawesome\.js[^>]*></script>\n?', "", page), encoding="utf-8")
    for path in static.glob("scripts/fontawesome.js*"):
        path.unlink()


def setup(app):
    app.add_domain(PageMath, override=True)
    app.add_css_file("icons.css")
    app.connect("build-finished", lighten)
    return {"parallel_read_safe": True}

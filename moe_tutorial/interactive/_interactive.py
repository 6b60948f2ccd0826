"""What every interactive is: one object with two faces.

Where somebody sits in front of a kernel the object shows ipywidgets, which compute with the package. Everywhere else, in
the rendered book above all, it is a piece of HTML with its own data and script, and with a picture for those who have no
script and for print.
"""

import html
import json
from dataclasses import replace
from importlib.resources import files

import torch

from .. import _checks, plots
from .._front_end import somebody_is_there
from .._words import writable
from ..tasks.vowels import SYMBOLS, WORDS

HERE = files(__package__)

LOSSES = {"mixture": "eq. 1.3, mixture", "cooperative": "eq. 1.1, cooperative", "expected": "eq. 1.2, expected"}
"""What the losses of `training.train` are called, the paper's own first."""

MOST_OF_SEEDS = 9999
"""The end of the fields for seeds."""

DASHES = ("none", "7 3", "7 3 1.5 3", "2 2.5", "9 2 2 2 2 2", "13 4", "2 5", "6 6")
"""The line styles of `plots.EXPERT_STYLES` as SVG writes them."""


class Interactive:
    """An interactive of the course. Showing it in a notebook gives ipywidgets; `html()` gives the face without a kernel.

    A subclass says `name` (also the name of its script), `title` and `invitation` (what a reader can do), and gives
    `data()`, `still()` and `widgets()`. Those whose script needs more than `shared.js` say so in `shared`.
    """

    name, title, invitation = "", "", ""
    shared: tuple[str, ...] = ("shared.js",)

    def data(self):
        """What the script draws from: a mapping that JSON can hold, the same for the same arguments."""
        raise NotImplementedError

    def still(self):
        """The `plots.Picture` that stands in where there is no script."""
        raise NotImplementedError

    def widgets(self):
        """An ipywidgets box that does the same with the package itself."""
        raise NotImplementedError

    def __repr__(self):
        return writable(f"{self.title}. {self.still().description}")

    def html(self):
        """The face without a kernel, with everything in it: the same text for the same arguments."""
        still = self.still()
        about = f"{still.caption} With script switched on this picture is an interactive: {self.invitation}"
        return "\n".join([
            f'<div class="moe-interactive" id="interactive-{self.name}" role="group" '
            f'aria-label="{html.escape(self.title)}">',
            f"<style>\n{_source('interactive.css')}</style>",
            f'<p class="moe-title">{html.escape(self.title)}</p>',
            f'<figure class="moe-still"><img alt="{html.escape(still.description)}" src="{_svg_address(still)}">'
            f"<figcaption>{html.escape(about)}</figcaption></figure>",
            '<div class="moe-live" hidden></div>',
            f'<script type="application/json">{_json(self.data())}</script>',
            *(f"<script>\n{_source(script)}</script>" for script in (*self.shared, self.name.replace("-", "_") + ".js")),
            "</div>",
        ])

    def _repr_mimebundle_(self, include=None, exclude=None):
        bundle = {"text/plain": repr(self), "text/html": self.html()}
        if somebody_is_there():
            # Written out, because ipywidgets 7 and 8 show themselves in different ways.
            view = {"version_major": 2, "version_minor": 0, "model_id": self.widgets().model_id}
            bundle["application/vnd.jupyter.widget-view+json"] = view
        return bundle


def style():
    """The parts of `plots` that the scripts draw with: limits and ticks of the plane, colours, line styles, markers."""
    return {
        "f1": plots.F1_LIMITS, "f2": plots.F2_LIMITS, "ticks": [[0.2, 0.6, 1.0, 1.4], [1, 2, 3]],
        "colours": plots.EXPERT_COLOURS, "dashes": DASHES, "markers": plots.VOWEL_MARKERS,
    }


def cases_data(cases):
    """Cases for a script: inputs in kHz, vowel codes, and what the vowels are called."""
    names = {vowel: f"[{SYMBOLS[vowel]}] {WORDS[vowel]}" for vowel in dict.fromkeys(cases.vowel)}
    x = [[round(value, 3) for value in row] for row in cases.x.tolist()]
    return {"x": x, "vowel": list(cases.vowel), "names": names}


def check_plane(name, cases):
    """Check that cases lie in the plane, with F1 and F2; ValueError says what they have."""
    _checks.floats(f"the x of {name}", cases.x, "N", 2, runs="")


def _source(name):
    return (HERE / name).read_text(encoding="utf-8")


def _json(data):
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")


def _svg_address(picture):
    """The picture as a data address that stays readable text, because a page is sent compressed."""
    drawing = picture.svg().replace("%", "%25").replace("#", "%23")
    return html.escape(f"data:image/svg+xml,{drawing}")


def in_billionths(values):
    """Numbers that a page carries, rounded: a last bit of another processor shall not change the page."""
    rounded = [round(value, 9) for value in values.flatten().tolist()]
    return torch.tensor(rounded, dtype=values.dtype).reshape(values.shape)


def rounded_toy(toy):
    return replace(toy, x=in_billionths(toy.x), d=in_billionths(toy.d))

"""What every picture of the course is: a figure in the course's style, a caption, and a description made from the data.

`drawing` gives the figure and its axes in the style; what several subjects draw with stands here too. The style begins from
matplotlib's defaults, so that a picture is the same whatever plotting style, settings or matplotlibrc its reader has.
"""

import base64
import io
import math
import re
from contextlib import contextmanager
from typing import Any

import numpy
import torch
from matplotlib import colors, style
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from .. import _checks
from .._words import writable
from ..shapes import checked

EXPERT_COLOURS = ("#0072B2", "#D55E00", "#007A5A", "#AA3377", "#000000", "#8C6D00", "#4477AA", "#882255")
EXPERT_STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (1, 2)), (0, (4, 4)))
"""Colours and line styles of experts 0 to 7; all colours are dark enough to be told from white. Later experts have them
again, as `expert_style` says."""

BY_COLOUR, AT_MOST = len(EXPERT_COLOURS), 2 * len(EXPERT_COLOURS)
"""How many experts are told apart by colour alone, and how many where a line style or a number comes in addition."""

_WIDTH = 4.6  # inches; 11 pt are still 11 px high where a phone shows the picture 330 px wide
_STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans", "font.size": 12, "axes.titlesize": 12, "axes.labelsize": 12,
    "legend.fontsize": 11, "legend.frameon": False, "axes.spines.top": False, "axes.spines.right": False,
    "figure.facecolor": "white", "savefig.facecolor": "white", "svg.hashsalt": "moe", "lines.linewidth": 2,
}


class Picture:
    """A figure, its caption, and a sentence that describes it for someone who does not see it.

    A notebook shows the picture and carries the description with it; `make execute` puts caption and description into
    the rendered page. `str(picture)` is the description.
    """

    @checked
    def __init__(self, figure: Figure, caption: str, description: str):
        self.figure, self.caption, self.description = figure, caption, " ".join(description.split())
        self._png: bytes | None = None

    def __repr__(self):
        return writable(self.description)

    def png(self):
        """The picture as PNG bytes, the same for the same data."""
        if self._png is None:  # drawn once: a layout that is computed a second time may move
            file = io.BytesIO()
            with _style():
                self.figure.savefig(file, format="png", dpi=200, metadata={"Software": None})
            small = io.BytesIO()  # a palette of 256 colours makes a page a third as heavy
            Image.open(file).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(small, format="PNG", optimize=True)
            self._png = small.getvalue()
        return self._png

    def svg(self):
        """The picture as SVG, the same for the same data; its letters are the reader's own."""
        file = io.StringIO()
        with _style({"svg.fonttype": "none"}):
            self.figure.savefig(file, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
        drawing = file.getvalue()
        drawing = re.sub(r"<!--.*?-->", "", drawing[drawing.index("<svg"):])
        # Tenths of a point are fine enough for what is drawn, and -0 is 0; what is written stays as it is.
        drawing = re.sub(r"<[^>]*>", lambda tag: re.sub(r"-0(\.0)?(?![\d.])", "0", re.sub(r"(\d\.\d)\d+", r"\1", tag[0])),
                         drawing)
        # Matplotlib makes its names of the last bits of what they name; ours are numbers.
        for number, name in enumerate(dict.fromkeys(re.findall(r'\bid="([a-zA-Z][0-9a-f]{10})"', drawing))):
            drawing = drawing.replace(name, f"n{number}")
        # Verdana has the widths of DejaVu Sans.
        return re.sub(r"\s+", " ", drawing).replace("'DejaVu Sans'", "'DejaVu Sans', Verdana, sans-serif").strip()

    def _repr_mimebundle_(self, include=None, exclude=None):
        data = {"image/png": base64.b64encode(self.png()).decode(), "text/plain": self.description}
        return data, {"image/png": {"alt": self.description, "caption": self.caption}}


def _style(more=None):
    """A context in which matplotlib has its defaults and the course's style, and `more`; the backend stays the reader's."""
    return style.context(["default", _STYLE, more or {}])


@contextmanager
def drawing(height, panels=1):
    """A figure of the course's width and its axes, one a panel: `with drawing(4.6) as (figure, ax):`. height: in inches."""
    with _style():
        figure = Figure(figsize=(_WIDTH, height), layout="constrained")
        yield figure, *figure.subplots(1, panels, squeeze=False)[0]


def further_rows(entries):
    """The height in inches of a legend's rows, of three columns, after those of the first eight entries."""
    return 0.25 * math.ceil(max(0, entries - BY_COLOUR) / 3)


def legend(figure, ax, extra=(), columns=4):
    """A legend above the figure of what is labelled in the axes, and of `extra` handles."""
    handles, labels = ax.get_legend_handles_labels()
    handles, labels = handles + list(extra), labels + [h.get_label() for h in extra]
    figure.legend(handles, labels, loc="outside upper center", ncols=columns, handlelength=2.0, columnspacing=1.0,
                  handletextpad=0.4)


def expert_colour(number):
    """The colour of an expert. From the ninth on colours repeat, and a number or a line style has to come in addition."""
    return EXPERT_COLOURS[number % BY_COLOUR]


def expert_style(number):
    """Colour and line style of an expert. From the ninth on colours repeat, each with the next line style."""
    return {"color": expert_colour(number), "linestyle": EXPERT_STYLES[(number + number // BY_COLOUR) % len(EXPERT_STYLES)]}


def check_number(things, number, most=math.inf):
    """Check that there is something to draw, and no more than can be told apart; ValueError says how many there are."""
    if not number:
        raise ValueError(f"there are no {things} to draw")
    if number > most:
        raise ValueError(f"{number} {things} were given, and at most {most} can be told apart in this picture")


def tensor(name, values) -> Tensor:
    """Values as a tensor without gradient: those of a tensor, an array or a list. TypeError: no numbers."""
    try:
        if isinstance(values, Tensor):
            return (values.detach() if values.layout == torch.strided else values.detach().to_dense()).cpu()
        return torch.as_tensor(numpy.asarray(values))
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise TypeError(f"{name} must hold numbers, got {_checks.said(values)}") from None


def numbers(name, values, *dims, finite=True) -> Tensor:
    """Values as a floating-point tensor of a certain shape. dims: a size, or a letter for any from 1, for each dimension.

    finite: whether NaN and infinity are refused.

    TypeError: no numbers. ValueError: another shape, or empty, or not finite.
    """
    found = tensor(name, values)
    shape = tuple(found.shape)
    if found.is_complex() or found.dtype == torch.bool:
        raise TypeError(f"{name} must hold numbers, got {_checks.said(values)}")
    if len(shape) != len(dims) or any(isinstance(dim, int) and dim != size for dim, size in zip(dims, shape)):
        raise ValueError(f"{name} has shape {shape}, wanted ({', '.join(map(str, dims))}{',' if len(dims) == 1 else ''})")
    if 0 in shape:
        raise ValueError(f"{name} is empty: its shape is {shape}")
    found = found if found.is_floating_point() else found.double()
    if finite and not found.isfinite().all():
        raise ValueError(f"{name} must be finite, got {found[~found.isfinite()][0].item()}")
    return found


def tint(colour):
    """A light tint of an expert's colour, for areas behind the cases."""
    return tuple(0.25 * channel + 0.75 for channel in colors.to_rgb(colour))

"""The plane of the formants, F1 across and F2 up: cases, decision lines and the gate's regions."""

import itertools
import math
from collections.abc import Mapping

import torch
from matplotlib.colors import ListedColormap
from matplotlib.patches import Patch

from .. import _checks
from ..model.gate import gate_scores, mixing_proportions
from ..model.lines import along, foot_of_normal, gate_line, inside
from ..shapes import Count, Texts, checked
from ..tasks.vowels import SYMBOLS, WORDS, Cases
from .picture import (
    AT_MOST,
    BY_COLOUR,
    Picture,
    check_number,
    drawing,
    expert_colour,
    expert_style,
    further_rows,
    legend,
    numbers,
    tensor,
    tint,
)

F1_LIMITS, F2_LIMITS = (0.1, 1.4), (0.5, 3.8)
"""The part of the formant plane that is drawn, in kHz."""

VOWEL_MARKERS = {"iy": ("o", True), "ih": ("o", False), "ah": ("^", True), "aa": ("^", False)}
"""Marker and filling of each vowel: a circle or triangle for the pair, filled where the default target is 1."""


@checked
def plane(steps: Count = 200):
    """Points of the drawn part of the formant plane, row by row, `(steps · steps, 2)`, kHz: where to evaluate a `shade`.

    >>> plane(steps=2).tolist()
    [[0.1, 0.5], [1.4, 0.5], [0.1, 3.8], [1.4, 3.8]]
    """
    f1 = torch.linspace(*F1_LIMITS, steps, dtype=torch.float64)
    f2 = torch.linspace(*F2_LIMITS, steps, dtype=torch.float64)
    return torch.cartesian_prod(f2, f1).flip(-1)


@checked
def formant_plane(cases: Cases, lines: Mapping | None = None, shade=None, shade_label: str = "output o",
                  caption: str | None = None) -> Picture:
    """Cases in the plane of F1 and F2, with decision lines and a shaded surface where they are given.

    >>> from moe_tutorial import vowel_task
    >>> formant_plane(vowel_task().train.only("iy"), {"a line": ([1.0, 0.0], -0.5)})  # doctest: +ELLIPSIS
    Scatter plot, ... [i] 100 filled circles around (0.28, 2.46). a line runs from (0.50, 0.50) to (0.50, 3.80).

    cases: `vowels.Cases`.
    lines: a mapping from a label to `(weight, bias)`, `(2,)` and `()`; drawn in the experts' colours, in this order.
    shade: values from 0 to 1 on `plane()`, drawn as grey, dark where high.

    From the ninth line on colours repeat, with other line styles.

    TypeError, ValueError: what is no line in the plane, more than 16 lines, a shade for another number of points.
    """
    lines = lines or {}
    if lines:
        check_number("lines", len(lines), AT_MOST)
    with drawing(4.6 + further_rows(len(lines))) as (figure, ax):
        said = []
        if shade is not None:
            shade = _grid("shade", shade)
            bar = figure.colorbar(_draw_shade(ax, shade), ax=ax, label=shade_label,
                                  boundaries=torch.linspace(0, 1, 101).tolist())
            bar.set_ticks([0, 0.5, 1])
            said.append(f"Grey shading gives {shade_label}, from {float(shade.min()):.2f} to {float(shade.max()):.2f}.")
        _draw_cases(ax, cases)
        for number, (label, line) in enumerate(lines.items()):
            said.append(_draw_line(ax, label, line, **expert_style(number)))
        plane_axes(ax)
        legend(figure, ax, columns=4 if len(lines) <= BY_COLOUR else 3)
    return Picture(figure, caption or f"{len(cases)} tokens in the plane of the first two formants.",
                   f"Scatter plot, F1 across and F2 up, in kHz. {_say_cases(cases)} {' '.join(said)}")


@checked
def two_planes(left: Cases, right: Cases, titles: Texts, caption: str, shades=None) -> Picture:
    """Two sets of cases side by side in the formant plane, `left` and `right`, with their titles.

    >>> from moe_tutorial import vowel_task
    >>> task = vowel_task()
    >>> two_planes(task.train, task.test, ("to train", "to test"), caption="All cases.")  # doctest: +ELLIPSIS
    Two scatter plots, F1 across and F2 up, in kHz. to train: [i] 100 filled circles around (0.28, 2.46); ...

    shades: an output from 0 to 1 on `plane()` for each of the two, drawn as grey, dark where high.

    ValueError: a shade for another number of points.
    """
    shades = (None, None) if shades is None else shades
    for name, value in (("titles", titles), ("shades", shades)):
        _checks.sequence(name, value)
        if len(value) != 2:
            raise ValueError(f"{name} has {len(value)} entries, wanted two, one for each plane")
    said = []
    with drawing(4.2, panels=2) as (figure, *axes):
        for panel, cases, title, shade in zip(axes, (left, right), titles, shades, strict=True):
            said.append(f"{title}: {_say_cases(cases)}")
            if shade is not None:
                _draw_shade(panel, _grid("one of shades", shade, len(plane())))
                said.append(_say_dark(tensor("one of shades", shade).reshape(-1) > 0.5))
            _draw_cases(panel, cases)
            plane_axes(panel)
            panel.set_title(title)
        axes[1].set_ylabel("")
        axes[1].tick_params(labelleft=False)
        legend(figure, axes[0])
    return Picture(figure, caption, f"Two scatter plots, F1 across and F2 up, in kHz. {' '.join(said)}")


@checked
def gate_regions(cases: Cases, weight, bias, lines: Mapping | None = None, blend=None,
                 caption: str = "The gate's regions: in each, one expert has the largest proportion.") -> Picture:
    """The paper's Figure 2: which expert has the largest proportion where, and the lines `p_i = p_j`.

    >>> from moe_tutorial import vowel_task
    >>> gate_regions(vowel_task().train, weight=[[1.0, 0.0], [0.0, 0.0]], bias=[-0.5, 0.0])  # doctest: +ELLIPSIS
    Map of ...: expert 0 has 69% of the drawn area, around F1 0.95 and F2 2.15 kHz; expert 1 has 31% of the drawn area, ...

    cases: `vowels.Cases`. weight, bias: the gate's, `(K, 2)` and `(K,)`.
    lines: decision lines, a mapping from an expert's number to `(weight, bias)`, `(2,)` and `()`.
    blend: the blend's output on `plane()`, for a broad grey curve where it is 0.5.

    A gate line is full where its two experts have the two largest proportions, and thin elsewhere. From the ninth expert on
    colours repeat; the number in a region says whose it is.

    TypeError, ValueError: shapes that do not fit, more than 16 experts, a line of an expert that the gate does not have.
    """
    weight = numbers("weight", weight, "K", 2).double()
    experts, lines = len(weight), lines or {}
    bias = numbers("bias", bias, experts).double()
    check_number("experts", experts, AT_MOST)
    for k in lines:
        _checks.choice("expert of lines", k, range(experts))
    points = plane()
    p = mixing_proportions(gate_scores(points, weight, bias))
    favourite = p.argmax(-1)
    with drawing(4.8 + further_rows(len(lines))) as (figure, ax):
        tints = ListedColormap([tint(expert_colour(k)) for k in range(experts)])
        ax.imshow(_grid("favourite", favourite), cmap=tints, vmin=-0.5, vmax=experts - 0.5,
                  extent=(*F1_LIMITS, *F2_LIMITS), origin="lower", aspect="auto", interpolation="nearest", zorder=0)
        _draw_cases(ax, cases)
        for i, j in itertools.combinations(range(experts), 2):
            _draw_gate_line(ax, weight, bias, i, j)
        if blend is not None:
            ax.contour(*(_grid("points", formant) for formant in points.T), _grid("blend", blend, len(points)), levels=[0.5],
                       colors="#777777", linewidths=7, alpha=0.6, zorder=2)
        regions = favourite.unique().tolist()
        line_said = [_draw_line(ax, f"line of {k}", line, **expert_style(k)) for k, line in lines.items()]
        for k in regions:
            middle = points[favourite == k].mean(0)
            ax.text(*middle.tolist(), str(k), fontsize=16, fontweight="bold", color=expert_colour(k),
                    ha="center", va="center", zorder=5, bbox=dict(facecolor="white", edgecolor="none", alpha=0.85, pad=2))
        plane_axes(ax)
        if blend is not None:
            ax.plot([], [], color="#777777", linewidth=7, alpha=0.6, label="blend 0.5")
        named = regions if experts <= BY_COLOUR else []
        legend(figure, ax, extra=[Patch(color=tint(expert_colour(k)), label=f"expert {k}") for k in named],
               columns=4 if len(lines) <= BY_COLOUR else 3)
    said = []
    for k in regions:
        f1, f2 = points[favourite == k].mean(0).tolist()
        share = (favourite == k).double().mean().item()
        said.append(f"expert {k} has {share:.0%} of the drawn area, around F1 {f1:.2f} and F2 {f2:.2f} kHz")
    if blend is not None:
        line_said.append("A broad grey curve follows the blend's output 0.5.")
    return Picture(figure, caption, "Map of the formant plane, F1 across and F2 up, coloured by the expert with the "
                   f"largest proportion: {'; '.join(said)}. {_say_cases(cases)} {' '.join(line_said)}")


def plane_axes(ax):
    ax.set(xlim=F1_LIMITS, ylim=F2_LIMITS, xlabel="F1 (kHz)", ylabel="F2 (kHz)", xticks=(0.2, 0.6, 1.0, 1.4))


def _draw_cases(ax, cases):
    numbers("x of the cases", cases.x, "N", 2)
    for vowel in dict.fromkeys(cases.vowel):
        chosen = cases.only(vowel)
        marker, filled = VOWEL_MARKERS.get(vowel, ("s", False))
        ax.scatter(chosen.x[:, 0], chosen.x[:, 1], s=22, marker=marker, linewidths=0.8, edgecolors="#333333",
                   facecolors="#777777" if filled else "white", label=f"[{SYMBOLS[vowel]}] {WORDS[vowel]}", zorder=3)


def _draw_line(ax, label, line, **style):
    """Draw `weight · x + bias = 0` and return a sentence that says where it lies."""
    weight, bias = read_line(label, line)
    ends = on_line(weight, bias, [-10, 10])
    ax.plot(ends[:, 0], ends[:, 1], label=label, zorder=4, **style)
    crossings = inside(weight, bias, F1_LIMITS, F2_LIMITS)
    if len(crossings) < 2:
        return f"{label} lies outside the drawn plane."
    (a, b), (c, d) = crossings[0], crossings[-1]
    return f"{label} runs from ({a:.2f}, {b:.2f}) to ({c:.2f}, {d:.2f})."


def on_line(weight, bias, distances):
    """The points of a line at these distances from the foot of its normal, `(T, 2)`."""
    return foot_of_normal(weight, bias) + torch.as_tensor(distances, dtype=weight.dtype)[:, None] * along(weight)


def _draw_gate_line(ax, weight, bias, i, j):
    """Draw `p_i = p_j`, full where i and j have the two largest proportions."""
    normal, offset = gate_line(weight, bias, i, j)
    if float(normal.norm()) == 0:
        return
    points = on_line(normal, offset, torch.linspace(-10, 10, 8001, dtype=normal.dtype))
    scores = gate_scores(points, weight, bias)
    largest = (scores[:, i] >= scores.max(-1).values - 1e-9).numpy()
    xs, ys = points[:, 0].numpy(), points[:, 1].numpy()
    ax.plot(xs, ys, color="#999999", linewidth=0.7, zorder=1)
    ax.plot(xs[largest], ys[largest], color="black", linewidth=1.8, zorder=2)


def _grid(name, values, points=None):
    """Values on the points of `plane()` as the rows of a picture. ValueError: another number of values, or no square one."""
    flat = tensor(name, values).reshape(-1)
    side = math.isqrt(len(flat))
    if not side or len(flat) != (points or side**2):
        wanted = points or "a square number"
        raise ValueError(f"{name} has {len(flat)} values, wanted {wanted}: one for each point of plane()")
    flat = numbers(name, flat, len(flat))
    return flat.reshape(side, side).numpy()


def read_line(label, line):
    """The weight and the bias of a line, `(2,)` and `()`. label: in the mapping `lines`."""
    if not isinstance(line, tuple | list) or len(line) != 2:
        raise TypeError(f"lines must map each label to (weight, bias), got {_checks.said(line)} for {label}")
    weight = numbers(f"the weight of {label} in lines", line[0], 2)
    return weight, numbers(f"the bias of {label} in lines", line[1]).to(weight.dtype)


def _draw_shade(ax, shade):
    return ax.imshow(shade, cmap="Greys", vmin=0, vmax=1.6, alpha=0.9,
                     extent=(*F1_LIMITS, *F2_LIMITS), origin="lower", aspect="auto", zorder=0)


def _say_dark(dark):
    """Where on `plane()` a shade is dark, `(N,)` of bool."""
    if not dark.any():
        return "Grey shading, nowhere above 0.5."
    f1, f2 = plane()[dark].mean(0).tolist()
    return f"Grey shading, above 0.5 on {dark.double().mean():.0%} of the drawn area, around ({f1:.2f}, {f2:.2f})."


def _say_cases(cases):
    said = []
    for vowel in dict.fromkeys(cases.vowel):
        x = cases.only(vowel).x
        marker, filled = VOWEL_MARKERS.get(vowel, ("s", False))
        shape = {"o": "circles", "^": "triangles", "s": "squares"}[marker]
        f1, f2 = x.mean(0).tolist()
        said.append(f"[{SYMBOLS[vowel]}] {len(x)} {'filled' if filled else 'open'} {shape} around ({f1:.2f}, {f2:.2f})")
    return "; ".join(said) + "."

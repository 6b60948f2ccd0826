"""Every picture of the course, each with a caption and with a sentence that describes it from its data.

The functions take plain tensors and cases and return a `Picture`. The plane of the formants has the same axes and
limits everywhere; an expert has the same colour and line style everywhere, and its number beside it.
"""

import base64
import io
import itertools

import matplotlib
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from .experts import foot_of_normal
from .gate import gate_line, gate_scores, mixing_proportions
from .mixture import blend
from .sound import RATE
from .vowels import SYMBOLS, WORDS

F1_LIMITS, F2_LIMITS = (0.1, 1.4), (0.5, 3.8)
"""The part of the formant plane that is drawn, in kHz."""

EXPERT_COLOURS = ("#0072B2", "#D55E00", "#007A5A", "#AA3377", "#000000", "#8C6D00", "#4477AA", "#882255")
EXPERT_STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (1, 2)), (0, (4, 4)))
"""Colours and line styles of experts 0 to 7; all colours are dark enough to be told from white."""

VOWEL_MARKERS = {"iy": ("o", True), "ih": ("o", False), "ah": ("^", True), "aa": ("^", False)}
"""Marker and filling of each vowel: a circle or triangle for the pair, filled where the default target is 1."""

_WIDTH = 4.6  # inches; 11 pt are still 11 px high where a phone shows the picture 330 px wide
_STYLE = {
    "font.family": "DejaVu Sans", "font.size": 12, "axes.titlesize": 12, "axes.labelsize": 12,
    "legend.fontsize": 11, "legend.frameon": False, "axes.spines.top": False, "axes.spines.right": False,
    "figure.facecolor": "white", "savefig.facecolor": "white", "svg.hashsalt": "moe", "lines.linewidth": 2,
}


class Picture:
    """A figure, its caption, and a sentence that describes it for someone who does not see it.

    A notebook shows the picture and carries the description with it; `make execute` puts caption and description into
    the rendered page. `str(picture)` is the description.
    """

    def __init__(self, figure, caption, description):
        self.figure, self.caption, self.description = figure, caption, " ".join(description.split())
        self._png = None

    def __repr__(self):
        return self.description

    def png(self):
        """The picture as PNG bytes, the same for the same data."""
        if self._png is None:  # drawn once: a layout that is computed a second time may move
            file = io.BytesIO()
            with matplotlib.rc_context(_STYLE):
                self.figure.savefig(file, format="png", dpi=200, metadata={"Software": None})
            self._png = file.getvalue()
        return self._png

    def _repr_mimebundle_(self, include=None, exclude=None):
        data = {"image/png": base64.b64encode(self.png()).decode(), "text/plain": self.description}
        return data, {"image/png": {"alt": self.description, "caption": self.caption}}


def plane(steps=200):
    """Points of the drawn part of the formant plane, row by row, `(steps · steps, 2)`, kHz: where to evaluate a `shade`."""
    f1 = torch.linspace(*F1_LIMITS, steps, dtype=torch.float64)
    f2 = torch.linspace(*F2_LIMITS, steps, dtype=torch.float64)
    return torch.cartesian_prod(f2, f1).flip(-1)


def formant_plane(cases, lines=None, shade=None, shade_label="output o", caption=None):
    """Cases in the plane of F1 and F2, with decision lines and a shaded surface where they are given.

    cases: `vowels.Cases`.
    lines: a mapping from a label to `(weight, bias)`, `(2,)` and `()`; drawn in the experts' colours, in this order.
    shade: values from 0 to 1 on `plane()`, drawn as grey, dark where high.
    """
    with matplotlib.rc_context(_STYLE):
        figure, axes = _figure(1, height=4.6)
        said = []
        if shade is not None:
            _draw_shade(axes[0], shade, shade_label, figure)
            said.append(f"Grey shading gives {shade_label}, from {float(shade.min()):.2f} to {float(shade.max()):.2f}.")
        _draw_cases(axes[0], cases)
        for number, (label, (weight, bias)) in enumerate((lines or {}).items()):
            style = dict(color=EXPERT_COLOURS[number], linestyle=EXPERT_STYLES[number])
            said.append(_draw_line(axes[0], weight, bias, label, **style))
        _plane_axes(axes[0])
        _legend(figure, axes[0])
    return Picture(figure, caption or f"{len(cases)} tokens in the plane of the first two formants.",
                   f"Scatter plot, F1 across and F2 up, in kHz. {_say_cases(cases)} {' '.join(said)}")


def two_planes(left, right, titles, caption):
    """Two sets of cases side by side in the formant plane, `left` and `right`, with their titles."""
    with matplotlib.rc_context(_STYLE):
        figure, axes = _figure(2, height=4.2)
        for panel, cases, title in zip(axes, (left, right), titles):
            _draw_cases(panel, cases)
            _plane_axes(panel)
            panel.set_title(title)
        axes[1].set_ylabel("")
        axes[1].tick_params(labelleft=False)
        _legend(figure, axes[0])
    return Picture(figure, caption, "Two scatter plots, F1 across and F2 up, in kHz. "
                   + " ".join(f"{title}: {_say_cases(cases)}" for title, cases in zip(titles, (left, right))))


def gate_regions(cases, weight, bias, lines=None,
                 caption="The gate's regions: in each, one expert has the largest proportion."):
    """Which expert has the largest proportion where, and the lines `p_i = p_j`.

    cases: `vowels.Cases`. weight, bias: the gate's, `(K, 2)` and `(K,)`, at most 8 experts.
    lines: decision lines, a mapping from an expert's number to `(weight, bias)`, `(2,)` and `()`.

    A line is full where its two experts have the two largest proportions, and thin elsewhere.
    """
    points = plane()
    experts = weight.shape[-2]
    p = mixing_proportions(gate_scores(points, weight, bias))
    favourite = p.argmax(-1)
    side = round(len(points) ** 0.5)
    with matplotlib.rc_context(_STYLE):
        figure, axes = _figure(1, height=4.8)
        ax = axes[0]
        tint = matplotlib.colors.ListedColormap([_tint(EXPERT_COLOURS[k]) for k in range(experts)])
        ax.imshow(favourite.reshape(side, side).numpy(), cmap=tint, vmin=-0.5, vmax=experts - 0.5,
                  extent=(*F1_LIMITS, *F2_LIMITS), origin="lower", aspect="auto", interpolation="nearest", zorder=0)
        _draw_cases(ax, cases)
        for i, j in itertools.combinations(range(experts), 2):
            _draw_gate_line(ax, weight, bias, i, j)
        regions = favourite.unique().tolist()
        line_said = [_draw_line(ax, w, b, f"line of {k}", color=EXPERT_COLOURS[k], linestyle=EXPERT_STYLES[k])
                     for k, (w, b) in (lines or {}).items()]
        for k in regions:
            middle = points[favourite == k].mean(0)
            ax.text(*middle.tolist(), str(k), fontsize=16, fontweight="bold", color=EXPERT_COLOURS[k],
                    ha="center", va="center", zorder=5, bbox=dict(facecolor="white", edgecolor="none", alpha=0.85, pad=2))
        _plane_axes(ax)
        _legend(figure, ax, extra=[Patch(color=_tint(EXPERT_COLOURS[k]), label=f"expert {k}") for k in regions])
    said = []
    for k in regions:
        f1, f2 = points[favourite == k].mean(0).tolist()
        share = (favourite == k).double().mean().item()
        said.append(f"expert {k} has {share:.0%} of the drawn area, around F1 {f1:.2f} and F2 {f2:.2f} kHz")
    return Picture(figure, caption, "Map of the formant plane, F1 across and F2 up, coloured by the expert with the "
                   f"largest proportion: {'; '.join(said)}. {_say_cases(cases)} {' '.join(line_said)}")


def feet(lines, caption="The foot of the normal from the origin to each line, as in Figure 3 of the paper."):
    """The foot of the normal of each decision line, with the line and the normal, on axes of equal scale.

    lines: a mapping from a label to `(weight, bias)`, `(2,)` and `()`.
    """
    with matplotlib.rc_context(_STYLE):
        figure, axes = _figure(1, height=3.6)
        ax, said = axes[0], []
        for number, (label, (weight, bias)) in enumerate(lines.items()):
            colour = EXPERT_COLOURS[number]
            foot = foot_of_normal(weight, bias)
            along = torch.stack([-weight[1], weight[0]]) / weight.norm()
            ends = torch.stack([foot - 5 * along, foot + 5 * along]).detach()
            ax.plot(ends[:, 0], ends[:, 1], color=colour, linestyle=EXPERT_STYLES[number], linewidth=1.2)
            ax.plot([0, foot[0].item()], [0, foot[1].item()], color=colour, linewidth=1)
            ax.plot(*foot.tolist(), "o", color=colour, markersize=9, label=label)
            said.append(f"{label} at ({foot[0].item():.3f}, {foot[1].item():.3f})")
        ax.plot(0, 0, "+", color="black", markersize=12, markeredgewidth=2, label="origin")
        ax.set_aspect("equal")
        ax.set(xlim=(-0.25, 1.0), ylim=(-0.3, 0.4), xlabel="F1 (kHz)", ylabel="F2 (kHz)")
        _legend(figure, ax)
    return Picture(figure, caption,
                   f"The feet of the normals from the origin in the formant plane, in kHz: {'; '.join(said)}.")


def spectrum(samples, formants, label):
    """The spectrum of a sound up to 4 kHz with its formants marked.

    samples: `(T,)` at `sound.RATE`. formants: Hz. label: what sounds.
    """
    window = torch.hann_window(len(samples), periodic=False, dtype=samples.dtype)
    level = 20 * torch.log10(torch.fft.rfft(samples * window).abs() + 1e-6)
    level = level - level.max()
    frequency = torch.arange(len(level), dtype=torch.float64) * RATE / len(samples)
    shown = frequency <= 4000
    with matplotlib.rc_context(_STYLE):
        figure, axes = _figure(1, height=2.9)
        ax = axes[0]
        ax.plot(frequency[shown] / 1000, level[shown], color="#444444", linewidth=0.8)
        for number, formant in enumerate(formants):
            ax.axvline(formant / 1000, color=EXPERT_COLOURS[number], linestyle=EXPERT_STYLES[number],
                       label=f"F{number + 1} = {formant:.0f} Hz")
        ax.set(xlabel="frequency (kHz)", ylabel="level (dB)", xlim=(0, 4), ylim=(-80, 5))
        _legend(figure, ax)
    peaks = ", ".join(f"F{i + 1} at {f:.0f} Hz" for i, f in enumerate(formants))
    return Picture(figure, f"Spectrum of a synthetic {label}.",
                   f"Line plot of level in decibels against frequency from 0 to 4 kHz for a synthetic {label}: narrow "
                   f"lines at the multiples of the pitch, highest near the formants, which are marked: {peaks}.")


def curves(x, series, xlabel, ylabel, caption, points=False):
    """Curves over a common x, in the experts' colours and line styles.

    x: `(S,)`. series: a mapping from a label to `(S,)`. points: mark the points, where there are few.
    """
    with matplotlib.rc_context(_STYLE):
        figure, axes = _figure(1, height=3.2)
        said = []
        for number, (label, y) in enumerate(series.items()):
            style = dict(color=EXPERT_COLOURS[number], linestyle=EXPERT_STYLES[number], marker="o" if points else None)
            axes[0].plot(x.tolist(), y.tolist(), label=label, **style)
            said.append(f"{label} from {float(y[0]):.3g} to {float(y[-1]):.3g}, lowest {float(y.min()):.3g}, "
                        f"highest {float(y.max()):.3g}")
        axes[0].set(xlabel=xlabel, ylabel=ylabel)
        _legend(figure, axes[0], columns=3)
    return Picture(figure, caption, f"Line plot of {ylabel} against {xlabel} from {float(x[0]):.3g} to {float(x[-1]):.3g}: "
                   f"{'; '.join(said)}.")


def fits(x, d, panels, caption):
    """What each expert answers, what their blend is, and what was wanted, for one input and one output.

    x, d: `(N, 1)`, sorted by x. panels: a mapping from a title to `(o, p)`, `(N, K, 1)` and `(N, K)`. An expert's line is
    opaque where its proportion is large, and vanishes where it is small.
    """
    with matplotlib.rc_context(_STYLE):
        figure, axes = _figure(len(panels), height=3.2)
        said = []
        for ax, (title, (o, p)) in zip(axes, panels.items()):
            ax.plot(x[:, 0], d[:, 0], color="#BBBBBB", linewidth=7, label="desired", solid_capstyle="round")
            for k in range(p.shape[-1]):
                ax.scatter(x[:, 0], o[:, k, 0], s=9, color=EXPERT_COLOURS[k], alpha=p[:, k].clamp(0, 1).tolist(), lw=0)
            y = blend(o, p)
            ax.plot(x[:, 0], y[:, 0], color="black", linewidth=1.2, label="blend")
            ax.set(title=title, xlabel="x", ylim=(-1.5, 5.5))
            used = int((p.max(0).values > 0.1).sum())
            said.append(f"{title}: the blend is within {(y - d).abs().max().item():.2f} of the desired output everywhere; "
                        f"{used} experts have a proportion above 0.1 somewhere")
        for ax in axes[1:]:
            ax.tick_params(labelleft=False)
        axes[0].set_ylabel("output")
        _legend(figure, axes[0])
    return Picture(figure, caption, "Panels of output against input, each with the desired output as a broad grey line, "
                   f"the experts' outputs in colour, and the blend in black. {'. '.join(said)}.")


def trails(feet, marks, caption="One dot an epoch: the foot of the normal of each expert's decision line."):
    """The paper's Figure 3: how the feet of the experts' decision lines move while they learn.

    feet: `(S, K, 2)`, in the order of the epochs. marks: a mapping from a name to a point `(2,)`.
    """
    experts = feet.shape[1]
    with matplotlib.rc_context(_STYLE):
        figure, axes = _figure(1, height=4.2)
        ax, said = axes[0], []
        for k in range(experts):
            trail = feet[:, k]
            ax.plot(trail[:, 0], trail[:, 1], ".", markersize=2.5, color=EXPERT_COLOURS[k])
            ax.plot(*trail[-1].tolist(), "o", markersize=8, color=EXPERT_COLOURS[k], label=f"expert {k}")
            ends = [tuple(round(v, 2) for v in trail[i].tolist()) for i in (0, -1)]
            said.append(f"expert {k} from {ends[0]} to {ends[1]}")
        for (name, point), offset in zip(marks.items(), itertools.cycle([(8, 8), (-24, -16), (8, 10)])):
            ax.plot(*point.tolist(), "x", color="black", markersize=9, markeredgewidth=2, zorder=5)
            ax.annotate(name, point.tolist(), xytext=offset, textcoords="offset points", fontsize=12, fontweight="bold")
            said.append(f"{name} at {tuple(round(v, 2) for v in point.tolist())}")
        ax.set(xlim=(-0.8, 1.3), ylim=(-0.35, 0.75), xlabel="F1 (kHz)", ylabel="F2 (kHz)")
        _legend(figure, ax)
    return Picture(figure, caption,
                   f"Trails of the feet of the normals in the plane of F1 and F2, in kHz: {'; '.join(said)}.")


def proportions(p, names, caption="Mixing proportions."):
    """Mixing proportions as bars, one group of bars for each case.

    p: `(N, K)`. names: what each of the N cases is called.
    """
    cases, experts = p.shape
    with matplotlib.rc_context(_STYLE):
        figure, axes = _figure(1, height=2.9)
        ax, width = axes[0], 0.8 / experts
        for k in range(experts):
            places = [n - 0.4 + width * (k + 0.5) for n in range(cases)]
            ax.bar(places, p[:, k].tolist(), 0.9 * width, color=EXPERT_COLOURS[k])
            for place, value in zip(places, p[:, k].tolist()):
                ax.text(place, value + 0.02, str(k), ha="center", fontsize=11, color=EXPERT_COLOURS[k])
        ax.set(ylim=(0, 1.1), ylabel="proportion p", xticks=range(cases))
        ax.set_xticklabels(names)
    said = "; ".join(f"{name}: " + ", ".join(f"{v:.2f}" for v in row) for name, row in zip(names, p.tolist()))
    return Picture(figure, caption, f"Bar chart of the proportions of experts 0 to {experts - 1}. {said}.")


def _figure(panels, height):
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    axes = figure.subplots(1, panels, squeeze=False)[0]
    return figure, axes


def _plane_axes(ax):
    ax.set(xlim=F1_LIMITS, ylim=F2_LIMITS, xlabel="F1 (kHz)", ylabel="F2 (kHz)", xticks=(0.2, 0.6, 1.0, 1.4))


def _draw_cases(ax, cases):
    for vowel in dict.fromkeys(cases.vowel):
        chosen = cases.only(vowel)
        marker, filled = VOWEL_MARKERS.get(vowel, ("s", False))
        ax.scatter(chosen.x[:, 0], chosen.x[:, 1], s=22, marker=marker, linewidths=0.8, edgecolors="#333333",
                   facecolors="#777777" if filled else "white", label=f"[{SYMBOLS[vowel]}] {WORDS[vowel]}", zorder=3)


def _draw_line(ax, weight, bias, label, **style):
    """Draw `weight · x + bias = 0` and return a sentence that says where it lies."""
    foot = foot_of_normal(weight, bias).detach()
    along = torch.stack([-weight[1], weight[0]]).detach() / weight.detach().norm()
    ends = torch.stack([foot - 10 * along, foot + 10 * along])
    ax.plot(ends[:, 0], ends[:, 1], label=label, zorder=4, **style)
    crossings = _inside(weight.detach(), bias.detach())
    if len(crossings) < 2:
        return f"{label} lies outside the drawn plane."
    (a, b), (c, d) = crossings[0], crossings[-1]
    return f"{label} runs from ({a:.2f}, {b:.2f}) to ({c:.2f}, {d:.2f})."


def _inside(weight, bias):
    """The points where a line crosses the border of the drawn plane, in order of F2."""
    (w1, w2), c = weight.tolist(), float(bias)
    points = [(x, -(w1 * x + c) / w2) for x in F1_LIMITS if w2] + [(-(w2 * y + c) / w1, y) for y in F2_LIMITS if w1]
    return sorted(((x, y) for x, y in points if F1_LIMITS[0] <= x <= F1_LIMITS[1] and F2_LIMITS[0] <= y <= F2_LIMITS[1]),
                  key=lambda point: point[1])


def _draw_gate_line(ax, weight, bias, i, j):
    """Draw `p_i = p_j`, full where i and j have the two largest proportions."""
    normal, offset = gate_line(weight, bias, i, j)
    if float(normal.norm()) == 0:
        return
    foot = foot_of_normal(normal, offset)
    along = torch.stack([-normal[1], normal[0]]) / normal.norm()
    points = foot + torch.linspace(-10, 10, 8001, dtype=foot.dtype)[:, None] * along
    scores = gate_scores(points, weight, bias)
    largest = (scores[:, i] >= scores.max(-1).values - 1e-9).numpy()
    xs, ys = points[:, 0].numpy(), points[:, 1].numpy()
    ax.plot(xs, ys, color="#999999", linewidth=0.7, zorder=1)
    ax.plot(xs[largest], ys[largest], color="black", linewidth=1.8, zorder=2)


def _draw_shade(ax, shade, label, figure):
    side = round(len(shade) ** 0.5)
    image = ax.imshow(shade.detach().reshape(side, side).numpy(), cmap="Greys", vmin=0, vmax=1.6, alpha=0.9,
                      extent=(*F1_LIMITS, *F2_LIMITS), origin="lower", aspect="auto", zorder=0)
    bar = figure.colorbar(image, ax=ax, label=label, boundaries=torch.linspace(0, 1, 101).tolist())
    bar.set_ticks([0, 0.5, 1])


def _legend(figure, ax, extra=(), columns=4):
    handles, labels = ax.get_legend_handles_labels()
    handles, labels = handles + list(extra), labels + [h.get_label() for h in extra]
    figure.legend(handles, labels, loc="outside upper center", ncols=columns, handlelength=2.0, columnspacing=1.0,
                  handletextpad=0.4)


def _tint(colour):
    """A light tint of an expert's colour, for areas behind the cases."""
    return tuple(0.25 * channel + 0.75 for channel in matplotlib.colors.to_rgb(colour))


def _say_cases(cases):
    said = []
    for vowel in dict.fromkeys(cases.vowel):
        x = cases.only(vowel).x
        marker, filled = VOWEL_MARKERS.get(vowel, ("s", False))
        shape = {"o": "circles", "^": "triangles", "s": "squares"}[marker]
        f1, f2 = x.mean(0).tolist()
        said.append(f"[{SYMBOLS[vowel]}] {len(x)} {'filled' if filled else 'open'} {shape} around ({f1:.2f}, {f2:.2f})")
    return "; ".join(said) + "."

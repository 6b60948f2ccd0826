"""Every picture of the course, each with a caption and with a sentence that describes it from its data.

The functions take plain tensors and cases and return a `Picture`. The plane of the formants has the same axes and
limits everywhere; an expert has the same colour and line style everywhere, and its number beside it.
"""

import base64
import io
import itertools
import math
import re

import matplotlib
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from PIL import Image

from .model.gate import gate_scores, mixing_proportions
from .model.lines import foot_of_normal, gate_line
from .model.mixture import blend
from .tasks.sound import RATE
from .tasks.vowels import SYMBOLS, WORDS

F1_LIMITS, F2_LIMITS = (0.1, 1.4), (0.5, 3.8)
"""The part of the formant plane that is drawn, in kHz."""

EXPERT_COLOURS = ("#0072B2", "#D55E00", "#007A5A", "#AA3377", "#000000", "#8C6D00", "#4477AA", "#882255")
EXPERT_STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (1, 2)), (0, (4, 4)))
"""Colours and line styles of experts 0 to 7; all colours are dark enough to be told from white."""

VOWEL_MARKERS = {"iy": ("o", True), "ih": ("o", False), "ah": ("^", True), "aa": ("^", False)}
"""Marker and filling of each vowel: a circle or triangle for the pair, filled where the default target is 1."""

SYSTEM_STYLES = {"4 experts": ("#0072B2", "o", "-"), "8 experts": ("#00405F", "s", "--"),
                 "BP 6 hidden": ("#D55E00", "^", "-."), "BP 12 hidden": ("#7A3600", "D", ":")}
"""Colour, marker and line style of the four systems of Table 1: blue for mixtures, orange for networks."""

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
            small = io.BytesIO()  # a palette of 256 colours makes a page a third as heavy
            Image.open(file).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(small, format="PNG", optimize=True)
            self._png = small.getvalue()
        return self._png

    def svg(self):
        """The picture as SVG, the same for the same data; its letters are the reader's own."""
        file = io.StringIO()
        with matplotlib.rc_context({**_STYLE, "svg.fonttype": "none"}):
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


def gate_regions(cases, weight, bias, lines=None, blend=None,
                 caption="The gate's regions: in each, one expert has the largest proportion."):
    """The paper's Figure 2: which expert has the largest proportion where, and the lines `p_i = p_j`.

    cases: `vowels.Cases`. weight, bias: the gate's, `(K, 2)` and `(K,)`, at most 8 experts.
    lines: decision lines, a mapping from an expert's number to `(weight, bias)`, `(2,)` and `()`.
    blend: the blend's output on `plane()`, for a broad grey curve where it is 0.5.

    A gate line is full where its two experts have the two largest proportions, and thin elsewhere.
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
        if blend is not None:
            grid = points.reshape(side, side, 2).numpy()
            ax.contour(grid[..., 0], grid[..., 1], blend.detach().reshape(side, side).numpy(), levels=[0.5],
                       colors="#777777", linewidths=7, alpha=0.6, zorder=2)
        regions = favourite.unique().tolist()
        line_said = [_draw_line(ax, w, b, f"line of {k}", color=EXPERT_COLOURS[k], linestyle=EXPERT_STYLES[k])
                     for k, (w, b) in (lines or {}).items()]
        for k in regions:
            middle = points[favourite == k].mean(0)
            ax.text(*middle.tolist(), str(k), fontsize=16, fontweight="bold", color=EXPERT_COLOURS[k],
                    ha="center", va="center", zorder=5, bbox=dict(facecolor="white", edgecolor="none", alpha=0.85, pad=2))
        _plane_axes(ax)
        if blend is not None:
            ax.plot([], [], color="#777777", linewidth=7, alpha=0.6, label="blend 0.5")
        _legend(figure, ax, extra=[Patch(color=_tint(EXPERT_COLOURS[k]), label=f"expert {k}") for k in regions])
    said = []
    for k in regions:
        f1, f2 = points[favourite == k].mean(0).tolist()
        share = (favourite == k).double().mean().item()
        said.append(f"expert {k} has {share:.0%} of the drawn area, around F1 {f1:.2f} and F2 {f2:.2f} kHz")
    if blend is not None:
        line_said.append("A broad grey curve follows the blend's output 0.5.")
    return Picture(figure, caption, "Map of the formant plane, F1 across and F2 up, coloured by the expert with the "
                   f"largest proportion: {'; '.join(said)}. {_say_cases(cases)} {' '.join(line_said)}")


def feet(lines, caption="The foot of the normal from the origin to each line, as in Figure 3 of the paper."):
    """The foot of the normal of each decision line, a dot of Figure 3, with the line and the normal, on axes of equal scale.

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


def curves(x, series, xlabel, ylabel, caption, points=False, logarithmic=False):
    """Curves over a common x, in the experts' colours and line styles.

    x: `(S,)`. series: a mapping from a label to `(S,)`. points: mark the points, where there are few, and the values of x
    on its axis. logarithmic: both axes.
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
        if logarithmic:
            axes[0].set(xscale="log", yscale="log")
        if points:
            axes[0].set_xticks(x.tolist(), [f"{value:g}" for value in x.tolist()])
            axes[0].minorticks_off()
        _legend(figure, axes[0], columns=3)
    return Picture(figure, caption, f"Line plot of {ylabel} against {xlabel} from {float(x[0]):.3g} to {float(x[-1]):.3g}: "
                   f"{'; '.join(said)}.")


def forces(d, o, by_loss, caption="Where descent on each loss moves the experts' outputs."):
    """The force of each loss on every expert's output, minus the gradient, as arrows: one case, one panel for a loss.

    d: the desired output, a number. o: the experts' outputs, `(K,)`.
    by_loss: a mapping from a loss's name to its value, a number, and the forces, `(K,)`; at most three.

    In each panel the longest arrow is the largest force; a force that rounds to 0.000 has none.
    """
    low, high, longest, experts, said = -2.0, 6.0, 4.0, range(len(o)), []
    with matplotlib.rc_context(_STYLE):
        figure, axes = _figure(len(by_loss), height=1.5 + 0.45 * len(o))
        for ax, (name, (error, force)) in zip(axes, by_loss.items()):
            largest = force.abs().max().item()
            hardest = [k for k in experts if three_decimals(abs(force[k].item())) == three_decimals(largest) != "0.000"]
            ax.plot([d, d], [-0.65, len(o) - 0.5], color="#555555", linestyle="--", linewidth=1, zorder=1)
            ax.text(d, -0.8, "d", ha="center", fontsize=12)
            for k in experts:
                _draw_force(ax, k, o[k].item(), force[k].item(), longest / largest if largest else 0.0, k in hardest)
            ax.set(xlim=(low - longest - 0.3, high + longest + 0.3), ylim=(len(o) - 0.5, -1.4), yticks=experts,
                   xticks=(low, (low + high) / 2, high), title=f"{name}\nE = {three_decimals(error)}")
            ax.tick_params(axis="y", length=0, labelleft=ax is axes[0])
            pushes = [f"expert {k} at {three_decimals(o[k].item())}, {_say_force(force[k].item())}" for k in experts]
            most = f"Pushed hardest: {', '.join(f'expert {k}' for k in hardest)}" if hardest else "No expert is pushed"
            said.append(f"{name}, E = {three_decimals(error)}: {'; '.join(pushes)}. {most}.")
        axes[0].set_ylabel("expert")
        axes[len(axes) // 2].set_xlabel("output")
    return Picture(figure, caption, f"{len(by_loss)} panels, one a loss, with an arrow for the force on each expert's "
                   f"output. The desired output is {three_decimals(d)}. {' '.join(said)}")


def three_decimals(value, sign=""):
    """Three decimals with a minus sign that screen readers read as such; `sign="+"` also marks numbers above 0."""
    value = round(value, 3)
    return f"{value:{sign if value else ''}.3f}".replace("-", "\u2212") if value else "0.000"


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
            ax.plot(*point.tolist(), "D", color="black", markeredgecolor="white", markersize=8, zorder=5)
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


def step_sizes(explorations, caption="Mean epochs to the criterion, for each step size. Hollow: some pilot runs did not "
                                     "arrive. Ring: the one that is chosen."):
    """What each system needed with each step size.

    explorations: a mapping from systems to `replication.Exploration`. Where only some of the pilot runs converged the point
    is hollow and their mean; where none did there is no point. The chosen step size has a ring.
    """
    with matplotlib.rc_context(_STYLE):
        figure, axes = _figure(1, height=3.9)
        ax, said = axes[0], []
        for system, explored in explorations.items():
            colour, marker, line = SYSTEM_STYLES[system]
            every, points = {}, []
            for size, stopped, converged in zip(explored.step_sizes.tolist(), explored.stopped, explored.converged):
                if converged.any():
                    mean = stopped[converged].double().mean().item()
                    note = "" if converged.all() else f" ({int(converged.sum())} of {len(converged)} runs)"
                    points.append(f"{mean:.0f} at {size:g}{note}")
                    if converged.all():
                        every[size] = mean
                    else:
                        ax.plot(size, mean, marker, color=colour, markerfacecolor="white", markersize=8)
            ax.plot(every.keys(), every.values(), color=colour, marker=marker, linestyle=line, label=system)
            if explored.chosen in every:
                ax.plot(explored.chosen, every[explored.chosen], "o", markersize=15, markerfacecolor="none", color=colour)
            said.append(f"{system}: {', '.join(points) or 'no run converged'}; chosen {explored.chosen:g}")
        ticks = next(iter(explorations.values())).step_sizes.tolist()
        ax.set(xscale="log", yscale="log", xlabel="step size ε", ylabel="mean epochs")
        ax.set(xlim=(ticks[0] / 1.3, ticks[-1] * 1.3), ylim=(800, 6000))
        ax.set_xticks(ticks, [f"{size:g}" for size in ticks], fontsize=10)
        ax.set_yticks((1000, 2000, 5000), ("1000", "2000", "5000"))
        ax.minorticks_off()
        _legend(figure, ax, columns=2)
    return Picture(figure, caption, "Line plot on logarithmic axes of the mean epochs of the pilot runs against the step "
                   f"size. {'. '.join(said)}.")


def simulated_epochs(simulations, paper, caption="Epochs to the criterion: one dot a simulation; the paper's mean and SD."):
    """The epochs of every simulation, system by system, beside those of Table 1.

    simulations: a mapping from systems to `replication.Simulations`. paper: as `comparison.PAPER`.
    """
    with matplotlib.rc_context(_STYLE):
        figure, axes = _figure(1, height=3.4)
        ax, said = axes[0], []
        for row, (system, runs) in enumerate(simulations.items()):
            colour, marker, _ = SYSTEM_STYLES[system]
            epochs = runs.epochs.sort().values
            spread = [row - 0.12 + 0.06 * (number % 5) for number in range(len(epochs))]  # so that dots do not hide dots
            ax.plot(epochs.tolist(), spread, marker, color=colour, markersize=5, alpha=0.7, linestyle="none")
            mean, deviation = paper[system]["epochs"], paper[system]["deviation"]
            ax.errorbar(mean, row + 0.32, xerr=deviation, fmt="x", color="black", capsize=4, markersize=8,
                        label="the paper" if row == 0 else None)
            seen = f"from {epochs[0]:.0f} to {epochs[-1]:.0f} epochs" if len(epochs) else "no run converged"
            said.append(f"{system}: {seen}; the paper {mean}, SD {deviation}")
        ax.set(yticks=range(len(simulations)), ylim=(len(simulations) - 0.4, -0.5), xlabel="epochs", xlim=(0, None))
        ax.set_yticklabels([system.replace(" ", "\n", 1) for system in simulations])
        _legend(figure, ax)
    return Picture(figure, caption, f"A row of dots for each system, one a simulation. {'; '.join(said)}.")


def multiverse(cells, readings, half,
               caption="The mixtures' epochs as a fraction of the networks', for every combination of the open choices."):
    """Where "half as many epochs" holds: a table of the fractions, coloured in three steps.

    cells: `replication.Replication` objects. readings: a mapping from a column's name to the settings of its protocols.
    half: the fraction below which it is about half.
    """
    def place(protocol):
        return protocol.order, protocol.stop_on, protocol.spread

    rows = list(dict.fromkeys(place(cell.protocol) for cell in cells))
    counts = {"about half": 0, "fewer": 0, "not fewer": 0, "not all converge": 0}
    with matplotlib.rc_context(_STYLE):
        figure, axes = _figure(1, height=6.4)
        ax = axes[0]
        for cell in cells:
            column = next(number for number, settings in enumerate(readings.values())
                          if all(getattr(cell.protocol, name) == value for name, value in settings.items()))
            row = rows.index(place(cell.protocol))
            kind = _kind(cell, half)
            counts[kind] += 1
            colour, ink = _KINDS[kind]
            ax.add_patch(Rectangle((column - 0.48, row - 0.46), 0.96, 0.92, facecolor=colour, edgecolor="#555555",
                                   linewidth=0.6, hatch="///" if kind == "not all converge" else None))
            fraction = "–" if math.isnan(cell.fraction) else f"{cell.fraction:.2f}"
            ax.text(column, row, fraction, ha="center", va="center", color=ink, fontsize=12,
                    bbox=dict(facecolor=colour, edgecolor="none", pad=1.5))
        ax.set(xlim=(-0.55, len(readings) - 0.45), ylim=(len(rows) - 0.45, -0.55), xticks=range(len(readings)),
               yticks=range(len(rows)))
        ax.set_xticklabels([name.replace(", ", "\n").replace(" ", "\n", 1) for name in readings], fontsize=10)
        ax.set_yticklabels([f"{order}, {stop_on}, ±{spread:g}" for order, stop_on, spread in rows], fontsize=10)
        ax.xaxis.tick_top()
        ax.tick_params(length=0)
        for spine in ax.spines.values():
            spine.set_visible(False)
        figure.legend(handles=[Patch(facecolor=colour, edgecolor="#555555", label=f"{kind} ({counts[kind]})",
                                     hatch="///" if kind == "not all converge" else None)
                               for kind, (colour, _) in _KINDS.items()],
                      loc="outside lower center", ncols=2)
    said = ", ".join(f"{number} {kind}" for kind, number in counts.items())
    columns = []
    for name, settings in readings.items():
        fractions = [cell.fraction for cell in cells if _kind(cell, half) != "not all converge"
                     and all(getattr(cell.protocol, key) == value for key, value in settings.items())]
        seen = f"from {min(fractions):.2f} to {max(fractions):.2f}" if fractions else "in no cell do all runs converge"
        columns.append(f"{name}: {seen}")
    return Picture(figure, caption, f"A table of {len(cells)} fractions, a column for each reading of the outputs and a row "
                   f"for each order of the speakers, measure of the criterion and spread of the weights: {said}. "
                   f"Where all runs converge, {'; '.join(columns)}.")


_KINDS = {"about half": ("#0072B2", "white"), "fewer": ("#BFDDF0", "black"), "not fewer": ("#F2B183", "black"),
          "not all converge": ("#EEEEEE", "black")}


def _kind(cell, half):
    """In which of the four kinds of `multiverse` a cell is."""
    if not all(runs.converged.all() for runs in cell.simulations.values()):
        return "not all converge"
    return "about half" if cell.fraction < half else "fewer" if cell.fraction < 1 else "not fewer"


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


def _draw_force(ax, expert, place, force, scale, marked):
    """One expert's output, and an arrow of the force on it."""
    colour = EXPERT_COLOURS[expert]
    ground = _tint(colour) if marked else "white"
    if marked:
        ax.axhspan(expert - 0.6, expert + 0.4, color=ground, linewidth=0, zorder=0)
    ax.text(2.0, expert - 0.25, three_decimals(force, "+"), ha="center", fontsize=11, zorder=2,
            fontweight="bold" if marked else None, bbox=dict(facecolor=ground, edgecolor="none", pad=0.5))
    ax.plot(place, expert, "|", color=colour, markersize=11, markeredgewidth=2.5, zorder=4)
    if three_decimals(force) == "0.000":
        return
    length = force * scale
    end, size = place + length, min(1, abs(length))  # a head is no longer than its arrow
    base, half = end - math.copysign(size, length), 0.14 * size
    ax.plot([place, base], [expert, expert], color=colour, solid_capstyle="butt", zorder=3)
    ax.fill([end, base, base], [expert, expert - half, expert + half], color=colour, linewidth=0, zorder=3,
            gid=f"head {expert}")


def _say_force(force):
    if three_decimals(force) == "0.000":
        return "0.000"
    return f"{three_decimals(abs(force))} to the {'right' if force > 0 else 'left'}"


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

"""Curves, bars and points over a common axis: errors over epochs, spectra, what experts answer, mixing proportions."""

from collections.abc import Mapping

import torch

from .. import _checks
from ..model.mixture import blend
from ..shapes import Texts, checked
from ..tasks import sound
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


@checked
def spectrum(samples, formants, label: str) -> Picture:
    """The spectrum of a sound up to 4 kHz with its formants marked above it.

    >>> from moe_tutorial import synthesise
    >>> spectrum(synthesise(120, (500, 1500, 2500)), (500, 1500, 2500), "[ə]").caption
    'Spectrum of a synthetic [ə].'

    samples: `(T,)` at `sound.RATE`. formants: Hz. label: what sounds.

    TypeError, ValueError: samples of another shape, silence, no formants or more than 8.
    """
    check_number("formants", tensor("formants", formants).numel(), BY_COLOUR)
    formants = numbers("formants", formants, "F").tolist()
    frequency, level = sound.spectrum(numbers("samples", samples, "T"))
    shown = frequency <= 4000
    with drawing(2.9) as (figure, ax):
        ax.plot(frequency[shown] / 1000, level[shown], color="#444444", linewidth=0.8)
        for number, formant in enumerate(formants):
            # Above the highest level, 0 dB: a mark on a line of the spectrum would hide it.
            ax.axvline(formant / 1000, ymin=0.86, label=f"F{number + 1} = {formant:.0f} Hz", **expert_style(number))
        ax.set(xlabel="frequency (kHz)", ylabel="level (dB)", xlim=(0, 4), ylim=(-80, 15), yticks=range(-80, 1, 20))
        legend(figure, ax, columns=3 if len(formants) <= 3 else 2)
    peaks = ", ".join(f"F{i + 1} at {f:.0f} Hz" for i, f in enumerate(formants))
    return Picture(figure, f"Spectrum of a synthetic {label}.",
                   f"Line plot of level in decibels against frequency from 0 to 4 kHz for a synthetic {label}: narrow "
                   f"lines at the multiples of the pitch, highest near the formants, which are marked: {peaks}.")


@checked
def curves(x, series: Mapping, xlabel: str, ylabel: str, caption: str, points: bool = False,
           logarithmic: bool = False) -> Picture:
    """Curves over a common x, in the experts' colours and line styles.

    >>> curves([0, 1, 2], {"one": [0.9, 0.2, 0.3]}, "epoch", "error", caption="The error.")
    Line plot of error against epoch from 0 to 2: one from 0.9 to 0.3, lowest 0.2, highest 0.9.

    x: `(S,)`. series: a mapping from a label to `(S,)`. points: mark the points, where there are few, and the values of x
    on its axis. logarithmic: both axes.

    From the ninth curve on colours repeat, with other line styles. A value that is no finite number is not drawn.

    TypeError, ValueError: shapes that do not fit, no series or more than 16.
    """
    x = numbers("x", x, "S")
    check_number("series", len(series), AT_MOST)
    with drawing(3.2 + further_rows(len(series))) as (figure, ax):
        said = []
        for number, (label, y) in enumerate(series.items()):
            y = numbers(f"{label} of series", y, len(x), finite=False)
            ax.plot(x.tolist(), y.tolist(), label=label, marker="o" if points else None, **expert_style(number))
            said.append(f"{label} {_say_values(y)}")
        ax.set(xlabel=xlabel, ylabel=ylabel)
        if logarithmic:
            ax.set(xscale="log", yscale="log")
        if points:
            ax.set_xticks(x.tolist(), [f"{value:g}" for value in x.tolist()])
            ax.minorticks_off()
        legend(figure, ax, columns=3)
    return Picture(figure, caption, f"Line plot of {ylabel} against {xlabel} from {float(x[0]):.3g} to {float(x[-1]):.3g}: "
                   f"{'; '.join(said)}.")


def _say_values(y):
    """From where to where values go, and between which ends. Those that are no finite numbers are counted."""
    there = y[y.isfinite()]
    others = len(y) - len(there)
    missing = f", without {others} of {len(y)} values, which are no finite numbers" if others else ""
    if not len(there):
        return f"has nothing to draw{missing}"
    first, last, low, high = (float(value) for value in (there[0], there[-1], there.min(), there.max()))
    return f"from {first:.3g} to {last:.3g}, lowest {low:.3g}, highest {high:.3g}{missing}"


@checked
def fits(x, d, panels: Mapping, caption: str) -> Picture:
    """What each expert answers, what their blend is, and what was wanted, for one input and one output.

    >>> o, p = torch.tensor([[[0.0], [1.0]]]), torch.tensor([[0.5, 0.5]])
    >>> fits([[0.0]], [[0.25]], {"one case": (o, p)}, caption="Half of each.")  # doctest: +ELLIPSIS
    Panels of output against input, ... and the blend in black. one case: the blend is within 0.25 of the desired output ...

    x, d: `(N, 1)`, sorted by x. panels: a mapping from a title to `(o, p)`, `(N, K, 1)` and `(N, K)`. An expert's line is
    opaque where its proportion is large, and vanishes where it is small.

    TypeError, ValueError: shapes that do not fit, no panels, more than 8 experts, whom their colours do not tell apart.
    """
    x = numbers("x", x, "N", 1)
    d = numbers("d", d, len(x), 1)
    check_number("panels", len(panels))
    with drawing(3.2, panels=len(panels)) as (figure, *axes):
        said = []
        for ax, (title, panel) in zip(axes, panels.items()):
            if not isinstance(panel, tuple | list) or len(panel) != 2:
                raise TypeError(f"panels must map each title to (o, p), got {_checks.said(panel)} for {title}")
            o, p = panel
            o = numbers(f"o of {title} in panels", o, len(x), "K", 1)
            p = numbers(f"p of {title} in panels", p, len(x), o.shape[1])
            check_number("experts", o.shape[1], BY_COLOUR)
            ax.plot(x[:, 0], d[:, 0], color="#BBBBBB", linewidth=7, label="desired", solid_capstyle="round")
            for k in range(p.shape[-1]):
                ax.scatter(x[:, 0], o[:, k, 0], s=9, color=expert_colour(k), alpha=p[:, k].clamp(0, 1).tolist(), lw=0)
            y = blend(o, p)
            ax.plot(x[:, 0], y[:, 0], color="black", linewidth=1.2, label="blend")
            ax.set(title=title, xlabel="x", ylim=(min(-1.5, d.min().item() - 0.5), max(5.5, d.max().item() + 0.5)))
            used = int((p.max(0).values > 0.1).sum())
            said.append(f"{title}: the blend is within {(y - d).abs().max().item():.2f} of the desired output everywhere; "
                        f"{used} experts have a proportion above 0.1 somewhere")
        for ax in axes[1:]:
            ax.tick_params(labelleft=False)
        axes[0].set_ylabel("output")
        legend(figure, axes[0])
    return Picture(figure, caption, "Panels of output against input, each with the desired output as a broad grey line, "
                   f"the experts' outputs in colour, and the blend in black. {'. '.join(said)}.")


@checked
def proportions(p, names: Texts, caption: str = "Mixing proportions.") -> Picture:
    """Mixing proportions as bars, one group of bars for each case.

    >>> proportions([[0.25, 0.75]], ["one case"])
    Bar chart of the proportions of experts 0 to 1. one case: 0.25, 0.75.

    p: `(N, K)`. names: what each of the N cases is called.

    TypeError, ValueError: shapes that do not fit, more than 8 experts, or 16 for a single case: wider numbers do not fit
        above the bars.
    """
    p = numbers("p", p, "N", "K")
    cases, experts = p.shape
    check_number("experts", experts, max(BY_COLOUR, AT_MOST // cases))
    if len(names) != cases:
        raise ValueError(f"{len(names)} names were given for {cases} cases")
    if p.min() < 0 or p.max() > 1:
        raise ValueError(f"p must hold proportions, from 0 to 1, got {p.min().item():.3g} to {p.max().item():.3g}")
    with drawing(2.9) as (figure, ax):
        width = 0.8 / experts
        for k in range(experts):
            places = [n - 0.4 + width * (k + 0.5) for n in range(cases)]
            ax.bar(places, p[:, k].tolist(), 0.9 * width, color=expert_colour(k))
            for place, value in zip(places, p[:, k].tolist()):
                ax.text(place, value + 0.02, str(k), ha="center", fontsize=11, color=expert_colour(k))
        ax.set(ylim=(0, 1.1), ylabel="proportion p", xticks=range(cases))
        ax.set_xticklabels(names)
    said = "; ".join(f"{name}: " + ", ".join(f"{v:.2f}" for v in row) for name, row in zip(names, p.tolist()))
    return Picture(figure, caption, f"Bar chart of the proportions of experts 0 to {experts - 1}. {said}.")


@checked
def shares(epochs, proportions, caption: str) -> Picture:
    """The experts' mean proportions over the epochs, stacked: each expert's band is as high as its share of all cases.

    >>> shares([0, 1], [[0.5, 0.5], [0.9, 0.1]], caption="One takes over.")  # doctest: +ELLIPSIS
    Stacked bands, ... from epoch 0 to 1. At the end: expert 0 0.90, expert 1 0.10. The largest share of any is 0.90, ...

    epochs: `(T,)`, growing. proportions: `(T, K)`, as `History.proportions` has them for one run. A band has the number of
    its expert at its widest place, if there is room for it.

    TypeError, ValueError: shapes that do not fit, epochs that do not grow, rows that do not add up to 1, over 8 experts.
    """
    epochs = numbers("epochs", epochs, "T")
    proportions = numbers("proportions", proportions, len(epochs), "K")
    experts = proportions.shape[1]
    check_number("experts", experts, BY_COLOUR)
    if not (epochs.diff() > 0).all():
        raise ValueError("epochs must grow from one to the next")
    if not torch.allclose(proportions.sum(-1), torch.ones((), dtype=proportions.dtype), atol=1e-6):
        raise ValueError("the proportions of an epoch must add up to 1")
    upper, width = proportions.cumsum(-1), epochs[-1] - epochs[0]
    with drawing(3.2) as (figure, ax):
        ax.stackplot(epochs.tolist(), proportions.T.tolist(), colors=[tint(expert_colour(k)) for k in range(experts)],
                     edgecolor="#555555", linewidth=0.6)
        for k in range(experts):
            widest = int(proportions[:, k].argmax())
            if proportions[widest, k] > 0.08:
                inside = epochs[widest].clamp(epochs[0] + 0.03 * width, epochs[-1] - 0.03 * width)
                ax.text(float(inside), float(upper[widest, k] - proportions[widest, k] / 2), f"{k}", ha="center",
                        va="center", fontsize=12, color=expert_colour(k), fontweight="bold")
        ax.set(xlabel="epoch", ylabel="share of all cases", xlim=(float(epochs[0]), float(epochs[-1])), ylim=(0, 1))
    end = ", ".join(f"expert {k} {share:.2f}" for k, share in enumerate(proportions[-1].tolist()))
    when, who = divmod(int(proportions.argmax()), experts)
    return Picture(figure, caption, "Stacked bands, one for each expert, as high as its share of all cases, from epoch "
                   f"{float(epochs[0]):g} to {float(epochs[-1]):g}. At the end: {end}. The largest share of any is "
                   f"{float(proportions.max()):.2f}, of expert {who} at epoch {float(epochs[when]):g}.")

"""Curves, bars and points over a common axis: errors over epochs, spectra, what experts answer, mixing proportions."""

from ..model.mixture import blend
from ..tasks import sound
from .picture import EXPERT_COLOURS, EXPERT_STYLES, Picture, drawing, legend


def spectrum(samples, formants, label):
    """The spectrum of a sound up to 4 kHz with its formants marked.

    samples: `(T,)` at `sound.RATE`. formants: Hz. label: what sounds.
    """
    frequency, level = sound.spectrum(samples)
    shown = frequency <= 4000
    with drawing(2.9) as (figure, ax):
        ax.plot(frequency[shown] / 1000, level[shown], color="#444444", linewidth=0.8)
        for number, formant in enumerate(formants):
            ax.axvline(formant / 1000, color=EXPERT_COLOURS[number], linestyle=EXPERT_STYLES[number],
                       label=f"F{number + 1} = {formant:.0f} Hz")
        ax.set(xlabel="frequency (kHz)", ylabel="level (dB)", xlim=(0, 4), ylim=(-80, 5))
        legend(figure, ax)
    peaks = ", ".join(f"F{i + 1} at {f:.0f} Hz" for i, f in enumerate(formants))
    return Picture(figure, f"Spectrum of a synthetic {label}.",
                   f"Line plot of level in decibels against frequency from 0 to 4 kHz for a synthetic {label}: narrow "
                   f"lines at the multiples of the pitch, highest near the formants, which are marked: {peaks}.")


def curves(x, series, xlabel, ylabel, caption, points=False, logarithmic=False):
    """Curves over a common x, in the experts' colours and line styles.

    x: `(S,)`. series: a mapping from a label to `(S,)`. points: mark the points, where there are few, and the values of x
    on its axis. logarithmic: both axes.
    """
    with drawing(3.2) as (figure, ax):
        said = []
        for number, (label, y) in enumerate(series.items()):
            style = dict(color=EXPERT_COLOURS[number], linestyle=EXPERT_STYLES[number], marker="o" if points else None)
            ax.plot(x.tolist(), y.tolist(), label=label, **style)
            said.append(f"{label} from {float(y[0]):.3g} to {float(y[-1]):.3g}, lowest {float(y.min()):.3g}, "
                        f"highest {float(y.max()):.3g}")
        ax.set(xlabel=xlabel, ylabel=ylabel)
        if logarithmic:
            ax.set(xscale="log", yscale="log")
        if points:
            ax.set_xticks(x.tolist(), [f"{value:g}" for value in x.tolist()])
            ax.minorticks_off()
        legend(figure, ax, columns=3)
    return Picture(figure, caption, f"Line plot of {ylabel} against {xlabel} from {float(x[0]):.3g} to {float(x[-1]):.3g}: "
                   f"{'; '.join(said)}.")


def fits(x, d, panels, caption):
    """What each expert answers, what their blend is, and what was wanted, for one input and one output.

    x, d: `(N, 1)`, sorted by x. panels: a mapping from a title to `(o, p)`, `(N, K, 1)` and `(N, K)`. An expert's line is
    opaque where its proportion is large, and vanishes where it is small.
    """
    with drawing(3.2, panels=len(panels)) as (figure, *axes):
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
        legend(figure, axes[0])
    return Picture(figure, caption, "Panels of output against input, each with the desired output as a broad grey line, "
                   f"the experts' outputs in colour, and the blend in black. {'. '.join(said)}.")


def proportions(p, names, caption="Mixing proportions."):
    """Mixing proportions as bars, one group of bars for each case.

    p: `(N, K)`. names: what each of the N cases is called.
    """
    cases, experts = p.shape
    with drawing(2.9) as (figure, ax):
        width = 0.8 / experts
        for k in range(experts):
            places = [n - 0.4 + width * (k + 0.5) for n in range(cases)]
            ax.bar(places, p[:, k].tolist(), 0.9 * width, color=EXPERT_COLOURS[k])
            for place, value in zip(places, p[:, k].tolist()):
                ax.text(place, value + 0.02, str(k), ha="center", fontsize=11, color=EXPERT_COLOURS[k])
        ax.set(ylim=(0, 1.1), ylabel="proportion p", xticks=range(cases))
        ax.set_xticklabels(names)
    said = "; ".join(f"{name}: " + ", ".join(f"{v:.2f}" for v in row) for name, row in zip(names, p.tolist()))
    return Picture(figure, caption, f"Bar chart of the proportions of experts 0 to {experts - 1}. {said}.")

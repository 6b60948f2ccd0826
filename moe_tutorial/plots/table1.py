"""Table 1: what each step size needed, the epochs of every simulation, and what they are under every open choice."""

import math
from collections.abc import Mapping

from matplotlib.patches import Patch, Rectangle

from .. import _checks
from ..shapes import Positive, checked
from .picture import Picture, check_number, drawing, legend

SYSTEM_STYLES = {"4 experts": ("#0072B2", "o", "-"), "8 experts": ("#00405F", "s", "--"),
                 "BP 6 hidden": ("#D55E00", "^", "-."), "BP 12 hidden": ("#7A3600", "D", ":")}
"""Colour, marker and line style of the four systems of Table 1: blue for mixtures, orange for networks."""


@checked
def step_sizes(explorations: Mapping,
               caption: str = "Mean epochs to the criterion, for each step size. Hollow: some pilot runs did not "
                              "arrive. Ring: the one that is chosen.") -> Picture:
    """What each system needed with each step size.

    >>> from moe_tutorial import Protocol, load_cell
    >>> step_sizes(load_cell(Protocol()).explorations)  # doctest: +ELLIPSIS
    Line plot on logarithmic axes of the mean epochs of the pilot runs against the step size. 4 experts: ...

    explorations: a mapping from systems to `replication.Exploration`. Where only some of the pilot runs converged the point
    is hollow and their mean; where none did there is no point. The chosen step size has a ring.

    ValueError: no system, or one that is not among SYSTEM_STYLES.
    """
    check_number("systems", len(explorations))
    with drawing(3.9) as (figure, ax):
        said = []
        for system, explored in explorations.items():
            colour, marker, line = _system_style(system)
            _checks.has(f"explorations[{system!r}]", explored, "Exploration", "step_sizes", "chosen")
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
        legend(figure, ax, columns=2)
    return Picture(figure, caption, "Line plot on logarithmic axes of the mean epochs of the pilot runs against the step "
                   f"size. {'. '.join(said)}.")


@checked
def simulated_epochs(simulations: Mapping, paper: Mapping,
                     caption: str = "Epochs to the criterion: one dot a simulation; the paper's mean and SD.") -> Picture:
    """The epochs of every simulation, system by system, beside those of Table 1.

    >>> from moe_tutorial import Protocol, comparison, load_cell
    >>> simulated_epochs(load_cell(Protocol()).simulations, comparison.PAPER)  # doctest: +ELLIPSIS
    A row of dots for each system, one a simulation. 4 experts: from 1045 to 1492 epochs; the paper 1124, SD 23; ...

    simulations: a mapping from systems to `replication.Simulations`. paper: as `comparison.PAPER`.

    ValueError: no system, or one that is not among SYSTEM_STYLES.
    """
    check_number("systems", len(simulations))
    with drawing(3.4) as (figure, ax):
        said = []
        for row, (system, runs) in enumerate(simulations.items()):
            colour, marker, _ = _system_style(system)
            _checks.has(f"simulations[{system!r}]", runs, "Simulations", "epochs", "stopped")
            if not isinstance(paper.get(system), Mapping) or not {"epochs", "deviation"} <= paper[system].keys():
                raise ValueError(f"paper has no epochs and deviation of {system!r}, got {_checks.said(paper.get(system))}")
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
        legend(figure, ax)
    return Picture(figure, caption, f"A row of dots for each system, one a simulation. {'; '.join(said)}.")


def _system_style(system):
    _checks.choice("system", system, SYSTEM_STYLES)
    return SYSTEM_STYLES[system]


@checked
def multiverse(cells, readings: Mapping, half: Positive, order=(),
               caption: str = "The mixtures' epochs as a fraction of the networks', for every combination of the open "
                              "choices.") -> Picture:
    """Where "half as many epochs" holds: a table of the fractions, coloured in three steps.

    >>> from moe_tutorial import load_multiverse, multiverse as kept
    >>> multiverse(load_multiverse(), kept.READINGS, half=0.55)  # doctest: +ELLIPSIS
    A table of 48 fractions, a column for each reading of the outputs and a row for each order of the speakers, ...

    cells: `replication.Replication` objects. readings: a mapping from a column's name to the settings of its protocols.
    half: the fraction below which it is about half. order: systems from the fastest to the slowest; a cell in which all
    runs converge, and in this order, has a star. Lines part the rows that differ in more than the spread of the weights.

    ValueError: no cells, or a cell that fits none of the readings.
    """
    _checks.sequence("cells", cells)
    check_number("cells", len(cells))
    for number, cell in enumerate(cells):
        _checks.has(f"cells[{number}]", cell, "Replication", "protocol", "simulations", "fraction")
    for name, settings in readings.items():
        _checks.mapping(f"readings[{name!r}]", settings)
    _checks.texts("order", order)

    def place(protocol):
        return protocol.order, protocol.stop_on, protocol.spread

    rows = list(dict.fromkeys(place(cell.protocol) for cell in cells))
    counts = {"about half": 0, "fewer": 0, "not fewer": 0, "not all converge": 0}
    stars = 0
    with drawing(6.4) as (figure, ax):
        for cell in cells:
            column, row = _column(cell.protocol, readings), rows.index(place(cell.protocol))
            kind = _kind(cell, half)
            counts[kind] += 1
            colour, ink = _KINDS[kind]
            ax.add_patch(Rectangle((column - 0.48, row - 0.46), 0.96, 0.92, facecolor=colour, edgecolor="#555555",
                                   linewidth=0.6, hatch="///" if kind == "not all converge" else None))
            fraction = "–" if math.isnan(cell.fraction) else f"{cell.fraction:.2f}"
            if kind != "not all converge" and cell.order == list(order):
                fraction, stars = f"{fraction} ★", stars + 1
            ax.text(column, row, fraction, ha="center", va="center", color=ink, fontsize=12,
                    bbox=dict(facecolor=colour, edgecolor="none", pad=1.5))
        for number, (one, other) in enumerate(zip(rows, rows[1:])):
            if one[:2] != other[:2]:
                ax.axhline(number + 0.5, color="black", linewidth=1.6)
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
    if order:
        said += f"; a star in {stars}, where the order from the fastest to the slowest is {', '.join(order)}"
    columns = []
    for name, settings in readings.items():
        fractions = [cell.fraction for cell in cells
                     if _kind(cell, half) != "not all converge" and cell.protocol.fits(settings)]
        seen = f"from {min(fractions):.2f} to {max(fractions):.2f}" if fractions else "in no cell do all runs converge"
        columns.append(f"{name}: {seen}")
    return Picture(figure, caption, f"A table of {len(cells)} fractions, a column for each reading of the outputs and a row "
                   f"for each order of the speakers, measure of the criterion and spread of the weights: {said}. "
                   f"Where all runs converge, {'; '.join(columns)}.")


_KINDS = {"about half": ("#0072B2", "white"), "fewer": ("#BFDDF0", "black"), "not fewer": ("#F2B183", "black"),
          "not all converge": ("#EEEEEE", "black")}


def _column(protocol, readings):
    """The number of the first reading whose settings a protocol has."""
    for number, settings in enumerate(readings.values()):
        if protocol.fits(settings):
            return number
    raise ValueError(f"{protocol} fits none of the readings {', '.join(readings)}")


def _kind(cell, half):
    """In which of the four kinds of `multiverse` a cell is."""
    if not all(runs.converged.all() for runs in cell.simulations.values()):
        return "not all converge"
    return "about half" if cell.fraction < half else "fewer" if cell.fraction < 1 else "not fewer"

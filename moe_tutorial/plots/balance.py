"""Who has which cases, and how routers compare over many runs."""

from collections.abc import Mapping
from typing import Annotated

import torch
from matplotlib.ticker import LogLocator
from torch import Tensor

from .. import _checks
from ..shapes import TRUTH, WHOLE, Count, checked
from .picture import AT_MOST, BY_COLOUR, Picture, check_number, drawing, expert_colour, numbers, tensor

EXPERT_MARKERS = "os^vDPX*"
"""Markers of experts 0 to 7 where their cases are drawn."""


@checked
def sorted_cases(x: Annotated[Tensor, "N D"], panels: Mapping, caption: str, of: str = "expert") -> Picture:
    """Cases in the plane, each in the colour and with the marker of the expert that it is sent to, a panel for each router.

    >>> sorted_cases(torch.tensor([[0.0, 1.0], [1.0, 0.0]]), {"one": [1, 1]}, caption="All to expert 1.")
    Cases in the plane by their expert. one: expert 1 has 2 of 2 cases.

    x: `(N, 2)`. panels: a mapping from a title to the numbers of the experts, `(N,)`. of: what the numbers are
    of, if not of experts.

    TypeError, ValueError: shapes that do not fit, no panels or more than 3, more than 8 experts.
    """
    if x.shape[1] != 2:
        raise ValueError(f"x has shape {tuple(x.shape)}, wanted (N, 2)")
    check_number("panels", len(panels), 3)
    said = []
    with drawing(4.9 / len(panels) + 0.2, panels=len(panels)) as (figure, *axes):
        for ax, (title, given) in zip(axes, panels.items()):
            expert = _whole(f"{title} of panels", given, len(x))
            check_number("experts", int(expert.max()) + 1, BY_COLOUR)
            counts = torch.bincount(expert)
            for k in counts.nonzero()[:, 0].tolist():
                mine = x[expert == k]
                ax.scatter(mine[:, 0].tolist(), mine[:, 1].tolist(), 14, color=expert_colour(k), marker=EXPERT_MARKERS[k])
            ax.set(title=title, aspect="equal", xticks=[], yticks=[])
            has = ", ".join(f"{of} {k} has {int(counts[k])}" for k in counts.nonzero()[:, 0].tolist())
            said.append(f"{' '.join(title.split())}: {has} of {len(x)} cases")
    return Picture(figure, caption, f"Cases in the plane by their {of}. {'; '.join(said)}.")


@checked
def sorting_office(x: Annotated[Tensor, "N D"], expert: Annotated[Tensor, "N", WHOLE], served: Annotated[Tensor, "N", TRUTH],
                   load: Annotated[Tensor, "K", WHOLE], dropped: Annotated[Tensor, "K", WHOLE], room: Count | None,
                   caption: str) -> Picture:
    """Cases in the plane by their expert, open where nobody has room for them, and beside them the load of each expert.

    >>> import torch
    >>> given = torch.tensor([[0.0, 1.0], [1.0, 0.0]]), torch.tensor([1, 1]), torch.tensor([True, False])
    >>> sorting_office(*given, torch.tensor([0, 2]), torch.tensor([0, 1]), room=1, caption="One is dropped.")
    2 cases in the plane by their expert, 1 of them with nobody. Capacity 1. Expert 1 has 2, 1 dropped; expert 0 has none.

    x: `(N, 2)`. expert: whose colour and marker a case has. served: whether some expert computes it. load, dropped: how many
    choices each expert has, and for how many of them it has no room. room: the capacity, a line across the bars; None for
    no line.

    ValueError: shapes that do not fit, more than 8 experts, an expert that is not there, more dropped than there are.
    """
    if x.shape[1] != 2:
        raise ValueError(f"x has shape {tuple(x.shape)}, wanted (N, 2)")
    check_number("experts", len(load), BY_COLOUR)
    if expert.min() < 0 or expert.max() >= len(load):
        raise ValueError(f"expert must hold the numbers of experts, from 0 to {len(load) - 1}, got {_checks.said(expert)}")
    if (dropped < 0).any() or (dropped > load).any():
        raise ValueError(f"dropped must be from 0 to the load {load.tolist()}, got {dropped.tolist()}")
    with drawing(2.6, panels=2) as (figure, plane, bars):
        for k in range(len(load)):
            for has in (True, False):
                mine = x[(expert == k) & (served == has)]
                if len(mine):
                    plane.scatter(mine[:, 0].tolist(), mine[:, 1].tolist(), 14, marker=EXPERT_MARKERS[k],
                                  facecolor=expert_colour(k) if has else "white", edgecolor=expert_colour(k), linewidth=0.9)
            there, lost = int(load[k]), int(dropped[k])
            bars.barh(k, there - lost, 0.7, color=expert_colour(k))
            bars.barh(k, lost, 0.7, left=there - lost, color="white", edgecolor=expert_colour(k))
        if room is not None:
            bars.axvline(room, color="#444444", linewidth=1.6, linestyle="--")
        plane.set(aspect="equal", xticks=[], yticks=[])
        bars.set(ylim=(len(load) - 0.4, -0.6), yticks=range(len(load)), ylabel="expert", xlabel="load")
    alone = int((~served).sum())
    nobody = f", {alone} of them with nobody" if alone else ""
    return Picture(figure, caption, f"{len(x)} cases in the plane by their expert{nobody}. "
                                    f"{'No capacity' if room is None else f'Capacity {room}'}. "
                                    f"{said_of_loads(load.tolist(), dropped.tolist())}")


def said_of_loads(load, dropped):
    """Who has how many, how many of them are dropped, and who has none, as a sentence."""
    has = [f"expert {k} has {there}" + (f", {lost} dropped" if lost else "")
           for k, (there, lost) in enumerate(zip(load, dropped)) if there]
    none = [k for k, there in enumerate(load) if not there]
    if none:
        *first, last = map(str, none)
        has.append(f"experts {', '.join(first)} and {last} have none" if first else f"expert {last} has none")
    return f"E{'; '.join(has)[1:]}."


@checked
def strips(panels: Mapping, xlabel: str, caption: str) -> Picture:
    """Values of many runs as dots on a line for each row, with a bar at the median, on a logarithmic axis.

    >>> strips({"even": {"a": [0.1, 0.2, 0.4], "b": [1.0, 1.0, 1.0]}}, "error", caption="a is better.")
    Rows of dots, one for each run. even, median error: a 0.2, b 1.

    panels: a mapping from a title to a mapping from a row's name to its values, `(R,)`. All panels have the same rows.

    TypeError, ValueError: values that are not above 0, rows that differ, none or more than 16, no panels or more than 2.
    """
    check_number("panels", len(panels), 2)
    names, said = None, []
    for title, rows in panels.items():
        if not isinstance(rows, Mapping):
            raise TypeError(f"panels must map each title to a mapping of rows, got {type(rows).__name__} for {title}")
        check_number("rows", len(rows), AT_MOST)
        if names not in (None, list(rows)):
            raise ValueError(f"panels must have the same rows, got {names} and {list(rows)}")
        names = list(rows)
    assert names is not None
    with drawing(0.9 + 0.27 * len(names), panels=len(panels)) as (figure, *axes):
        for ax, (title, rows) in zip(axes, panels.items()):
            medians = []
            for place, (name, given) in enumerate(rows.items()):
                values = numbers(f"{name} of {title} in panels", given, "R")
                if values.min() <= 0:
                    raise ValueError(f"{name} of {title} in panels must be above 0, got {float(values.min()):.3g}")
                middle = float(values.median())
                ax.plot(values.tolist(), [place] * len(values), "o", color=expert_colour(0), alpha=0.45, markersize=4.5)
                ax.plot([middle, middle], [place - 0.35, place + 0.35], color=expert_colour(1), linewidth=2.4)
                medians.append(f"{' '.join(name.split())} {middle:.3g}")
            ax.set(title=title, xscale="log", xlabel=xlabel, ylim=(len(rows) - 0.5, -0.5))
            ax.set_yticks(range(len(rows)), names if ax is axes[0] else [])
            ax.grid(axis="y", color="#DDDDDD", linewidth=0.8)
            said.append(f"{title}, median {xlabel}: {', '.join(medians)}")
        limits = [ax.get_xlim() for ax in axes]  # the same in both panels
        for ax in axes:
            ax.set_xlim(min(low for low, _ in limits), max(high for _, high in limits))
            ax.xaxis.set_major_locator(LogLocator(numticks=9))  # every power of ten, where there is room for few by default
            ax.xaxis.set_major_formatter("{x:g}")
    return Picture(figure, caption, f"Rows of dots, one for each run. {'; '.join(said)}.")


def _whole(name, given, cases):
    found = tensor(name, given)
    if found.is_complex() or found.is_floating_point() or found.dtype == torch.bool:
        raise TypeError(f"{name} must hold whole numbers, got {found.dtype}")
    if tuple(found.shape) != (cases,):
        raise ValueError(f"{name} has shape {tuple(found.shape)}, wanted ({cases},)")
    if found.min() < 0:
        raise ValueError(f"{name} must hold the numbers of experts, from 0, got {int(found.min())}")
    return found.long()

"""Who has which cases, and how routers compare over many runs."""

from collections.abc import Mapping
from typing import Annotated

import torch
from matplotlib.ticker import LogLocator
from torch import Tensor

from ..shapes import checked
from .picture import AT_MOST, BY_COLOUR, Picture, check_number, drawing, expert_colour, numbers, tensor

_MARKERS = "os^vDPX*"


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
                ax.scatter(mine[:, 0].tolist(), mine[:, 1].tolist(), 14, color=expert_colour(k), marker=_MARKERS[k])
            ax.set(title=title, aspect="equal", xticks=[], yticks=[])
            has = ", ".join(f"{of} {k} has {int(counts[k])}" for k in counts.nonzero()[:, 0].tolist())
            said.append(f"{' '.join(title.split())}: {has} of {len(x)} cases")
    return Picture(figure, caption, f"Cases in the plane by their {of}. {'; '.join(said)}.")


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

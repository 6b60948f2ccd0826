"""Only k of K experts: what pushes the scores, and who stands in whose queue."""

from collections.abc import Mapping
from typing import Annotated

from torch import Tensor

from ..shapes import WHOLE, Count, checked
from .picture import AT_MOST, BY_COLOUR, Picture, check_number, drawing, expert_colour, numbers, tint


@checked
def pushes(by_loss: Mapping, caption: str) -> Picture:
    """How far a step moves the score of each expert, up or down, under several losses side by side.

    >>> pushes({"one loss": [0.5, -0.5]}, caption="Up and down.")
    Arrows from 0, one for each expert's score. one loss: expert 0 by 0.50, expert 1 by -0.50.

    by_loss: a mapping from a label, which may have several lines, to the moves `(K,)`. A score that is not moved has a dot.

    TypeError, ValueError: no losses or more than 8, shapes that do not fit, more than 8 experts.
    """
    check_number("losses", len(by_loss), BY_COLOUR)
    said: list[str] = []
    experts: int | str = "K"
    with drawing(3.2) as (figure, ax):
        ax.axhline(0, color="#777777", linewidth=1)
        most = 0.0
        for place, (label, moves) in enumerate(by_loss.items()):
            values = numbers(f"{label!r} of by_loss", moves, experts)
            experts = len(values)
            check_number("experts", experts, BY_COLOUR)
            most = max(most, float(values.abs().max()))
            for k, value in enumerate(values.tolist()):
                at = place + 0.8 * ((k + 0.5) / experts - 0.5)
                if value:
                    ax.annotate("", (at, value), (at, 0), arrowprops={"arrowstyle": "-|>", "color": expert_colour(k),
                                                                      "linewidth": 2.2, "shrinkA": 0, "shrinkB": 0})
                else:
                    ax.plot(at, 0, "o", color=expert_colour(k), markersize=6)
                ax.annotate(str(k), (at, value), (0, 3 if value >= 0 else -3), textcoords="offset points", ha="center",
                            va="bottom" if value >= 0 else "top", fontsize=11, color=expert_colour(k))
            said.append(f"{' '.join(label.split())}: "
                        + ", ".join(f"expert {k} by {value + 0.0:.2f}" for k, value in enumerate(values.tolist())))
        ax.set(xlim=(-0.6, len(by_loss) - 0.4), ylim=(-1.25 * (most or 1), 1.25 * (most or 1)), xticks=range(len(by_loss)),
               ylabel="push on the score")
        ax.set_xticklabels(list(by_loss), fontsize=11)
    return Picture(figure, caption, f"Arrows from 0, one for each expert's score. {'; '.join(said)}.")


@checked
def queues(chosen: Annotated[Tensor, "N k", WHOLE], places: Annotated[Tensor, "N k", WHOLE], experts: Count, room: Count,
           caption: str) -> Picture:
    """The queues of the experts, each case with its number, and the line behind which nobody has room.

    >>> import torch
    >>> chosen = torch.tensor([[0], [0], [1]])
    >>> queues(chosen, torch.tensor([[0], [1], [0]]), experts=2, room=1, caption="One is dropped.")
    Queues of cases. Each expert has room for 1. expert 0: 2 cases, 1 dropped; expert 1: 1 case.

    chosen, places: for each choice of a case the expert and the place in its queue, as from `places` of the package. Second
    choices and later ones are paler. Who is dropped is drawn open.

    ValueError: more than 16 experts, more than 20 cases in a queue, an expert that is not there.
    """
    check_number("experts", experts, AT_MOST)
    if chosen.min() < 0 or chosen.max() >= experts:
        raise ValueError(f"chosen must hold the numbers of experts, from 0 to {experts - 1}")
    if places.min() < 0 or places.max() >= 20:
        raise ValueError(f"places must be from 0 to 19, got {int(places.min())} to {int(places.max())}")
    longest, said = int(places.max()) + 1, []
    with drawing(min(1.1 + 0.33 * longest, 6.0)) as (figure, ax):
        for case, (mine, place) in enumerate(zip(chosen.tolist(), places.tolist())):
            for choice, (expert, at) in enumerate(zip(mine, place)):
                colour = expert_colour(expert)
                inside = (tint(colour) if choice else colour) if at < room else "white"
                ax.text(expert, at + 0.5, str(case), ha="center", va="center", fontsize=11,
                        color="white" if at < room and not choice else colour,
                        bbox={"boxstyle": "circle,pad=0.2", "facecolor": inside, "edgecolor": colour, "linewidth": 1.2})
        if room <= longest:
            ax.axhline(room, color="#444444", linewidth=1.6, linestyle="--")
        ax.set(xlim=(-0.5, experts - 0.5), ylim=(longest + 0.2, -0.2), xticks=range(experts), yticks=[],
               xlabel="expert", ylabel="queue, first above")
        for expert in range(experts):
            there = int((chosen == expert).sum())
            dropped = int(((chosen == expert) & (places >= room)).sum())
            said.append(f"expert {expert}: {there} case{'s' * (there != 1)}" + (f", {dropped} dropped" if dropped else ""))
    return Picture(figure, caption, f"Queues of cases. Each expert has room for {room}. {'; '.join(said)}.")

"""The feet of the normals from the origin to the experts' decision lines: the paper's Figure 3."""

import itertools
from collections.abc import Mapping

from ..model.lines import foot_of_normal
from ..shapes import checked
from .formants import on_line, read_line
from .picture import BY_COLOUR, Picture, check_number, drawing, expert_colour, expert_style, legend, numbers


@checked
def feet(lines: Mapping,
         caption: str = "The foot of the normal from the origin to each line, as in Figure 3 of the paper.") -> Picture:
    """The foot of the normal of each decision line, a dot of Figure 3, with the line and the normal, on axes of equal scale.

    >>> feet({"one": ([2.0, 0.0], -1.0)})
    The feet of the normals from the origin in the formant plane, in kHz: one at (0.500, 0.000).

    lines: a mapping from a label to `(weight, bias)`, `(2,)` and `()`.

    TypeError, ValueError: what is no line in the plane, no lines, or more than 8, whose dots colours do not tell apart.
    """
    check_number("lines", len(lines), BY_COLOUR)
    with drawing(3.6) as (figure, ax):
        said = []
        for number, (label, line) in enumerate(lines.items()):
            colour, (weight, bias) = expert_colour(number), read_line(label, line)
            foot, ends = foot_of_normal(weight, bias), on_line(weight, bias, [-5, 5])
            ax.plot(ends[:, 0], ends[:, 1], linewidth=1.2, **expert_style(number))
            ax.plot([0, foot[0].item()], [0, foot[1].item()], color=colour, linewidth=1)
            ax.plot(*foot.tolist(), "o", color=colour, markersize=9, label=label)
            said.append(f"{label} at ({foot[0].item():.3f}, {foot[1].item():.3f})")
        ax.plot(0, 0, "+", color="black", markersize=12, markeredgewidth=2, label="origin")
        ax.set_aspect("equal")
        ax.set(xlim=(-0.25, 1.0), ylim=(-0.3, 0.4), xlabel="F1 (kHz)", ylabel="F2 (kHz)")
        legend(figure, ax)
    return Picture(figure, caption,
                   f"The feet of the normals from the origin in the formant plane, in kHz: {'; '.join(said)}.")


@checked
def trails(feet, marks: Mapping,
           caption: str = "One dot an epoch: the foot of the normal of each expert's decision line.") -> Picture:
    """The paper's Figure 3: how the feet of the experts' decision lines move while they learn.

    >>> trails([[[0.0, 0.0]], [[0.3, 0.1]]], {"X": [0.5, 0.25]})  # doctest: +ELLIPSIS
    Trails of the feet ... in the plane of F1 and F2, in kHz: expert 0 from (0.0, 0.0) to (0.3, 0.1); X at (0.5, 0.25).

    feet: `(S, K, 2)`, in the order of the epochs. marks: a mapping from a name to a point `(2,)`.

    TypeError, ValueError: shapes that do not fit, more than 8 experts, whom their colours do not tell apart.
    """
    feet = numbers("feet", feet, "S", "K", 2)
    experts = feet.shape[1]
    check_number("experts", experts, BY_COLOUR)
    with drawing(4.2) as (figure, ax):
        said = []
        for k in range(experts):
            trail = feet[:, k]
            ax.plot(trail[:, 0], trail[:, 1], ".", markersize=2.5, color=expert_colour(k))
            ax.plot(*trail[-1].tolist(), "o", markersize=8, color=expert_colour(k), label=f"expert {k}")
            ends = [tuple(round(v, 2) for v in trail[i].tolist()) for i in (0, -1)]
            said.append(f"expert {k} from {ends[0]} to {ends[1]}")
        for (name, point), offset in zip(marks.items(), itertools.cycle([(8, 8), (-24, -16), (8, 10)])):
            point = numbers(f"{name} of marks", point, 2)
            ax.plot(*point.tolist(), "D", color="black", markeredgecolor="white", markersize=8, zorder=5)
            ax.annotate(name, point.tolist(), xytext=offset, textcoords="offset points", fontsize=12, fontweight="bold")
            said.append(f"{name} at {tuple(round(v, 2) for v in point.tolist())}")
        ax.set(xlim=(-0.8, 1.3), ylim=(-0.35, 0.75), xlabel="F1 (kHz)", ylabel="F2 (kHz)")
        legend(figure, ax)
    return Picture(figure, caption,
                   f"Trails of the feet of the normals in the plane of F1 and F2, in kHz: {'; '.join(said)}.")

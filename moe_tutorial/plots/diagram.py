"""The model as a diagram: what flows from where to where, with the shapes at the arrows."""

from matplotlib.patches import FancyBboxPatch

from ..shapes import checked
from .picture import Picture, drawing, expert_colour, tint

_INK = "#333333"


@checked
def model_diagram(caption: str = "The model: experts and gate see the same input, and the gate says who counts.") -> Picture:
    """The model in the letters of the course: from x to experts and gate, from both to the output y.

    >>> model_diagram()  # doctest: +ELLIPSIS
    Diagram, from the bottom up. ... to y, (N, M), which is one expert's output, drawn with probability p, or the blend.

    It has what the paper's Figure 1 has, the shapes at the arrows in addition.
    """
    with drawing(4.7) as (figure, ax):
        ax.set(xlim=(0, 10), ylim=(-0.1, 10.4))
        ax.axis("off")
        _box(ax, (5, 0.5), 2.6, "input x")
        for k, (name, place) in enumerate((("0", 1.0), ("1", 2.7), ("K − 1", 5.0))):
            _box(ax, (place, 3.3), 1.5, f"expert\n{name}", expert_colour(k))
            _arrow(ax, (4.2 + 0.16 * place, 1.0), (place, 2.5))
            _arrow(ax, (place, 4.1), (place, 6.4))
        ax.text(3.85, 3.3, "…", ha="center", va="center", fontsize=14, color=_INK)
        _box(ax, (8.3, 3.3), 1.9, "gate")
        _box(ax, (8.3, 5.6), 1.9, "softmax")
        _arrow(ax, (5.9, 1.0), (8.3, 2.8))
        _arrow(ax, (8.3, 3.8), (8.3, 5.1))
        _arrow(ax, (8.3, 6.1), (8.3, 7.2), (6.2, 7.2))
        _box(ax, (3.1, 7.2), 6.0, "switch: one oᵢ, drawn with pᵢ\nor blend: y = Σ pᵢ oᵢ")
        _arrow(ax, (3.1, 8.0), (3.1, 9.3))
        _box(ax, (3.1, 9.8), 2.6, "output y")
        for x, y, said in ((2.1, 1.6, "(N, D)"), (7.5, 1.6, "(N, D)"), (5.15, 5.2, "o\n(N, K, M)"), (8.45, 4.4, "s (N, K)"),
                           (8.45, 6.7, "p (N, K)"), (3.25, 8.6, "(N, M)")):
            ax.text(x, y, said, va="center", ha="right" if x == 2.1 else "left", fontsize=11, color=_INK)
    return Picture(figure, caption, """Diagram, from the bottom up. The input x, (N, D), goes to the experts 0, 1, … K − 1
        and to the gate. The experts give their outputs o, (N, K, M). The gate gives scores s, (N, K), and a softmax makes
        of them the mixing proportions p, (N, K). Outputs and proportions lead to y, (N, M), which is one expert's output,
        drawn with probability p, or the blend.""")


def _box(ax, middle, width, text, colour=_INK):
    """A box with a text of one line or two."""
    height = 1.6 if "\n" in text else 1.0
    ground = "#F4F4F4" if colour == _INK else tint(colour)
    ax.add_patch(FancyBboxPatch((middle[0] - width / 2, middle[1] - height / 2), width, height, linewidth=1.8,
                                boxstyle="round,pad=0,rounding_size=0.2", edgecolor=colour, facecolor=ground))
    ax.text(*middle, text, ha="center", va="center", fontsize=12, color=_INK, linespacing=1.4)


def _arrow(ax, *points):
    """A line through points, with a head at the last."""
    if len(points) > 2:
        ax.plot(*zip(*points[:-1]), color=_INK, linewidth=1.4, solid_capstyle="butt")
    line = dict(arrowstyle="-|>", color=_INK, linewidth=1.4, shrinkA=0, shrinkB=0)
    ax.annotate("", points[-1], points[-2], arrowprops=line)

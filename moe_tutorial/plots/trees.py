"""Trees of gates: the tree itself, with what its leaves hold, and which leaf the cases of the plane go to."""

from collections.abc import Mapping

import torch

from ..model.tree import Paths
from ..shapes import Texts, checked
from .formants import on_line, plane_axes, read_line
from .picture import BY_COLOUR, Picture, check_number, drawing, expert_colour, expert_style, legend, numbers

_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


@checked
def tree_diagram(paths: Paths, leaves: Texts, gates: Texts, caption: str) -> Picture:
    """A tree of gates, the root above and the leaves below, with a text at each leaf and each gate.

    >>> tree_diagram(torch.tensor([[1, -1]]), ("left", "right"), ("?",), caption="One gate.")
    A tree of 1 gate and 2 leaves, from left to right: left; right. The gates, the root first: ?.

    paths: as from `tree_paths`. leaves, gates: a text for each, the leaves from left to right, the gates in the order of the
    rows of `paths`; a text may have several lines, and "" draws nothing.

    ValueError: another number of texts, or more than 16 leaves.
    """
    for name, texts, wanted in (("leaves", leaves, paths.shape[1]), ("gates", gates, len(paths))):
        if len(texts) != wanted:
            raise ValueError(f"{name} has {len(texts)} texts, wanted {wanted}")
    check_number("leaves", len(leaves), 2 * BY_COLOUR)
    depth = (paths != 0).sum(0)  # of each leaf
    across: dict[int, float] = {}  # of each gate: between what is left of it and what is right
    for node in sorted(range(len(paths)), key=lambda node: int((paths[node] != 0).sum())):
        sides = [(paths[node] == side).nonzero()[:, 0].tolist() for side in (1, -1)]
        across[node] = sum(_place(paths, side, across) for side in sides) / 2
    level = {node: sum(bool((row != 0)[paths[node] != 0].all()) for row in paths) - 1 for node in across}
    lines = max(text.count("\n") + 1 for text in leaves)
    with drawing(1.0 + 0.75 * int(depth.max()) + 0.2 * lines) as (figure, ax):
        for node, place in across.items():
            for side in (1, -1):
                below = (paths[node] == side).nonzero()[:, 0].tolist()
                end = -level[node] - 1 if len(below) > 1 else -int(depth[below[0]])
                ax.plot([place, _place(paths, below, across)], [-level[node], end], color="#555555", linewidth=1.4, zorder=1)
            if gates[node]:
                ax.text(place, -level[node], gates[node], ha="center", va="center", fontsize=11, zorder=2,
                        bbox={"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": "#555555"})
        for leaf, text in enumerate(leaves):
            ax.text(leaf, -int(depth[leaf]) - 0.12, text, ha="center", va="top", fontsize=14, color=expert_colour(leaf),
                    linespacing=1.15)
        ax.set(xlim=(-0.6, len(leaves) - 0.4), ylim=(-int(depth.max()) - 0.2 - 0.3 * lines, 0.4))
        ax.axis("off")
    said = "; ".join(text.replace("\n", " ") or "nothing" for text in leaves)
    asked = "; ".join(text.replace("\n", " ") for text in gates if text)
    return Picture(figure, caption, f"A tree of {len(gates)} gate{'s' * (len(gates) > 1)} and {len(leaves)} leaves, from "
                   f"left to right: {said}.{f' The gates, the root first: {asked}.' if asked else ''}")


def _place(paths, leaves, across):
    """Where the gate stands that has exactly these leaves below it, or where the leaf stands."""
    if len(leaves) == 1:
        return leaves[0]
    wanted = torch.zeros(paths.shape[1], dtype=torch.bool)
    wanted[leaves] = True
    return next(place for node, place in across.items() if torch.equal(paths[node] != 0, wanted))


@checked
def favourites(x, panels: Mapping, caption: str) -> Picture:
    """Cases in a plane, each in the colour and with the marker of the expert that has the largest proportion in it.

    >>> favourites([[0.0, 1.0], [1.0, 0.0]], {"two": torch.tensor([[0.9, 0.1], [0.2, 0.8]])}, caption="Two experts.")
    Panels of cases in a plane. two: expert 0 leads in 1 cases, expert 1 in 1.

    x: `(N, 2)`. panels: a mapping from a title to proportions p, `(N, K)`.

    TypeError, ValueError: shapes that do not fit, no panels, more than 8 experts, whom their colours do not tell apart.
    """
    x = numbers("x", x, "N", 2)
    check_number("panels", len(panels))
    said = []
    with drawing(2.9, panels=len(panels)) as (figure, *axes):
        for ax, (title, p) in zip(axes, panels.items()):
            p = numbers(f"p of {title} in panels", p, len(x), "K")
            check_number("experts", p.shape[1], BY_COLOUR)
            leader = p.argmax(-1)
            for k in range(p.shape[1]):
                own = x[leader == k]
                ax.scatter(own[:, 0], own[:, 1], s=10, marker=_MARKERS[k], color=expert_colour(k), linewidths=0)
            counts = torch.bincount(leader, minlength=p.shape[1]).tolist()
            said.append(f"{title}: " + ", ".join(f"expert {k} {'leads ' * (k == 0)}in {count}{' cases' * (k == 0)}"
                                                 for k, count in enumerate(counts)))
            ax.set(title=title, xlabel="$x_1$", aspect="equal")
        axes[0].set_ylabel("$x_2$")
        for ax in axes[1:]:
            ax.tick_params(labelleft=False)
    return Picture(figure, caption, f"Panels of cases in a plane. {'. '.join(said)}.")


@checked
def node_cases(x, h, lines: Mapping, labels: Texts, caption: str) -> Picture:
    """Cases in a plane, the larger and darker the more a node of a tree is responsible for them, and lines.

    >>> node_cases([[0.0, 1.0], [1.0, 0.0]], [0.9, 0.2], {"0.5": ([1.0, 0.0], -0.5)}, ("x1", "x2"), caption="A gate.")
    2 cases in a plane, x1 across and x2 up; h is above one half for 1 of them. 0.5 passes through (0.50, 0.00).

    x: `(N, 2)`. h: of the node, `(N,)`. lines: from a label to `(weight, bias)` as in `formant_plane`; the first one is the
    broadest. labels: of the two axes.

    TypeError, ValueError: shapes that do not fit, an h outside of 0 to 1, what is no line in the plane, more than 8 lines.
    """
    x = numbers("x", x, "N", 2)
    h = numbers("h", h, len(x))
    if not ((h >= 0) & (h <= 1 + 1e-9)).all():
        raise ValueError(f"h must be from 0 to 1, got values from {h.min():g} to {h.max():g}")
    if len(labels) != 2:
        raise ValueError(f"labels has {len(labels)} texts, wanted 2")
    if lines:
        check_number("lines", len(lines), BY_COLOUR)
    passes = []
    with drawing(4.2) as (figure, ax):
        light, dark = torch.tensor([0.85, 0.85, 0.85]), torch.tensor([0.0, 0.447, 0.698])
        shade = h.clamp(0, 1)[:, None]
        colours = ((1 - shade) * light + shade * dark).clamp(0, 1)
        ax.scatter(x[:, 0], x[:, 1], s=(4 + 14 * h).tolist(), c=colours.numpy(), linewidths=0)
        margin = 0.04 * (x.max(0).values - x.min(0).values) + 1e-9
        (left, low), (right, high) = (x.min(0).values - margin).tolist(), (x.max(0).values + margin).tolist()
        ax.set(xlim=(left, right), ylim=(low, high), xlabel=labels[0], ylabel=labels[1])
        for number, (label, line) in enumerate(lines.items()):
            weight, bias = read_line(label, line)
            foot, ends = on_line(weight, bias, [0])[0], on_line(weight, bias, [-10, 10])
            ax.plot(ends[:, 0], ends[:, 1], label=label, linewidth=1.5 if number else 2.5, zorder=2,
                    **expert_style(number + 1))
            passes.append(f" {label} passes through ({foot[0]:.2f}, {foot[1]:.2f}).".replace("-0.00", "0.00"))
        if lines:
            legend(figure, ax)
    more = int((h > 0.5).sum())
    return Picture(figure, caption, f"{len(x)} cases in a plane, {labels[0]} across and {labels[1]} up; h is above "
                   f"one half for {more} of them.{''.join(passes)}")


@checked
def vowel_map(means: Mapping, lines: Mapping, caption: str) -> Picture:
    """The symbols of vowels at their means in the plane of F1 and F2, and the lines of gates.

    >>> vowel_map({"i": [0.3, 2.4]}, {"root": ([1.0, 0.0], -0.5)}, caption="One vowel, one gate.")
    Plane of F1 and F2, in kHz: i at (0.30, 2.40). root passes through (0.50, 0.00).

    means: a mapping from a symbol to a point, kHz. lines: from a label to `(weight, bias)` as in `formant_plane`; the first
    one is the broadest.

    TypeError, ValueError: no vowels, no lines, what is no line in the plane, more than 16 lines.
    """
    check_number("means", len(means))
    check_number("lines", len(lines), 2 * BY_COLOUR)
    said, passes = [], []
    with drawing(4.4) as (figure, ax):
        for number, (label, line) in enumerate(lines.items()):
            weight, bias = read_line(label, line)
            foot, ends = on_line(weight, bias, [0])[0], on_line(weight, bias, [-10, 10])
            width = 1.8 if number else 3.0
            ax.plot(ends[:, 0], ends[:, 1], label=label, linewidth=width, zorder=2, **expert_style(number))
            passes.append(f"{label} passes through ({foot[0]:.2f}, {foot[1]:.2f})".replace("-0.00", "0.00"))
        for symbol, point in means.items():
            f1, f2 = numbers(f"the mean of {symbol} in means", point, 2).tolist()
            ax.text(f1, f2, symbol, ha="center", va="center", fontsize=15, zorder=3,
                    bbox={"boxstyle": "circle,pad=0.15", "facecolor": "white", "edgecolor": "#777777", "linewidth": 0.8})
            said.append(f"{symbol} at ({f1:.2f}, {f2:.2f})")
        plane_axes(ax)
        legend(figure, ax, columns=3)
    return Picture(figure, caption, f"Plane of F1 and F2, in kHz: {', '.join(said)}. {'. '.join(passes)}.")

"""What each loss asks of every expert, as arrows."""

import math

from .._words import three_decimals
from .picture import AT_MOST, Picture, check_number, drawing, expert_colour, numbers, tint


def forces(d, o, by_loss, caption="Where descent on each loss moves the experts' outputs.") -> Picture:
    """The force of each loss on every expert's output, minus the gradient, as arrows: one case, one panel for a loss.

    >>> forces(1.0, [0.5, 3.0], {"eq. 1.1": (0.5, [0.25, -2.0])})  # doctest: +ELLIPSIS
    1 panels, ... expert 0 at 0.500, 0.250 to the right; expert 1 at 3.000, 2.000 to the left. Pushed hardest: expert 1.

    d: the desired output, a number. o: the experts' outputs, `(K,)`.
    by_loss: a mapping from a loss's name to its value, a number, and the forces, `(K,)`; at most three.

    In each panel the longest arrow is the largest force; a force that rounds to 0.000 has none. From the ninth expert on
    colours repeat.

    TypeError, ValueError: shapes that do not fit, more than 16 experts, no losses or more than three.
    """
    o = numbers("o", o, "K")
    check_number("experts", len(o), AT_MOST)
    check_number("losses", len(by_loss), 3)
    low, high, longest, experts, said = -2.0, 6.0, 4.0, range(len(o)), []
    with drawing(1.5 + 0.45 * len(o), panels=len(by_loss)) as (figure, *axes):
        for ax, (name, (error, force)) in zip(axes, by_loss.items()):
            force = numbers(f"the forces of {name}", force, len(o))
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


def _draw_force(ax, expert, place, force, scale, marked):
    """One expert's output, and an arrow of the force on it."""
    colour = expert_colour(expert)
    ground = tint(colour) if marked else "white"
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

"""What each loss asks of every expert, as arrows, and the mixture of Gaussians that eq. 1.3 comes from."""

import math
from collections.abc import Mapping

import torch

from .. import _checks
from .._words import three_decimals
from ..model.losses import responsibilities
from ..shapes import Positive, checked
from .picture import (
    AT_MOST,
    Picture,
    check_number,
    drawing,
    expert_colour,
    expert_style,
    further_rows,
    legend,
    numbers,
    tint,
)


@checked
def forces(d: float, o, by_loss: Mapping,
           caption: str = "Where descent on each loss moves the experts' outputs.") -> Picture:
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
        for ax, (name, pair) in zip(axes, by_loss.items()):
            if not isinstance(pair, tuple | list) or len(pair) != 2:
                raise TypeError(f"by_loss must map each name to (E, forces), got {_checks.said(pair)} for {name}")
            error, force = pair
            _checks.number(f"the E of {name} in by_loss", error)
            force = numbers(f"the forces of {name} in by_loss", force, len(o))
            largest = force.abs().max().item()
            hardest = [k for k in experts if three_decimals(abs(force[k].item())) == three_decimals(largest) != "0.000"]
            ax.plot([d, d], [-0.65, len(o) - 0.5], color="#555555", linestyle="--", linewidth=1, zorder=1)
            if low - longest <= d <= high + longest:
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


@checked
def densities(d: float, o, p, variance: Positive = 1.0,
              caption: str = "The mixture of Gaussians for one case, and the desired output.") -> Picture:
    """How probable each desired output is for one case: a bell of height `p_i` over each expert's output, and their sum.

    >>> densities(1.0, [1.0, 0.0], [0.5, 0.5])  # doctest: +ELLIPSIS
    Bells over the desired output, ... expert 0 at 1.000, 0.500 high, at d 0.500, h 0.622; ... 0.378. The sum at d is 0.803.

    d: the desired output, a number. o, p: the experts' outputs and proportions, both `(K,)`. variance: of every bell.

    A dot where a bell passes d is `p_i exp(-½ (d - o_i)² / σ²)`; divided by the sum there it is the responsibility `h_i`.
    The constant of the density is left out, as in eq. 1.3. The axis is the same for all variances up to 1.

    TypeError, ValueError: shapes that do not fit, more than 16 experts, proportions that do not sum to 1, a variance not
        above 0.
    """
    o = numbers("o", o, "K").double()
    p = numbers("p", p, len(o))
    _checks.sums_to_1("p", p)
    p = p.double() / p.double().sum()
    check_number("experts", len(o), AT_MOST)
    h = responsibilities(torch.tensor([[d]]).double(), o[None, :, None], p[None], float(variance))[0]
    there = p * torch.exp(-0.5 * (d - o).square() / variance)
    reach = 3 * max(1.0, variance**0.5)
    shown = torch.linspace(min(d, o.min().item()) - reach, max(d, o.max().item()) + reach, 400, dtype=torch.float64)
    bells = p * torch.exp(-0.5 * (shown[:, None] - o).square() / variance)
    said = []
    with drawing(3.4 + further_rows(len(o) + 2)) as (figure, ax):
        for k in range(len(o)):
            name = f"h{str(k).translate(_BELOW)} = {three_decimals(h[k].item())}"
            ax.plot(shown.tolist(), bells[:, k].tolist(), label=name, **expert_style(k))
            ax.plot([d], [there[k].item()], "o", color=expert_colour(k), zorder=4)
            said.append(f"expert {k} at {three_decimals(o[k].item())}, {three_decimals(p[k].item())} high, at d "
                        f"{three_decimals(there[k].item())}, h {three_decimals(h[k].item())}")
        ax.plot(shown.tolist(), bells.sum(-1).tolist(), color="#888888", linewidth=4, alpha=0.6, label="sum", zorder=1)
        ax.axvline(d, color="#555555", linestyle="--", linewidth=1, label="d", zorder=1)
        ax.set(xlabel="desired output", ylabel="density, without its constant", ylim=(0, None))
        legend(figure, ax, columns=3)
    return Picture(figure, caption, f"Bells over the desired output, one for each expert, and their sum, with a line at d, "
                   f"{three_decimals(d)}; the variance is {variance:g}: {'; '.join(said)}. The sum at d is "
                   f"{three_decimals(there.sum().item())}.")


_BELOW = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")

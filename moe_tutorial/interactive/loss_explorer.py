"""The loss explorer of chapters 5 and 6."""

import math

import torch

from .. import _checks, plots
from .._words import three_decimals
from ..model import losses
from ..plots.picture import numbers
from ..shapes import checked
from ._interactive import Interactive, style

_LOW, _HIGH = -2.0, 6.0  # the line on which outputs and desired output lie
_VARIANCES = 0.04, 25.0, 40  # ends and number of steps of its slider, equal ratios; 1 is in the middle


@checked
class LossExplorer(Interactive):
    """One case with one desired output: what each of eqs. 1.1, 1.2 and 1.3 asks of every expert.

    d: the desired output, a number from -2 to 6.
    o: the experts' outputs, 2 to 8 numbers from -2 to 6.
    p: the mixing proportions, one an expert; without them all are the same.
    variance: of eq. 1.3, from 0.04 to 25.

    TypeError: no numbers. ValueError: another number of experts or proportions, values outside, proportions below 0 or not
        summing to 1.
    """

    name, title = "loss-explorer", "Loss explorer"
    invitation = "move an expert, its proportion, the desired output or the variance, and see the forces change."

    def __init__(self, d: float, o, p=None, variance: float = 1.0):
        o = numbers("o", o, "K").double()
        if not 2 <= len(o) <= len(plots.EXPERT_COLOURS):
            raise ValueError(f"o has {len(o)} outputs, wanted 2 to {len(plots.EXPERT_COLOURS)}, one an expert")
        p = torch.full_like(o, 1 / len(o)) if p is None else numbers("p", p, "K")
        if len(p) != len(o):
            raise ValueError(f"p has {len(p)} proportions, wanted {len(o)}, one an expert")
        for what, value in (("d", d), *((f"o[{k}]", value) for k, value in enumerate(o.tolist()))):
            if not _LOW <= value <= _HIGH:
                raise ValueError(f"{what} must be from {_LOW:g} to {_HIGH:g}, got {value:g}")
        if not _VARIANCES[0] <= variance <= _VARIANCES[1]:
            raise ValueError(f"variance must be from {_VARIANCES[0]:g} to {_VARIANCES[1]:g}, got {variance:g}")
        _checks.sums_to_1("p", p)
        if p.dtype != torch.float64:  # which sum to 1 by fewer digits
            p = p.double() / p.double().sum()
        self.d, self.o, self.p, self.variance = float(d), o.clone(), p.clone(), float(variance)

    def data(self):
        exact = lambda values: [round(value, 12) for value in values.tolist()]  # noqa: E731
        return {"style": {key: style()[key] for key in ("colours", "dashes")}, "ends": [int(_LOW), int(_HIGH)],
                "variances": _VARIANCES, "d": round(self.d, 12),
                "o": exact(self.o), "p": exact(self.p), "variance": round(self.variance, 12)}

    def still(self):
        return _forces(self.d, self.o, self.p, self.variance)

    def widgets(self):
        from ._widgets import Panel, button, expert_choice, ratio_slider, slider

        o, p = self.o.clone(), self.p.clone()
        low, high, steps = _VARIANCES
        expert = expert_choice(len(o))
        output = slider("output o", _LOW, _HIGH, _LOW, step=0.05, readout_format=".3f")
        share = slider("proportion p", 0.0, 1.0, 0.0, step=0.01, readout_format=".3f")
        desired = slider("desired d", _LOW, _HIGH, self.d, step=0.05, readout_format=".3f")
        variance = ratio_slider("variance σ²", math.log10(low), math.log10(high), self.variance,
                                step=math.log10(high / low) / steps, readout_format=".3f")
        equal, again = button("Equal proportions"), button("Start again")
        panel = Panel(expert, output, share, equal, desired, variance, again)

        def show():
            with panel.setting():  # the sliders follow; only what the reader moves changes the case
                output.value, share.value = o[expert.value].item(), p[expert.value].item()
            h = losses.responsibilities(*_case(desired.value, o, p), variance.value)[0]
            panel.show(_forces(desired.value, o, p, variance.value),
                       plots.proportions(torch.stack([p, h]), ["p, before d", "h, after d"]),
                       _table(desired.value, o, p, variance.value))

        def move():
            o[expert.value] = output.value
            show()

        def mix():
            p.copy_(_mixed(p, expert.value, share.value))
            show()

        def make_equal():
            p.fill_(1 / len(p))
            show()

        def start():
            o.copy_(self.o)
            p.copy_(self.p)
            with panel.setting():
                expert.value, desired.value, variance.value = 0, self.d, self.variance
            show()

        start()
        panel.on_move(move, output)
        panel.on_move(mix, share)
        panel.on_move(show, expert, desired, variance)
        panel.on_press(make_equal, equal)
        panel.on_press(start, again)
        return panel.box


def _case(d, o, p) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The arguments of `losses` for one case: d a number, o and p `(K,)`."""
    return torch.as_tensor(d, dtype=o.dtype).reshape(1, 1), o[None, :, None], p[None]


def _mixed(p, expert, value):
    """The proportions when that of one expert becomes `value`: the others keep their ratio, or share equally if all 0."""
    others = p.clone()
    others[expert] = 0.0
    if others.sum() == 0:
        others = torch.ones_like(p)
        others[expert] = 0.0
    mixed = others * (1 - value) / others.sum()
    mixed[expert] = value
    return mixed


def _by_loss(d, o, p, variance):
    """For each equation E, a number, and the forces, minus the gradient of E, `(K,)`."""
    case = _case(d, o, p)
    found = {
        "eq. 1.1": (losses.cooperative_error(*case), losses.cooperative_error_gradient(*case)),
        "eq. 1.2": (losses.expected_error(*case), losses.expected_error_gradient(*case)),
        "eq. 1.3": (losses.mixture_nll(*case, variance), losses.mixture_nll_gradient(*case, variance)),
    }
    return {name: (error.item(), -gradient[0, :, 0]) for name, (error, gradient) in found.items()}


def _forces(d, o, p, variance):
    return plots.forces(d, o, _by_loss(d, o, p, variance))


def _table(d, o, p, variance):
    """All numbers as an HTML table."""
    found = _by_loss(d, o, p, variance)
    h = losses.responsibilities(*_case(d, o, p), variance)[0]
    names = ("expert", "output o", "p", "h", *(f"force {name[-3:]}" for name in found))
    rows = ["<tr>" + "".join(f'<th scope="col">{name}</th>' for name in names) + "</tr>"]
    for k in range(len(o)):
        cells = [*(three_decimals(values[k].item()) for values in (o, p, h)),
                 *(three_decimals(force[k].item(), "+") for _, force in found.values())]
        rows.append(f'<tr><th scope="row">{k}</th>' + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    rows.append('<tr><th scope="row" colspan="4">E</th>'
                + "".join(f"<td>{three_decimals(error)}</td>" for error, _ in found.values()) + "</tr>")
    return f"<table>{''.join(rows)}</table>"

"""The gate explorer of chapter 4."""

import torch

from .. import _checks, plots
from ..model.gate import gate_scores, mixing_proportions
from ..plots.picture import numbers
from ..shapes import checked
from ..tasks.vowels import Cases
from ._interactive import Interactive, cases_data, check_plane, style

_LIMIT = 20.0  # of the sliders of weights and bias


@checked
class GateExplorer(Interactive):
    """A gate whose weights can be moved: its proportions over the plane of F1 and F2, its lines, and `p` at one point.

    cases: `vowels.Cases`, drawn for orientation.
    weight, bias: the gate to begin with, `(K, 2)` and `(K,)`, at most 8 experts, no value above 20.
    point: where the bars of `p` are taken at first, F1 and F2 in kHz.

    TypeError: no cases, or no numbers. ValueError: shapes that do not fit, more than 8 experts, values above 20, a point
        outside the drawn plane.
    """

    name, title = "gate-explorer", "Gate explorer"
    invitation = "move the gate's weights, the temperature or a point, and see the proportions change."

    def __init__(self, cases: Cases, weight, bias, point=(0.5, 2.0)):
        check_plane("cases", cases)
        _checks.floats("weight", weight, "K", 2, runs="")
        _checks.floats("bias", bias, len(weight), runs="")
        _checks.same_dtype(weight=weight, bias=bias)
        if len(bias) > len(plots.EXPERT_COLOURS):
            raise ValueError(f"weight has shape {tuple(weight.shape)}, wanted (K, 2) with at most 8 experts")
        largest = max(weight.abs().max().item(), bias.abs().max().item())
        if largest > _LIMIT:
            raise ValueError(f"no number of weight or bias may be above {_LIMIT:g}, the end of the sliders, got {largest:g}")
        point = numbers("point", point, 2).double().tolist()
        for axis, value, (low, high) in zip(("F1", "F2"), point, (plots.F1_LIMITS, plots.F2_LIMITS)):
            if not low <= value <= high:
                raise ValueError(f"the point's {axis} must be from {low} to {high} kHz, got {value}")
        self.cases, self.weight, self.bias, self.point = cases, weight.detach(), bias.detach(), tuple(point)

    def data(self):
        return {"style": style(), "cases": cases_data(self.cases), "weight": self.weight.tolist(),
                "bias": self.bias.tolist(), "point": self.point, "limit": _LIMIT}

    def still(self):
        return plots.gate_regions(self.cases, self.weight, self.bias, caption="A gate's regions and its lines.")

    def widgets(self):
        from ._widgets import Panel, expert_choice, ratio_slider, slider

        weight, bias = self.weight.clone(), self.bias.clone()
        expert = expert_choice(len(bias))
        f1_weight, f2_weight, own_bias = own = [slider(name, -_LIMIT, _LIMIT, 0.0)
                                                for name in ("weight of F1", "weight of F2", "bias")]
        temperature = ratio_slider("temperature", -1, 1, 1.0)
        f1, f2 = (slider(name, *limits, value, step=0.01) for name, limits, value in
                  zip(("F1 of point", "F2 of point"), (plots.F1_LIMITS, plots.F2_LIMITS), self.point))
        panel = Panel(expert, *own, temperature, f1, f2)

        def choose():
            with panel.setting():
                f1_weight.value, f2_weight.value = weight[expert.value].tolist()
                own_bias.value = bias[expert.value].item()

        def change():
            weight[expert.value] = torch.tensor([f1_weight.value, f2_weight.value], dtype=weight.dtype)
            bias[expert.value] = own_bias.value
            v, c = weight / temperature.value, bias / temperature.value
            point = torch.tensor([[f1.value, f2.value]], dtype=weight.dtype)
            name = f"F1 {f1.value:.2f}, F2 {f2.value:.2f} kHz"
            panel.show(plots.gate_regions(self.cases, v, c),
                       plots.proportions(mixing_proportions(gate_scores(point, v, c)), [name]))

        choose()
        change()
        panel.on_move(choose, expert)
        panel.on_move(change, *own, temperature, f1, f2)
        return panel.box

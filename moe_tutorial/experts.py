"""Experts: networks of one layer, all K of them in one tensor.

The paper restricts each expert to a linear decision surface, "the set of input vectors for which the expert gives an
output of exactly 0.5" (section 3).
"""

import torch
from torch import nn

from . import _checks

OUTPUTS = {
    "sigmoid": torch.sigmoid,
    "softmax": lambda total: torch.softmax(total, dim=-1),
    "linear": lambda total: total,
}
"""What an expert makes of its total inputs, by name. Softmax runs over the M outputs of each expert."""


def expert_outputs(x, weight, bias, output="sigmoid"):
    """The outputs o of all experts for all cases, `(…, N, K, M)`; by default our reading of the experts of section 3.

    x: inputs, `(N, D)` for cases that every run shares, or `(…, N, D)`.
    weight, bias: `(…, K, M, D)` and `(…, K, M)`; leading dimensions are runs.
    output: a name from OUTPUTS; "sigmoid" is our reading of the paper's experts.

    TypeError, ValueError: no floating-point tensors, shapes that do not fit, NaN, an unknown name.
    """
    _checks.floats("weight", weight, "K", "M", "D")
    _checks.floats("x", x, "N", weight.shape[-1])
    _checks.floats("bias", bias, *weight.shape[-3:-1])
    _checks.same_dtype(x=x, weight=weight, bias=bias)
    _checks.same_runs(weight=weight.shape[:-3], bias=bias.shape[:-2])
    _checks.shared_or_same_runs("x", x.shape[:-2], "weight", weight.shape[:-3])
    _checks.choice("output", output, OUTPUTS)
    total = torch.einsum("...nd,...kmd->...nkm", x, weight) + bias[..., None, :, :]
    return OUTPUTS[output](total)


def foot_of_normal(weight, bias):
    """The point of each decision line that is nearest to the origin, `(…, D)`: one dot of the paper's Figure 3.

    weight, bias: `(…, D)` and `(…,)`; the line is `weight · x + bias = 0`.

    ValueError: shapes that do not fit, NaN, or a weight of zero, which has no line.
    """
    _checks.floats("weight", weight, "D")
    _checks.floats("bias", bias)
    _checks.same_dtype(weight=weight, bias=bias)
    _checks.same_runs(weight=weight.shape[:-1], bias=bias.shape)
    squared = (weight**2).sum(-1)
    if (squared == 0).any():
        raise ValueError("a weight of zero has no decision line")
    return -(bias / squared)[..., None] * weight


def initial_weights(shape, seed=0, spread=0.5):
    """Random numbers to begin from, uniform from `-spread` to `spread`, float64, `shape` or `(R, *shape)`.

    The paper gives no initial weights; this is our reading.

    seed: an int, or a sequence of R of them, which gives a leading runs dimension. A run's numbers depend on its own
        seed alone, not on the runs beside it.
    spread: above 0.

    TypeError: a seed that is no int. ValueError: no seeds, or a spread that is not above 0.
    """
    _checks.above_zero("spread", spread)
    if not isinstance(seed, int):
        if not list(seed):
            raise ValueError("seed holds no seeds: wanted an int or a sequence of at least one")
        return torch.stack([initial_weights(shape, one, spread) for one in seed])
    generator = torch.Generator().manual_seed(seed)
    return (2 * torch.rand(shape, generator=generator, dtype=torch.float64) - 1) * spread


class Experts(nn.Module):
    """K experts side by side, by default our reading of the experts of section 3.

    Calling it on inputs x gives their outputs, as `expert_outputs` does.

    experts, inputs, outputs: the numbers K, D and M.
    output: a name from OUTPUTS.
    seed, spread: of the initial weights, as in `initial_weights`; a sequence of seeds gives R runs.

    Parameters `weight` `(…, K, M, D)` and `bias` `(…, K, M)`, float64.
    """

    def __init__(self, experts, inputs=2, outputs=1, output="sigmoid", seed=0, spread=0.5):
        super().__init__()
        for name, value in (("experts", experts), ("inputs", inputs), ("outputs", outputs)):
            _checks.count(name, value)
        _checks.choice("output", output, OUTPUTS)
        drawn = initial_weights((experts, outputs, inputs + 1), seed, spread)
        self.weight = nn.Parameter(drawn[..., :inputs].clone())
        self.bias = nn.Parameter(drawn[..., inputs].clone())
        self.output = output

    def forward(self, x):
        return expert_outputs(x, self.weight, self.bias, self.output)

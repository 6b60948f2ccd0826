"""The mixture: experts and gate on the same input, and the blend of the outputs."""

import torch
from torch import nn

from . import _checks
from .experts import Experts
from .gate import Gate


def blend(o, p):
    """The experts' outputs combined in the gate's proportions, `Σ_i p_i o_i`, `(…, N, M)`.

    This is the mean output under the stochastic switch, and what the paper's class decision is taken from. It is also
    what eq. 1.1 compares with the desired output; eqs. 1.2 and 1.3 compare each expert's own output with it.

    o: expert outputs, `(…, N, K, M)`. p: mixing proportions, `(…, N, K)`.

    TypeError, ValueError: no floating-point tensors, shapes that do not fit, NaN, `p` negative or not summing to 1.
    """
    _checks.floats("o", o, "N", "K", "M")
    _checks.proportions("p", p, *o.shape[-3:-1])
    _checks.same_dtype(o=o, p=p)
    _checks.same_runs(o=o.shape[:-3], p=p.shape[:-2])
    return torch.einsum("...nk,...nkm->...nm", p, o)


def favourite_output(o, p):
    """The output of the expert with the largest proportion, alone, `(…, N, M)`.

    o: expert outputs, `(…, N, K, M)`. p: mixing proportions, `(…, N, K)`. Errors: as in `blend`.
    """
    _checks.floats("o", o, "N", "K", "M")
    _checks.proportions("p", p, *o.shape[-3:-1])
    _checks.same_runs(o=o.shape[:-3], p=p.shape[:-2])
    favourite = p.argmax(-1)[..., None, None].expand(*p.shape[:-1], 1, o.shape[-1])
    return o.gather(-2, favourite).squeeze(-2)


def class_decisions(y, d):
    """Whether the most probable class under the combined output is the desired one, bool `(…, N)`.

    With one output the class is 1 where the output is at least 0.5; with several it is the one with the largest output.

    y: combined outputs, `(…, N, M)`. d: desired outputs, `(N, M)`, or `(…, N, M)` for each run its own; 0 or 1.

    TypeError, ValueError: no floating-point tensors, shapes that do not fit, NaN, a desired output besides 0 and 1.
    """
    _checks.floats("d", d, "N", "M")
    _checks.floats("y", y, *d.shape[-2:])
    _checks.same_dtype(y=y, d=d)
    _checks.shared_or_same_runs("d", d.shape[:-2], "y", y.shape[:-2])
    if not ((d == 0) | (d == 1)).all():
        raise ValueError("d must hold 0 and 1 only: it names the desired class")
    if d.shape[-1] == 1:
        return (y[..., 0] >= 0.5) == (d[..., 0] == 1)
    return y.argmax(-1) == d.argmax(-1)


class Mixture(nn.Module):
    """The system of Figure 1, experts and a gate that see the same input.

    Calling it on x gives `(o, p)`, `(…, N, K, M)` and `(…, N, K)`.

    experts, inputs, outputs: the numbers K, D and M.
    output: what an expert makes of its total input, a name from `experts.OUTPUTS`.
    seed, spread: of the experts' initial weights; a sequence of R seeds gives R mixtures in one tensor.

    The gate begins at 0, with equal proportions in all cases.
    """

    def __init__(self, experts, inputs=2, outputs=1, output="sigmoid", seed=0, spread=0.5):
        super().__init__()
        self.experts = Experts(experts, inputs, outputs, output, seed, spread)
        self.gate = Gate(experts, inputs, runs=tuple(self.experts.weight.shape[:-3]))

    def forward(self, x):
        return self.experts(x), self.gate(x)

    def blend(self, x):
        """The combined output for inputs x, `(…, N, M)`: see the function `blend`."""
        return blend(*self(x))

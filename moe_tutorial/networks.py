"""The comparison of section 3: ordinary networks with one hidden layer, trained by backpropagation.

The paper gives the number of hidden units, 6 or 12. Sigmoid units, and weights that begin like the experts', are our
reading.
"""

from torch import nn

from . import _checks
from .experts import OUTPUTS, expert_outputs, initial_weights


class BackpropagationNet(nn.Module):
    """One of the ordinary networks of section 3, with one hidden layer of sigmoid units.

    Calling it on inputs x gives its outputs y, `(…, N, M)`.

    hidden, inputs, outputs: the numbers of hidden units, H, and D and M.
    output: what the output units make of their total input, a name from `experts.OUTPUTS`.
    seed, spread: of the initial weights, as in `initial_weights`; a sequence of R seeds gives R networks in one tensor.

    Parameters `hidden_weight` `(…, H, D)`, `hidden_bias` `(…, H)`, `weight` `(…, M, H)` and `bias` `(…, M)`, float64.
    """

    def __init__(self, hidden, inputs=2, outputs=1, output="sigmoid", seed=0, spread=0.5):
        super().__init__()
        for name, value in (("hidden", hidden), ("inputs", inputs), ("outputs", outputs)):
            _checks.count(name, value)
        _checks.choice("output", output, OUTPUTS)
        first = hidden * (inputs + 1)
        drawn = initial_weights((first + outputs * (hidden + 1),), seed, spread)
        below = drawn[..., :first].reshape(*drawn.shape[:-1], hidden, inputs + 1)
        above = drawn[..., first:].reshape(*drawn.shape[:-1], outputs, hidden + 1)
        self.hidden_weight = nn.Parameter(below[..., :inputs].clone())
        self.hidden_bias = nn.Parameter(below[..., inputs].clone())
        self.weight = nn.Parameter(above[..., :hidden].clone())
        self.bias = nn.Parameter(above[..., hidden].clone())
        self.output = output

    def forward(self, x):
        # A layer of H units is H experts with one output; the output units are one expert that sees the hidden layer.
        hidden = expert_outputs(x, self.hidden_weight[..., None, :], self.hidden_bias[..., None])[..., 0]
        return expert_outputs(hidden, self.weight[..., None, :, :], self.bias[..., None, :], self.output)[..., 0, :]

"""The comparison of section 3: ordinary networks with one hidden layer, trained by backpropagation.

The paper gives the number of hidden units, 6 or 12. Sigmoid units, and weights that begin like the experts', are our
reading.
"""

from collections.abc import Sequence

from torch import nn

from ..shapes import Blend, Count, Inputs, Positive, checked
from .experts import Activation, expert_outputs
from .initial import SPREAD, initial_weights


class BackpropagationNet(nn.Module):
    """One of the ordinary networks of section 3, with one hidden layer of sigmoid units.

    >>> BackpropagationNet(hidden=6, seed=range(25)).weight.shape
    torch.Size([25, 1, 6])

    Calling it on inputs x gives its outputs y, `(…, N, M)`.

    hidden, inputs, outputs: the numbers of hidden units, H, and D and M.
    output: what the output units make of their total input, a name from `experts.OUTPUTS`.
    seed, spread: of the initial weights, as in `initial_weights`; a sequence of R seeds gives R networks in one tensor.

    Parameters `hidden_weight` `(…, H, D)`, `hidden_bias` `(…, H)`, `weight` `(…, M, H)` and `bias` `(…, M)`, float64.
    """

    @checked
    def __init__(self, hidden: Count, inputs: Count = 2, outputs: Count = 1, output: Activation = "sigmoid",
                 seed: int | Sequence[int] = 0, spread: Positive = SPREAD):
        super().__init__()
        first = hidden * (inputs + 1)
        drawn = initial_weights((first + outputs * (hidden + 1),), seed, spread)
        below = drawn[..., :first].reshape(*drawn.shape[:-1], hidden, inputs + 1)
        above = drawn[..., first:].reshape(*drawn.shape[:-1], outputs, hidden + 1)
        self.hidden_weight = nn.Parameter(below[..., :inputs].clone())
        self.hidden_bias = nn.Parameter(below[..., inputs].clone())
        self.weight = nn.Parameter(above[..., :hidden].clone())
        self.bias = nn.Parameter(above[..., hidden].clone())
        self.output = output

    def forward(self, x: Inputs) -> Blend:
        # A layer of H units is H experts with one output; the output units are one expert that sees the hidden layer.
        hidden = expert_outputs(x, self.hidden_weight[..., None, :], self.hidden_bias[..., None])[..., 0]
        return expert_outputs(hidden, self.weight[..., None, :, :], self.bias[..., None, :], self.output)[..., 0, :]

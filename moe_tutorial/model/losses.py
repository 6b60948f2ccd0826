"""The three error functions of the paper, the responsibilities, and the gradients, one value for each case.

Every function takes desired outputs d, expert outputs o and mixing proportions p; runs share the desired outputs. Nothing
is averaged or summed over cases here: that is the business of `training`.

The gradients are those with respect to the outputs of the experts, as the paper writes them in eqs. 1.4 and 1.5.

TypeError: no floating-point tensors (integer targets are not converted), or of several dtypes. ValueError: shapes that do
not fit, no cases, NaN or infinity, `p` negative or not summing to 1, a variance not above 0. OverflowError: distances whose
squares are beyond the numbers of the dtype.
"""

from typing import Literal

import torch

from ..shapes import Desired, Error, Outputs, PerOutput, Proportions, Responsibilities, Variance, checked

Loss = Literal["cooperative", "expected", "mixture"]


@checked
def cooperative_error(d: Desired, o: Outputs, p: Proportions) -> Error:
    """Eq. 1.1, the squared error of the blend: `‖d - Σ_i p_i o_i‖²`.

    >>> cooperative_error(d=torch.tensor([[1.0]]), o=torch.tensor([[[0.0], [1.0]]]), p=torch.tensor([[0.5, 0.5]]))
    tensor([0.2500])
    """
    return _residual(d, o, p).square().sum(-1)


@checked
def expected_error(d: Desired, o: Outputs, p: Proportions) -> Error:
    """Eq. 1.2, the expected squared error under the stochastic switch: `Σ_i p_i ‖d - o_i‖²`.

    >>> expected_error(d=torch.tensor([[1.0]]), o=torch.tensor([[[0.0], [1.0]]]), p=torch.tensor([[0.5, 0.5]]))
    tensor([0.5000])
    """
    return (p * _squared_distances(d, o)).sum(-1)


@checked
def mixture_nll(d: Desired, o: Outputs, p: Proportions, variance: Variance = 1.0) -> Error:
    """Eq. 1.3, the negative log likelihood of section 2's mixture of Gaussians: `-log Σ_i p_i exp(-½ ‖d - o_i‖²)`.

    >>> mixture_nll(d=torch.tensor([[1.0]]), o=torch.tensor([[[0.0], [1.0]]]), p=torch.tensor([[0.5, 0.5]]))
    tensor([0.2191])

    With a variance σ² other than 1 the exponent is divided by σ², and `½ M log σ²` is added, which a density of that
    variance needs. The constant `½ M log 2π` is left out, as in the paper.

    variance: a number, or a tensor: one for each run, `(…)`, or one for each of its experts, `(…, K)`.
    """
    return -torch.logsumexp(_log_joint(d, o, p, variance), dim=-1)


@checked
def responsibilities(d: Desired, o: Outputs, p: Proportions, variance: Variance = 1.0) -> Responsibilities:
    """The responsibilities of eq. 1.5, the posterior proportions.

    >>> responsibilities(d=torch.tensor([[1.0]]), o=torch.tensor([[[0.0], [1.0]]]), p=torch.tensor([[0.5, 0.5]]))
    tensor([[0.3775, 0.6225]])

    `h_i = p_i exp(-½ ‖d - o_i‖²) / Σ_j p_j exp(-½ ‖d - o_j‖²)`, with the variance as in `mixture_nll`.
    """
    return torch.softmax(_log_joint(d, o, p, variance), dim=-1)


@checked
def cooperative_error_gradient(d: Desired, o: Outputs, p: Proportions) -> PerOutput:
    """`∂E/∂o_i` of eq. 1.1: `-2 p_i (d - Σ_j p_j o_j)`.

    >>> d, o, p = torch.tensor([[1.0]]), torch.tensor([[[0.0], [1.0]]]), torch.tensor([[0.5, 0.5]])
    >>> cooperative_error_gradient(d, o, p).flatten()
    tensor([-0.5000, -0.5000])
    """
    return -2 * p[..., None] * _residual(d, o, p)[..., None, :]


@checked
def expected_error_gradient(d: Desired, o: Outputs, p: Proportions) -> PerOutput:
    """Eq. 1.4, `∂E/∂o_i` of eq. 1.2: `-2 p_i (d - o_i)`.

    >>> d, o, p = torch.tensor([[1.0]]), torch.tensor([[[0.0], [0.5]]]), torch.tensor([[0.5, 0.5]])
    >>> expected_error_gradient(d, o, p).flatten()
    tensor([-1.0000, -0.5000])
    """
    return -2 * p[..., None] * (d[..., None, :] - o)


@checked
def mixture_nll_gradient(d: Desired, o: Outputs, p: Proportions, variance: Variance = 1.0) -> PerOutput:
    """Eq. 1.5, `∂E/∂o_i` of eq. 1.3: `-h_i (d - o_i)`, divided by the variance.

    >>> d, o, p = torch.tensor([[1.0]]), torch.tensor([[[0.0], [0.5]]]), torch.tensor([[0.5, 0.5]])
    >>> mixture_nll_gradient(d, o, p).flatten()
    tensor([-0.4073, -0.2963])
    """
    h = responsibilities(d, o, p, variance)
    return -h[..., None] * (d[..., None, :] - o) / _per_expert(variance, o)[..., None]


def _residual(d, o, p):
    return d - (p[..., None] * o).sum(-2)


def _squared_distances(d, o):
    return (d[..., None, :] - o).square().sum(-1)


def _per_expert(variance, o):
    """The variance as a tensor that goes with `(…, N, K)`, of runs and of experts alike."""
    variance = torch.as_tensor(variance, dtype=o.dtype)
    if variance.dim() == o.dim() - 2:  # of each expert: the cases come in between
        return variance[..., None, :]
    return variance[..., None, None] if variance.dim() else variance


def _log_gaussian(d, o, variance):
    """`log N_i` for each case and expert, `(…, N, K)`: `-½ M log σ_i² - ½ ‖d - o_i‖² / σ_i²`."""
    variance = _per_expert(variance, o)
    return -0.5 * (d.shape[-1] * variance.log() + _squared_distances(d, o) / variance)


def _log_joint(d, o, p, variance):
    """`log p_i + log N_i`, `(…, N, K)`.

    It is minus infinity where a proportion is 0: such an expert has no part in the case. The derivative by p, which is not
    finite there, is left out, as the gate's gradient is 0 for a proportion of 0.
    """
    usual = p >= torch.finfo(p.dtype).tiny
    log_p = torch.where(usual, torch.where(usual, p, 1.0).log(), p.detach().log())
    return log_p + _log_gaussian(d, o, variance)


LOSSES = {"cooperative": cooperative_error, "expected": expected_error, "mixture": mixture_nll}
"""The losses by name: eqs. 1.1, 1.2 and 1.3."""

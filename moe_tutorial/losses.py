"""The three error functions of the paper, the responsibilities, and the gradients, one value for each case.

Every function takes desired outputs d `(N, M)`, expert outputs o `(…, N, K, M)` and mixing proportions p `(…, N, K)`;
leading dimensions are runs, which share the desired outputs. Nothing is averaged or summed over cases here: that is the
business of `training`.

The gradients are those with respect to the outputs of the experts, as the paper writes them in eqs. 1.4 and 1.5.
"""

import torch

from . import _checks


def cooperative_error(d, o, p):
    """Eq. 1.1, the squared error of the blend: `‖d - Σ_i p_i o_i‖²`, `(…, N)`.

    d: `(N, M)`. o: `(…, N, K, M)`. p: `(…, N, K)`. Errors: as in `check`.
    """
    check(d, o, p)
    return _cooperative_error(d, o, p)


def expected_error(d, o, p):
    """Eq. 1.2, the expected squared error under the stochastic switch: `Σ_i p_i ‖d - o_i‖²`, `(…, N)`.

    d: `(N, M)`. o: `(…, N, K, M)`. p: `(…, N, K)`. Errors: as in `check`.
    """
    check(d, o, p)
    return _expected_error(d, o, p)


def mixture_nll(d, o, p, variance=1.0):
    """Eq. 1.3, the negative log likelihood of section 2's mixture of Gaussians, `(…, N)`: `-log Σ_i p_i exp(-½ ‖d - o_i‖²)`.

    With a variance σ² other than 1 the exponent is divided by σ², and `½ M log σ²` is added, which a density of that
    variance needs. The constant `½ M log 2π` is left out, as in the paper.

    d: `(N, M)`. o: `(…, N, K, M)`. p: `(…, N, K)`. Errors: as in `check`.
    variance: above 0; a number, or a tensor `()` or, one for each run, `(…,)`.
    """
    check(d, o, p, variance)
    return _mixture_nll(d, o, p, variance)


def responsibilities(d, o, p, variance=1.0):
    """The responsibilities of eq. 1.5, the posterior proportions, `(…, N, K)`.

    `h_i = p_i exp(-½ ‖d - o_i‖²) / Σ_j p_j exp(-½ ‖d - o_j‖²)`.

    d: `(N, M)`. o: `(…, N, K, M)`. p: `(…, N, K)`. variance: as in `mixture_nll`. Errors: as in `check`.
    """
    check(d, o, p, variance)
    return torch.softmax(_log_joint(d, o, p, variance), dim=-1)


def cooperative_error_gradient(d, o, p):
    """`∂E/∂o_i` of eq. 1.1: `-2 p_i (d - Σ_j p_j o_j)`, `(…, N, K, M)`. Arguments and errors as in `cooperative_error`."""
    check(d, o, p)
    return -2 * p[..., None] * _residual(d, o, p)[..., None, :]


def expected_error_gradient(d, o, p):
    """Eq. 1.4, `∂E/∂o_i` of eq. 1.2: `-2 p_i (d - o_i)`, `(…, N, K, M)`. Arguments and errors as in `expected_error`."""
    check(d, o, p)
    return -2 * p[..., None] * (d[..., None, :] - o)


def mixture_nll_gradient(d, o, p, variance=1.0):
    """Eq. 1.5, `∂E/∂o_i` of eq. 1.3: `-h_i (d - o_i)`, divided by the variance, `(…, N, K, M)`.

    Arguments and errors as in `mixture_nll`.
    """
    h = responsibilities(d, o, p, variance)
    return -h[..., None] * (d[..., None, :] - o) / _spread(variance, 3)


def check(d, o, p, variance=1.0):
    """Check that the arguments of a loss fit each other.

    TypeError: no floating-point tensors (integer targets are not converted), or of several dtypes. ValueError: shapes
    that do not fit, no cases, NaN or infinity, `p` negative or not summing to 1, a variance not above 0.
    """
    _checks.floats("o", o, "N", "K", "M")
    _checks.floats("d", d, o.shape[-3], o.shape[-1])
    if d.dim() > 2:
        raise ValueError(f"d has shape {tuple(d.shape)}, wanted (N, M): every run has the same desired outputs")
    _checks.proportions("p", p, *o.shape[-3:-1])
    _checks.same_dtype(d=d, o=o, p=p)
    _checks.same_runs(o=o.shape[:-3], p=p.shape[:-2])
    if isinstance(variance, torch.Tensor):
        _checks.floats("variance", variance)
        _checks.shared_or_same_runs("variance", variance.shape, "o", o.shape[:-3])
    _checks.above_zero("variance", variance.min().item() if isinstance(variance, torch.Tensor) else variance)


def _residual(d, o, p):
    return d - (p[..., None] * o).sum(-2)


def _squared_distances(d, o):
    return (d[..., None, :] - o).square().sum(-1)


def _spread(variance, dimensions):
    """The variance with `dimensions` more dimensions behind its runs, so that it divides per-case tensors."""
    return variance[(..., *[None] * dimensions)] if isinstance(variance, torch.Tensor) else variance


def _log_joint(d, o, p, variance):
    """`log p_i - ½ ‖d - o_i‖² / σ²`, `(…, N, K)`.

    A proportion of exactly 0 counts as the smallest positive number, so that its logarithm and its gradient are finite.
    """
    return p.clamp_min(torch.finfo(p.dtype).tiny).log() - 0.5 * _squared_distances(d, o) / _spread(variance, 2)


def _cooperative_error(d, o, p):
    return _residual(d, o, p).square().sum(-1)


def _expected_error(d, o, p):
    return (p * _squared_distances(d, o)).sum(-1)


def _mixture_nll(d, o, p, variance=1.0):
    log_variance = torch.log(torch.as_tensor(variance, dtype=o.dtype))
    return 0.5 * o.shape[-1] * _spread(log_variance, 1) - torch.logsumexp(_log_joint(d, o, p, variance), dim=-1)


UNCHECKED = {"cooperative": _cooperative_error, "expected": _expected_error, "mixture": _mixture_nll}
"""The losses by name without their checks, for `training`, which has checked its arguments before the first epoch."""

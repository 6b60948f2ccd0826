"""Training: batch gradient descent with a history, a fast way without one, expectation maximisation, and the criterion."""

from typing import Annotated

from torch import Tensor

from .. import _checks
from ..shapes import TRUTH, WHOLE, checked
from .criterion import Criterion
from .descent import History, train
from .em import em
from .engine import Outcome, fast_train
from .steps import bound, gate_step, tree_gate_step, variance_step, weighted_least_squares


def _tensors(name, values):
    _checks.mapping(name, values)
    for key, value in values.items():
        _checks.floats(f"{name}[{key!r}]", value)


# Here and not above the classes: in their files a change would make what is recorded the results of other code.
_MOMENTS, _REACHED = Annotated[Tensor, "S R"], Annotated[Tensor, "R", TRUTH]
checked(Outcome, stopped=Annotated[Tensor, "…", WHOLE], converged=Annotated[Tensor, "…", TRUTH])
checked(History, epochs=Annotated[Tensor, "S", WHOLE], loss=_MOMENTS, squared_error=_MOMENTS,
        proportions=Annotated[Tensor, "S R K"], effective_experts=_MOMENTS, weights=Annotated[dict, _tensors],
        stopped=Annotated[Tensor, "R", WHOLE], converged=_REACHED, diverged=_REACHED)


def _repr(outcome, represent=Outcome.__repr__):
    """That of a single run, whose tensors have no dimension, too."""
    return represent(Outcome(outcome.stopped.reshape(-1), outcome.converged.reshape(-1)))


Outcome.__repr__ = _repr  # type: ignore[method-assign]

__all__ = [
    "Criterion", "History", "Outcome", "bound", "em", "fast_train", "gate_step", "train", "tree_gate_step",
    "variance_step", "weighted_least_squares",
]

"""When a training ends."""

import inspect
from dataclasses import dataclass
from typing import Literal

from torch import Tensor

from ..model.losses import cooperative_error, expected_error
from ..shapes import Positive, checked

SquaredError = Literal["blend", "expected"]

ERRORS = {"blend": inspect.unwrap(cooperative_error), "expected": inspect.unwrap(expected_error)}
"""The squared error that a criterion may be compared with: of the blend, or the expected one under the switch. Unchecked:
`train` has checked its arguments before the first epoch."""

CRITERION = 0.08
"""The paper's criterion: an average squared error of 0.08 over the training set (section 3)."""


@checked
@dataclass(frozen=True)
class Criterion:
    """The criterion of section 3: a run stops once its mean squared error over the training set is not above it.

    >>> Criterion(0.08, of="expected")
    Criterion(at=0.08, of='expected')

    at: the mean over cases of the squared error, summed over the outputs.
    of: "blend", the squared error of the blend, or "expected", the expected one under the stochastic switch. The paper does
        not say which; the blend's is our reading. For a network both are its squared error.

    ValueError: an error that is not above 0, an unknown name.
    """

    at: Positive = CRITERION
    of: SquaredError = "blend"

    def reached(self, d: Tensor, o: Tensor, p: Tensor) -> Tensor:
        """Whether each run has reached it, bool `(R,)`."""
        return ERRORS[self.of](d, o, p).mean(-1) <= self.at


def as_criterion(stop_at: "Criterion | float | None") -> "Criterion | None":
    """What `train` takes: a criterion, a number that the squared error of the blend is compared with, or None."""
    return stop_at if stop_at is None or isinstance(stop_at, Criterion) else Criterion(stop_at)

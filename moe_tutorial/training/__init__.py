"""Training: batch gradient descent with a history, a fast way without one, expectation maximisation, and the criterion."""

from .criterion import Criterion
from .descent import History, train
from .em import em
from .engine import Outcome, fast_train

__all__ = ["Criterion", "History", "Outcome", "em", "fast_train", "train"]

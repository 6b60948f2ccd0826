"""Training: batch gradient descent with a history, a fast way without one, and the criterion that ends both."""

from .criterion import Criterion
from .descent import History, train
from .engine import Outcome, fast_train

__all__ = ["Criterion", "History", "Outcome", "fast_train", "train"]

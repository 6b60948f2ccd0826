"""The experiment of 1991: Table 1 run again, under every unstated choice, what is said of it, and the stored trainings.

And that of 1994, fits to an arm.
"""

from dataclasses import fields
from typing import Annotated, Any

from torch import Tensor

from .. import _checks
from ..shapes import TRUTH, WHOLE, Positive, checked
from .comparison import HALF, PAPER, Claim, claims, t_test
from .fits import Fit, load_fit
from .multiverse import CELLS, ELSEWHERE, READINGS, load_cell, load_multiverse
from .recorded import Recorded, load_mixtures, load_training, load_trainings
from .replication import (
    MIXTURES,
    NETS,
    SEEDS,
    STEP_SIZES,
    SYSTEMS,
    Exploration,
    Protocol,
    Replication,
    Simulations,
    explore,
    replicate,
    simulate,
)


def _each(kind):
    def check(name, values):
        _checks.mapping(name, values)
        for system, value in values.items():
            _checks.choice(f"system in {name}", system, SYSTEMS)
            if not isinstance(value, kind):
                raise TypeError(f"{name}[{system!r}] must be {kind.__name__}, got {_checks.said(value)}")

    return check


def _none_or_seeds(name, values):
    """Seeds, or an empty tuple or list: the order of the file needs none."""
    if not isinstance(values, tuple | list) or values:
        _checks.several_seeds(name, values)


def _known(name, settings):
    _checks.mapping(name, settings)
    for setting in settings:
        _checks.choice(f"name in {name}", setting, [field.name for field in fields(Protocol)])


# Here and not above the classes: in their file a change would make what is recorded the results of other code.
checked(Exploration, step_sizes=Annotated[Tensor, "E"], stopped=Annotated[Tensor, "E P", WHOLE],
        converged=Annotated[Tensor, "E P", TRUTH])
checked(Simulations, step_size=Positive, stopped=Annotated[Tensor, "R", WHOLE], converged=Annotated[Tensor, "R", TRUTH],
        train=Annotated[Tensor, "R"], test=Annotated[Tensor, "R"], live=Annotated[Tensor, "R", WHOLE] | None)
for _name, _annotations in (("cases", {"seeds": Annotated[Any, _none_or_seeds]}),
                            ("fits", {"settings": Annotated[Any, _known]})):
    setattr(Protocol, _name, checked(getattr(Protocol, _name), **_annotations))
checked(Replication, explorations=Annotated[dict, _each(Exploration)], simulations=Annotated[dict, _each(Simulations)])

__all__ = [
    "CELLS", "Claim", "ELSEWHERE", "Exploration", "Fit", "HALF", "MIXTURES", "NETS", "PAPER", "Protocol", "READINGS",
    "Recorded", "Replication", "SEEDS", "STEP_SIZES", "SYSTEMS", "Simulations", "claims", "explore", "load_cell", "load_fit",
    "load_mixtures", "load_multiverse", "load_training", "load_trainings", "replicate", "simulate", "t_test",
]

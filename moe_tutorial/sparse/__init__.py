"""Only k of K experts: which, how much they count, how cases reach them, how all are kept busy, and what is saved."""

from typing import Annotated

from torch import Tensor

from .. import _checks
from ..shapes import Count, CountFrom0, checked
from . import costs


def _times(name, measured):
    """Seconds by the number of experts and by the way to compute, of one expert among them."""
    _checks.mapping(name, measured)
    for experts, times in measured.items():
        _checks.mapping(f"{name}[{experts!r}]", times)
        for way, seconds in times.items():
            _checks.positive(f"{name}[{experts!r}][{way!r}]", seconds)
    if "blend_of_all" not in measured.get(1, {}):
        raise ValueError(f"{name} must have measured[1]['blend_of_all'], of which the others are multiples, got "
                         f"{_checks.said(measured)}")


# Here and not above the functions: in their file a change would make the stored times those of other code.
_GIVEN = {"x": Annotated[Tensor, "N D"], "gate": Annotated[Tensor, "K D"], "first": Annotated[Tensor, "K D H"],
          "second": Annotated[Tensor, "K H"]}
_HELD: dict[str, dict] = {
    "multiplications": {"hidden": CountFrom0},
    "random_mixture": {"experts": Count, "inputs": Count, "hidden": Count, "seed": CountFrom0},
    "blend_of_all": _GIVEN, "favourite_only": _GIVEN,
    "multiples": {"measured": Annotated[dict, _times]},
}
for _name, _annotations in _HELD.items():
    setattr(costs, _name, checked(getattr(costs, _name), **_annotations))

from .balance import (  # noqa: E402
    cv_squared,
    dead_experts,
    expert_counts,
    importance_loss,
    load_loss,
    max_over_mean,
    mutual_information,
    smooth_load,
    switch_loss,
    update_bias,
    z_loss,
)
from .choice import chosen_experts, sparse_weights  # noqa: E402
from .compared import load_routers  # noqa: E402
from .costs import blend_of_all, favourite_only, load_costs, multiplications, random_mixture  # noqa: E402
from .dispatch import (  # noqa: E402
    capacity,
    compute_all,
    compute_by_masks,
    compute_in_buffers,
    compute_in_groups,
    compute_one_hot,
    places,
    random_experts,
)
from .on_ring import RingRun, hash_table, train_on_ring  # noqa: E402
from .prices import balanced_assignment, sinkhorn  # noqa: E402
from .routers import ROUTERS, Router  # noqa: E402
from .saving import load_saving  # noqa: E402

__all__ = [
    "ROUTERS", "RingRun", "Router", "balanced_assignment", "blend_of_all", "capacity", "chosen_experts", "compute_all",
    "compute_by_masks", "compute_in_buffers", "compute_in_groups", "compute_one_hot", "cv_squared", "dead_experts",
    "expert_counts", "favourite_only", "hash_table", "importance_loss", "load_costs", "load_loss", "load_routers",
    "load_saving", "max_over_mean", "multiplications", "mutual_information", "places", "random_experts", "random_mixture",
    "sinkhorn", "smooth_load", "sparse_weights", "switch_loss", "train_on_ring", "update_bias", "z_loss",
]

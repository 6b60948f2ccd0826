"""What is saved when not every expert is computed."""

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

from .costs import blend_of_all, favourite_only, load_costs, multiplications, random_mixture  # noqa: E402

__all__ = ["blend_of_all", "favourite_only", "load_costs", "multiplications", "random_mixture"]

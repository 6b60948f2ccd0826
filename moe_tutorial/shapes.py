"""The letters of the course as annotations that say a shape, and `checked`, which holds a function's arguments to them.

>>> from moe_tutorial import cooperative_error
>>> help(cooperative_error)  # doctest: +ELLIPSIS
Help on function cooperative_error in module moe_tutorial.model.losses:
<BLANKLINE>
cooperative_error(d: (N, M), o: (…, N, K, M), p: (…, N, K)) -> (…, N)
...

N cases, D inputs, M outputs, K experts, H hidden units. `…` are runs, the same for all arguments that have them; `(…)` are
runs or nothing, for what all runs may share. A letter is one number in all of a function's arguments.
"""

import functools
import inspect
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from torch import Tensor

from . import _checks

Inputs = Annotated[Tensor, "(…) N D"]
Desired = Annotated[Tensor, "N M"]
DesiredOfRuns = Annotated[Tensor, "(…) N M"]
Outputs = Annotated[Tensor, "… N K M"]
PerOutput = Annotated[Tensor, "… N K M"]
Blend = Annotated[Tensor, "… N M"]
Scores = Annotated[Tensor, "… N K"]
Proportions = Annotated[Tensor, "… N K", _checks.sums_to_1]
Responsibilities = Annotated[Tensor, "… N K"]
PerCase = Annotated[Tensor, "… N"]
Error = Annotated[Tensor, "… N"]

ExpertWeight = Annotated[Tensor, "… K M D"]
ExpertBias = Annotated[Tensor, "… K M"]
GateWeight = Annotated[Tensor, "… K D"]
GateBias = Annotated[Tensor, "… K"]
Normal = Annotated[Tensor, "… D"]
Offset = Annotated[Tensor, "…"]
PerRun = Annotated[Tensor, "(…)", _checks.above_zero]
PerExpert = Annotated[Tensor, "… K", _checks.above_zero]
Samples = Annotated[Tensor, "… T"]

Count = Annotated[int, _checks.count]
"""A whole number from 1."""

Positive = Annotated[float, _checks.above_zero]
"""A number above 0."""

NotNegative = Annotated[float, _checks.zero_or_more]
"""A number from 0."""

Callee = TypeVar("Callee")


class _Shown:
    """An annotation as `help` and the book show it: the shape as the docstrings write it."""

    def __init__(self, hint):
        self.text = " | ".join(map(_said, _alternatives(hint)))

    def __repr__(self):
        return self.text


def _said(part):
    if _is_shape(part):
        shape = f"({', '.join(get_args(part)[1].replace('(…)', '…').split())})"
        return f"{shape.replace('…, ', '')} | {shape}" if "(…)" in get_args(part)[1] and "," in shape else shape
    if get_origin(part) is Annotated:
        return get_args(part)[0].__name__
    if get_origin(part) is Literal:
        return " | ".join(map(repr, get_args(part)))
    return "None" if part is NoneType else part.__name__ if isinstance(part, type) else str(part)


def _alternatives(hint):
    """The parts of a union, or what is no union alone."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _is_shape(part):
    return get_origin(part) is Annotated and get_args(part)[0] is Tensor


def _letters(shape):
    return [letter for letter in shape.split() if "…" not in letter]


def checked(function: Callee) -> Callee:
    """The function, with its arguments checked against its annotations at each call; for a class, those of its `__init__`.

    Numbers and names come first, `Count`, `Positive` and `Literal`. Then shapes, those with the most letters before the
    others, as they say what the letters are; then one dtype and the same runs for all. A tensor that comes out
    has to be finite, as those that went in. `inspect.unwrap` gives the function without its checks.

    TypeError, ValueError: of the call, saying what was given and what was wanted. OverflowError: of what comes out.
    """
    if isinstance(function, type):
        function.__init__ = checked(function.__init__)  # type: ignore[misc]
        return function
    assert inspect.isfunction(function)
    signature, hints = inspect.signature(function), get_type_hints(function, include_extras=True)
    wanted = {name: _alternatives(hints[name]) for name in signature.parameters if name in hints}
    shapes = [(name, get_args(part)) for name, parts in wanted.items() for part in parts if _is_shape(part)]
    shapes.sort(key=lambda shape: -len(_letters(shape[1][1])))

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError:
            return function(*args, **kwargs)  # Python says it with the function's name
        for name, value in given.items():
            _check_value(name, value, wanted.get(name, ()))
        _check_tensors(given, [shape for shape in shapes if len(wanted[shape[0]]) == 1
                               or isinstance(given.get(shape[0]), Tensor)])
        result = function(*args, **kwargs)
        if _is_shape(hints.get("return")):
            _checks.finite(function.__name__, result)
        return result

    shown = {name: parameter.replace(annotation=_Shown(hints[name])) if name in hints else parameter
             for name, parameter in signature.parameters.items()}
    returned = _Shown(hints["return"]) if "return" in hints else signature.return_annotation
    call.__signature__ = signature.replace(parameters=[*shown.values()], return_annotation=returned)  # type: ignore
    return call  # type: ignore[return-value]


def _check_value(name, value, parts):
    """A number, a name, or an object. Where other types are allowed besides, a value of one of them is right as it is."""
    classes = tuple(part for part in parts if isinstance(part, type))
    if isinstance(value, classes) or isinstance(value, Tensor) and any(map(_is_shape, parts)):
        return
    ours = [part.__name__ for part in classes if part.__module__ != "builtins"]
    if ours and len(classes) == len(parts):
        raise TypeError(f"{name} must be a {' or a '.join(ours)}, got {type(value).__name__}")
    for part in parts:
        if get_origin(part) is Literal:
            _checks.choice(name, value, get_args(part))
        elif get_origin(part) is Annotated and not _is_shape(part):
            for check in get_args(part)[1:]:
                check(name, value)


def _check_tensors(given, shapes):
    sizes: dict[str, int] = {}
    leading, tensors = {}, {}
    for name, (_, shape, *more) in shapes:
        if name not in given:
            continue
        value, letters = given[name], _letters(shape)
        _checks.floats(name, value, *(sizes.get(letter, letter) for letter in letters), runs="…" if "…" in shape else "")
        for check in more:
            check(name, value)
        runs, tensors[name] = tuple(value.shape[: value.dim() - len(letters)]), value
        sizes |= zip(letters, value.shape[len(runs):])
        if runs or shape.startswith("…"):
            leading[name] = runs
    _checks.same_dtype(**{name: tensors[name] for name in given if name in tensors})
    _checks.same_runs(**{name: leading[name] for name in given if name in leading})

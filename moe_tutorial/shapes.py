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

import contextlib
import functools
import inspect
from collections.abc import Callable as AnyCallable
from collections.abc import Mapping, Sequence
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

Positive = Annotated[float, _checks.positive]
"""A number above 0."""

Variance = Positive | PerRun | PerExpert
"""A number above 0, or one for each run, or one for each expert of each run."""

NotNegative = Annotated[float, _checks.from_zero]
"""A number from 0."""

CountFrom0 = Annotated[int, _checks.count_from_zero]
"""A whole number from 0."""

Seed = Annotated[int, _checks.seed]
"""A whole number from 0 that fits into 64 bits."""

Texts = Annotated[Sequence[str], _checks.texts]
"""A tuple or a list of texts."""

FLOATS, WHOLE, TRUTH = "floating-point numbers", "whole numbers", "True and False"
"""What a tensor of a shape holds: `Annotated[Tensor, "R", WHOLE]`. Without a word it is FLOATS."""

Callee = TypeVar("Callee")


class _Shown:
    """An annotation as `help` and the book show it: the shape as the docstrings write it."""

    def __init__(self, hint):
        self.text = " | ".join(map(_said, _alternatives(hint)))

    def __repr__(self):
        return self.text


def _said(part):
    if _is_shape(part):
        letters = get_args(part)[1].replace("(…)", "…").split()
        shape = f"({', '.join(letters)}{',' if len(letters) == 1 and letters != ['…'] else ''})"
        return f"{shape.replace('…, ', '')} | {shape}" if "(…)" in get_args(part)[1] and "," in shape else shape
    if get_origin(part) is Annotated:
        return get_args(part)[0].__name__
    if get_origin(part) is Literal:
        return " | ".join(map(repr, get_args(part)))
    return "None" if part is NoneType else part.__name__ if isinstance(part, type) else str(part).removeprefix("typing.")


def _alternatives(hint):
    """The parts of a union, or what is no union alone."""
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _is_shape(part):
    return get_origin(part) is Annotated and get_args(part)[0] is Tensor


def _is_row(part):
    """Whether it is a tuple that has an entry for each of a letter, `Annotated[tuple[str, ...], "N"]`."""
    return get_origin(part) is Annotated and get_origin(get_args(part)[0]) is tuple and isinstance(get_args(part)[1], str)


def _letters(shape):
    return [letter for letter in shape.split() if "…" not in letter]


def checked(function: Callee, **annotations: Any) -> Callee:
    """The function, with its arguments checked against its annotations at each call; for a class, those of its `__init__`.

    Numbers and names come first, `Count`, `Positive`, `Literal`, texts, and objects of the package. Then shapes, those with
    the most letters before the others, as they say what the letters are; then one dtype and the same runs for all. A tensor
    that comes out has to be finite, as those that went in. `inspect.unwrap` gives the function without its checks.

    annotations: of arguments by name, in place of the function's own. A room gives them where it cannot change the file,
    because recordings were made by its code.

    TypeError, ValueError: of the call, saying what was given and what was wanted. OverflowError: of what comes out.
    MemoryError: more numbers than there is room for.
    """
    if isinstance(function, type):
        function.__init__ = checked(function.__init__, **annotations)  # type: ignore[misc]
        return function
    if not inspect.isfunction(function):
        raise TypeError(f"function must be a function of Python or a class, got {_checks.said(function)}")
    signature, hints = inspect.signature(function), get_type_hints(function, include_extras=True) | annotations
    assert not annotations.keys() - signature.parameters.keys()
    wanted = {name: _alternatives(hints[name]) for name in signature.parameters if name in hints}
    shapes = [(name, [get_args(part)[1:] for part in parts if _is_shape(part)]) for name, parts in wanted.items()]
    shapes = [(name, several) for name, several in shapes if several]
    rows = {name: get_args(part)[1] for name, parts in wanted.items() for part in parts if _is_row(part)}
    shapes.sort(key=lambda shape: -max(len(_letters(one[0])) for one in shape[1]))

    several = get_origin(hints.get("return")) is tuple
    comes = get_args(hints["return"]) if several else (hints.get("return"),)

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            given = signature.bind(*args, **kwargs).arguments
        except TypeError:
            return function(*args, **kwargs)  # Python says it with the function's name
        for name, value in given.items():
            _check_value(name, value, wanted.get(name, ()))
        sizes = _check_tensors(given, [shape for shape in shapes if len(wanted[shape[0]]) == 1
                                       or isinstance(given.get(shape[0]), Tensor)])
        for name, letter in rows.items():
            if name in given and len(given[name]) != sizes[letter]:
                raise ValueError(f"{name} has {len(given[name])} entries, wanted {sizes[letter]}, as many as the tensors")
        try:
            result = function(*args, **kwargs)
        except RuntimeError as error:
            if "allocate memory" in str(error):
                raise MemoryError(f"{function.__name__}: {str(error).rpartition('allocator: ')[2]}") from None
            raise
        for kind, value in zip(comes, result if several else (result,)):
            if _is_shape(kind):
                _checks.finite(function.__name__, value, given)
        return result

    shown = {name: parameter.replace(annotation=_Shown(hints[name])) if name in hints else parameter
             for name, parameter in signature.parameters.items()}
    returned = _Shown(hints["return"]) if "return" in hints else signature.return_annotation
    call.__signature__ = signature.replace(parameters=[*shown.values()], return_annotation=returned)  # type: ignore
    return call  # type: ignore[return-value]


_PLAIN: dict[Any, Any] = {
    bool: _checks.truth, int: _checks.whole, float: _checks.number, str: _checks.text, AnyCallable: _checks.function,
    Mapping: _checks.mapping, dict: _checks.mapping, tuple: _checks.sequence, list: _checks.sequence}
"""What is checked of plain types."""


def _check_value(name, value, parts):
    """A number, a name, a text, or an object. Where several types are allowed, a value of one of them is right as it is."""
    if Any in parts or value is None and NoneType in parts or isinstance(value, Tensor) and any(map(_is_shape, parts)):
        return
    shaped, parts = any(map(_is_shape, parts)), [part for part in parts if part is not NoneType and not _is_shape(part)]
    _checks.real(name, value)
    if shaped and not parts and not isinstance(value, Tensor):
        raise TypeError(f"{name} must be a torch.Tensor, got {type(value).__name__}")
    classes = tuple(part for part in parts if isinstance(part, type) and part not in _PLAIN and not get_origin(part))
    if not parts or isinstance(value, classes):
        return
    checks = [check for part in parts if part not in classes and (check := _check_of(part))]
    if len(checks) + len(classes) < len(parts):  # one that only the function knows
        return
    if not checks:
        raise TypeError(f"{name} must be a {' or a '.join(one.__name__ for one in classes)}, got {type(value).__name__}")
    for check in checks[1:]:
        with contextlib.suppress(TypeError, ValueError):
            return check(name, value)
    checks[0](name, value)


def _check_of(part):
    """The check of a type that is no class of the package's, or None: most sequences are left to the function."""
    origin, inner = get_origin(part), get_args(part)
    if origin is Literal:
        return lambda name, value: _checks.choice(name, value, inner)
    if origin is Annotated:
        rest = [one for one in inner[1:] if callable(one)]
        plain = _check_of(inner[0]) if inner[0] is not Any and not rest or get_origin(inner[0]) is tuple else None
        return lambda name, value: [check(name, value) for check in (plain, *rest) if check]
    if origin is Sequence and inner == (float,) or origin is tuple and set(inner) & {int, float, str}:
        length = len(inner) if origin is tuple and Ellipsis not in inner else None
        check = _checks.count if inner[0] is int else _PLAIN[inner[0]]
        return lambda name, value: _check_elements(name, value, check, length)
    return _PLAIN.get(origin or part)


def _check_elements(name, value, check, length):
    _checks.sequence(name, value)
    if length not in (None, len(value)):
        raise ValueError(f"{name} must hold {length}, got {len(value)}: {_checks.said(value)}")
    for place, one in enumerate(value):
        check(f"{name}[{place}]", one)


def _check_tensors(given, shapes):
    sizes: dict[str, int] = {}
    leading: dict[str, tuple[int, ...]] = {}
    tensors: dict[str, Tensor] = {}
    for name, several in shapes:
        if name not in given:
            continue
        value = given[name]
        shape, *more = _fitting(name, value, several, sizes, max(leading.values(), key=len, default=None))
        letters = _letters(shape)
        kind = next((one for one in more if isinstance(one, str)), FLOATS)
        _checks.floats(name, value, *(sizes.get(letter, letter) for letter in letters), runs="…" if "…" in shape else "",
                       kind=kind)
        for check in filter(callable, more):
            check(name, value)
        runs = tuple(value.shape[: value.dim() - len(letters)])
        sizes |= zip(letters, value.shape[len(runs):])
        if kind == FLOATS:
            tensors[name] = value
        if runs or shape.startswith("…"):
            leading[name] = runs
    _checks.same_dtype(**{name: tensors[name] for name in given if name in tensors})
    _checks.same_runs(**{name: leading[name] for name in given if name in leading})
    return sizes


def _fitting(name, value, several, sizes, runs):
    """The one of the shapes that an argument may have which has as many dimensions, beside the runs seen so far.

    Where nothing else has runs (None), as in `em`, whose mixture has them, the function knows which one is meant.
    """
    if len(several) == 1 or runs is None or not isinstance(value, Tensor):
        return several[0]
    wanted = []
    for shape, *more in several:
        letters = _letters(shape)
        if value.dim() - len(letters) in ({0, len(runs)} if "(…)" in shape else {len(runs)}):
            return shape, *more
        sizes_of_letters = (str(sizes.get(letter, letter)) for letter in letters)
        wanted.append(f"({', '.join([*map(str, runs), *sizes_of_letters])}{',' * (len(runs) + len(letters) == 1)})")
    raise ValueError(f"{name} has shape {tuple(value.shape)}, wanted {' or '.join(wanted)}")

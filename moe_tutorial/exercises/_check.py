"""From an answer to one line that says what is right or wrong with it, whatever the answer does."""

import torch

from ..shapes import checked
from ._exercise import Case, Exercise
from ._run import LONG, Calls, TimeUp, Unusable, call, cases_of, copies, numbers_of, own_torch, short, time_limit
from ._value import judge_text, judge_value, say

SECONDS = 10
"""How long all calls of an answer may take together, where the platform can cut them short."""

_failed: dict[str, int] = {}
"""By the name of an exercise, the number of the case that `check` last said something of."""


@checked
def diagnose(exercise: Exercise, answer) -> str:
    """The line that `check` prints."""
    _failed.pop(exercise.name, None)
    if callable(exercise.reference):
        return _diagnose_function(exercise, answer)
    return _diagnose_value(exercise, answer)


def failed_case(exercise):
    """The case that `check` last said something of, or the first one; with copies of its tensors."""
    cases = cases_of(exercise)
    case = cases[_failed.get(exercise.name, 0)]
    return Case(case.names, copies(case))


def _not_started(exercise):
    return say("nothing", exercise)


def _diagnose_value(exercise, answer):
    if answer is ... or answer is None:
        return _not_started(exercise)
    if exercise.choices:
        given = answer.strip().lower() if isinstance(answer, str) else None
        if given not in exercise.choices:
            return say("choice", exercise, choices=", ".join(map(repr, exercise.choices)), given=short(answer))
        return judge_value(exercise, given, short(answer))
    if isinstance(answer, str):
        return judge_text(exercise, answer)
    try:
        with own_torch():  # float64: all digits of the number
            numbers = numbers_of(answer)
    except Unusable as error:
        return say("no number", exercise, given=error)
    if numbers.numel() != 1:
        return say("several", exercise, count=numbers.numel())
    return judge_value(exercise, numbers.item(), short(answer))


def _diagnose_function(exercise, answer):
    if answer is ... or answer is None:
        return _not_started(exercise)
    if not callable(answer):
        return f"Not yet: wanted the function itself, got {short(answer)}. Give `{exercise.answer_name}` without brackets."
    cases = cases_of(exercise)
    calls = Calls()
    written: set[str] = set()
    try:
        with own_torch(), time_limit(SECONDS):
            given = [call(answer, case, calls, written) for case in cases]
    except TimeUp:
        return f"Not yet: your function was still running after {SECONDS} s and was cut short. Is there an endless loop?"
    return judge(exercise, cases, given, calls.seen, written)


def judge(exercise, cases, given, seen, written) -> str:
    """What is said of a function by what it gave for the cases, the calls of torch and the arguments written into."""
    if isinstance(given[0], NotImplementedError) and not given[0].args:  # the stub's; torch's say something
        return _not_started(exercise)
    with own_torch():
        wanted = [numbers_of(exercise.reference(*copies(case))) for case in cases]
        given = [_fitted(one, other) for one, other in zip(given, wanted)]
        wrong = [number for number, pair in enumerate(zip(given, wanted)) if not _same(*pair, exercise)]
        if wrong:
            smallest = min(wrong, key=lambda number: cases[number].size())
            _failed[exercise.name] = smallest
            said = _mistake(exercise, cases, given, wanted) or _difference(
                exercise, given[smallest], wanted[smallest], cases[smallest])
            return f"Not yet: {said}"
    complaint = exercise.watch and exercise.watch(seen, cases)
    if complaint:
        return f"The numbers are right, but {complaint}"
    if written:
        names = " and ".join(f"`{name}`" for name in sorted(written))
        return f"Right. (But your function writes into its argument {names}; `clone()` it first.)"
    return "Right."


def _mistake(exercise, cases, given, wanted):
    """What is said of the known mistake that gives these numbers, or None."""
    # Once for all cases, and then without those with an overflow: two mistakes at a time are common. Those that remain have
    # to be most of them, and nothing is left out where an answer raises.
    every = range(len(cases))
    finite = [number for number, one in enumerate(given) if isinstance(one, torch.Tensor) and one.isfinite().all()]
    if any(isinstance(one, BaseException) for one in given) or len(finite) < max(2, len(cases) / 2):
        finite = []
    for numbers in (every, finite):
        if all(_same(given[n], wanted[n], exercise) for n in numbers):
            continue
        for wrong in exercise.wrong:
            for form in wrong.forms:
                if all(_same(given[n], _fitted(call(form, cases[n]), wanted[n]), exercise) for n in numbers):
                    return wrong.says
        for change, says in RELATED:
            if all(_is_changed(given[n], wanted[n], change, exercise) for n in numbers):
                return says
    return None


def _rows_and_columns(numbers):
    return numbers.transpose(-1, -2) if numbers.dim() > 1 else numbers


def _along(change, dim):
    """A change that goes along a dimension, for numbers that have one."""
    return lambda numbers: change(numbers, dim) if numbers.dim() else numbers


RELATED = (
    (torch.neg, "the sign is the other way round everywhere: these are the right numbers times -1."),
    (torch.abs, "these are the right numbers without their signs."),
    (lambda numbers: 2 * numbers, "these are twice the right numbers. Is there a factor too many, or one too few?"),
    (lambda numbers: numbers / 2, "these are half of the right numbers. Is there a factor too many, or one too few?"),
    (lambda numbers: numbers + 1, "each number is one too large. Is something counted from 1?"),
    (lambda numbers: numbers - 1, "each number is one too small. Is something left out of the count?"),
    (torch.sqrt, "these are the square roots of the right numbers."),
    (torch.square, "these are the squares of the right numbers."),
    (torch.log, "these are the logarithms of the right numbers."),
    (lambda numbers: 1 - numbers, "each number is 1 minus the right one."),
    (torch.reciprocal, "each number is 1 divided by the right one."),
    (_along(torch.Tensor.flip, 0), "these are the right numbers in the reverse order."),
    (_along(torch.Tensor.flip, -1), "these are the right numbers, but each row is in the reverse order."),
    (_rows_and_columns, "these are the right numbers, but rows and columns are exchanged."),
    (torch.sum, "the right numbers are added up to a single one here. Keep them apart."),
    (torch.mean, "the right numbers are averaged to a single one here. Keep them apart."),
    (_along(torch.sum, 0), "the right numbers are added up over the first dimension here. Keep them apart."),
    (_along(torch.mean, 0), "the right numbers are averaged over the first dimension here. Keep them apart."),
    (_along(torch.sum, -1), "the right numbers are added up over the last dimension here. Keep them apart."),
    (_along(torch.mean, -1), "the right numbers are averaged over the last dimension here. Keep them apart."),
)
"""Changes of the right numbers, and what is said of an answer that gives them in all cases, in any exercise.

They come after the mistakes that an exercise names. What they say holds of the numbers, whatever the answer computed.
"""


def _fitted(given, wanted):
    """What was given; where one number is wanted, any shape that holds one number is as good."""
    one = isinstance(given, torch.Tensor) and isinstance(wanted, torch.Tensor) and given.numel() == wanted.numel() == 1
    return given.reshape(wanted.shape) if one and not wanted.dim() else given


def _same(one, other, exercise):
    """Whether two outcomes are the same numbers. An exception is like nothing else."""
    if isinstance(one, BaseException) or isinstance(other, BaseException) or one.shape != other.shape:
        return False
    if exercise.normalise:
        one, other = exercise.normalise(one), exercise.normalise(other)
    return bool(_near(one, other, exercise).all())


def _is_changed(given, wanted, change, exercise):
    """Whether what was given are the wanted numbers after this change."""
    changed = change(wanted)
    if not isinstance(given, torch.Tensor) or given.shape != changed.shape or changed.isnan().any() > wanted.isnan().any():
        return False  # NaN that the change makes would fit whatever gives NaN
    return bool(_near(given, changed, exercise).all())


def _near(one, other, exercise):
    return torch.isclose(one, other, rtol=exercise.tolerance, atol=exercise.tolerance, equal_nan=True)


def _difference(exercise, given, wanted, case):
    """The first thing in which an outcome differs from the wanted one, with both."""
    place = f"with {', '.join(f'{name} {_describe(argument)}' for name, argument in zip(case.names, case))}"
    shown = "" if case.size() <= 4 else f" case({exercise.name!r}) has the numbers."
    if isinstance(given, Unusable):
        return f"{place}, your function returns {given}{'' if str(given).endswith('?') else '.'}"
    if isinstance(given, BaseException):
        return f"{place}, your function raises {type(given).__name__}: {_message(given)}"
    if given.shape != wanted.shape:
        return f"{place}, wanted the shape {tuple(wanted.shape)}, got {tuple(given.shape)}.{shown}"
    near = _near(given, wanted, exercise)
    where = tuple((~near).nonzero()[0].tolist()) if not near.all() else (0,) * given.dim()
    at = f" at index {', '.join(map(str, where))}" if where else ""
    pair = wanted[where].item(), given[where].item()
    digits = next((n for n in (6, 10, 17) if len({f"{value:.{n}g}" for value in pair}) > 1), 17)
    factor = " (or a positive multiple)" if exercise.normalise else ""
    return f"{place}, wanted {pair[0]:.{digits}g}{at}{factor}, got {pair[1]:.{digits}g}.{shown}"


def _describe(argument):
    if isinstance(argument, torch.Tensor):
        return short(_plain(argument)) if argument.numel() <= 4 else f"of shape {tuple(argument.shape)}"
    return short(argument)


def _plain(tensor):
    """The numbers of a small tensor, rounded where they have digits to round."""
    return (tensor.round(decimals=4) if tensor.is_floating_point() else tensor).tolist()


def _message(error):
    """What an exception says, on one line."""
    try:
        text = " ".join(str(error).split())
    except Exception:
        text = ""
    return (text if len(text) <= LONG else text[:LONG - 3] + "...") or "without a message"

"""From an answer to one line that says what is right or wrong with it, whatever the answer does."""

import contextlib
import signal
import threading

import torch

from ._exercise import Draw

SECONDS = 10
"""How long all calls of an answer may take together, where the platform can cut them short."""

_SEED = 1991


class _TimeUp(BaseException):
    """Not an Exception, so that an answer's own `except Exception` does not swallow it."""


class _Unusable(Exception):
    """An output that is no numbers; its text says what it is."""


def diagnose(exercise, answer):
    """The line that `check` prints."""
    if callable(exercise.reference):
        return _diagnose_function(exercise, answer)
    return _diagnose_value(exercise, answer)


def _not_started(exercise):
    return f"not started yet; hint({exercise.name!r}) gives a first hint"


def _diagnose_value(exercise, answer):
    if answer is ... or answer is None:
        return _not_started(exercise)
    if exercise.choices:
        given = answer.strip().lower() if isinstance(answer, str) else None
        if given not in exercise.choices:
            return f"Not yet: wanted one of {', '.join(map(repr, exercise.choices))}, got {_short(answer)}."
        equal = lambda value: given == value  # noqa: E731
    else:
        try:
            numbers = _numbers(answer)
        except _Unusable as error:
            return f"Not yet: wanted a number, got {error}."
        if numbers.numel() != 1:
            return f"Not yet: wanted one number, got {numbers.numel()} of them."
        given = numbers.item()
        if given != given:
            return "Not yet: wanted a number, got NaN."
        equal = lambda value: abs(given - value) <= exercise.tolerance  # noqa: E731
    if equal(exercise.reference):
        return "Right."
    for wrong in exercise.wrong:
        if equal(wrong.answer):
            return f"Not yet: {wrong.says}"
    return f"Not yet: you said {_short(answer)}, and it is another value. hint({exercise.name!r}) helps."


def _diagnose_function(exercise, answer):
    if answer is ... or answer is None:
        return _not_started(exercise)
    if not callable(answer):
        return f"Not yet: wanted the function itself, got {_short(answer)}. Give `{exercise.answer_name}` without brackets."
    cases = exercise.inputs(Draw(torch.Generator().manual_seed(_SEED)))
    try:
        with _time_limit(SECONDS):
            given = [_call(answer, case) for case in cases]
    except _TimeUp:
        return f"Not yet: your function was still running after {SECONDS} s and was cut short. Is there an endless loop?"
    if isinstance(given[0], NotImplementedError):
        return _not_started(exercise)
    wanted = [_numbers(exercise.reference(*_copies(case))) for case in cases]
    differs = [not _same(one, other, exercise.tolerance) for one, other in zip(given, wanted)]
    if not any(differs):
        return "Right."
    first = differs.index(True)
    said = _mistake(exercise, cases, given, wanted) or _difference(given[first], wanted[first], cases[first])
    return f"Not yet: {said}"


def _mistake(exercise, cases, given, wanted):
    """What is said of the known mistake that gives these numbers, or None."""
    # Once for all cases, and then without those with an overflow: two mistakes at a time are common.
    finite = [number for number, one in enumerate(given) if isinstance(one, torch.Tensor) and one.isfinite().all()]
    for numbers in (range(len(cases)), finite):
        if all(_same(given[n], wanted[n], exercise.tolerance) for n in numbers):
            continue
        for wrong in exercise.wrong:
            if all(_same(given[n], _call(wrong.answer, cases[n]), exercise.tolerance) for n in numbers):
                return wrong.says
    return None


def _call(function, case):
    """What the function gives for a case, as numbers; or the exception that came instead of them."""
    try:
        return _numbers(function(*_copies(case)))
    except (Exception, SystemExit) as error:
        return error


def _numbers(value):
    """Numbers of any usual kind as one float64 tensor; _Unusable says what it is otherwise."""
    if value is None:
        raise _Unusable("None; is there a `return`?")
    if isinstance(value, str | bytes | dict | set) or callable(value):
        raise _Unusable(_short(value))
    try:
        if isinstance(value, list | tuple) and any(isinstance(part, torch.Tensor) for part in value):
            value = torch.stack([torch.as_tensor(part).double() for part in value])
        numbers = torch.as_tensor(value)
        if numbers.is_complex():
            raise _Unusable(f"complex numbers, {_short(value)}")
        return numbers.detach().to("cpu", torch.float64)
    except _Unusable:
        raise
    except Exception:
        raise _Unusable(f"{_short(value)}, which is no tensor of numbers") from None


def _copies(case):
    """The arguments of a case, tensors copied, so that an answer that writes into them changes nothing for the next."""
    return tuple(argument.clone() if isinstance(argument, torch.Tensor) else argument for argument in case)


def _same(one, other, tolerance):
    """Whether two outcomes are the same numbers. An exception is like nothing else."""
    if isinstance(one, BaseException) or isinstance(other, BaseException):
        return False
    return one.shape == other.shape and torch.allclose(one, other, rtol=tolerance, atol=tolerance, equal_nan=True)


def _difference(given, wanted, case):
    """The first thing in which an outcome differs from the wanted one, with both."""
    place = f"with {', '.join(_describe(argument) for argument in case)}"
    if isinstance(given, _Unusable):
        return f"{place}, your function returns {given}"
    if isinstance(given, BaseException):
        return f"{place}, your function raises {type(given).__name__}: {_first_line(given)}"
    if given.shape != wanted.shape:
        return f"{place}, wanted the shape {tuple(wanted.shape)}, got {tuple(given.shape)}."
    near = torch.isclose(given, wanted, rtol=1e-6, atol=1e-6, equal_nan=True)
    where = tuple((~near).nonzero()[0].tolist()) if not near.all() else (0,) * given.dim()
    at = f" at index {', '.join(map(str, where))}" if where else ""
    return f"{place}, wanted {wanted[where].item():.6g}{at}, got {given[where].item():.6g}."


def _describe(argument):
    if isinstance(argument, torch.Tensor):
        few = argument.numel() <= 4
        return _short(_plain(argument)) if few else f"a tensor of shape {tuple(argument.shape)}"
    return _short(argument)


def _plain(tensor):
    """The numbers of a small tensor, rounded where they have digits to round."""
    return (tensor.round(decimals=4) if tensor.is_floating_point() else tensor).tolist()


def _short(value):
    try:
        text = repr(value)
    except Exception:
        text = f"an object of type {type(value).__name__}"
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:57] + "..."


def _first_line(error):
    try:
        lines = str(error).strip().splitlines()
    except Exception:
        lines = []
    return _short(lines[0])[1:-1] if lines else "without a message"


@contextlib.contextmanager
def _time_limit(seconds):
    """Raise _TimeUp inside after so many seconds; nothing where there are no timers, or outside the main thread."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number, frame):
        if frame is not None and frame.f_code.co_filename not in (__file__, contextlib.__file__):  # not on the way out
            raise _TimeUp

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.01)  # and again, should a bare `except` have caught it
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

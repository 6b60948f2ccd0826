"""Runs an answer, whatever it does, and reads what it gives as numbers."""

import contextlib
import inspect
import os
import signal
import threading
import warnings

import torch
from torch.overrides import TorchFunctionMode

from ._exercise import Case, Draw

_SEED = 1991
LONG = 200  # of a value that is shown, in letters


_OTHERS = tuple(os.path.join(*path) for path in (
    ("exercises", "_run.py"), ("", "contextlib.py"), ("torch", "overrides.py"), ("torch", "utils", "_device.py")))
"""Files whose code is not to be interrupted: it keeps things that have to be put back."""


class _Alarm:
    """Whether a time limit is set, an answer's function is running, and its time is up."""

    on, inside, rung, interval = False, False, False, 0.0


_alarm = _Alarm()


class TimeUp(BaseException):
    """Not an Exception, so that an answer's own `except Exception` does not swallow it."""


class Unusable(Exception):
    """An output that is no numbers; its text says what it is."""


def cases_of(exercise):
    """The cases that `check` tries, each a `Case` with the names of its arguments."""
    with own_torch():
        drawn = exercise.inputs(Draw(torch.Generator().manual_seed(_SEED)))
    names = tuple(inspect.signature(exercise.reference).parameters)
    return [Case(names, case) for case in drawn]


class Calls(TorchFunctionMode):
    """Notes the name of each function of torch that an answer calls, and how many numbers came out of it."""

    def __init__(self):
        super().__init__()
        self.seen: list[tuple[str, int]] = []

    def __torch_function__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        self.seen.append((getattr(function, "__name__", ""), result.numel() if isinstance(result, torch.Tensor) else 0))
        return result


def call(function, case, calls=None, written=None):
    """What the function gives for a case, as numbers; or the exception that came instead of them."""
    arguments = copies(case)
    try:
        _as_own()  # also if the call before changed it
        with calls or contextlib.nullcontext():
            given = _watched(function, arguments)
        numbers = numbers_of(given)
    except (KeyboardInterrupt, TimeUp):
        raise
    except BaseException as error:  # GeneratorExit, SystemExit and whatever else an answer may raise
        return error
    if written is not None:
        for name, before, after in zip(case.names, case, arguments):
            if isinstance(before, torch.Tensor) and not (before.shape == after.shape
                                                         and torch.equal(before.nan_to_num(), after.nan_to_num())):
                written.add(name)
    return numbers


def _watched(function, arguments):
    """What the function returns; TimeUp if the time is up, also where the function catches that and goes on."""
    _alarm.inside = True
    try:
        given = function(*arguments)
    finally:
        _alarm.inside = False
    if _alarm.rung:
        raise TimeUp
    return given


@contextlib.contextmanager
def own_torch():
    """Gradients on, float64, the processor and no warnings, whatever was set before; and afterwards again what was."""
    grad, dtype, state, device = torch.is_grad_enabled(), torch.get_default_dtype(), torch.get_rng_state(), _default_device()
    try:
        with torch.inference_mode(False), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _as_own()
            yield
    finally:
        torch.set_default_device(device)
        torch.set_default_dtype(dtype)
        torch.set_rng_state(state)
        torch.set_grad_enabled(grad)


def _as_own():
    """Set what an answer runs under, where it is not so."""
    if not torch.is_grad_enabled():
        torch.set_grad_enabled(True)
    if torch.get_default_dtype() != torch.float64:
        torch.set_default_dtype(torch.float64)
    if _default_device() != torch.device("cpu"):
        torch.set_default_device("cpu")


def _default_device():
    """The device that `set_default_device` was last given, or None; that of a surrounding `with` is none of it."""
    context = getattr(getattr(torch, "_GLOBAL_DEVICE_CONTEXT", None), "device_context", None)
    return context and context.device


def numbers_of(value):
    """Numbers of any usual kind as one float64 tensor of their own; Unusable says what it is otherwise."""
    if value is None:
        raise Unusable("None; is there a `return`?")
    if isinstance(value, str | bytes | dict | set) or callable(value):
        raise Unusable(short(value))
    try:
        parts = value if isinstance(value, list | tuple) else ()
        if any(isinstance(part, torch.Tensor) for part in parts):
            shapes = {tuple(torch.as_tensor(part).shape) for part in parts}
            if len(shapes) > 1:
                said = ", ".join(map(str, sorted(shapes)))
                raise Unusable(f"{len(parts)} parts of the shapes {said}, which are not one tensor")
            value = torch.stack([torch.as_tensor(part).double() for part in parts])
        numbers = torch.as_tensor(value)
        if numbers.is_complex():
            raise Unusable(f"complex numbers, {short(value)}")
        if numbers.is_nested:
            raise Unusable("a nested tensor, whose parts have shapes of their own")
        dense = numbers.to_dense() if numbers.layout != torch.strided else numbers
        own = torch.empty(dense.shape, dtype=torch.float64, device="cpu")
        return own.copy_(dense.detach())  # no view of what the answer keeps
    except Unusable:
        raise
    except Exception:
        try:
            return torch.tensor(float(value), dtype=torch.float64)  # a Fraction, say
        except Exception:
            raise Unusable(f"{short(value)}, which is no tensor of numbers") from None


def copies(case):
    """The arguments of a case, tensors copied, so that an answer that writes into them changes nothing for the next."""
    return tuple(argument.clone() if isinstance(argument, torch.Tensor) else argument for argument in case)


def short(value):
    try:
        text = " ".join(repr(value).split())
    except Exception:
        text = f"an object of type {type(value).__name__}"
    return text if len(text) <= LONG else text[:LONG - 3] + "..."


@contextlib.contextmanager
def time_limit(seconds):
    """Raise TimeUp inside after so many seconds; nothing where there are no timers, or outside the main thread."""
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number, frame):
        # A bare `except` may have caught the last one. So they come ever faster, until one comes inside that `except`. What
        # is raised nowhere is raised by `_watched`; what belongs to others, such as the way out of a `with`, is left alone.
        if not _alarm.on:  # one that was on its way when the last was switched off
            return
        _alarm.rung, _alarm.interval = True, max(_alarm.interval / 2, 1e-5)
        signal.setitimer(signal.ITIMER_REAL, min(_alarm.interval, 0.01))
        if _alarm.inside and frame is not None and not frame.f_code.co_filename.endswith(_OTHERS):
            raise TimeUp

    _alarm.on, _alarm.rung, _alarm.inside, _alarm.interval = True, False, False, seconds
    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        _alarm.on = _alarm.rung = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)

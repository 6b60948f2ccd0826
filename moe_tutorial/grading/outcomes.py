"""What crosses the fence: cases on their way in, and what an answer gave for them on its way out, as JSON.

Only numbers and short texts come out, never an object: whoever reads them runs nothing that a student wrote.
"""

import base64
import math

import torch

from ..exercises._run import Unusable, numbers_of, short

MOST_NUMBERS = 1_000_000
LONGEST = 1000
_DTYPES = {str(dtype).removeprefix("torch."): dtype for dtype in (torch.float64, torch.float32, torch.int64, torch.int32,
                                                                  torch.bool)}


def packed(tensor):
    """A tensor as JSON has it."""
    flat = tensor.detach().contiguous().reshape(-1)
    data = flat.numpy().tobytes()
    return {"dtype": str(tensor.dtype).removeprefix("torch."), "shape": list(tensor.shape),
            "data": base64.b64encode(data).decode("ascii")}


def unpacked(given):
    """The tensor that `packed` made, or a ValueError, whatever was given."""
    try:
        dtype, shape = _DTYPES[given["dtype"]], given["shape"]
        if not all(type(size) is int and size >= 0 for size in shape) or len(shape) > 64:
            raise ValueError("no shape")
        data = bytearray(base64.b64decode(given["data"], validate=True))
        if math.prod(shape) * dtype.itemsize != len(data):
            raise ValueError("not as many numbers as the shape has")
        return torch.frombuffer(data, dtype=dtype).clone().reshape(shape) if data else torch.empty(shape, dtype=dtype)
    except (KeyError, TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise ValueError("no tensor") from error


def case_out(case):
    """The arguments of a case, on their way to the answer."""
    return [{"tensor": packed(one)} if isinstance(one, torch.Tensor) else {"value": one} for one in case]


def case_in(arguments):
    """The arguments that `case_out` wrote."""
    return tuple(unpacked(one["tensor"]) if "tensor" in one else one["value"] for one in arguments)


def result_out(result):
    """What `call` returned: numbers, or the exception that came instead."""
    if isinstance(result, torch.Tensor):
        if result.numel() > MOST_NUMBERS:
            return {"unusable": f"{result.numel()} numbers, more than can be compared"}
        return {"numbers": packed(result)}
    if isinstance(result, Unusable):
        return {"unusable": _text(result)}
    return {"error": type(result).__name__[:100], "said": _text(result), "empty": not getattr(result, "args", True)}


def result_in(given, tidy):
    """What `result_out` wrote, for comparing. ValueError: it is nothing of the kind.

    tidy: what makes a student's text fit for a report.
    """
    if not isinstance(given, dict):
        raise ValueError("no result")
    if "numbers" in given:
        return unpacked(given["numbers"]).double()
    if "unusable" in given:
        return Unusable(tidy(given["unusable"]))
    name, said = given.get("error"), given.get("said")
    if not isinstance(name, str) or not isinstance(said, str):
        raise ValueError("no result")
    if name == "NotImplementedError":
        return NotImplementedError(*(() if given.get("empty") is True else (tidy(said),)))
    return type(tidy(name)[:100] or "Exception", (Exception,), {})(tidy(said))


def value_out(answer):
    """An answer that is a value, or should have been a function."""
    if answer is ... or answer is None:
        return {"none": True}
    if isinstance(answer, str):
        return {"text": str.__str__(answer)[:LONGEST]}
    try:
        numbers = numbers_of(answer)
    except Unusable as error:
        return {"unusable": _text(error)}
    if numbers.numel() == 1:
        return {"number": numbers.item(), "shown": short(answer)}
    return {"several": min(numbers.numel(), MOST_NUMBERS)}


class _Number(float):
    """A number that is shown as the student wrote it."""

    shown = ""

    def __repr__(self):
        return self.shown or float.__repr__(self)


class _Other:
    """Something that is no number, by what it looks like."""

    def __init__(self, shown):
        self.shown = shown

    def __repr__(self):
        return self.shown


def value_in(given, tidy):
    """The value that `value_out` wrote, for `diagnose`. ValueError: it is nothing of the kind."""
    if not isinstance(given, dict):
        raise ValueError("no value")
    if given.get("none") is True:
        return None
    if isinstance(given.get("text"), str):
        return tidy(given["text"])
    if type(given.get("number")) in (int, float):
        number = _Number(given["number"])
        number.shown = tidy(given.get("shown", ""))
        return number
    if type(given.get("several")) is int:
        return torch.zeros(max(0, min(given["several"], MOST_NUMBERS)))
    return _Other(tidy(given.get("unusable")))


def _text(error):
    """What an exception says, whatever it does when it is asked."""
    try:
        return str(error)[:LONGEST]
    except BaseException:
        return ""

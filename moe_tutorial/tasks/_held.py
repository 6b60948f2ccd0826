"""What `vowels` is held to besides: the fields of its records, the encoding of its file, and any output.

It stands here because recordings were made by the code of `vowels`, and a change in that file would make them stale.
"""

import codecs
import functools
from typing import Annotated

from torch import Tensor

from .. import _checks
from .._words import writable
from ..shapes import WHOLE, Desired, checked
from . import vowels

_HEADER = "group,sex,speaker,vowel,repetition,f0,f1,f2,f3"
_AGAIN = "; take the file from the course once more"


def _known(name, codes):
    for code in codes:
        _checks.choice(f"{name} code", code, vowels.SYMBOLS)


def _readable(load):
    """The function that loads the table, with what is wrong with its file said in words."""
    @functools.wraps(load)
    def call():
        path = vowels.files("moe_tutorial") / "data" / "peterson_barney_1952.csv"
        data = path.read_bytes()
        if data.startswith((codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise ValueError(f"{path} begins with a byte order mark, as some editors write it; wanted UTF-8 without one"
                             + _AGAIN)
        try:
            header = data.decode("utf-8").partition("\n")[0].strip()
        except UnicodeDecodeError as error:
            raise ValueError(f"{path} is no UTF-8, which is wanted: {error.reason} at byte {error.start}{_AGAIN}") from None
        if header != _HEADER:
            raise ValueError(f"{path} has the first line {header[:80]!r}, wanted {_HEADER!r}{_AGAIN}")
        try:
            return load()
        except (TypeError, ValueError) as error:
            raise ValueError(f"{path} holds what is no vowel's: {error}{_AGAIN}") from None

    return call


def _on_any_output(represent):
    return lambda self: writable(represent(self))


def hold():
    """Hold `vowels` to all this."""
    names = Annotated[tuple[str, ...], "N"]
    codes, numbers = Annotated[tuple[str, ...], "N", _known], Annotated[Tensor, "N", WHOLE]
    checked(vowels.Cases, x=Annotated[Tensor, "N D"], d=Desired, vowel=codes, speaker=numbers)
    checked(vowels.VowelTable, group=names, sex=names, speaker=numbers, vowel=codes, repetition=numbers,
            formants=Annotated[Tensor, "N F"])
    checked(vowels.VowelTask)
    for owner, name, change in ((vowels, "load_vowels", _readable), (vowels.Cases, "__repr__", _on_any_output)):
        setattr(owner, name, change(getattr(owner, name)))

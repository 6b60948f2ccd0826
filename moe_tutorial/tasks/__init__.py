"""The data and the tasks: the vowels of 1952 and what they sound like, text, and synthetic tasks with known truth."""

from ._held import hold

hold()

from .arm import arm_task  # noqa: E402
from .sound import Sounds, synthesise  # noqa: E402
from .text import Handbook, Text, TextError, encode, load_handbook  # noqa: E402
from .vowels import FOUR_VOWELS, SYMBOLS, WORDS, Cases, load_vowels, vowel_task  # noqa: E402

__all__ = [
    "Cases", "FOUR_VOWELS", "Handbook", "SYMBOLS", "Sounds", "Text", "TextError", "WORDS", "arm_task", "encode",
    "load_handbook", "load_vowels", "synthesise", "vowel_task",
]

"""The data and the tasks: the vowels of 1952 and what they sound like, and synthetic tasks with known truth."""

from ._held import hold

hold()

from .arm import arm_task  # noqa: E402
from .sound import Sounds, synthesise  # noqa: E402
from .vowels import FOUR_VOWELS, SYMBOLS, WORDS, Cases, load_vowels, vowel_task  # noqa: E402

__all__ = ["Cases", "FOUR_VOWELS", "SYMBOLS", "Sounds", "WORDS", "arm_task", "load_vowels", "synthesise", "vowel_task"]

"""What is said of a predicted value: rules as plain data, which `check` and the form in the page follow alike.

The page gets RULES and the `facts` of its exercises; `book/_static/predict.js` does with them, step by step, what
`judge_text` and `judge_value` do here. So every word, every number and every character that is understood has this one
source. A text means the same to both: "3/4" is 0.75, "0,75" too, "75 %" is 0.75 in per cent, "28 672" and "28_672" are
28672, and of "28,672" they ask which of two numbers it is.
"""

import re
import unicodedata
from decimal import ROUND_HALF_UP, Decimal

_BLANKS = "\t\n\x0b\x0c\r\xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(map(chr, range(0x2000, 0x200C)))
_AS = {"-": "−‐‑‒–—﹣－", "+": "＋", "/": "⁄∕÷／", "%": "％﹪٪", ".": "·．٫", ",": "，", "_": "＿", " ": _BLANKS,
       **{digit: chr(0xFEE0 + ord(digit)) for digit in "0123456789eE"}}
_PARTS = {"½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅖": "2/5", "⅗": "3/5", "⅘": "4/5",
          "⅙": "1/6", "⅚": "5/6", "⅐": "1/7", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8", "⅞": "7/8", "⅑": "1/9", "⅒": "1/10"}

_DIGITS = r"(?:[0-9]{1,3}(?:[ _][0-9]{3})+|[0-9]+)(?:[.,][0-9]*)?|[.,][0-9]+|[1-9][0-9]{0,2}(?:,[0-9]{3})+(?:\.[0-9]*)?"
_NUMBER = rf"([+-]? ?(?:{_DIGITS})(?:[eE][+-]?[0-9]+)?)"

# Characters that are read as others. A part such as ½ keeps apart from what stands before it: "1½" is not 11/2.
_PLAIN = {character: plain for plain, several in _AS.items() for character in several}
_PLAIN |= {character: f" {part}" for character, part in _PARTS.items()}

# Both hold of a whole text, after that, with single blanks and none at its ends.
_TEXT = rf"{_NUMBER}(?: ?/ ?{_NUMBER})? ?(%)?|[nN][aA][nN]"
_COMMA = r"[+-]? ?[1-9][0-9]{0,2},[0-9]{3}"

_LONGEST = 60  # so many letters are shown of what was typed

_SAYS = {
    "right": "Right.",
    "wrong": "Not yet: {says}",
    "nothing": "not started yet; {hint} gives a first hint",
    "choice": "Not yet: wanted one of {choices}, got {given}.",
    "no number": "Not yet: wanted a number, such as 0.25, got {given}.",
    "several": "Not yet: wanted one number, got {count} of them.",
    "nan": "Not yet: wanted a number, got NaN.",
    "comma": "Not yet: is the comma in {given} a point? Say {part}, or {whole}.",
    "part": "Not yet in the wanted form: say it as a part of 1, {part} in place of {given}.",
    "other": "Not yet: you said {given}, and it is another value. {hint} helps.",
}

# Where hints come from in the page: before the first, before the second, and after it.
_HINT = ('"Hint" below', '"Another hint" below', '"Solution" below')

RULES = {"plain": _PLAIN, "number": _TEXT, "comma": _COMMA, "longest": _LONGEST, "says": _SAYS, "hint": _HINT}
"""How a typed text is read, and what is said; for the page as JSON."""


def facts(exercise):
    """What decides of the answers to one exercise, and its hints; for the page as JSON."""
    return {
        "right": exercise.reference,
        "tolerance": exercise.tolerance,
        "choices": list(exercise.choices),
        "wrong": [[list(wrong.forms), wrong.says] for wrong in exercise.wrong],
        "hints": [hint_text(exercise, number) for number in (1, 2)],
    }


def hint_text(exercise, number):
    """A hint with its number, as `hint` prints it."""
    return f"Hint {number} of {len(exercise.hints)}: {exercise.hints[number - 1]}"


def say(key, exercise, **values):
    """One of the sentences of `_SAYS`, with what it speaks of."""
    return _SAYS[key].format(hint=f"hint({exercise.name!r})", **values)


def judge_value(exercise, value, shown, per_cent=False):
    """What is said of one number, or of one of the choices.

    shown: what was given, as it is told back. per_cent: whether it was said in per cent; `value` is the number itself.
    """
    def equal(number):
        return value == number if exercise.choices else abs(value - number) <= exercise.tolerance

    if value != value:
        return say("nan", exercise)
    if equal(exercise.reference):
        return say("part", exercise, part=rounded(value), given=shown) if per_cent else say("right", exercise)
    for wrong in exercise.wrong:
        if any(equal(form) for form in wrong.forms):
            return say("wrong", exercise, says=wrong.says)
    part = not exercise.choices and 0 < abs(exercise.reference) < 1
    if part and abs(value / 100 - exercise.reference) <= exercise.tolerance:
        return say("part", exercise, part=rounded(value / 100), given=shown)
    return say("other", exercise, given=shown)


def judge_text(exercise, text):
    """What is said of a number that somebody typed."""
    shown = told_back(text)
    plain = _single_blanks("".join(_PLAIN.get(letter, letter) for letter in text))
    if not plain:
        return say("nothing", exercise)
    found = re.fullmatch(_TEXT, plain)
    parts = [part for part in found.groups()[:2] if part] if found else []
    for part in parts:
        if re.fullmatch(_COMMA, part):
            return say("comma", exercise, given=shown, part=part.replace(",", "."), whole=part.replace(",", ""))
    numbers = [_number(part) for part in parts] or [float("nan")]
    if not found or numbers[1:] == [0]:
        return say("no number", exercise, given=f"'{shown}'")
    value, per_cent = numbers[0], bool(found[3])
    value = value / numbers[1] if numbers[1:] else value
    return judge_value(exercise, value / 100 if per_cent else value, shown, per_cent)


def told_back(text):
    """What was typed, fit for a sentence: on one line, not too long, with nothing that changes how the rest is shown."""
    text = _single_blanks("".join(" " if _PLAIN.get(letter) == " " else letter for letter in text))
    letters = ["\ufffd" if unicodedata.category(letter) in ("Cc", "Cf", "Co", "Cs") else letter for letter in text]
    return "".join(letters if len(letters) <= _LONGEST else [*letters[:_LONGEST - 3], "..."])


def rounded(value):
    """A number with six decimals at most, as JavaScript's `toFixed` rounds it.

    >>> rounded(0.45271), rounded(0.25)
    ('0.45271', '0.25')
    """
    short = f"{Decimal(value).quantize(Decimal('0.000001'), ROUND_HALF_UP):f}" if abs(value) < 1e20 else repr(value)
    return short.rstrip("0").rstrip(".") if "." in short else short


def _single_blanks(text):
    return " ".join(filter(None, text.split(" ")))


def _number(part):
    """The number that a part of a typed text is, which fits _NUMBER."""
    part = re.sub("[ _]", "", part)
    commas_group = part.count(",") > 1 or "." in part
    return float(part.replace(",", "" if commas_group else "."))

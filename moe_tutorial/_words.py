"""Numbers in words and characters, as the course's sentences, tables and pictures have them; and on any output."""

import sys

# Where an output has no such character. Phonetic symbols are those of X-SAMPA.
_INSTEAD = {"\u2212": "-", "…": "...", "·": "*", "½": "1/2", "²": "^2", "⁰": "^0", "₀": "0", "₁": "1", "°": " degrees",
            "æ": "{", "ɔ": "O", "ə": "@", "ɛ": "E", "ɝ": "3`", "ʊ": "U", "ʌ": "V"}


def three_decimals(value, sign=""):
    """Three decimals with a minus sign that screen readers read as such; `sign="+"` also marks numbers above 0.

    >>> three_decimals(-0.5), three_decimals(0.5, "+"), three_decimals(-0.0001)
    ('−0.500', '+0.500', '0.000')
    """
    value = round(value, 3)
    return f"{value:{sign if value else ''}.3f}".replace("-", "\u2212") if value else "0.000"


def p_value(value):
    """A p value to two decimals, or that it is very small.

    >>> p_value(0.043), p_value(0.0004)
    ('p = 0.04', 'p < 0.001')
    """
    return "p < 0.001" if value < 0.001 else f"p = {value:.2f}"


def span(numbers):
    """The smallest and the largest of some numbers, or the one that they all are.

    >>> span([3, 2, 2]), span([2, 2])
    ('2 to 3', '2')
    """
    low, high = min(numbers), max(numbers)
    return f"{low}" if low == high else f"{low} to {high}"


def writable(text):
    """A text as the standard output can write it: what its encoding does not have is written in plain characters.

    A redirected output on Windows has the encoding of the system's language, cp1252 or cp949, and would raise. In a
    notebook, in most terminals and with `PYTHONUTF8=1` the text stays as it is. Who prints to another output than the
    standard one chooses that one's `errors`.
    """
    encoding = getattr(sys.stdout, "encoding", None)

    def fits(part):
        try:
            return part.encode(encoding) is not None
        except UnicodeEncodeError:
            return False
        except LookupError:  # an encoding that Python does not know
            return True

    if not encoding or fits(text):
        return text
    return "".join(one if fits(one) else _INSTEAD.get(one, one.encode("ascii", "backslashreplace").decode()) for one in text)

"""Numbers in words and characters, as the course's sentences, tables and pictures have them."""


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

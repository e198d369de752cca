"""The one exception that every bad input ends in."""

from __future__ import annotations


class InputError(ValueError):
    """Bad input, told in one line: the field, the value, and what is allowed.

    The command line prints the message and exits with code 2 (design rule CLI-1).
    """


def require_int(field: str, value: object, low: int, high: int) -> int:
    """Return ``value`` when it is an integer in ``[low, high]``.

    Parameters
    ----------
    field : str
        Name for the message, as the user wrote it (``spec.depth``, ``--size``).
    value : object
        What was given; booleans are refused.
    low, high : int
        Inclusive bounds.

    Raises
    ------
    InputError
        ``<field> is <value>; allowed: an integer from <low> to <high>``.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InputError(f"{field} is {value!r}; allowed: an integer from {low} to {high}")
    return value

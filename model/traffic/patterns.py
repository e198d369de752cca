"""Who sends to whom: the fixed partners of the permutation patterns.

References
----------
W. J. Dally and B. Towles, *Principles and Practices of Interconnection Networks*, 2004, §3.2.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from model.errors import InputError

Ids = npt.NDArray[np.int64]


def _transpose(width: int, height: int) -> Ids:
    """Row-major position to column-major position: (x, y) to (y, x) where the array is square."""
    x, y = _coordinates(width, height)
    return x * height + y


def _complement(width: int, height: int) -> Ids:
    """Opposite corner: id i to last - i, the complement of its bits where sides are powers of 2."""
    return np.arange(width * height)[::-1].copy()


def _tornado(width: int, height: int) -> Ids:
    """Just short of half way around, in both directions."""
    x, y = _coordinates(width, height)
    return (y + (height + 1) // 2 - 1) % height * width + (x + (width + 1) // 2 - 1) % width


def _neighbour(width: int, height: int) -> Ids:
    """Next tile east, from the last column to the first; south where there is one column."""
    x, y = _coordinates(width, height)
    return (y + 1) % height * width if width == 1 else y * width + (x + 1) % width


def _coordinates(width: int, height: int) -> tuple[Ids, Ids]:
    ids = np.arange(width * height)
    return ids % width, ids // width


_FIXED: Final[Mapping[str, Callable[[int, int], Ids]]] = {
    "transpose": _transpose,
    "complement": _complement,
    "tornado": _tornado,
    "neighbour": _neighbour,
}

PATTERNS: Final = ("uniform", *_FIXED, "hotspot")
"""Names of all patterns; ``uniform`` and ``hotspot`` draw a destination for every packet."""


def partners(pattern: str, width: int, height: int) -> Ids | None:
    """Partner of every logical id, or None when the pattern draws destinations.

    Parameters
    ----------
    pattern : str
        One of ``PATTERNS``.
    width, height : int
        Logical size.

    Returns
    -------
    int64[width * height] or None
        A permutation; a fixed point is a source that sends to itself.

    Raises
    ------
    InputError
        When the pattern does not exist.
    """
    if pattern not in PATTERNS:
        raise InputError(f"pattern is {pattern!r}; allowed: {', '.join(PATTERNS)}")
    fixed = _FIXED.get(pattern)
    return None if fixed is None else fixed(width, height)

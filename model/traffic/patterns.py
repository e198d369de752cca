"""Who sends to whom: the fixed partners of the permutation patterns (design.md §8, PAT-1).

A pattern on the bits of an id permutes its b = ⌈log2 n⌉ bits, n being the number of logical tiles.
Where n is no power of two, the partner of i is the *rank* of i's permuted bits among the permuted
bits of all n ids: always a permutation, and the pattern of the literature where n is a power of
two. (The literature defines them for powers of two only, and BookSim refuses other sizes.)

References
----------
W. J. Dally and B. Towles, *Principles and Practices of Interconnection Networks*, 2004, §3.2:
transpose, complement, reverse, rotation, shuffle, tornado, neighbour. V. Catania et al., *Noxim*,
ASAP 2015: butterfly. N. Jiang et al., *A Detailed and Flexible Cycle-Accurate Network-on-Chip
Simulator* (BookSim), ISPASS 2013: random permutations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from model.errors import InputError
from model.random import draws
from model.traffic.catalogue import PATTERNS

Ids = npt.NDArray[np.int64]

PERMUTATION: Final = 5
"""Stream of random numbers of ``permutation``; :mod:`model.traffic.make` has the others."""


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


def _reverse(width: int, height: int) -> Ids:
    """The bits of the id in reverse order."""
    return _by_bits(width * height, lambda bits: range(bits - 1, -1, -1))


def _shuffle(width: int, height: int) -> Ids:
    """The bits of the id rotated left by one: a perfect shuffle."""
    return _by_bits(width * height, lambda bits: [bits - 1, *range(bits - 1)])


def _rotation(width: int, height: int) -> Ids:
    """The bits of the id rotated right by one."""
    return _by_bits(width * height, lambda bits: [*range(1, bits), 0])


def _butterfly(width: int, height: int) -> Ids:
    """The highest and the lowest bit of the id exchanged."""
    return _by_bits(
        width * height, lambda bits: [bits - 1, *range(1, bits - 1), 0] if bits > 1 else range(bits)
    )


def _by_bits(count: int, order: Callable[[int], range | list[int]]) -> Ids:
    """Rank of every id's permuted bits; bit k of the result is bit ``order(bits)[k]`` of the id."""
    ids = np.arange(count)
    bits = (count - 1).bit_length()
    key = np.zeros(count, np.int64)
    for place, taken in enumerate(order(bits)):
        key |= (ids >> taken & 1) << place
    rank = np.empty(count, np.int64)
    rank[np.argsort(key)] = ids
    return rank


def _coordinates(width: int, height: int) -> tuple[Ids, Ids]:
    ids = np.arange(width * height)
    return ids % width, ids // width


FIXED: Final[Mapping[str, Callable[[int, int], Ids]]] = {
    "transpose": _transpose,
    "complement": _complement,
    "reverse": _reverse,
    "shuffle": _shuffle,
    "rotation": _rotation,
    "butterfly": _butterfly,
    "tornado": _tornado,
    "neighbour": _neighbour,
}


def partners(pattern: str, width: int, height: int, seed: int = 1) -> Ids | None:
    """Partner of every logical id, or None when the pattern has no fixed partners.

    Parameters
    ----------
    pattern : str
        A pattern's name.
    width, height : int
        Logical size.
    seed : int
        Of ``permutation``, 0 to 2**32 - 1: all ids, sorted by a random number each.

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
    if pattern == "permutation":
        return np.argsort(draws(seed, PERMUTATION, width * height), kind="stable")
    fixed = FIXED.get(pattern)
    return None if fixed is None else fixed(width, height)

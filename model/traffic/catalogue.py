"""Names of all traffic patterns, and what each does in one line."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final, NamedTuple


class Kind(Enum):
    """How the packets of a pattern come about."""

    DRAWN = "drawn"
    """Sources start packets at random; every packet draws its destination."""
    FIXED = "fixed"
    """Sources start packets at random; every source has one partner."""
    PHASED = "phased"
    """Everybody sends together, step by step, over and over."""


class Pattern(NamedTuple):
    """What a list of patterns shows."""

    kind: Kind
    about: str


CATALOGUE: Final[Mapping[str, Pattern]] = {
    "uniform": Pattern(Kind.DRAWN, "any other hosted tile"),
    "transpose": Pattern(Kind.FIXED, "row-major position to column-major position"),
    "complement": Pattern(Kind.FIXED, "opposite corner; all bits of the id inverted"),
    "reverse": Pattern(Kind.FIXED, "bits of the id in reverse order"),
    "shuffle": Pattern(Kind.FIXED, "bits of the id rotated left"),
    "rotation": Pattern(Kind.FIXED, "bits of the id rotated right"),
    "butterfly": Pattern(Kind.FIXED, "highest and lowest bit of the id exchanged"),
    "tornado": Pattern(Kind.FIXED, "just short of half way around, both ways"),
    "neighbour": Pattern(Kind.FIXED, "next tile east, wrapping"),
    "permutation": Pattern(Kind.FIXED, "a random permutation, drawn from the seed"),
    "hotspot": Pattern(Kind.DRAWN, "a share to hot tiles, the rest uniform"),
    "stencil5": Pattern(Kind.PHASED, "all neighbours N, E, S, W; no wrapping"),
    "stencil9": Pattern(Kind.PHASED, "all eight neighbours; no wrapping"),
    "row_reduce": Pattern(Kind.PHASED, "each row to its west end, a binary tree"),
    "row_broadcast": Pattern(Kind.PHASED, "from the west end to each row, a binary tree"),
    "column_reduce": Pattern(Kind.PHASED, "each column to its north end, a binary tree"),
    "column_broadcast": Pattern(Kind.PHASED, "from the north end to each column, a binary tree"),
    "allreduce": Pattern(Kind.PHASED, "rows, then their west ends, to one tile and back"),
}

PATTERNS: Final = tuple(CATALOGUE)
"""Names of all patterns."""

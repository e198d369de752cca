"""Single words as Python integers of any width, packed by the specification's field lists."""

from __future__ import annotations

from model.spec import Fields


def pack(fields: Fields, **values: int) -> int:
    """One word from its fields, least significant first; values are cut to their fields."""
    word = shift = 0
    for name, width in fields:
        word |= (values[name] & ((1 << width) - 1)) << shift
        shift += width
    return word


def unpack(fields: Fields, word: int) -> dict[str, int]:
    """Fields of one word; the inverse of :func:`pack`."""
    values = {}
    for name, width in fields:
        values[name] = word & ((1 << width) - 1)
        word >>= width
    return values

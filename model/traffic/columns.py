"""Columns of traffic files: checked whole, refused by column, row and value."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from model.errors import InputError
from model.image import ConfigImage
from model.spec import MAX_SIDE
from model.traffic.stream import COLUMNS

OPTIONAL: Final = ("gap",)
REQUIRED: Final = ("source", "destination", "length", "offered")
LAST_CYCLE: Final = 2**32 - 1

Range = tuple[int, int]
Ints = npt.NDArray[np.int64]


def ranges(image: ConfigImage | None) -> dict[str, Range]:
    """What each column of packets may hold, on an image or on any."""
    ids, most, length = MAX_SIDE**2 - 1, MAX_SIDE**2 - 1, 1024
    if image is not None:
        ids, most = image.logical - 1, 2**image.spec.id_width - 1
        length = image.spec.max_packet
    return {
        "offered": (0, LAST_CYCLE),
        "source": (0, ids),
        "destination": (0, most),
        "length": (1, length),
        "gap": (0, 65535),
    }


def check_names(path: str | Path, names: list[str]) -> None:
    """Refuse columns of packets that are unknown or missing."""
    for name in names:
        if name not in REQUIRED + OPTIONAL:
            allowed = ", ".join(REQUIRED + OPTIONAL)
            raise InputError(f"{path}: column {name!r} is unknown; allowed: {allowed}")
    for name in REQUIRED:
        if name not in names:
            raise InputError(f"{path}: column {name} is missing; allowed: {', '.join(REQUIRED)}")


def packets(
    path: str | Path, table: Any, image: ConfigImage | None, row: int = 0
) -> dict[str, Ints]:
    """Checked columns of packets, ``gap`` 0 where there is none.

    Parameters
    ----------
    path : path
        For messages.
    table : pyarrow.Table or RecordBatch
        With the required columns.
    image : ConfigImage, optional
        Sources must be hosted on it.
    row : int
        Number of the first row, for messages.
    """
    allowed = ranges(image)
    found: dict[str, Ints] = {}
    for name in COLUMNS:
        if name in table.schema.names:
            found[name] = integers(path, table, name, allowed[name], row)
        else:
            found[name] = np.zeros(table.num_rows, np.int64)
    if image is not None:
        hosted(path, image, "source", found["source"], row)
    return found


def hosted(path: str | Path, image: ConfigImage, name: str, ids: Ints, row: int = 0) -> None:
    """Refuse logical ids that are lost."""
    lost = np.flatnonzero(image.remap_tile[ids] < 0)
    if len(lost):
        at, value = int(lost[0]), int(ids[lost[0]])
        raise InputError(f"{path}: {name}[{row + at}] is {value}; allowed: a hosted logical id")


def numbers(path: str | Path, table: Any, name: str, row: int = 0) -> npt.NDArray[Any]:
    """A column of numbers without gaps."""
    column = table.column(name)
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        raise InputError(f"{path}: column {name} has {column.type}; allowed: numbers in every row")
    if column.null_count:
        at = int(np.argmax(np.asarray(column.is_null())))
        raise InputError(f"{path}: {name}[{row + at}] is null; allowed: a number")
    if isinstance(column, pa.ChunkedArray):
        return np.asarray(column.to_numpy())
    return np.asarray(column.to_numpy(zero_copy_only=False))


def integers(path: str | Path, table: Any, name: str, allowed: Range, row: int = 0) -> Ints:
    """A column of integers within a range, inclusive."""
    values = numbers(path, table, name, row)
    within(path, name, values, allowed, row)
    return np.asarray(values, np.int64)


def within(
    path: str | Path, name: str, values: npt.NDArray[Any], allowed: Range, row: int = 0
) -> None:
    """Refuse numbers that are no integers or beyond a range, inclusive."""
    low, high = allowed
    fits = (values >= low) & (values <= high)
    if values.dtype.kind == "f":
        fits &= values == np.floor(values)
    if not fits.all():
        at = int(np.argmin(fits))
        raise InputError(
            f"{path}: {name}[{row + at}] is {values[at]}; allowed: an integer from {low} to {high}"
        )


def check_logical(path: str | Path, metadata: Mapping[bytes, bytes], image: ConfigImage) -> None:
    """Refuse a file that was made for a logical array of another size."""
    size = metadata.get(b"logical", b"").decode("ascii", "replace")
    own = f"{image.logical_width}x{image.logical_height}"
    if size not in ("", own):
        raise InputError(f"{path}: logical size is {size}; allowed: {own}, the image's")

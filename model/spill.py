"""Records of a run that may be interrupted: kept in a plain file until the run has ended."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import numpy as np

from model.engine import RecordBlock
from model.errors import InputError

GROUP: Final = 1 << 16
"""Rows read at once."""

_TYPES: Final[dict[str, Any]] = {
    "id": np.int64,
    **dict.fromkeys(("source", "destination", "length", "gap", "hops", "tile"), np.int32),
    **dict.fromkeys(("offered", "accepted", "delivered_first", "delivered_last"), np.int64),
    "vc": np.int8,
    "status": np.uint8,
}
ROW: Final = np.dtype([(field.name, _TYPES[field.name]) for field in fields(RecordBlock)])
"""A record, packed."""


class Spill:
    """Rows of records in a file that is cut back to where a checkpoint stands.

    Parameters
    ----------
    path : path
        Made if it is not there.
    rows : int
        Rows to go on behind.

    Members
    -------
    rows : int
        Written so far.

    Raises
    ------
    InputError
        When the file cannot be written, or has fewer rows.
    """

    def __init__(self, path: str | Path, rows: int = 0) -> None:
        self.path, self.rows = Path(path), rows
        try:
            self._file = self.path.open("r+b" if rows else "wb")
            size = os.fstat(self._file.fileno()).st_size
        except OSError as error:
            raise InputError(f"{path} cannot be written: {error.strerror}") from error
        if size < rows * ROW.itemsize:
            raise InputError(f"{path} has {size // ROW.itemsize} records; allowed: {rows} or more")
        self._file.truncate(rows * ROW.itemsize)
        self._file.seek(0, os.SEEK_END)

    def add(self, block: RecordBlock) -> None:
        """Write the next packets."""
        rows = np.empty(len(block), ROW)
        for name in ROW.fields or ():
            rows[name] = getattr(block, name)
        self._file.write(rows.tobytes())
        self.rows += len(block)

    def sync(self) -> None:
        """See that all rows are on disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def blocks(self) -> Iterator[RecordBlock]:
        """All records, in the order in which they were added."""
        self._file.flush()
        with self.path.open("rb") as file:
            while len(rows := np.fromfile(file, ROW, GROUP)):
                yield RecordBlock(**{name: rows[name].copy() for name in ROW.fields or ()})

    def close(self, *, remove: bool = False) -> None:
        """Close the file; remove it when nobody needs it any more."""
        self._file.close()
        if remove:
            self.path.unlink(missing_ok=True)

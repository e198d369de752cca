"""Packet records: one row per packet as a table and in files that are written block by block."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from model.atomic import atomic_open, atomic_path
from model.engine import PacketStatus, RecordBlock, join_blocks
from model.image import ConfigImage

COLUMNS: Final = (
    ("id", pa.int64()),
    ("source", pa.int32()),
    ("destination", pa.int32()),
    ("length", pa.int32()),
    ("vc", pa.int8()),
    ("offered", pa.int64()),
    ("accepted", pa.int64()),
    ("delivered_first", pa.int64()),
    ("delivered_last", pa.int64()),
    ("hops", pa.int32()),
    ("status", pa.string()),
)
"""Names and types in a file (design.md §9); times are cycles, what does not exist is null."""

SOMETIMES: Final = ("vc", "accepted", "delivered_first", "delivered_last")
"""Columns whose values may not exist."""


GROUP: Final = 1 << 18
"""Rows that are written at once; a row group of a Parquet file."""

NAMES: Final = pa.array([status.name.lower() for status in PacketStatus])


def records_table(block: RecordBlock) -> Any:
    """A block of records as an Arrow table."""
    arrays = []
    for name, dtype in COLUMNS:
        values = getattr(block, name)
        if name == "status":
            arrays.append(NAMES.take(pa.array(values)))
        else:
            missing = values < 0 if name in SOMETIMES else None
            arrays.append(pa.array(values, dtype, mask=missing))
    return pa.table(arrays, schema=pa.schema(COLUMNS))


class RecordWriter:
    """Writes blocks of records; equal records give equal bytes, however they come in blocks."""

    def __init__(self, write: Any) -> None:
        self._write = write
        self._kept: list[RecordBlock] = []
        self._rows = 0

    def add(self, block: RecordBlock) -> None:
        """Write the next packets; up to ``GROUP`` of them are held back.

        Replies that were never offered have no record (WIN-4).
        """
        block = block.some(block.offered >= 0)
        self._kept.append(block)
        self._rows += len(block)
        while self._rows >= GROUP:
            self._flush(GROUP)

    def close(self) -> None:
        """Write what was held back."""
        if self._rows:
            self._flush(self._rows)

    def _flush(self, rows: int) -> None:
        whole = join_blocks(self._kept)
        self._write(records_table(whole.some(slice(rows))))
        self._kept, self._rows = [whole.some(slice(rows, None))], self._rows - rows


@contextlib.contextmanager
def record_writer(image: ConfigImage, path: str | Path) -> Iterator[RecordWriter]:
    """Write records as Parquet, or as CSV when the name ends in ``.csv`` or is ``-`` (stdout).

    A file appears whole or not at all, when the block ends without an exception. A Parquet file
    keeps the logical size in its metadata (``logical``: ``WIDTHxHEIGHT``).
    """
    if str(path) == "-":
        yield from _csv_writer(sys.stdout.buffer)
    elif str(path).endswith(".csv"):
        with atomic_open(path) as file:
            yield from _csv_writer(file)
    else:
        size = f"{image.logical_width}x{image.logical_height}"
        schema = pa.schema(COLUMNS, metadata={"logical": size})
        with atomic_path(path) as temporary, _parquet(temporary, schema) as file:
            writer = RecordWriter(lambda table: file.write_table(table.cast(schema), GROUP))
            yield writer
            writer.close()


def write_records(image: ConfigImage, records: RecordBlock, path: str | Path) -> None:
    """Write records that are in memory, see :func:`record_writer`."""
    with record_writer(image, path) as writer:
        writer.add(records)


def _parquet(path: Path, schema: Any) -> Any:
    return pa.parquet.ParquetWriter(path, schema, compression="zstd")


def _csv_writer(file: IO[bytes]) -> Iterator[RecordWriter]:
    # Arrow puts the header in quotes whatever the options say.
    file.write(",".join(name for name, _ in COLUMNS).encode() + b"\n")
    options = pa.csv.WriteOptions(include_header=False, quoting_style="none")
    writer = RecordWriter(lambda table: pa.csv.write_csv(table, file, options))
    yield writer
    writer.close()
    file.flush()

"""Traces: packets in Parquet files that are written and read in bounded memory (docs/traffic.md).

A trace has the columns offered (int64), source, destination, length and gap (int32), rows sorted
by ``offered``, in row groups of ``GROUP`` rows; metadata ``format`` (``wafermesh-trace/1``) and, if
known, ``logical`` (``WIDTHxHEIGHT``). Files of other makers are read, too: any integer types, row
groups of any size, ``gap`` and metadata left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from model.atomic import atomic_path
from model.errors import InputError
from model.image import ConfigImage
from model.schedule import PacketSchedule
from model.traffic import columns
from model.traffic.stream import COLUMNS, DTYPES, PacketStream, packed, regroup, skip

FORMAT: Final = "wafermesh-trace/1"
GROUP: Final = 1 << 18
"""Rows of a row group: the writer holds one, the reader at most one."""
BATCH: Final = 1 << 16
"""Rows of a block that is read."""


class TraceFacts(NamedTuple):
    """What a pass over a trace finds.

    Members
    -------
    packets, flits : int
    first, last : int
        Cycles of the first and the last packet; 0 and -1 without packets.
    """

    packets: int
    flits: int
    first: int
    last: int

    def add(self, block: PacketSchedule) -> TraceFacts:
        """These facts and those of the next block."""
        return TraceFacts(
            packets=self.packets + len(block),
            flits=self.flits + int(block.length.sum()),
            first=self.first if self.packets else int(block.offered[0]),
            last=int(block.offered[-1]),
        )


NOTHING: Final = TraceFacts(packets=0, flits=0, first=0, last=-1)


Progress = Callable[[int], None]


def unseen(_: int) -> None:
    """Nobody looks at the progress."""


def write_trace(
    path: str | Path,
    stream: PacketStream,
    logical: tuple[int, int] | None = None,
    progress: Progress = unseen,
) -> TraceFacts:
    """Write a stream as a trace; equal packets give equal bytes, however they come in blocks.

    Parameters
    ----------
    path : path
        Appears whole or not at all.
    stream : PacketStream
    logical : (width, height), optional
        Logical array that the ids belong to.
    progress : callable, optional
        Told the packets written, now and then.
    """
    metadata = {"format": FORMAT}
    if logical is not None:
        metadata["logical"] = f"{logical[0]}x{logical[1]}"
    types = [(name, pa.from_numpy_dtype(DTYPES[name])) for name in COLUMNS]
    schema = pa.schema(types, metadata=metadata)
    facts = NOTHING
    with atomic_path(path) as temporary:
        options: dict[str, Any] = {
            "compression": "zstd",
            "use_dictionary": False,
            "column_encoding": dict.fromkeys(COLUMNS, "DELTA_BINARY_PACKED"),
        }
        with pa.parquet.ParquetWriter(temporary, schema, **options) as writer:
            for block in regroup(stream.blocks(), GROUP):
                arrays = [pa.array(getattr(block, name), type_) for name, type_ in types]
                writer.write_batch(pa.record_batch(arrays, schema=schema), row_group_size=GROUP)
                facts = facts.add(block)
                progress(facts.packets)
    return facts


class TraceStream:
    """A trace file as a :class:`PacketStream`.

    Parameters
    ----------
    path : path
        Parquet.
    image : ConfigImage, optional
        What it will run on: sources must be hosted; destinations may be lost, they are then
        refused (NI-2).

    Members
    -------
    packets : int
        Rows of the file.
    logical : (int, int) or None
        Size of the logical array it was made for, if it says so.

    Raises
    ------
    InputError
        At once when the file is no trace or belongs to an array of another size; while iterating,
        naming column, row (from 0), value and what is allowed.
    """

    silent_sources = 0

    def __init__(self, path: str | Path, image: ConfigImage | None = None) -> None:
        self._path, self._image = path, image
        with self._open() as file:
            columns.check_names(path, file.schema_arrow.names)
            metadata = file.schema_arrow.metadata or {}
            self._own = b"format" in metadata
            found = metadata.get(b"format", FORMAT.encode()).decode("ascii", "replace")
            if found != FORMAT:
                raise InputError(f"{path}: format is {found!r}; allowed: {FORMAT}")
            if image is not None:
                columns.check_logical(path, metadata, image)
            self.packets = int(file.metadata.num_rows)
            groups = range(file.metadata.num_row_groups)
            rows = [int(file.metadata.row_group(group).num_rows) for group in groups]
            self._begins = np.cumsum([0, *rows])
        size = metadata.get(b"logical", b"").decode("ascii", "replace").split("x")
        both = len(size) == 2 and all(side.isdecimal() for side in size)
        self.logical = (int(size[0]), int(size[1])) if both else None

    def blocks(self, first: int = 0) -> Iterator[PacketSchedule]:
        """See :class:`PacketStream`; row groups before the first packet are not read."""
        group = max(0, int(np.searchsorted(self._begins, first, side="right")) - 1)
        return skip(self._blocks(group), first - int(self._begins[group]))

    def in_order(self) -> bool:
        """Whether rows are sorted; a trace of ours says so, another maker's file is looked at."""
        if self._own:
            return True
        last = -1
        with self._open() as file:
            batches = file.iter_batches(BATCH, columns=["offered"], use_threads=False)
            while (batch := self._next(batches)) is not None:
                offered = columns.numbers(self._path, batch, "offered")
                if (np.diff(offered.astype(np.int64), prepend=last) < 0).any():
                    return False
                last = int(offered[-1]) if len(offered) else last
        return True

    def _blocks(self, group: int) -> Iterator[PacketSchedule]:
        row, last = int(self._begins[group]), -1
        with self._open() as file:
            groups = list(range(group, len(self._begins) - 1))
            batches = file.iter_batches(BATCH, groups, use_threads=False)
            while (batch := self._next(batches)) is not None:
                if not batch.num_rows:
                    continue
                found = columns.packets(self._path, batch, self._image, row)
                offered = found["offered"]
                early = np.diff(offered, prepend=last) < 0
                if early.any():
                    at = int(np.argmax(early))
                    before = int(offered[at - 1]) if at else last
                    raise InputError(
                        f"{self._path}: offered[{row + at}] is {offered[at]}; allowed: from"
                        f" {before} on, as rows are sorted"
                    )
                row, last = row + len(offered), int(offered[-1])
                yield packed(found)

    def _open(self) -> Any:
        try:
            return pa.parquet.ParquetFile(self._path, pre_buffer=False, buffer_size=1 << 20)
        except OSError as error:
            reason = error.strerror or "not a Parquet file"
            raise InputError(f"{self._path} cannot be read: {reason}") from error
        except pa.ArrowInvalid as error:
            raise InputError(f"{self._path} is not a table: {_line(error)}") from error

    def _next(self, batches: Iterator[Any]) -> Any:
        try:
            return next(batches, None)
        except (OSError, pa.ArrowException) as error:
            raise InputError(f"{self._path} is damaged: {_line(error)}") from error


def _line(error: BaseException) -> str:
    return str(error).splitlines()[0]


def survey(stream: PacketStream, progress: Progress = unseen) -> TraceFacts:
    """Read, and so check, a whole stream; ``progress`` is told the packets read, now and then."""
    facts = NOTHING
    for block in stream.blocks():
        facts = facts.add(block)
        progress(facts.packets)
    return facts

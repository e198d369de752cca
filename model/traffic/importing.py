"""Traces of other tools turned into ours: checked, placed on the logical array, sorted by cycle."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from model.errors import InputError, require_int
from model.schedule import PacketSchedule
from model.traffic.columns import LAST_CYCLE, ranges, within
from model.traffic.foreign import Raw, read_csv, read_netrace
from model.traffic.sort import RUN, sort_blocks
from model.traffic.stream import packed, skip
from model.traffic.trace import Progress, TraceFacts, unseen, write_trace

READERS: Final[Mapping[str, Callable[[str | Path, int], Iterator[Raw]]]] = {
    "csv": read_csv,
    "netrace": read_netrace,
}
"""Formats that can be imported."""

Size = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Foreign:
    """A file of another tool, and how to understand it.

    Parameters
    ----------
    path : path
    kind : str
        One of :data:`READERS`.
    grid : (width, height), optional
        What its node numbers count row by row; by default ``logical``.
    logical : (width, height), optional
        Logical array to place the nodes on, same coordinates; by default ``grid``. Without both,
        node numbers are logical ids as they are.
    flit_bytes : int
        Payload of a flit, 1 to 65536, where the file gives packet sizes in bytes.
    from_zero : bool
        Count cycles from the first packet.
    """

    path: str | Path
    kind: str
    grid: Size | None = None
    logical: Size | None = None
    flit_bytes: int = 16
    from_zero: bool = False


def import_trace(
    foreign: Foreign, path: str | Path, run: int = RUN, progress: Progress = unseen
) -> TraceFacts:
    """Write a trace of a foreign file, in bounded memory.

    Packets beyond one run are sorted in a temporary file in the folder of ``path``, 24 bytes each.
    Equal files give equal bytes. ``progress`` is told the packets read, and then those written.

    Raises
    ------
    InputError
        Naming the file, the column, the row (from 0), the value and what is allowed.
    """
    if foreign.kind not in READERS:
        raise InputError(f"format is {foreign.kind!r}; allowed: {', '.join(READERS)}")
    require_int("flit_bytes", foreign.flit_bytes, 1, 65536)
    grid, logical = foreign.grid or foreign.logical, foreign.logical or foreign.grid
    if grid is not None and logical is not None and (grid[0] > logical[0] or grid[1] > logical[1]):
        raise InputError(
            f"grid is {grid[0]}x{grid[1]}; allowed: at most {logical[0]}x{logical[1]},"
            " the logical size"
        )
    stream = _Sorted(foreign, Path(path).parent, run, progress)
    return write_trace(path, stream, logical, progress)


class _Sorted:
    """The packets of a foreign file as a stream that is sorted when it is asked for."""

    silent_sources = 0

    def __init__(self, foreign: Foreign, scratch: Path, run: int, progress: Progress) -> None:
        self._foreign, self._scratch, self._run = foreign, scratch, run
        self._progress = progress

    def blocks(self, first: int = 0) -> Iterator[PacketSchedule]:
        return skip(self._shifted(), first)

    def _shifted(self) -> Iterator[PacketSchedule]:
        begin = None
        for block in sort_blocks(self._read(), self._scratch, self._run):
            if begin is None:
                begin = int(block.offered[0]) if self._foreign.from_zero else 0
            block.offered -= begin
            if block.offered[-1] > LAST_CYCLE:
                raise InputError(
                    f"{self._foreign.path}: the last cycle is {block.offered[-1]}; allowed: up to"
                    f" {LAST_CYCLE}; --from-zero counts from the first packet"
                )
            yield block

    def _read(self) -> Iterator[PacketSchedule]:
        what = self._foreign
        allowed = ranges(None) | {"offered": (0, 2**63 - 1)}
        grid = what.grid or what.logical
        logical = what.logical or what.grid
        if grid is not None:
            allowed["source"] = allowed["destination"] = (0, grid[0] * grid[1] - 1)
        row = 0
        for raw in READERS[what.kind](what.path, what.flit_bytes):
            for name, values in raw.items():
                within(what.path, name, values, allowed[name], row)
            row += len(raw["offered"])
            self._progress(row)
            if grid is not None and logical is not None:
                for name in ("source", "destination"):
                    y, x = np.divmod(raw[name], grid[0])
                    raw[name] = y * logical[0] + x
            if len(raw["offered"]):
                yield packed({"gap": np.zeros(len(raw["offered"]), np.int64)} | raw)

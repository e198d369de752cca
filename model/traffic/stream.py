"""Packets in blocks, so that a run needs memory for what is on its way only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from model.schedule import PacketSchedule

COLUMNS: Final = ("offered", "source", "destination", "length", "gap")
"""What a packet is made of, in the order of a trace file."""

DTYPES: Final = {"offered": np.int64, **dict.fromkeys(COLUMNS[1:], np.int32)}


class PacketStream(Protocol):
    """A schedule that is handed out piece by piece, as often as it is asked for.

    Members
    -------
    silent_sources : int
        Hosted sources that a pattern left without a partner.
    """

    @property
    def silent_sources(self) -> int: ...

    def blocks(self, first: int = 0) -> Iterator[PacketSchedule]:
        """Packets ``first``, ``first + 1``, … as schedules that follow one another.

        Every block holds packets, each sorted by ``offered``, and no block begins before the end
        of the one before it; how packets are cut into blocks means nothing. Packet ids count
        through all blocks. A second call gives the same packets again.

        Raises
        ------
        InputError
            While iterating, when a packet is out of range.
        """
        ...


class ScheduleStream:
    """A schedule that is in memory, as a stream of one block."""

    def __init__(self, schedule: PacketSchedule) -> None:
        self._schedule = schedule
        self.silent_sources = schedule.silent_sources

    def blocks(self, first: int = 0) -> Iterator[PacketSchedule]:
        """See :class:`PacketStream`."""
        if first < len(self._schedule):
            yield part(self._schedule, slice(first, None))


class Feed:
    """A place in a stream, from which a run takes what is offered next.

    Parameters
    ----------
    stream : PacketStream
    first : int
        Packet to begin with.
    """

    def __init__(self, stream: PacketStream, first: int = 0) -> None:
        self._blocks = stream.blocks(first)
        self._block: PacketSchedule | None = next(self._blocks, None)

    def peek(self) -> PacketSchedule | None:
        """Some packets that come next, at least one; None at the end."""
        return self._block

    def take(self, until: int, about: int) -> PacketSchedule:
        """Packets offered before a cycle; of more than ``about`` only whole cycles, at least one.

        Either no packet is taken, or the next to come is offered later than all that are.
        """
        taken: list[PacketSchedule] = []
        left, last = about, -1
        while self._block is not None and self._block.offered[0] < until:
            offered = self._block.offered
            if left <= 0 and offered[0] > last:
                break
            last = min(until - 1, int(offered[min(len(offered), max(1, left)) - 1]))
            rows = int(np.searchsorted(offered, last, "right"))
            taken.append(self.skip(rows))
            left -= rows
        return join(taken)

    def skip(self, rows: int) -> PacketSchedule:
        """Take so many packets, of those that are at hand."""
        assert self._block is not None
        taken, rest = part(self._block, slice(rows)), part(self._block, slice(rows, None))
        self._block = rest if len(rest) else next(self._blocks, None)
        return taken


def packed(columns: Mapping[str, npt.NDArray[Any]], silent_sources: int = 0) -> PacketSchedule:
    """A schedule of columns of any integer type."""
    return PacketSchedule(
        source=np.asarray(columns["source"], np.int32),
        destination=np.asarray(columns["destination"], np.int32),
        length=np.asarray(columns["length"], np.int32),
        offered=np.asarray(columns["offered"], np.int64),
        gap=np.asarray(columns["gap"], np.int32),
        silent_sources=silent_sources,
    )


def part(schedule: PacketSchedule, rows: slice) -> PacketSchedule:
    """Some packets of a schedule, without a copy."""
    return packed({name: getattr(schedule, name)[rows] for name in COLUMNS})


def join(blocks: Iterable[PacketSchedule], silent_sources: int = 0) -> PacketSchedule:
    """One schedule of all blocks."""
    found = list(blocks)
    columns = {
        name: np.concatenate([np.zeros(0, dtype), *(getattr(block, name) for block in found)])
        for name, dtype in DTYPES.items()
    }
    return packed(columns, silent_sources)


def collect(stream: PacketStream) -> PacketSchedule:
    """The whole stream in memory."""
    return join(stream.blocks(), stream.silent_sources)


def skip(blocks: Iterable[PacketSchedule], first: int) -> Iterator[PacketSchedule]:
    """Leave the first packets out."""
    for block in blocks:
        if first < len(block):
            yield part(block, slice(first, None)) if first else block
        first = max(0, first - len(block))


def regroup(blocks: Iterable[PacketSchedule], rows: int) -> Iterator[PacketSchedule]:
    """Blocks of exactly ``rows`` packets, but for the last; holds one of them and one block."""
    kept: list[PacketSchedule] = []
    have = 0
    for block in blocks:
        at = 0
        while have + len(block) - at >= rows:
            kept.append(part(block, slice(at, at + rows - have)))
            at += rows - have
            yield join(kept)
            kept, have = [], 0
        if at < len(block):
            kept.append(part(block, slice(at, None)))
            have += len(block) - at
    if kept:
        yield join(kept)

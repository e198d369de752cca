"""Form of a hand-worked cycle table; the tables themselves are in :mod:`tests.hand_tables`."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from model.image import ConfigImage
from model.runlog import EVENT_DTYPE, Counters, Event, RunLog
from model.schedule import NO_STALLS, PacketSchedule, StallPattern
from model.spec import FabricSpec, Port
from tests.images import xy_image
from tests.schedules import packets

Packet = tuple[int, int, int, int, int]
"""source, destination, length, offered, gap"""

Row = tuple[int, int, Event, int, int]
"""cycle, tile, kind, packet, flit (a REFUSE names its packet and flit 0)"""


@dataclass(frozen=True, kw_only=True)
class HandTable:
    """One directed scenario and everything it must show.

    Members
    -------
    name : str
    image : ConfigImage
    packets : list of Packet
        Sorted by offered cycle; A is packet 0, B packet 1, and so on.
    rows : list of Row
    vcs : list of int
        VC of each packet, as seen on delivery.
    moved, stalled : dict from (tile, port) to count
    refused, offenders : dict from tile to count
    first_offender : dict from tile to (src, dst_x, dst_y)
    watchdog : set of tiles
    stalls : StallPattern
    cycles : int
        Cycles to run; nothing happens after the last row.
    """

    name: str
    image: ConfigImage
    packets: list[Packet]
    rows: list[Row]
    vcs: list[int]
    moved: dict[tuple[int, Port], int] = field(default_factory=dict)
    stalled: dict[tuple[int, Port], int] = field(default_factory=dict)
    refused: dict[int, int] = field(default_factory=dict)
    offenders: dict[int, int] = field(default_factory=dict)
    first_offender: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    watchdog: set[int] = field(default_factory=set)
    stalls: StallPattern = NO_STALLS
    cycles: int = 40

    @property
    def schedule(self) -> PacketSchedule:
        """The packets as a schedule."""
        return packets(*self.packets)

    @property
    def log(self) -> RunLog:
        """The log a run of ``cycles`` cycles must equal."""
        events = np.zeros(len(self.rows), EVENT_DTYPE)
        for event, (cycle, tile, kind, packet, flit) in zip(events, sorted(self.rows), strict=True):
            event["cycle"], event["tile"], event["kind"] = cycle, tile, kind
            if kind == Event.REFUSE:
                continue
            event["last"] = flit == self.packets[packet][2] - 1
            event["payload"] = payload(packet, flit, self.image.spec.payload_width)
            if kind == Event.DELIVER:
                event["src"], event["vc"] = self.packets[packet][0], self.vcs[packet]
        counters = Counters.zeros(self.image.spec.tiles)
        for (tile, port), count in self.moved.items():
            counters.moved[tile, port] = count
        for (tile, port), count in self.stalled.items():
            counters.stalled[tile, port] = count
        for tile, count in self.refused.items():
            counters.refused[tile] = count
        for tile, count in self.offenders.items():
            counters.offenders[tile] = count
        for tile, first in self.first_offender.items():
            counters.first_offender[tile] = (1, *first)
        counters.watchdog[list(self.watchdog)] = 1
        return RunLog(cycles=self.cycles, events=events, counters=counters, quiet=True)


def payload(packet: int, flit: int, width: int) -> int:
    """STM-1 on Python integers."""
    z = ((packet << 16) + flit + 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
    return int((z ^ z >> 31) % 2**width)


def row_of(width: int, **fields: int) -> ConfigImage:
    """A row of tiles with XY tables."""
    return xy_image(FabricSpec(width=width, height=1, **fields))


def flits(tile: int, kind: Event, packet: int, *cycles: int) -> list[Row]:
    """Rows for flits 0, 1, … of a packet in these cycles."""
    return [(cycle, tile, kind, packet, flit) for flit, cycle in enumerate(cycles)]

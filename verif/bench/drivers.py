"""What drives the fabric's core side: sources, stalling receivers, and garbage from dead cores."""

from __future__ import annotations

import random
from collections import defaultdict, deque
from dataclasses import dataclass

import numpy as np

from model.image import ConfigImage
from model.schedule import PacketSchedule, StallPattern
from model.spec import total_width
from verif.bench.pins import bits, spread
from verif.bench.stimulus import payloads, refusing
from verif.words import pack


@dataclass
class _Sender:
    """Progress of one tile's source through its packets."""

    packets: deque[int]
    flit: int = 0


class Sources:
    """Present the flits of a schedule at the core inputs (STM-1, ``PacketSchedule`` Timing).

    Parameters
    ----------
    image : ConfigImage
        Says which tile hosts a source.
    schedule : PacketSchedule
    rng : random.Random
        Fills the ``dst`` of body flits, which nobody may look at.

    Members
    -------
    valid, payload : int
        Packed vectors for the cycle that :meth:`drive` was last called with.
    """

    def __init__(self, image: ConfigImage, schedule: PacketSchedule, rng: random.Random) -> None:
        self.valid = 0
        self.payload = 0
        # Python integers: NumPy's would overflow in the packed vectors.
        self._destination, self._length = schedule.destination.tolist(), schedule.length.tolist()
        self._offered, self._gap = schedule.offered.tolist(), schedule.gap.tolist()
        self._fields = image.spec.core_in_fields
        self._width = total_width(self._fields)
        self._payloads = payloads(schedule, image.spec.payload_width)
        self._rng = rng
        self._senders: dict[int, _Sender] = {}
        self._due: dict[int, list[int]] = defaultdict(list)
        tiles = image.remap_tile[schedule.source].tolist()
        for packet, tile in enumerate(tiles):
            self._senders.setdefault(tile, _Sender(deque())).packets.append(packet)
        for tile in self._senders:
            self._plan(tile, -1)

    @property
    def finished(self) -> bool:
        """Every flit of the schedule was transferred."""
        return not self.valid and not any(s.packets for s in self._senders.values())

    def drive(self, cycle: int) -> None:
        """Present the flits that become due in ``cycle``; call once per cycle, in order."""
        for tile in self._due.pop(cycle, ()):
            sender = self._senders[tile]
            packet, flit = sender.packets[0], sender.flit
            garbage = self._rng.getrandbits(self._fields[0][1])
            word = pack(
                self._fields,
                dst=garbage if flit else self._destination[packet],
                last=flit == self._length[packet] - 1,
                payload=self._payloads[packet][flit],
            )
            shift = tile * self._width
            hole = ((1 << self._width) - 1) << shift
            self.payload = self.payload & ~hole | word << shift
            self.valid |= 1 << tile

    def transferred(self, cycle: int, ready: int) -> None:
        """``cycle`` ends with these ``core_in_ready`` bits."""
        moved = self.valid & ready
        self.valid &= ~moved
        for tile in bits(moved):
            sender = self._senders[tile]
            sender.flit += 1
            if sender.flit == self._length[sender.packets[0]]:
                sender.packets.popleft()
                sender.flit = 0
            self._plan(tile, cycle)

    def _plan(self, tile: int, transferred: int) -> None:
        sender = self._senders[tile]
        if not sender.packets:
            return
        packet = sender.packets[0]
        if sender.flit:
            due = transferred + 1 + self._gap[packet]
        else:
            due = max(self._offered[packet], transferred + 1)
        self._due[due].append(tile)


class Receivers:
    """``core_out_ready`` of the live cores, by STL-1."""

    def __init__(self, image: ConfigImage, stalls: StallPattern) -> None:
        self._stalls = stalls
        self._tiles = np.arange(image.spec.tiles, dtype=np.uint64)
        self._all = (1 << image.spec.tiles) - 1
        self._burst = -1
        self.ready = self._all

    def drive(self, cycle: int) -> None:
        """Set :attr:`ready` for ``cycle``."""
        burst = cycle >> self._stalls.burst_log2
        if burst != self._burst:
            self._burst = burst
            self.ready = self._all & ~refusing(self._stalls, self._tiles, cycle)


class Babble:
    """Garbage on the core inputs of dead tiles and dead cores, new in every cycle (FUS-3, FUS-4).

    A core that hosts nothing may also offer flits: a tile without identity accepts none (NI-1).

    Parameters
    ----------
    image : ConfigImage
    noise : {"random", "x", "zero"}
    rng : random.Random
    """

    def __init__(self, image: ConfigImage, noise: str, rng: random.Random) -> None:
        tiles = image.spec.tiles
        dead = ~(image.live & image.core_ok)
        self.lanes = sum(1 << t for t in range(tiles) if dead[t])
        self._idle = sum(1 << t for t in range(tiles) if not dead[t] and image.identity[t] < 0)
        self._width = total_width(image.spec.core_in_fields)
        self._noise, self._rng, self._tiles = noise, rng, tiles
        self.unknown = self.lanes if noise == "x" else 0
        self.unknown_payload = spread(self.unknown, self._width)
        self._payload_lanes = spread(self.lanes | self._idle, self._width)

    def bit(self) -> int:
        """Random bits in the dead lanes."""
        return self.lanes & self._draw(self._tiles)

    def valid(self) -> int:
        """Random bits in the dead lanes and those of cores that host nothing."""
        return (self.lanes | self._idle) & self._draw(self._tiles)

    def payload(self) -> int:
        """Random words in the same lanes as :meth:`valid`."""
        return self._payload_lanes & self._draw(self._tiles * self._width)

    def noise(self, width: int) -> tuple[int, int]:
        """Value and unknown bits of the fabric's ``noise`` input."""
        if self._noise == "x":
            return 0, (1 << width) - 1
        return self._draw(width), 0

    def _draw(self, width: int) -> int:
        return 0 if self._noise == "zero" else self._rng.getrandbits(width)

"""The rules of design.md once more, as slow objects: a second opinion on the golden engine.

Nothing is shared with :mod:`model.engine`: every tile is an object, every flit a tuple, every
cycle visits everything, Python integers never wrap by themselves.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import numpy as np

from model.image import ConfigImage
from model.runlog import EVENT_DTYPE, Counters, Event, RunLog
from model.schedule import PacketSchedule, StallPattern

M64 = 2**64 - 1
LOCAL, DX, DY = 4, (0, 1, 0, -1), (-1, 0, 1, 0)


class Flit(NamedTuple):
    """One flit on a link, with its header."""

    dst: tuple[int, int]
    src: int
    first: bool
    last: bool
    payload: int


def mix(z: int) -> int:
    """splitmix64's finaliser on Python integers."""
    z &= M64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & M64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & M64
    return z ^ (z >> 31)


@dataclass
class InputVC:
    """Buffer of one VC of one input port and what is being done with its packet."""

    flits: deque[Flit] = field(default_factory=deque)
    open_to: int | None = None  # output that owns it, "sink" as -1
    unmoved: int = 0


@dataclass
class Waiting:
    """A flit in the NI's in queue: its place (None: unmapped), VC and contents."""

    place: tuple[int, int] | None
    vc: int
    flit: Flit


class Tile:
    """Registers of one tile."""

    def __init__(self, number: int, image: ConfigImage) -> None:
        spec = image.spec
        self.number, self.x, self.y = number, number % spec.width, number // spec.width
        self.inputs = [[InputVC() for _ in range(spec.vcs)] for _ in range(5)]
        self.owner: list[list[int | None]] = [[None] * spec.vcs for _ in range(5)]
        self.p = [[0] * spec.vcs for _ in range(5)]
        self.q = [0] * 5
        self.in_queue: deque[Waiting] = deque()
        self.out_queue: deque[tuple[int, Flit]] = deque()
        self.todo: deque[tuple[int, int]] = deque()  # (packet, flit) in the order of sending
        self.ready_at = 0  # first cycle in which the source may present todo[0]
        self.target: tuple[tuple[int, int] | None, int] = (None, 0)  # of the packet begun


class Naive:
    """A fabric; ``step`` runs one cycle."""

    def __init__(self, image: ConfigImage, schedule: PacketSchedule, stalls: StallPattern) -> None:
        self.image, self.schedule, self.stalls, self.spec = image, schedule, stalls, image.spec
        self.tiles = [Tile(n, image) for n in range(self.spec.tiles)]
        self.counters = Counters.zeros(self.spec.tiles)
        self.events: list[tuple[int, ...]] = []
        self.cycle = 0
        for packet in range(len(schedule)):
            sender = self.tiles[image.remap_tile[schedule.source[packet]]]
            if not sender.todo:
                sender.ready_at = int(schedule.offered[packet])
            sender.todo.extend((packet, k) for k in range(schedule.length[packet]))

    def route(self, tile: Tile, port: int, vc: int, dst: tuple[int, int]) -> int:
        """Output of a first flit; -1 for an offender (RTR-7)."""
        image, n, to = self.image, tile.number, -1
        if dst == (tile.x, tile.y):
            to = LOCAL
        else:
            for valid, x_lo, x_hi, y_lo, y_hi, ports, vcs, out in image.routes[n].tolist():
                inside = x_lo <= dst[0] <= x_hi and y_lo <= dst[1] <= y_hi
                if valid and inside and ports & (1 << port) and vcs & (1 << vc):
                    to = out
                    break
        if to not in range(5) or not image.turns[n, port, to, vc]:
            return -1
        return to if (image.core_ok[n] if to == LOCAL else image.out_ok[n, to]) else -1

    def remap(self, tile: Tile, logical: int) -> tuple[tuple[int, int] | None, int]:
        """Place and VC of a logical id as seen from a tile (RMP-1, RMP-2)."""
        image = self.image
        if logical >= image.logical or image.remap_tile[logical] < 0:
            return None, 0
        y, x = divmod(int(image.remap_tile[logical]), self.spec.width)
        for valid, x_lo, x_hi, y_lo, y_hi, vc in image.rules[tile.number].tolist():
            if valid and x_lo <= x <= x_hi and y_lo <= y <= y_hi:
                return (x, y), vc
        return (x, y), int(image.remap_vc[logical])

    def stalled(self, tile: Tile) -> bool:
        """STL-1, written with unbounded integers cut to 64 bits."""
        s = self.stalls
        z = (s.seed << 32) ^ (tile.number << 42)
        z ^= ((self.cycle >> s.burst_log2) + 0x9E3779B97F4A7C15) & M64
        return mix(z & M64) >> 32 < s.threshold

    def source(self, tile: Tile) -> None:
        """The core offers its next flit, and the NI takes it if it can (NI-1, STM-1)."""
        n, image = tile.number, self.image
        able = image.live[n] and image.core_ok[n] and image.identity[n] >= 0
        if not tile.todo or self.cycle < tile.ready_at or not able or len(tile.in_queue) >= 2:
            return
        packet, k = tile.todo.popleft()
        last = k == self.schedule.length[packet] - 1
        data = mix((packet << 16) + k + 0x9E3779B97F4A7C15) & (2**self.spec.payload_width - 1)
        if k == 0:
            tile.target = self.remap(tile, int(self.schedule.destination[packet]))
        place, vc = tile.target
        flit = Flit(place or (-1, -1), int(image.identity[n]), k == 0, last, data)
        self.after.append(lambda: tile.in_queue.append(Waiting(place, vc, flit)))
        self.events.append((self.cycle, n, Event.ACCEPT, 0, last, 0, data))
        tile.ready_at = self.cycle + 1
        if not last:
            tile.ready_at += int(self.schedule.gap[packet])
        elif tile.todo:
            tile.ready_at = max(tile.ready_at, int(self.schedule.offered[tile.todo[0][0]]))

    def interface(self, tile: Tile) -> None:
        """Both NI queues towards their far ends (NI-1 to NI-3)."""
        n = tile.number
        if tile.in_queue:
            front = tile.in_queue[0]
            if front.place is None:
                self.after.append(tile.in_queue.popleft)
                if front.flit.first:
                    self.counters.refused[n] += 1
                    self.events.append((self.cycle, n, Event.REFUSE, 0, 0, 0, 0))
            else:
                buffer = tile.inputs[LOCAL][front.vc].flits
                if len(buffer) < self.spec.depth:
                    self.after.append(tile.in_queue.popleft)
                    self.after.append(lambda: buffer.append(front.flit))
        if tile.out_queue and not self.stalled(tile):
            vc, flit = tile.out_queue[0]
            self.after.append(tile.out_queue.popleft)
            row = (self.cycle, n, Event.DELIVER, vc, flit.last, flit.src, flit.payload)
            self.events.append(row)

    def router(self, tile: Tile) -> None:
        """Sinks, arbitration and counters of one router (RTR-5, TBL-3, CFG-4)."""
        n, vcs, counters = tile.number, range(self.spec.vcs), self.counters
        left: set[tuple[int, int]] = set()
        asks: dict[tuple[int, int], set[int]] = {}
        for port in range(5):
            for vc in vcs:
                lane = tile.inputs[port][vc]
                if not lane.flits:
                    continue
                flit, to = lane.flits[0], lane.open_to
                if to is None:
                    to = self.route(tile, port, vc, flit.dst)
                    if to == -1:
                        counters.offenders[n] += 1
                        if not counters.first_offender[n, 0]:
                            counters.first_offender[n] = (1, flit.src, *flit.dst)
                if to == -1:
                    left.add((port, vc))
                    lane.open_to = None if flit.last else -1
                else:
                    asks.setdefault((to, vc), set()).add(port)
        for out in range(5):
            for vc in [(tile.q[out] + k) % self.spec.vcs for k in vcs]:
                order = [(tile.p[out][vc] + k) % 5 for k in range(5)]
                owner = tile.owner[out][vc]
                asking = [
                    port
                    for port in (order if owner is None else [owner])
                    if port in asks.get((out, vc), ())
                ]
                if out == LOCAL:
                    space = len(tile.out_queue) < 2
                elif asking:
                    number = n + DX[out] + DY[out] * self.spec.width
                    beyond = self.tiles[number].inputs[(out + 2) % 4][vc].flits
                    space = len(beyond) < self.spec.depth
                if not asking or not space:
                    continue
                port = asking[0]
                lane = tile.inputs[port][vc]
                flit = lane.flits[0]
                left.add((port, vc))
                if out == LOCAL:
                    self.after.append(partial(tile.out_queue.append, (vc, flit)))
                else:
                    self.after.append(partial(beyond.append, flit))
                tile.q[out] = (vc + 1) % self.spec.vcs
                if flit.first:
                    tile.p[out][vc] = (port + 1) % 5
                tile.owner[out][vc] = None if flit.last else port
                lane.open_to = None if flit.last else out
                counters.moved[n, out] += 1
                break
        for port in range(5):
            filled = [vc for vc in vcs if tile.inputs[port][vc].flits]
            if filled and not any((port, vc) in left for vc in filled):
                counters.stalled[n, port] += 1
            for vc in vcs:
                lane = tile.inputs[port][vc]
                if (port, vc) in left:
                    self.after.append(lane.flits.popleft)
                lane.unmoved = lane.unmoved + 1 if vc in filled and (port, vc) not in left else 0
                if lane.unmoved >= self.spec.watchdog:
                    counters.watchdog[n] = 1

    def step(self) -> None:
        """One clock cycle: everyone decides, then everything moves."""
        self.after: list[Callable[[], object]] = []
        for tile in self.tiles:
            if self.image.live[tile.number]:
                self.source(tile)
                self.interface(tile)
                self.router(tile)
        for action in self.after:
            action()
        self.cycle += 1

    def quiet(self) -> bool:
        """Everything is empty and every packet was accepted."""
        return not any(
            tile.todo
            or tile.in_queue
            or tile.out_queue
            or any(lane.flits for port in tile.inputs for lane in port)
            for tile in self.tiles
        )


def naive_log(
    image: ConfigImage, schedule: PacketSchedule, stalls: StallPattern, cycles: int
) -> RunLog:
    """Run so many cycles and return what was seen."""
    fabric = Naive(image, schedule, stalls)
    for _ in range(cycles):
        fabric.step()
    events = np.array(sorted(fabric.events, key=lambda e: e[:3]), EVENT_DTYPE)
    return RunLog(cycles=cycles, events=events, counters=fabric.counters, quiet=fabric.quiet())

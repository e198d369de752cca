"""A run of the golden engine, of a schedule or fed by a stream (design.md §8)."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.engine import kernel
from model.engine.blocks import RecordBlock, hops_under_way, make_block, unsent_block
from model.engine.check import check_image, check_schedule, check_stalls
from model.engine.control import (
    CYCLE,
    IN_FLIGHT,
    INS,
    LANES,
    LATEST,
    OFFERED,
    OUTS,
    PART_TILES,
    POSITIONS,
    SOURCES,
    TO_ACCEPT,
    Window,
    make_control,
)
from model.engine.loop import pairs, waiting
from model.engine.packets import PacketSlots
from model.engine.registers import Registers, read_registers
from model.engine.result import EngineResult, make_counters, make_events, make_trace
from model.engine.state import OCCUPANCY, make_fabric, make_state
from model.engine.tables import make_tables
from model.errors import require_int
from model.image import ConfigImage
from model.runlog import Counters, RunLog
from model.schedule import NO_STALLS, PacketSchedule, StallPattern
from model.traffic.closed_loop import ClosedLoop
from model.traffic.stream import Feed, PacketStream, ScheduleStream, join

MARGIN: Final = 8
"""Cycles that a run of open length goes on after the last thing happened."""

AHEAD: Final = 1 << 15
"""Packets of a stream that are loaded at once, about."""

SCRATCH: Final = frozenset(("asking", "box_to", "box_flit"))
"""What :class:`State` holds within a cycle only."""

NOTHING: Final = join([])
"""A schedule without packets."""


def last_cycle(run: Simulation, stop: int, fixed: bool) -> int:
    """Cycles of a run at its end: ``stop`` if that is fixed, else ``MARGIN`` after the last."""
    return min(stop, run.cycle + MARGIN) if run.ended and not fixed else stop


class Simulation:
    """A run that stops where it is told to, and can go on. Other arguments as for `simulate`.

    Parameters
    ----------
    image : ConfigImage
    packets : PacketSchedule or PacketStream
        A schedule is loaded as a whole, and may be. A stream is loaded as it is needed, and its
        packets leave by :meth:`take`; its events are not kept.

    Members
    -------
    cycle : int
        The next to be run.
    finished : bool
        Nothing is left to do.
    stuck : bool
        Requests are left, but nothing can happen any more (WIN-4).
    ended : bool
        One or the other.
    tiles : int
        Routers of the fabric.
    flits : int
        In flight: accepted and not yet delivered, refused or sunk.
    loaded : PacketSlots
        Packets that have not been taken out.
    """

    def __init__(
        self,
        image: ConfigImage,
        packets: PacketSchedule | PacketStream,
        *,
        loop: ClosedLoop | None = None,
        stalls: StallPattern = NO_STALLS,
        compiled: bool = True,
        record_events: bool = True,
        occupancy_window: Window | None = None,
        trace_window: Window | None = None,
        descending: bool = False,
        threads: int = 1,
    ) -> None:
        require_int("threads", threads, 1, 64)
        check_image(image)
        check_stalls(stalls)
        schedule = packets if isinstance(packets, PacketSchedule) else NOTHING
        check_schedule(image, schedule)
        if loop is not None:
            loop.check(image)
        spec = image.spec
        alone = occupancy_window is not None or trace_window is not None or not compiled
        alone |= loop is not None and not loop.reply  # deliveries then open windows anywhere
        threads = 1 if alone else min(threads, spec.height)
        rows = max(1, min(PART_TILES // spec.width, spec.height // threads))
        parts = spec.height // rows
        begin = np.arange(parts + 1) * spec.height // parts * spec.width
        leads = np.arange(threads) * parts // threads
        # Each flit is accepted and delivered at most once, each packet refused at most once.
        coming = pairs(image, schedule, loop)
        room = 2 * int(coming.length.sum()) + len(coming) if record_events else 0
        tables = make_tables(image)
        self._image, self._loop, self._descending = image, loop, descending
        self._state = make_state(image, begin, tables)
        self._control = make_control(image, begin, leads, room, occupancy_window, trace_window)
        self._windows = occupancy_window is not None, trace_window is not None
        self._position = self._control.position.reshape(parts, POSITIONS)
        self._fabric = make_fabric(image, stalls, tables)
        self._work = kernel.compiled() if compiled else kernel.run_cycles
        self.loaded = PacketSlots(image, begin, max(len(coming), 2), loop)
        self.loaded.load(self._control, schedule)
        self._stream = ScheduleStream(NOTHING) if isinstance(packets, PacketSchedule) else packets
        self._feed = Feed(self._stream)
        self._pass_mute()

    @property
    def cycle(self) -> int:
        """The next cycle to be run."""
        return int(self._position[0, CYCLE])

    @property
    def tiles(self) -> int:
        """Routers of the fabric."""
        return self._image.spec.tiles

    @property
    def flits(self) -> int:
        """Flits in flight."""
        return int(self._position[:, IN_FLIGHT].sum())

    @property
    def oldest(self) -> int:
        """Cycle in which the oldest packet was offered that has not been taken out."""
        if len(self.loaded):
            slots = self.loaded.slots(self.loaded.first, 1)
            return int(self.loaded.packets.offered[slots[0]])
        coming = self._feed.peek()
        return LATEST if coming is None else int(coming.offered[0])

    @property
    def finished(self) -> bool:
        """The fabric is empty, and what can be accepted was accepted."""
        return self._idle and self._feed.peek() is None

    @property
    def stuck(self) -> bool:
        """Requests are left, but their windows will never open again (WIN-4)."""
        return self.ended and not self._idle

    @property
    def ended(self) -> bool:
        """Nothing is left to do, or can happen any more."""
        return self._still and self._feed.peek() is None

    @property
    def _idle(self) -> bool:
        return not self._position[:, [IN_FLIGHT, TO_ACCEPT]].sum()

    @property
    def _still(self) -> bool:
        """What is loaded does nothing any more: it is idle, or no window opens again."""
        lists = self._position[:, [LANES, INS, OUTS, SOURCES]].any()
        waits = (self._position[:, OFFERED] < LATEST).any() or waiting(self.loaded.loop)
        return self._idle or not (lists or waits)

    def advance(self, until: int, stop: int) -> None:
        """Run to cycle ``until``, or to the end; fed by a stream, for about AHEAD packets at most.

        Idle cycles are skipped, also beyond ``until``, but not beyond ``stop``.
        """
        coming = self._feed.peek()
        if self._still and coming is not None:
            cycle = max(self.cycle, min(stop, int(coming.offered[0])))
            self._position[self._control.leads, CYCLE] = cycle
        if self.cycle >= until or self.ended:
            return
        if coming is not None:
            self._load(self._feed.take(until, AHEAD))
            coming = self._feed.peek()
        pause = until if coming is None else min(until, int(coming.offered[0]))
        self._run(pause, stop if coming is None else pause)
        self._pass_mute()

    def freeze(self) -> dict[str, Any]:
        """Arrays from which :meth:`thaw` goes on; to be written before the run does."""
        state = self._state._asdict()
        for name in SCRATCH:
            del state[name]
        control = {"position": self._control.position, "turn_end": self._control.turn_end}
        return state | control | self.loaded.freeze()

    def thaw(self, arrays: Mapping[str, Any]) -> None:
        """Go on where a run of the same image, stream, stalls and threads was frozen."""
        state = self._state._asdict()
        for name in state.keys() - SCRATCH:
            state[name][:] = arrays[name]
        self._control.position[:] = arrays["position"]
        self._control.turn_end[:] = arrays["turn_end"]
        self.loaded.thaw(arrays)
        self._feed = Feed(self._stream, self.loaded.requests)

    def take(self) -> RecordBlock:
        """Take the oldest packets out, as far as all of them have ended."""
        slots = self.loaded.ended()
        block = make_block(self.loaded, slots)
        self.loaded.drop(len(slots))
        return block

    def take_rest(self) -> Iterator[RecordBlock]:
        """Take out all other packets, whatever has become of them; the run ends with that."""
        first, request = self.loaded.end, self.loaded.requests
        yield self._rest()
        self.loaded.drop(len(self.loaded))
        while (coming := self._feed.peek()) is not None:
            check_schedule(self._image, coming, request)
            request += len(coming)
            block = pairs(self._image, self._feed.skip(len(coming)), self._loop)
            yield unsent_block(block, first)
            first += len(block)

    def _rest(self) -> RecordBlock:
        slots = self.loaded.slots(self.loaded.first, len(self.loaded))
        hops = hops_under_way(self._image, self._state, len(self.loaded.slot))
        return make_block(self.loaded, slots, hops[slots])

    def _load(self, block: PacketSchedule) -> None:
        check_schedule(self._image, block, self.loaded.requests)
        self.loaded.load(self._control, block)

    def _pass_mute(self) -> None:
        """When nothing is left to do, load what comes next and cannot be accepted."""
        while self._still and (coming := self._feed.peek()) is not None:
            check_schedule(self._image, coming, self.loaded.requests)
            able = self.loaded.able(coming)
            rows = int(np.argmax(able)) if able.any() else len(coming)
            if not rows:
                break
            self._load(self._feed.skip(rows))

    def _run(self, until: int, stop: int) -> None:
        while self.cycle < until and not self._still:
            control = self._control
            ends = (*control.leads[1:].tolist(), len(self._position))
            shares = list(zip(control.leads.tolist(), ends, strict=True))
            packets, loop = self.loaded.packets, self.loaded.loop
            fixed = (self._fabric, packets, self._state, loop, control)
            rest = (until, stop, self._descending)
            others = [
                threading.Thread(target=self._work, args=(*fixed, *share, *rest))
                for share in shares[1:]
            ]
            for thread in others:
                thread.start()
            # Uncompiled, 64-bit scalars wrap with a warning; in STL-1 they are meant to.
            with np.errstate(over="ignore"):
                self._work(*fixed, *shares[0], *rest)
            for thread in others:
                thread.join()
            if self.cycle < until and not self._still:
                trace = np.concatenate([control.trace, control.trace])
                self._control = control._replace(trace=trace)

    def registers(self, tiles: npt.NDArray[np.int64]) -> Registers:
        """Registers of these tiles before the next cycle."""
        return read_registers(self._image.spec, self._state, tiles)

    def counters(self) -> Counters:
        """What the status tables hold so far (CFG-4)."""
        return make_counters(self._image, self._state)

    def occupancy(self) -> npt.NDArray[np.uint8]:
        """uint8[tiles, 5, vcs]: flits in every input VC at the beginning of cycle ``cycle``."""
        spec = self._image.spec
        line = self._state.line.reshape(spec.tiles, 8, -1)
        return line[:, OCCUPANCY, : 5 * spec.vcs].reshape(spec.tiles, 5, spec.vcs)

    def result(self, cycles: int | None = None) -> EngineResult:
        """All that the run shows so far; of ``cycles`` cycles, or of those that were run.

        Records are those of packets that have been loaded and not taken out.
        """
        spec, control, (occupancy, traced) = self._image.spec, self._control, self._windows
        log = RunLog(
            cycles=self.cycle if cycles is None else cycles,
            events=make_events(self._image, self.loaded, control),
            counters=self.counters(),
            quiet=self.finished and not self.loaded.mute,
        )
        seen = control.occupancy.reshape(-1, spec.tiles, 5, spec.vcs)
        return EngineResult(
            log=log,
            records=self._rest(),
            finished=self.finished,
            stuck=self.stuck,
            occupancy=seen if occupancy else None,
            trace=make_trace(control) if traced else None,
        )

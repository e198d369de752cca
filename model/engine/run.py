"""Run the golden engine over an image and a schedule (design.md §8)."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from model.engine import kernel
from model.engine.check import accepting, check_image, check_schedule, check_stalls
from model.engine.result import (
    TRACE_COLUMNS,
    EngineResult,
    Window,
    make_counters,
    make_events,
    make_records,
)
from model.engine.state import (
    CYCLE,
    EVENTS,
    EVENTS_END,
    FAR_TILES,
    IN_FLIGHT,
    PART_TILES,
    POSITIONS,
    TO_ACCEPT,
    TRACED,
    WOKEN,
    Control,
    Packets,
    box_room,
    make_fabric,
    make_packets,
    make_state,
)
from model.engine.tables import make_tables
from model.errors import require_int
from model.image import ConfigImage
from model.runlog import RunLog
from model.schedule import NO_STALLS, PacketSchedule, StallPattern

MARGIN: Final = 8
"""Cycles that a run of open length goes on after the last thing happened."""

MAX_CYCLES: Final = 10_000_000
"""Default bound of a run of open length."""

CHUNK: Final = 4096
"""Cycles between two calls of ``progress``."""


def simulate(
    image: ConfigImage,
    schedule: PacketSchedule,
    *,
    stalls: StallPattern = NO_STALLS,
    cycles: int | None = None,
    max_cycles: int = MAX_CYCLES,
    compiled: bool = True,
    record_events: bool = True,
    occupancy_window: Window | None = None,
    trace_window: Window | None = None,
    descending: bool = False,
    threads: int = 1,
    progress: Callable[[int], None] | None = None,
) -> EngineResult:
    """Compute exactly what the fabric does.

    Parameters
    ----------
    image : ConfigImage
        Its arrays are read, never written.
    schedule : PacketSchedule
    stalls : StallPattern
        When receivers refuse (STL-1).
    cycles : int, optional
        Cycles to run. By default the run ends ``MARGIN`` cycles after nothing is left to do.
    max_cycles : int
        Bound of a run of open length; a run that reaches it returns with ``finished`` false.
    compiled : bool
        False runs the same source without Numba, some hundred times slower.
    record_events : bool
        False leaves ``log.events`` empty; records and counters are kept all the same.
    occupancy_window, trace_window : (first, end), optional
        Cycles first … end - 1 of which to keep the occupancy of every input VC, or every flit
        movement.
    descending : bool
        Visit tiles from the last to the first. The result does not depend on it.
    threads : int
        How many share the work, 1 to 64; at most one a row of tiles, and one when occupancies or
        movements are kept, or without Numba. The result does not depend on it.
    progress : callable, optional
        Called with the current cycle about every ``CHUNK`` cycles.

    Returns
    -------
    EngineResult

    Raises
    ------
    InputError
        When the image contradicts itself (FUS-1, RMP-2), or a packet of the schedule has no
        hosted source or a value out of range.
    """
    stop = require_int("cycles", max_cycles if cycles is None else cycles, 0, 2**32 - 1)
    require_int("threads", threads, 1, 64)
    check_image(image)
    check_schedule(image, schedule)
    check_stalls(stalls)
    spec = image.spec
    alone = occupancy_window is not None or trace_window is not None or not compiled
    threads = 1 if alone else min(threads, spec.height)
    rows = max(1, min(PART_TILES // spec.width, spec.height // threads))
    parts = spec.height // rows
    begin = np.arange(parts + 1) * spec.height // parts * spec.width
    leads = np.arange(threads) * parts // threads
    packets = make_packets(image, schedule, begin)
    tables = make_tables(image)
    state = make_state(image, begin, tables)
    control = _control(image, packets, begin, leads, record_events, occupancy_window, trace_window)
    fabric = make_fabric(image, stalls, tables)
    work = functools.partial(
        kernel.compiled() if compiled else kernel.run_cycles, fabric, packets, state
    )
    control = _run(work, control, stop, descending, progress, compiled)
    position = control.position.reshape(parts, POSITIONS)
    finished = not position[:, [IN_FLIGHT, TO_ACCEPT]].sum()
    if cycles is None and finished:
        stop = min(stop, int(position[0, CYCLE]) + MARGIN)
    log = RunLog(
        cycles=stop,
        events=make_events(image, packets, control),
        counters=make_counters(image, packets, state),
        quiet=bool(finished and accepting(image)[packets.sender].all()),
    )
    trace = None
    if trace_window is not None:
        trace = control.trace[: 7 * position[0, TRACED]].reshape(-1, 7)
        key = [trace[:, TRACE_COLUMNS.index(name)] for name in ("vc", "input", "tile", "cycle")]
        trace = trace[np.lexsort(key)]
    seen = control.occupancy.reshape(-1, spec.tiles, 5, spec.vcs)
    return EngineResult(
        log=log,
        records=make_records(image, packets, state),
        finished=finished,
        occupancy=seen if occupancy_window is not None else None,
        trace=trace,
    )


def _control(
    image: ConfigImage,
    packets: Packets,
    begin: npt.NDArray[np.int64],
    leads: npt.NDArray[np.int64],
    record_events: bool,
    occupancy_window: Window | None,
    trace_window: Window | None,
) -> Control:
    # Each flit is accepted and delivered at most once, each packet refused at most once. The
    # memory is touched only as far as events happen.
    room = 2 * int(packets.length.sum()) + len(packets.length) if record_events else 0
    first, end = occupancy_window or (0, 0)
    trace_from, trace_to = trace_window or (0, 0)
    parts, inputs = len(begin) - 1, image.spec.tiles * 5 * image.spec.vcs
    part = np.searchsorted(begin, packets.sender[packets.turn], "right") - 1
    position = np.zeros((parts, POSITIONS), np.int64)
    position[:, TO_ACCEPT] = np.bincount(part, packets.length[packets.turn], parts)
    ends = np.cumsum(np.bincount(part, minlength=parts))
    position[1:, WOKEN] = ends[:-1]
    position[leads, EVENTS] = np.arange(len(leads)) * room
    position[leads, EVENTS_END] = position[leads, EVENTS] + room
    return Control(
        position=position.ravel(),
        begin=begin,
        leads=leads,
        far=image.spec.tiles > FAR_TILES,
        box_room=box_room(image.spec),
        turn_end=ends,
        told=np.zeros(2 * parts * 8, np.int64),
        met=np.zeros(parts * 8, np.int64),
        event_cycle=np.empty(len(leads) * room, np.uint32),
        event_tile=np.empty(len(leads) * room, np.uint32),
        event_kind=np.empty(len(leads) * room, np.uint8),
        event_flit=np.empty(len(leads) * room, np.int64),
        trace=np.empty(7 * (0 if trace_window is None else inputs), np.int64),
        trace_from=trace_from,
        trace_to=trace_to,
        occupancy=np.zeros((max(0, end - first), inputs), np.uint8),
        occupancy_from=first,
    )


def _run(
    work: Callable[..., None],
    control: Control,
    stop: int,
    descending: bool,
    progress: Callable[[int], None] | None,
    compiled: bool,
) -> Control:
    position = control.position.reshape(-1, POSITIONS)
    while position[0, CYCLE] < stop and position[:, [IN_FLIGHT, TO_ACCEPT]].sum():
        pause = min(stop, int(position[0, CYCLE]) + CHUNK)

        def run(first: int, end: int, pause: int = pause, control: Control = control) -> None:
            work(control, first, end, pause, stop, descending)

        if not compiled:
            # 64-bit scalars wrap with a warning; in STL-1 they are meant to.
            with np.errstate(over="ignore"):
                run(0, len(position))
        else:
            ends = (*control.leads[1:], len(position))
            shares = list(zip(control.leads.tolist(), ends, strict=True))
            others = [threading.Thread(target=run, args=share) for share in shares[1:]]
            for thread in others:
                thread.start()
            run(*shares[0])
            for thread in others:
                thread.join()
        if position[0, CYCLE] < pause and position[:, [IN_FLIGHT, TO_ACCEPT]].sum():
            control = control._replace(trace=np.concatenate([control.trace, control.trace]))
        if progress is not None:
            progress(int(position[0, CYCLE]))
    return control

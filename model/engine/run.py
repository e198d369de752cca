"""Run the golden engine over an image and a schedule (design.md §8)."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.engine import kernel as compiled_kernel
from model.engine.check import accepting, check_image, check_schedule, check_stalls
from model.engine.result import TRACE_COLUMNS, EngineResult, make_records
from model.engine.state import (
    CYCLE,
    EVENTS,
    FLIT_BITS,
    IN_FLIGHT,
    MOVES,
    TO_ACCEPT,
    TRACED,
    Control,
    Fabric,
    Packets,
    State,
    make_fabric,
    make_packets,
    make_state,
)
from model.errors import require_int
from model.image import ConfigImage
from model.random import GOLDEN, mix64
from model.runlog import EVENT_DTYPE, Counters, Event, RunLog
from model.schedule import NO_STALLS, PacketSchedule, StallPattern

MARGIN: Final = 8
"""Cycles that a run of open length goes on after the last thing happened."""

MAX_CYCLES: Final = 10_000_000
"""Default bound of a run of open length."""

CHUNK: Final = 4096
"""Cycles between two calls of ``progress``."""

Window = tuple[int, int]


@functools.cache
def kernel(compiled: bool) -> ModuleType:
    """The kernel module, compiled by Numba or as plain Python from the same file."""
    if compiled:
        return compiled_kernel
    name = "model.engine.kernel_uncompiled"
    spec = importlib.util.spec_from_file_location(name, compiled_kernel.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
    check_image(image)
    check_schedule(image, schedule)
    check_stalls(stalls)
    packets = make_packets(image, schedule)
    state = make_state(image, packets)
    control = _control(image, packets, record_events, occupancy_window, trace_window)
    able = accepting(image)[packets.sender]
    control.position[TO_ACCEPT] = int(packets.length[able].sum())
    control = _run(
        kernel(compiled),
        make_fabric(image, stalls),
        packets,
        state,
        control,
        stop,
        descending,
        progress,
    )
    finished = not (control.position[IN_FLIGHT] or control.position[TO_ACCEPT])
    if cycles is None and finished:
        stop = min(stop, int(control.position[CYCLE]) + MARGIN)
    log = RunLog(
        cycles=stop,
        events=_events(image, packets, control, descending),
        counters=_counters(image, packets, state),
        quiet=finished and bool(able.all()),
    )
    trace = None
    if trace_window is not None:
        trace = control.trace[: control.position[TRACED]]
        key = [trace[:, TRACE_COLUMNS.index(name)] for name in ("vc", "input", "tile", "cycle")]
        trace = trace[np.lexsort(key)]
    return EngineResult(
        log=log,
        records=make_records(image, packets),
        finished=finished,
        occupancy=_occupancy(image, control) if occupancy_window is not None else None,
        trace=trace,
    )


def _control(
    image: ConfigImage,
    packets: Packets,
    record_events: bool,
    occupancy_window: Window | None,
    trace_window: Window | None,
) -> Control:
    # Each flit is accepted and delivered at most once, each packet refused at most once. The
    # memory is touched only as far as events happen.
    room = 2 * int(packets.length.sum()) + len(packets.length) if record_events else 0
    first, end = occupancy_window or (0, 0)
    trace_from, trace_to = trace_window or (0, 0)
    inputs = image.spec.tiles * 5 * image.spec.vcs
    return Control(
        position=np.zeros(MOVES + 1, np.int64),
        event_cycle=np.empty(room, np.uint32),
        event_tile=np.empty(room, np.uint32),
        event_kind=np.empty(room, np.uint8),
        event_flit=np.empty(room, np.int64),
        trace=np.empty((0 if trace_window is None else inputs, len(TRACE_COLUMNS)), np.int64),
        trace_from=trace_from,
        trace_to=trace_to,
        occupancy=np.zeros((max(0, end - first), inputs), np.uint8),
        occupancy_from=first,
    )


def _run(
    module: ModuleType,
    fabric: Fabric,
    packets: Packets,
    state: State,
    control: Control,
    stop: int,
    descending: bool,
    progress: Callable[[int], None] | None,
) -> Control:
    position = control.position
    while position[CYCLE] < stop and (position[IN_FLIGHT] or position[TO_ACCEPT]):
        pause = min(stop, int(position[CYCLE]) + CHUNK)
        # Uncompiled, 64-bit scalars wrap with a warning; in STL-1 they are meant to.
        with np.errstate(over="ignore"):
            module.run_cycles(fabric, packets, state, control, pause, stop, descending)
        if position[CYCLE] < pause and (position[IN_FLIGHT] or position[TO_ACCEPT]):
            control = control._replace(trace=np.concatenate([control.trace, control.trace]))
        if progress is not None:
            progress(int(position[CYCLE]))
    return control


def _events(
    image: ConfigImage, packets: Packets, control: Control, descending: bool
) -> npt.NDArray[np.void]:
    """The events in the form of a run log; headers and payloads follow from the flit."""
    count = int(control.position[EVENTS])
    events = np.zeros(count, EVENT_DTYPE)
    kind, flit = control.event_kind[:count], control.event_flit[:count]
    packet, index = flit >> FLIT_BITS, flit & ((1 << FLIT_BITS) - 1)
    events["cycle"] = control.event_cycle[:count]
    events["tile"] = control.event_tile[:count]
    events["kind"] = kind
    carries = kind != Event.REFUSE
    events["last"][carries] = (index == packets.length[packet] - 1)[carries]
    events["payload"][carries] = payload(flit, image.spec.payload_width)[carries]
    delivers = kind == Event.DELIVER
    events["vc"][delivers] = packets.vc[packet][delivers]
    events["src"][delivers] = image.identity[packets.sender[packet]][delivers]
    if descending:
        events = events[np.lexsort((events["kind"], events["tile"], events["cycle"]))]
    return events


def payload(flit: npt.NDArray[np.int64], width: int) -> npt.NDArray[np.uint64]:
    """Payload of flits ``packet << 16 | index``, cut to ``width`` bits (STM-1)."""
    mixed: Any = mix64(flit.astype(np.uint64) + np.uint64(GOLDEN))
    return np.asarray(mixed & np.uint64(2**width - 1), np.uint64)


def _counters(image: ConfigImage, packets: Packets, state: State) -> Counters:
    """Read the counters out; 32 bits, so they wrap here (CFG-4)."""
    first_offender = np.zeros((image.spec.tiles, 4), np.int32)
    tiles = np.flatnonzero(state.first_offender >= 0)
    packet = state.first_offender[tiles]
    place = packets.place[packet]
    source = image.identity[packets.sender[packet]]
    columns = (np.ones_like(source), source, place % image.spec.width, place // image.spec.width)
    first_offender[tiles] = np.stack(columns, axis=1)
    return Counters(
        moved=state.moved.astype(np.uint32),
        stalled=state.stalled.astype(np.uint32),
        refused=state.refused.astype(np.uint32),
        offenders=state.offenders.astype(np.uint32),
        first_offender=first_offender,
        watchdog=state.watchdog,
    )


def _occupancy(image: ConfigImage, control: Control) -> npt.NDArray[np.uint8]:
    return control.occupancy.reshape(-1, image.spec.tiles, 5, image.spec.vcs)

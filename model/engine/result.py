"""What a run returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from model.engine.blocks import RecordBlock
from model.engine.control import EVENTS, POSITIONS, TRACED, Control
from model.engine.packets import PacketSlots
from model.engine.state import (
    COUNTERS,
    MOVED,
    OFFENDERS,
    REFUSED,
    STALLED,
    STALLED_HIGH,
    WATCHDOG,
    State,
)
from model.image import ConfigImage
from model.random import GOLDEN, mix64
from model.runlog import EVENT_DTYPE, Counters, Event, RunLog
from model.spec import bits_for

TRACE_COLUMNS = ("cycle", "tile", "input", "output", "vc", "packet", "flit")


@dataclass(eq=False, kw_only=True)
class EngineResult:
    """Everything a run shows.

    Members
    -------
    log : RunLog
        Comparable with a log of the RTL. ``log.counters.moved`` are the flits per link.
    records : RecordBlock
        Of all packets.
    finished : bool
        Nothing is left to do: the fabric is empty, and every packet was accepted whose source
        tile can accept any.
    stuck : bool
        A closed loop with requests that are left, but no window will open again (WIN-4).
    occupancy : uint8[window, tiles, 5, vcs] or None
        Flits in every input VC during the cycles asked for, before the edge that ends each.
    trace : int64[moves, 7] or None
        Columns ``TRACE_COLUMNS``: one row for every flit that leaves an input VC in the cycles
        asked for, sorted by (cycle, tile, input, vc). Output 5 means sunk.
    """

    log: RunLog
    records: RecordBlock
    finished: bool
    stuck: bool
    occupancy: npt.NDArray[np.uint8] | None
    trace: npt.NDArray[np.int64] | None


def make_events(image: ConfigImage, loaded: PacketSlots, control: Control) -> npt.NDArray[np.void]:
    """The events in the form of a run log; headers and payloads follow from the flit.

    Of a run whose packets are all loaded: a packet's slot is its id.
    """
    position = control.position.reshape(-1, POSITIONS)
    room = len(control.event_cycle) // len(control.leads)
    ends = position[control.leads, EVENTS]
    written = [np.arange(thread * room, end) for thread, end in enumerate(ends)]
    kept = np.concatenate(written)
    order = control.event_cycle[kept].astype(np.int64) << 24
    order = (order | control.event_tile[kept]) << 2 | control.event_kind[kept]
    kept = kept[np.argsort(order, kind="stable")]
    kind, flit = control.event_kind[kept], control.event_flit[kept]
    packet, index = flit >> 16, flit & 0xFFFF
    events = np.zeros(len(kept), EVENT_DTYPE)
    events["cycle"] = control.event_cycle[kept]
    events["tile"] = control.event_tile[kept]
    events["kind"] = kind
    carries = kind != Event.REFUSE
    events["last"][carries] = (index == loaded.packets.length[packet] - 1)[carries]
    events["payload"][carries] = payload(flit, image.spec.payload_width)[carries]
    delivers = kind == Event.DELIVER
    flits = loaded.packets.flit[packet[delivers]]
    events["vc"][delivers] = loaded.first_flits.targets(flits)[1]
    events["src"][delivers] = image.identity[loaded.packets.sender[packet[delivers]]]
    return events


def make_trace(control: Control) -> npt.NDArray[np.int64]:
    """Movements in the order of cycles, tiles, inputs, VCs."""
    trace = control.trace[: 7 * control.position[TRACED]].reshape(-1, len(TRACE_COLUMNS))
    key = [trace[:, TRACE_COLUMNS.index(name)] for name in ("vc", "input", "tile", "cycle")]
    return trace[np.lexsort(key)]


def payload(flit: npt.NDArray[np.int64], width: int) -> npt.NDArray[np.uint64]:
    """Payload of flits ``packet << 16 | index``, cut to ``width`` bits (STM-1)."""
    mixed: Any = mix64(flit.astype(np.uint64) + np.uint64(GOLDEN))
    return np.asarray(mixed & np.uint64(2**width - 1), np.uint64)


def make_counters(image: ConfigImage, state: State) -> Counters:
    """Read the counters out (CFG-4)."""
    counted = state.counters.reshape(-1, COUNTERS)
    low = state.line.reshape(len(counted), 8, -1)
    key, offender = state.offended.reshape(-1, 2).T
    first_offender = np.zeros((image.spec.tiles, 4), np.int32)
    tiles = np.flatnonzero(key)
    sender, place = offender[tiles] >> 32, offender[tiles] & 0xFFFFFFFF
    source, x_bits = image.identity[sender], bits_for(image.spec.width - 1)
    columns = (np.ones_like(source), source, place & (1 << x_bits) - 1, place >> x_bits)
    first_offender[tiles] = np.stack(columns, axis=1)
    return Counters(
        moved=counted[:, :5] + low[:, MOVED, :5],
        stalled=counted[:, STALLED_HIGH : STALLED_HIGH + 5] + low[:, STALLED, :5],
        refused=counted[:, REFUSED].copy(),
        offenders=counted[:, OFFENDERS].copy(),
        first_offender=first_offender,
        watchdog=counted[:, WATCHDOG].astype(np.uint8),
    )

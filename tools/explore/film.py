"""Traffic as a film: every movement of every flit in some cycles, from the golden engine."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from model.engine import simulate
from model.errors import InputError, require_int
from model.image import ConfigImage
from model.schedule import PacketSchedule
from model.summary import summarise
from model.traffic import make_schedule
from tools.explore.scene import pack
from tools.explore.settings import FILM_CYCLES, FILM_TILES, Settings

REEL: Final = 200
"""Cycles of one reel: what is sent to the browser at once."""


def traffic(settings: Settings, image: ConfigImage, cycles: int) -> PacketSchedule:
    """The packets offered in the first cycles; the same ones however many are asked for."""
    return make_schedule(
        image, pattern=settings.pattern, load=settings.load, length=settings.length,
        cycles=cycles, seed=settings.seed,
    )  # fmt: skip


def one_packet(source: int, goal: int, length: int = 1) -> PacketSchedule:
    """A schedule of one packet between logical ids."""
    return PacketSchedule(
        source=np.array([source], np.int32),
        destination=np.array([goal], np.int32),
        length=np.array([length], np.int32),
        offered=np.zeros(1, np.int64),
        gap=np.zeros(1, np.int32),
    )


def reel(image: ConfigImage, schedule: PacketSchedule, first: int, count: int) -> dict[str, Any]:
    """Cycles ``first`` … ``first + count - 1`` of a run from its beginning.

    Returns
    -------
    dict
        ``first``, ``count``; packed ``moves`` (uint32 a cycle: how many flits left a buffer),
        ``tile`` (uint16), ``port`` (uint8: 0–3 mesh, 4 to the core, 5 sunk) and ``packet``
        (uint16, the id modulo 65536) of each, in the order of cycles; ``full`` (uint8[count,
        tiles]: flits in a tile's input buffers as the cycle begins).

    Raises
    ------
    InputError
        When the wafer is too large.
    """
    if image.spec.tiles > FILM_TILES:
        raise InputError(f"wafer has {image.spec.tiles} tiles; allowed: films up to {FILM_TILES}")
    window = (first, first + count)
    result = simulate(
        image, schedule, cycles=first + count, record_events=False, trace_window=window,
        occupancy_window=window,
    )  # fmt: skip
    assert result.trace is not None
    assert result.occupancy is not None
    cycle, tile, _, port, _, packet, _ = result.trace.T
    full = result.occupancy.sum(axis=(2, 3), dtype=np.uint32)
    return {
        "first": first,
        "count": count,
        "moves": pack(np.bincount(cycle - first, minlength=count).astype(np.uint32)),
        "tile": pack(tile.astype(np.uint16)),
        "port": pack(port.astype(np.uint8)),
        "packet": pack((packet & 0xFFFF).astype(np.uint16)),
        "full": pack(np.minimum(full, 255).astype(np.uint8)),
    }


def traffic_reel(settings: Settings, image: ConfigImage, first: int) -> dict[str, Any]:
    """A reel of the settings' traffic; ``first`` is 0 to ``FILM_CYCLES`` - 1."""
    require_int("first", first, 0, FILM_CYCLES - 1)
    return reel(image, traffic(settings, image, first + REEL), first, REEL)


def pulse_reel(image: ConfigImage, source: int, goal: int) -> dict[str, Any]:
    """A reel of one packet, to its delivery; with ``latency`` in cycles, as the engine has it."""
    schedule = one_packet(source, goal)
    records = simulate(image, schedule, record_events=False).records
    latency = int(records.delivered_last[0] - records.accepted[0])
    count = int(records.delivered_last[0]) + 2
    return {**reel(image, schedule, 0, count), "latency": latency}


def measure(settings: Settings, image: ConfigImage) -> dict[str, Any]:
    """Figures of a run of :data:`FILM_CYCLES` cycles and of what is then on its way.

    The same as ``wafermesh simulate --cycles 2000`` prints.
    """
    schedule = traffic(settings, image, FILM_CYCLES)
    result = simulate(image, schedule, record_events=False, max_cycles=200_000)
    return summarise(image, result, schedule.silent_sources, FILM_CYCLES)

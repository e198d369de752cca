"""Payloads and receiver stalls, computed from rules STM-1 and STL-1."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from model.random import GOLDEN, mix64
from model.schedule import PacketSchedule, StallPattern


def payloads(schedule: PacketSchedule, width: int) -> list[list[int]]:
    """Payload of every flit of every packet, cut to ``width`` bits (STM-1)."""
    lengths = schedule.length.astype(np.int64)
    ends = np.cumsum(lengths)
    packet = np.repeat(np.arange(len(lengths), dtype=np.uint64), lengths)
    flit = np.arange(len(packet), dtype=np.uint64) - np.repeat(ends - lengths, lengths).astype("u8")
    words = mix64((packet << np.uint64(16)) + flit + np.uint64(GOLDEN))
    words = (words & np.uint64((1 << width) - 1)).tolist()
    starts = (ends - lengths).tolist()
    return [words[a:b] for a, b in zip(starts, ends.tolist(), strict=True)]


def refuses(stalls: StallPattern, tiles: Any, cycles: Any) -> npt.NDArray[np.bool_]:
    """Where the cores of ``tiles`` refuse flits in ``cycles``, broadcast together (STL-1)."""
    burst = np.asarray(cycles).astype(np.uint64) >> np.uint64(stalls.burst_log2)
    z = np.uint64(stalls.seed << 32) ^ (tiles << np.uint64(42)) ^ (burst + np.uint64(GOLDEN))
    return np.asarray(mix64(z) >> np.uint64(32) < stalls.threshold)


def refusing(stalls: StallPattern, tiles: npt.NDArray[np.uint64], cycle: int) -> int:
    """Bit set of the tiles whose core refuses flits in ``cycle`` (STL-1)."""
    if stalls.threshold == 0:
        return 0
    bits = np.packbits(refuses(stalls, tiles, [cycle]), bitorder="little")
    return int.from_bytes(bits.tobytes(), "little")

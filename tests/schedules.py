"""Schedules written out by hand."""

from __future__ import annotations

import numpy as np

from model.schedule import PacketSchedule


def packets(*rows: tuple[int, ...]) -> PacketSchedule:
    """Schedule from (source, destination, length, offered, gap = 0), sorted by offered cycle."""
    columns = np.array([(*row, 0)[:5] for row in rows], np.int64).reshape(-1, 5).T
    source, destination, length, offered, gap = columns
    return PacketSchedule(
        source=source.astype(np.int32),
        destination=destination.astype(np.int32),
        length=length.astype(np.int32),
        offered=offered,
        gap=gap.astype(np.int32),
    )

"""Packet records: one row per packet as a table, its files, and what they add up to."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from model.atomic import atomic_open, atomic_path
from model.engine import EngineResult, PacketStatus, RecordBlock
from model.image import ConfigImage
from model.schedule import PacketSchedule

COLUMNS: Final = (
    ("id", pa.int64()),
    ("source", pa.int32()),
    ("destination", pa.int32()),
    ("length", pa.int32()),
    ("vc", pa.int8()),
    ("offered", pa.int64()),
    ("accepted", pa.int64()),
    ("delivered_first", pa.int64()),
    ("delivered_last", pa.int64()),
    ("hops", pa.int32()),
    ("status", pa.string()),
)
"""Names and types in a file (design.md §9); times are cycles, what does not exist is null."""

SOMETIMES: Final = ("vc", "accepted", "delivered_first", "delivered_last")
"""Columns whose values may not exist."""


def records_table(block: RecordBlock) -> Any:
    """A block of records as an Arrow table."""
    names = np.array([status.name.lower() for status in PacketStatus])
    arrays = []
    for name, dtype in COLUMNS:
        values = names[block.status] if name == "status" else getattr(block, name)
        missing = values < 0 if name in SOMETIMES else None
        arrays.append(pa.array(values, dtype, mask=missing))
    return pa.table(arrays, names=[name for name, _ in COLUMNS])


def write_records(image: ConfigImage, records: RecordBlock, path: str | Path) -> None:
    """Write records as Parquet, or as CSV when the name ends in ``.csv`` or is ``-`` (stdout).

    The file appears whole or not at all; equal records give equal bytes. A Parquet file keeps the
    logical size in its metadata (``logical``: ``WIDTHxHEIGHT``).
    """
    table = records_table(records)
    if str(path) == "-":
        _write_csv(table, sys.stdout.buffer)
    elif str(path).endswith(".csv"):
        with atomic_open(path) as file:
            _write_csv(table, file)
    else:
        size = f"{image.logical_width}x{image.logical_height}"
        table = table.replace_schema_metadata({"logical": size})
        with atomic_path(path) as temporary:
            pa.parquet.write_table(table, temporary, compression="zstd")


def _write_csv(table: Any, file: IO[bytes]) -> None:
    # Arrow puts the header in quotes whatever the options say.
    file.write(",".join(table.column_names).encode() + b"\n")
    options = pa.csv.WriteOptions(include_header=False, quoting_style="none")
    pa.csv.write_csv(table, file, options)
    file.flush()


def summarise(
    image: ConfigImage,
    schedule: PacketSchedule,
    result: EngineResult,
    window: int | None = None,
) -> dict[str, Any]:
    """Add a run up, ready for JSON.

    Parameters
    ----------
    window : int, optional
        Cycles 0 … window - 1 over which rates are taken; all cycles by default.

    Returns
    -------
    dict
        Packets by status; ``offenders`` (packets sunk); ``latency`` from acceptance to the last
        flit's delivery and ``total_latency`` from offer, each mean, p50, p99, max (None without
        deliveries; percentiles are values that occurred); ``offered_load``, ``accepted_load``
        and ``throughput`` in flits per hosted tile and cycle of the window.
    """
    records, span = result.records, max(1, window or result.log.cycles)
    hosted = int((image.remap_tile >= 0).sum())
    counts = np.bincount(records.status, minlength=len(PacketStatus))
    done = np.isin(records.status, (PacketStatus.DELIVERED, PacketStatus.MISDELIVERED))

    def rate(cycle: npt.NDArray[np.int64]) -> float:
        within = (cycle >= 0) & (cycle < span)
        return round(float(schedule.length[within].sum()) / (span * max(1, hosted)), 6)

    return {
        "cycles": result.log.cycles,
        "finished": result.finished,
        "packets": len(schedule),
        **{status.name.lower(): int(counts[status]) for status in PacketStatus},
        "offenders": int(counts[PacketStatus.SUNK]),
        "hosted": hosted,
        "silent_sources": schedule.silent_sources,
        "offered_load": rate(schedule.offered),
        "accepted_load": rate(records.accepted),
        "throughput": rate(np.where(done, records.delivered_last, -1)),
        "hops_mean": round(float(records.hops[done].mean()), 3) if done.any() else None,
        "latency": _spread((records.delivered_last - records.accepted)[done]),
        "total_latency": _spread((records.delivered_last - schedule.offered)[done]),
        "watchdogs": int(result.log.counters.watchdog.sum()),
    }


def _spread(values: npt.NDArray[np.int64]) -> dict[str, float | int | None]:
    if not len(values):
        return dict.fromkeys(("mean", "p50", "p99", "max"))
    p50, p99 = np.percentile(values, (50, 99), method="inverted_cdf")
    return {
        "mean": round(float(values.mean()), 3),
        "p50": int(p50),
        "p99": int(p99),
        "max": int(values.max()),
    }

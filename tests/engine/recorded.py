"""Runs whose results are on record: everything the first golden engine showed in them.

``python -m tests.engine.recorded`` prints the digests of the engine at hand. Those in
``recorded.json`` come from the engine that issue 2's campaigns compared with the RTL.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from model.engine import EngineResult, simulate
from model.image import ConfigImage
from model.schedule import PacketSchedule, StallPattern
from model.spec import FabricSpec
from tests.images import random_image, random_schedule, random_stalls

FILE = Path(__file__).with_name("recorded.json")
COUNT = 100
RECORDED = ("vc", "accepted", "delivered_first", "delivered_last", "hops", "status", "tile")
WINDOWS: dict[str, Any] = {"trace_window": (10, 60), "occupancy_window": (5, 25)}

Run = tuple[ConfigImage, PacketSchedule, StallPattern]


def runs(numbers: Iterable[int]) -> Iterator[Run]:
    """Random fabrics of 1 to 900 tiles with defects, odd tables, traffic and stalls."""
    for number in numbers:
        rng = np.random.default_rng([4, number])
        wide = number % 25 == 0
        spec = FabricSpec(
            width=int(rng.integers(25, 31) if wide else rng.integers(1, 8)),
            height=int(rng.integers(25, 31) if wide else rng.integers(1, 8)),
            vcs=int(rng.choice([1, 2, 4])),
            depth=int(rng.integers(2, 10)),
            payload_width=int(rng.choice([1, 32, 64])),
            route_entries=4 if wide else int(rng.choice([4, 16, 33])),
            watchdog=int(rng.choice([2, 40, 127, 128, 129, 300])),
        )
        image = random_image(
            rng,
            spec,
            tile_rate=float(rng.choice([0.0, 0.1, 0.3])),
            core_rate=float(rng.choice([0.0, 0.1])),
            link_rate=float(rng.choice([0.0, 0.1, 0.3])),
            noise=float(rng.choice([0.0, 0.1, 0.5])),
        )
        schedule = random_schedule(
            rng,
            image,
            int(rng.integers(0, 10 * min(90, spec.tiles))),
            max_length=int(rng.choice([1, 4, 16])),
            span=int(rng.choice([1, 60, 600])),
        )
        yield image, schedule, random_stalls(rng)


def digest(result: EngineResult) -> str:
    """Of every observable of a run."""
    found = hashlib.sha256()
    log, records = result.log, result.records
    found.update(repr((log.cycles, log.quiet, result.finished)).encode())
    columns: list[Any] = [log.events, *vars(log.counters).values()]
    columns += [getattr(records, name) for name in RECORDED]
    columns += [column for column in (result.occupancy, result.trace) if column is not None]
    for column in columns:
        found.update(repr((column.shape, column.dtype.str)).encode())
        found.update(np.ascontiguousarray(column).tobytes())
    return found.hexdigest()[:16]


def digests(numbers: Iterable[int], **options: Any) -> list[str]:
    """Of these runs, 0 to ``COUNT`` - 1."""
    return [
        digest(simulate(image, schedule, stalls=stalls, **options))
        for image, schedule, stalls in runs(numbers)
    ]


if __name__ == "__main__":
    every = range(COUNT)
    print(json.dumps({"bare": digests(every), "windows": digests(every, **WINDOWS)}, indent=0))

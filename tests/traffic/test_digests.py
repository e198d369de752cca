"""The packets of every pattern, pinned: the same on every machine, and for ever (ENG-3)."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest

from model.schedule import PacketSchedule
from model.traffic import PATTERNS, make_schedule
from model.traffic.stream import COLUMNS
from tests.traffic.meshes import mesh

DIGESTS = {
    "uniform": "16dfdf7805ab",
    "transpose": "9a1ec6a6a45e",
    "complement": "53dd879a6397",
    "reverse": "4576bd76ef5b",
    "shuffle": "a63aab629672",
    "rotation": "97ca02bae59e",
    "butterfly": "33b11680d623",
    "tornado": "d411526c8f92",
    "neighbour": "f239dc446717",
    "permutation": "1b1000122f2e",
    "hotspot": "2bf111240cde",
    "stencil5": "8f9766c6ec86",
    "stencil9": "f6f499fe6e07",
    "row_reduce": "c1e0befaafd5",
    "row_broadcast": "18942f618846",
    "column_reduce": "c097a04c0437",
    "column_broadcast": "716f033efe54",
    "allreduce": "6cfd7cb1c4f0",
    "bursts": "221a3d41cc5a",
}


def digest(schedule: PacketSchedule) -> str:
    """First digits of the hash of all columns."""
    found = hashlib.sha256()
    for name in COLUMNS:
        found.update(getattr(schedule, name).astype("<i8").tobytes())
    return found.hexdigest()[:12]


def packets(pattern: str, **fields: Any) -> PacketSchedule:
    what = {"load": 0.3, "length": "1-4", "cycles": 300, "seed": 5, "gap": 1} | fields
    return make_schedule(mesh(7, 5, 3, 17), pattern=pattern, **what)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_eng_3_packets_of_a_pattern_are_pinned(pattern: str) -> None:
    assert digest(packets(pattern)) == DIGESTS[pattern]


def test_eng_3_bursts_mixes_and_hot_tiles_are_pinned() -> None:
    fields: dict[str, Any] = {"burst": 20.0, "peak": 0.8, "length": "1:0.7,2-5:0.3"}
    found = packets("hotspot", hotspots=((1, 0.3), (30, 0.2)), **fields)
    assert digest(found) == DIGESTS["bursts"]
    assert digest(packets("hotspot", **fields)) != DIGESTS["bursts"]

"""Every single and every double defect on 4 x 4, compiled and accepted (TBL-4)."""

from __future__ import annotations

import itertools
from typing import Final

import numpy as np
import pytest

from model.compile import DEFAULTS, CompileOptions
from model.routing import ROUTINGS
from model.wafer import WaferMap, inside
from tests.compiler.accepted import accepted

SIDE: Final = 4
LINKS: Final = np.argwhere(inside(SIDE, SIDE)).tolist()
PARTS: Final = 2 * SIDE * SIDE + len(LINKS)
"""Tiles, then cores, then links that can be dead."""

DEFECTS: Final = [
    *((part,) for part in range(PARTS)),
    *itertools.combinations(range(PARTS), 2),
]
WAYS: Final = [*((name, 1) for name in sorted(ROUTINGS)), (DEFAULTS.routing, 2)]
"""Strategy and VCs."""
SAMPLE: Final = 16
CHUNKS: Final = 4


def broken(parts: tuple[int, ...]) -> WaferMap:
    """A 4 x 4 wafer without these parts."""
    wafer = WaferMap.perfect(SIDE, SIDE)
    for part in sorted(parts, reverse=True):  # a dead tile's core is dead whatever else is
        if part >= 2 * SIDE * SIDE:
            tile, port = LINKS[part - 2 * SIDE * SIDE]
            wafer.dead_link[tile, port] = True
        else:
            wafer.state[part % (SIDE * SIDE)] = 2 if part < SIDE * SIDE else 1
    return wafer


def accept_all(defects: list[tuple[int, ...]], routing: str, vcs: int) -> None:
    """Compile and check each; with a spare column for every other one."""
    for number, parts in enumerate(defects):
        image = accepted(broken(parts), CompileOptions(routing=routing, spares=number % 2), vcs=vcs)
        assert image is not None or routing == "xy", parts


def test_every_part_of_4_by_4_breaks_alone_and_with_every_other() -> None:
    assert len(DEFECTS) == 80 + 80 * 79 // 2
    wafers = {(w.state.tobytes(), w.dead_link.tobytes()) for w in map(broken, DEFECTS)}
    assert len(wafers) == len(DEFECTS) - 16  # a dead tile has a dead core anyway


@pytest.mark.parametrize(("routing", "vcs"), WAYS)
def test_tbl_4_every_single_and_a_16th_of_the_double_defects_of_4_by_4(
    routing: str, vcs: int
) -> None:
    first = WAYS.index((routing, vcs)) * SAMPLE // len(WAYS)
    accept_all(DEFECTS[:PARTS] + DEFECTS[PARTS + first :: SAMPLE], routing, vcs)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(CHUNKS))
@pytest.mark.parametrize(("routing", "vcs"), WAYS)
def test_tbl_4_every_double_defect_of_4_by_4(routing: str, vcs: int, chunk: int) -> None:
    accept_all(DEFECTS[PARTS + chunk :: CHUNKS], routing, vcs)

"""Random wafers of all sizes, rates, VCs and strategies, each accepted by the checker (TBL-4)."""

from __future__ import annotations

from typing import Final

import numpy as np
import pytest

from model.compile import CompileOptions
from model.defects import bernoulli
from model.repair import REPAIRS
from model.repair.homes import PLACES
from model.routing import ROUTINGS
from model.wafer import WaferMap
from tests.compiler.accepted import accepted

STREAM: Final = 0x6D617073
RATES: Final = (0.0, 0.01, 0.03, 0.06, 0.12, 0.2, 0.3)
MAPS: Final = 500
CHUNKS: Final = 20
BEST_OF: Final = {8: 5, 16: 10, 32: 50}
"""One map in so many is compiled with ``best``, by side."""


def drawn(side: int, seed: int) -> tuple[WaferMap, CompileOptions, int]:
    """Wafer, options and VCs number ``seed``; strategies and VCs take turns."""
    rng = np.random.default_rng([STREAM, side, seed])
    rates = {name: float(rng.choice(RATES)) for name in ("tile_rate", "core_rate", "link_rate")}
    wafer = bernoulli(side, side, seed=int(rng.integers(2**32)), **rates)
    places = PLACES if side > 8 else [place for place in PLACES if place != "dies"]
    routings, repairs = sorted(ROUTINGS), sorted(REPAIRS)
    options = CompileOptions(
        spares=str(rng.choice(["0", "7%", "1", "20%"])),
        spare_place=str(rng.choice(places)),
        routing=routings[seed % len(routings)],
        repair=repairs[seed // len(routings) % len(repairs)],
        effort="best" if seed % BEST_OF[side] == 0 else "fast",
    )
    return wafer, options, (1, 2, 4)[int(rng.integers(3))]


def accept_drawn(side: int, seeds: range) -> None:
    for seed in seeds:
        wafer, options, vcs = drawn(side, seed)
        try:
            accepted(wafer, options, vcs=vcs)
        except AssertionError as fault:
            where = f"{side}x{side} seed {seed}, {options}, {vcs} VCs"
            raise AssertionError(f"{where}: {fault}") from fault


@pytest.mark.parametrize(("side", "maps"), [(8, 24), (16, 6)])
def test_tbl_4_a_few_random_maps(side: int, maps: int) -> None:
    accept_drawn(side, range(1, maps + 1))


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(CHUNKS))
@pytest.mark.parametrize("side", [8, 16, 32])
def test_tbl_4_500_random_maps_of_each_size(side: int, chunk: int) -> None:
    part = MAPS // CHUNKS
    accept_drawn(side, range(chunk * part, (chunk + 1) * part))

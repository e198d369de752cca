"""Random wafers of all sizes, rates, VCs and strategies, each accepted by the checker (TBL-4)."""

from __future__ import annotations

from typing import Final

import numpy as np
import pytest

from model.compile import DEFAULTS, CompileOptions, compile_wafer
from model.defects import bernoulli
from model.repair import REPAIRS
from model.repair.homes import PLACES
from model.routing import ROUTINGS
from model.wafer import WaferMap
from tests.compiler.accepted import accepted
from tests.image_checker import sampled_complaints

STREAM: Final = 0x6D617073
RATES: Final = (0.0, 0.01, 0.03, 0.06, 0.12, 0.2, 0.3)
CHUNKS, PART, IMAGES = 20, 31, 25
"""Maps of a side: chunks of so many, of which so many at least are not refused by ``xy``."""
BEST_OF: Final = {8: 20, 16: 20, 32: 100}
"""One map in so many is compiled with ``best``, by side."""


def drawn(side: int, seed: int) -> tuple[WaferMap, CompileOptions, int]:
    """Wafer, options and VCs number ``seed``: every other map by the default routing."""
    rng = np.random.default_rng([STREAM, side, seed])
    rates = {name: float(rng.choice(RATES)) for name in ("tile_rate", "core_rate", "link_rate")}
    wafer = bernoulli(side, side, seed=int(rng.integers(2**32)), **rates)
    places = PLACES if side > 8 else [place for place in PLACES if place != "dies"]
    routings, repairs = sorted(ROUTINGS), sorted(REPAIRS)
    options = CompileOptions(
        spares=str(rng.choice(["0", "7%", "1", "20%"])),
        spare_place=str(rng.choice(places)),
        routing=DEFAULTS.routing if seed % 2 else routings[seed // 2 % len(routings)],
        repair=repairs[seed // 6 % len(repairs)],
        effort="best" if seed % BEST_OF[side] == 1 else "fast",
    )
    return wafer, options, (1, 2, 4)[int(rng.integers(3))]


def accept_drawn(side: int, seeds: range) -> int:
    """Compile and check these maps; how many were not refused."""
    images = 0
    for seed in seeds:
        wafer, options, vcs = drawn(side, seed)
        try:
            images += accepted(wafer, options, vcs=vcs) is not None
        except AssertionError as fault:
            where = f"{side}x{side} seed {seed}, {options}, {vcs} VCs"
            raise AssertionError(f"{where}: {fault}") from fault
    return images


@pytest.mark.parametrize(("side", "maps"), [(8, 60), (16, 24), (32, 4)])
def test_tbl_4_a_few_random_maps(side: int, maps: int) -> None:
    assert accept_drawn(side, range(2, maps + 2)) > maps / 2


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(CHUNKS))
@pytest.mark.parametrize("side", [8, 16, 32])
def test_tbl_4_500_random_maps_of_each_size(side: int, chunk: int) -> None:
    assert accept_drawn(side, range(chunk * PART, (chunk + 1) * PART)) >= IMAGES


@pytest.mark.slow
@pytest.mark.parametrize(
    ("side", "rate", "vcs"), [(100, 0.01, 1), (128, 0.01, 2), (128, 0.03, 1), (200, 0.005, 4)]
)
def test_tbl_4_wafers_of_too_many_pairs_by_300_000_of_them(
    side: int, rate: float, vcs: int
) -> None:
    rates = {"tile_rate": rate, "core_rate": rate / 4, "link_rate": rate}
    wafer = bernoulli(side, side, **rates, seed=side)
    image = compile_wafer(wafer, CompileOptions(spares="7%"), vcs=vcs)
    assert sampled_complaints(image, wafer, 300_000, seed=1) == []

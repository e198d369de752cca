"""Saturation is what design.md §10 says, seen again from the engine's events."""

from __future__ import annotations

import numpy as np
import pytest

from model.compile import compile_wafer
from model.defects import bernoulli
from model.engine import simulate
from model.errors import InputError
from model.image import ConfigImage
from model.runlog import Event
from model.saturation import LEAST_LOAD, _search, find_saturation, worst_share
from model.traffic import make_schedule
from model.wafer import WaferMap

CYCLES, WARM_UP = 4_000, 500


def share_in_the_events(image: ConfigImage, load: float, seed: int) -> float:
    """Worst source's accepted over offered packets, from the run log alone."""
    end = WARM_UP + CYCLES
    schedule = make_schedule(image, load=load, cycles=end, seed=seed)
    events = simulate(image, schedule, cycles=end).log.events
    accepts = events[(events["kind"] == Event.ACCEPT) & (events["cycle"] >= WARM_UP)]
    accepted = {
        int(tile): int(count)
        for tile, count in zip(*np.unique(accepts["tile"], return_counts=True), strict=True)
    }
    shares = []
    for logical in np.flatnonzero(image.remap_tile >= 0):
        mine = schedule.offered[schedule.source == logical]
        offered = int((mine >= WARM_UP).sum())
        shares.append(accepted.get(int(image.remap_tile[logical]), 0) / offered)
    return min(shares)


@pytest.mark.parametrize("vcs", [1, 2])
def test_what_is_found_passes_and_two_per_cent_more_fails(vcs: int) -> None:
    image = compile_wafer(bernoulli(5, 4, tile_rate=0.1, link_rate=0.05, seed=2), vcs=vcs)
    found = find_saturation(image, seed=7, cycles=CYCLES, warm_up=WARM_UP)
    assert found == find_saturation(image, seed=7, cycles=CYCLES, warm_up=WARM_UP)
    assert found.load < found.above <= found.load * 1.02 * (1 + 1e-9)
    assert share_in_the_events(image, found.load, 7) >= 0.95
    assert share_in_the_events(image, found.above, 7) < 0.95
    # The busiest link cannot carry more than one flit per cycle.
    assert 0.5 < found.load * image.report["max_channel_load"] <= 1 / 0.95


def test_two_cores_that_face_each_other_never_saturate() -> None:
    found = find_saturation(compile_wafer(WaferMap.perfect(2, 1)), cycles=1_000, warm_up=0)
    assert (found.load, found.above) == (1.0, np.inf)


def test_one_starved_source_is_enough_to_fail() -> None:
    # A row of six: 97 % of all packets get in, but not 95 % of the worst source's.
    image = compile_wafer(WaferMap.perfect(6, 1))
    load = 0.47
    schedule = make_schedule(image, load=load, cycles=WARM_UP + CYCLES, seed=1)
    records = simulate(image, schedule, cycles=WARM_UP + CYCLES, record_events=False).records
    assert (records.accepted >= 0).mean() > 0.95
    assert worst_share(image, load, seed=1, cycles=CYCLES, warm_up=WARM_UP) < 0.95


def test_nothing_passes_where_routes_are_cut() -> None:
    image = compile_wafer(WaferMap.perfect(3, 1))
    assert worst_share(image, 0.2, seed=1, cycles=2_000, warm_up=0) > 0.95
    image.identity[1] = -1  # this tile's NI accepts nothing any more (NI-1)
    assert worst_share(image, 0.2, seed=1, cycles=2_000, warm_up=0) == 0


@pytest.mark.parametrize("start", [1e-3, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("limit", [2e-4, 0.0731, 0.3, 0.9])
def test_search_ends_around_the_limit(start: float, limit: float) -> None:
    asked: list[float] = []

    def passes(load: float) -> bool:
        asked.append(load)
        return load <= limit

    low, high = _search(passes, start, 1.08, 1.02)
    assert low <= limit < high <= low * 1.02 * (1 + 1e-9)
    assert len(asked) < 25


def test_search_stops_at_both_ends() -> None:
    assert _search(lambda load: True, 0.3, 1.1, 1.02) == (1.0, np.inf)
    low, high = _search(lambda load: False, 0.3, 1.1, 1.02)
    assert (low, high) == (0.0, LEAST_LOAD)


def test_bad_arguments_are_refused_in_one_line() -> None:
    image = compile_wafer(WaferMap.perfect(2, 2))
    with pytest.raises(InputError, match="cycles is 10; allowed: "):
        find_saturation(image, cycles=10)
    with pytest.raises(InputError, match="precision is 0; allowed: "):
        find_saturation(image, precision=0)


def test_a_hot_tile_saturates_where_its_own_link_is_full() -> None:
    # Both ends of a row of three send to the middle, which takes one flit per cycle.
    image = compile_wafer(WaferMap.perfect(3, 1))
    traffic = {"pattern": "hotspot", "hotspot_share": 1.0, "length": "2"}
    found = find_saturation(image, cycles=10_000, warm_up=500, **traffic)
    assert 0.45 < found.load <= 0.5 / 0.95
    assert found.load < find_saturation(image, cycles=4_000, warm_up=500).load

"""Random defects: rates, clusters, independence of places, equal bytes for equal seeds."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import numpy as np
import pytest

from model.defects import bernoulli, clustered
from model.errors import InputError
from model.presets import REAL_DENSITY
from model.wafer import TileState, WaferMap, parse_wafer, wafer_to_json, wafer_to_npz


def _within_5_sigma(count: int, of: int, rate: float) -> bool:
    return abs(count - of * rate) <= 5 * math.sqrt(of * rate * (1 - rate))


def test_each_rate_is_met_within_5_sigma() -> None:
    rates = {"tile_rate": 0.12, "core_rate": 0.05, "link_rate": 0.06, "pair_rate": 0.0}
    wafer = bernoulli(400, 300, seed=3, **rates)
    tiles = wafer.width * wafer.height
    dead = int((wafer.state == TileState.TILE_DEFECT).sum())
    cores = int((wafer.state == TileState.CORE_DEFECT).sum())
    whole = bernoulli(400, 300, seed=3, **{**rates, "link_rate": 0.0})
    links = int(whole.live_links().sum())
    assert _within_5_sigma(dead, tiles, 0.12)
    assert _within_5_sigma(cores, tiles - dead, 0.05)
    assert _within_5_sigma(int(wafer.dead_link.sum()), links, 0.06)


def test_the_pair_rate_kills_both_directions() -> None:
    wafer = bernoulli(200, 200, pair_rate=0.1, seed=9)
    dead = wafer.dead_link.reshape(200, 200, 4)
    assert (dead[:, :-1, 1] == dead[:, 1:, 3]).all()
    assert (dead[:-1, :, 2] == dead[1:, :, 0]).all()
    pairs = 2 * 200 * 199
    assert _within_5_sigma(int(wafer.dead_link.sum()) // 2, pairs, 0.1)


def test_links_are_drawn_between_live_tiles_only() -> None:
    wafer = bernoulli(30, 30, tile_rate=0.3, link_rate=1.0, seed=1)
    whole = WaferMap(
        width=30, height=30, state=wafer.state, dead_link=np.zeros_like(wafer.dead_link)
    )
    assert (wafer.dead_link == whole.live_links()).all()


def test_a_higher_rate_keeps_the_defects_of_a_lower_one() -> None:
    few = bernoulli(40, 40, tile_rate=0.05, seed=8)
    many = bernoulli(40, 40, tile_rate=0.2, seed=8)
    assert not (few.state > many.state).any()


def test_equal_seeds_make_equal_bytes_on_every_machine() -> None:
    wafer = bernoulli(32, 18, tile_rate=0.12, link_rate=0.06, seed=7)
    digest = hashlib.sha256(wafer_to_json(wafer).encode()).hexdigest()
    assert digest == "9339c192ab7f958ce37beaf760260e751f72a65e3fffd5232c677b7c9493597b"
    other = bernoulli(32, 18, tile_rate=0.12, link_rate=0.06, seed=8)
    assert wafer_to_json(other) != wafer_to_json(wafer)


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_rates_0_and_1_mean_never_and_always(rate: float) -> None:
    wafer = bernoulli(16, 16, tile_rate=rate, seed=2)
    assert (wafer.state == TileState.TILE_DEFECT).mean() == rate


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tile_rate": float("nan")}, "tile_rate is nan; allowed: a number from 0 to 1"),
        ({"link_rate": 1.5}, "link_rate is 1.5; allowed: a number from 0 to 1"),
        ({"core_rate": -0.1}, "core_rate is -0.1; allowed: a number from 0 to 1"),
        ({"pair_rate": float("inf")}, "pair_rate is inf; allowed: a number from 0 to 1"),
        ({"seed": 2**32}, "seed is 4294967296; allowed: an integer from 0 to 4294967295"),
        ({"seed": -1}, "seed is -1; allowed: an integer from 0 to 4294967295"),
    ],
)
def test_rates_and_seeds_out_of_range_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        bernoulli(4, 4, **change)
    assert str(caught.value) == message


@pytest.mark.parametrize("side", [0, -5, 2049])
def test_sizes_out_of_range_are_refused(side: int) -> None:
    with pytest.raises(InputError, match=f"wafer.width is {side}; allowed: an integer from 1"):
        bernoulli(side, 4)


# Clusters -----------------------------------------------------------------------------------------

RATES = {"tile_rate": 0.05, "core_rate": 0.0, "link_rate": 0.05, "pair_rate": 0.0}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cluster": "rows"}, "cluster is 'rows'; allowed: none, wafer, dies"),
        ({"alpha": 0}, "alpha is 0; allowed: a number from 0.05 to 100"),
    ],
)
def test_clusters_out_of_range_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        clustered(4, 4, RATES, **change)
    assert str(caught.value) == message


def _dead(cluster: str, seeds: range, alpha: int = 2) -> np.ndarray:
    """int[seeds, 7, 12]: dead tiles of each die of 5 x 8 tiles."""
    maps = [clustered(60, 56, RATES, cluster=cluster, alpha=alpha, seed=seed) for seed in seeds]
    dead = np.array([wafer.state == TileState.TILE_DEFECT for wafer in maps])
    return dead.reshape(-1, 7, 8, 12, 5).sum(axis=(2, 4))


@pytest.mark.parametrize(("cluster", "axes"), [("wafer", (1, 2)), ("dies", ())])
@pytest.mark.parametrize("alpha", [1, 2, 8])
def test_clustered_counts_have_the_negative_binomial_mean_and_variance(
    cluster: str, axes: tuple[int, ...], alpha: int
) -> None:
    many = 400 if axes else 60
    counts = _dead(cluster, range(many), alpha).sum(axis=axes).ravel()
    mean = 0.05 * 40 * (84 if axes else 1)
    variance = mean + mean**2 / alpha
    assert abs(counts.mean() - mean) <= 5 * math.sqrt(variance / len(counts))
    assert 0.7 <= counts.var() / variance <= 1.4


def test_a_poisson_wafer_is_not_taken_for_a_clustered_one() -> None:
    counts = _dead("none", range(100)).sum(axis=(1, 2))
    assert counts.var() < 2 * counts.mean()


def test_clustered_maps_are_equal_bytes_and_name_their_cluster() -> None:
    wafer = clustered(24, 14, {**RATES, "tile_rate": 0.1}, cluster="dies", seed=7)
    assert wafer.origin["generator"] == "clustered"
    assert (wafer.origin["cluster"], wafer.origin["alpha"]) == ("dies", 2)
    digest = hashlib.sha256(wafer_to_json(wafer).encode()).hexdigest()
    assert digest == "09b8edd41f73bdda414332fe4c13054e48911f06f1545af97183400300ed30de"


def test_a_wafer_of_the_chips_size_at_real_density_takes_a_second() -> None:
    wafer = bernoulli(762, 1172, tile_rate=REAL_DENSITY, link_rate=REAL_DENSITY, seed=1)
    assert _within_5_sigma(int((~wafer.live).sum()), 893_064, REAL_DENSITY)
    assert _within_5_sigma(int(wafer.dead_link.sum()), 3_570_000, REAL_DENSITY)
    assert parse_wafer(wafer_to_npz(wafer)).origin == wafer.origin

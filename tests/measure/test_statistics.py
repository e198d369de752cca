"""Confidence intervals and steadiness, against series whose truth is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from model.measure import Timeline, interval, mser, steadiness
from model.measure.confidence import in_batches
from model.measure.steady import drift
from tests.measure.blocks import block_of

Floats = npt.NDArray[np.float64]
GROUPS = 512


def ar1(rng: np.random.Generator, count: int, phi: float, mean: float = 10.0) -> Floats:
    """An autoregressive series in its steady state."""
    noise = rng.normal(size=count)
    value, found = noise[0] / np.sqrt(1 - phi**2), np.empty(count)
    for index in range(count):
        value = phi * value + noise[index]
        found[index] = value
    return found + mean


def grouped(values: Floats) -> tuple[Floats, Floats]:
    return in_batches(values, GROUPS), in_batches(np.ones(len(values)), GROUPS)


@pytest.mark.parametrize("phi", [0.0, 0.9, 0.98])
def test_mea_5_the_interval_of_a_correlated_series_holds_the_truth_as_often_as_it_says(
    phi: float,
) -> None:
    rng = np.random.default_rng(2)
    held, naive, runs = 0, 0, 300
    for _ in range(runs):
        values = ar1(rng, 8192, phi)
        found = interval(*grouped(values))
        assert found is not None
        assert found.half_width is not None
        held += abs(found.mean - 10) <= found.half_width
        naive += abs(values.mean() - 10) <= 1.96 * values.std() / np.sqrt(len(values))
    assert 0.91 <= held / runs <= 0.985
    if phi > 0:  # the textbook's interval, for independent observations
        assert naive / runs < 0.5


def test_mea_5_batches_of_what_never_settles_are_called_correlated() -> None:
    walk = np.cumsum(np.random.default_rng(3).normal(size=8192))
    found = interval(*grouped(walk))
    assert found is not None
    assert (found.batches, found.correlated) == (8, True)
    settled = interval(*grouped(ar1(np.random.default_rng(4), 8192, 0.0)))
    assert settled is not None
    assert (settled.batches, settled.correlated) == (32, False)


def test_mea_5_groups_of_unequal_size_weigh_as_much_as_they_hold() -> None:
    counts = np.tile([1, 3], 64)
    found = interval(counts * np.tile([8.0, 4.0], 64), counts)
    assert found is not None
    assert found.mean == 5
    assert found.half_width == pytest.approx(0)


def test_mea_5_no_interval_without_observations_in_every_batch() -> None:
    assert interval(np.zeros(64), np.zeros(64)) is None
    few = interval(np.array([3.0, 0, 5]), np.array([1, 0, 1]))
    assert few is not None
    assert (few.mean, few.half_width, few.batches) == (4, None, 0)


def transient(rng: np.random.Generator, steps: int, away: float) -> Floats:
    """A series whose mean begins ``away`` from 10 and gets there in ``steps``."""
    values = ar1(rng, 400, 0.5)
    values[:steps] += away * np.linspace(1, 0, steps)
    return values


def test_mea_6_mser_cuts_a_transient_off_and_nothing_else() -> None:
    rng = np.random.default_rng(5)
    with_one = [mser(transient(rng, 100, 30.0)) for _ in range(50)]
    assert all(point is not None and 70 <= point <= 130 for point in with_one)
    without = [mser(transient(rng, 0, 0.0)) for _ in range(50)]
    assert np.median([point for point in without if point is not None]) < 20


def test_mea_6_mser_finds_no_end_of_a_series_that_only_grows() -> None:
    assert mser(np.arange(400.0)) is None
    assert mser(np.arange(5.0)) is None


def test_mea_6_drift_is_told_from_noise() -> None:
    rng = np.random.default_rng(6)
    ones = np.ones(512)
    steady = [drift(ar1(rng, 512, 0.5), ones) for _ in range(200)]
    assert np.mean([noise or abs(found) < 0.05 for found, noise in steady]) > 0.97
    growing = [drift(ar1(rng, 512, 0.5) + np.linspace(0, 4, 512), ones) for _ in range(200)]
    assert not any(noise for _, noise in growing)
    assert all(found > 0.05 for found, _ in growing)


def lines(latency: Any) -> tuple[Timeline, Timeline]:
    """A packet in each of the cycles 0, 1, … with these latencies; measured from 1,000 on."""
    waits = np.maximum(0, np.asarray(latency, np.int64) - 3)
    offered = np.arange(len(waits))
    block = block_of(offered=offered, accepted=offered + waits)
    whole, measured = Timeline(0, 9000), Timeline(1000, 9000)
    for line in (whole, measured):
        line.add(block)
    return whole, measured


def test_mea_6_a_run_is_judged_by_its_latency_and_its_warm_up() -> None:
    rng = np.random.default_rng(7)
    flat = 20 + rng.integers(0, 10, 9000)
    found = steadiness(*lines(flat), 9000)
    assert not found.drifts
    assert found.latency_drift == pytest.approx(0, abs=0.02)

    late = flat.copy()
    late[:2500] += np.linspace(200, 0, 2500).astype(int)
    found = steadiness(*lines(late), 9000)
    assert found.drifts
    assert found.warm_up_needed is not None
    assert 2000 <= found.warm_up_needed <= 3000

    growing = steadiness(*lines(flat + np.arange(9000) // 20), 9000)
    assert growing.drifts
    assert growing.warm_up_needed is None

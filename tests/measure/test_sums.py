"""Histogram, split, sources, timeline: what is added up, and that order does not matter."""

from __future__ import annotations

import math
import pickle
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from model.compile import compile_wafer
from model.engine import PacketStatus, simulate
from model.measure import Histogram, Measurement, Timeline, split
from model.measure.breakdown import is_delivered
from model.measure.fairness import Sources
from model.measure.timeline import ACCEPTED, DELIVERED, LATENCY, OFFERED, PACKETS, SLOTS
from model.schedule import PacketSchedule
from model.wafer import WaferMap
from tests.measure.blocks import block_of, random_run, some


def histogram_of(values: Any) -> Histogram:
    found = Histogram()
    found.add(np.asarray(values))
    return found


@pytest.mark.parametrize("count", [1, 2, 7, 100, 999, 1000, 1001])
def test_mea_4_percentiles_are_those_of_the_sorted_values(count: int) -> None:
    values = np.random.default_rng(count).geometric(0.01, count)
    found = histogram_of(values)
    for percent in ("50", "90", "95", "99", "99.9", "100"):
        rank = math.ceil(Fraction(percent) * count / 100)
        assert found.percentile(float(percent)) == np.sort(values)[rank - 1]
    assert (found.mean, found.max) == (pytest.approx(values.mean()), values.max())


def test_mea_4_a_percentile_is_exact_where_its_rank_is_whole() -> None:
    found = histogram_of(np.arange(1, 1001))
    assert [found.percentile(percent) for percent in (50, 99, 99.9, 100)] == [500, 990, 999, 1000]
    assert found.percentile(99.9) != found.percentile(99.91)


def test_mea_4_without_values_nothing_exists() -> None:
    found = histogram_of([])
    assert (found.mean, found.max, found.percentile(50), len(found)) == (None, None, None, 0)


def test_mea_3_a_packet_split_by_hand() -> None:
    # Offered in 10, accepted in 12; 4 flits with 2 idle cycles between, over 5 links: the last
    # flit is accepted in 21 at the earliest and takes 8 cycles, but came in 31.
    block = block_of(
        offered=[10], accepted=[12], length=[4], gap=[2], hops=[5], delivered_last=[31]
    )
    found = split(block, np.array([True]))
    assert [int(part[0]) for part in found] == [2, 8, 9, 2]


@pytest.mark.parametrize("seed", range(12))
def test_mea_3_parts_add_up_and_are_never_negative_in_random_runs(seed: int) -> None:
    _, block = random_run(seed)
    done = is_delivered(block)
    assert 100 < done.sum() < len(block)
    found = split(block, done)
    assert (np.sum(found, axis=0) == (block.delivered_last - block.offered)[done]).all()
    assert min(part.min() for part in found) >= 0
    assert found.contention.max() > 0


def test_mea_3_a_pipeline_thought_too_long_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("model.measure.breakdown.PIPELINE", 4)
    _, block = random_run(0)
    assert split(block, is_delivered(block)).contention.min() == -1


def test_mea_3_one_packet_at_a_time_meets_no_contention() -> None:
    rng = np.random.default_rng(5)
    image = compile_wafer(WaferMap.perfect(6, 5), vcs=2)
    count = 200
    schedule = PacketSchedule(
        source=rng.integers(0, 30, count).astype(np.int32),
        destination=rng.integers(0, 30, count).astype(np.int32),
        length=rng.integers(1, 9, count).astype(np.int32),
        offered=np.arange(count, dtype=np.int64) * 100,
        gap=rng.integers(0, 4, count).astype(np.int32),
    )
    block = simulate(image, schedule).records
    found = split(block, is_delivered(block))
    assert len(found.contention) == count
    assert not found.contention.any()
    assert not found.queueing.any()


def test_timeline_slots_hold_what_happened_in_them() -> None:
    line = Timeline(first=100, end=200)
    line.add(block_of(offered=[99, 100, 101, 199, 200], length=[1, 2, 3, 4, 5]))
    rows, cycles = line.until(200)
    assert (line.width, len(cycles), cycles.sum()) == (1, 100, 100)
    assert rows[OFFERED, [0, 1, 99]].tolist() == [2, 3, 4]
    assert rows[[OFFERED, ACCEPTED]].sum(axis=1).tolist() == [9, 9]
    assert rows[DELIVERED, [2, 4, 6]].tolist() == [1, 2, 3]  # 99, 100 + 1, 101 + 2, each + 3
    assert rows[PACKETS].sum() == 3
    assert rows[LATENCY, [0, 1, 99]].tolist() == [4, 5, 6]


def test_timeline_widens_and_loses_nothing() -> None:
    cycles = np.random.default_rng(1).integers(0, 100_000, 5000)
    line, late_first = Timeline(), Timeline()
    for part in np.array_split(np.sort(cycles), 7):
        line.add(block_of(offered=part))
    late_first.add(block_of(offered=np.sort(cycles)[::-1]))
    assert line.width == late_first.width == 256
    assert (line.rows == late_first.rows).all()
    rows, spans = line.until(100_000)
    assert (rows[PACKETS] == np.bincount(cycles // 256, minlength=len(spans))).all()
    assert (len(spans), spans.sum(), spans[-1]) == (391, 100_000, 100_000 % 256)
    assert len(spans) <= SLOTS


def test_mea_7_sources_compared_by_hand() -> None:
    found = Sources(4)
    # Source 0 gets all of 40 packets in, source 1 half of them, source 2 is offered nothing.
    block = block_of(offered=np.zeros(80, int), source=np.repeat([0, 1], 40), length=np.full(80, 2))
    accepted = np.ones(80, bool)
    accepted[60:] = False
    found.add(block, np.ones(80, bool), accepted)
    fair = found.fairness(100)
    assert (fair.sources, fair.starved) == (2, 1)
    assert (fair.accepted_least, fair.accepted_most) == (0.4, 0.8)
    assert fair.share_least == 0.5
    assert fair.jain == pytest.approx(1.5**2 / (2 * 1.25))
    assert (fair.latency_least, fair.latency_most) == (4, 4)


def test_mea_7_equal_sources_are_fair_and_one_late_packet_starves_nobody() -> None:
    found = Sources(2)
    block = block_of(offered=[0, 0, 1, 1], source=[0, 1, 0, 1])
    found.add(block, np.ones(4, bool), np.array([True, True, True, False]))
    fair = found.fairness(2)
    assert (fair.starved, fair.share_least) == (0, 0.5)
    assert Sources(2).fairness(2).jain is None


@pytest.mark.parametrize("seed", range(3))
def test_mea_2_order_and_division_of_the_packets_do_not_matter(seed: int) -> None:
    image, block = random_run(seed)
    whole = Measurement(image, 100, 400)
    whole.add(block)
    rng = np.random.default_rng(seed)
    parts = np.array_split(rng.permutation(len(block)), 9)
    one, other = Measurement(image, 100, 400), Measurement(image, 100, 400)
    for number, part in enumerate(parts):
        (one if number % 2 else other).add(some(block, part))
        one = pickle.loads(pickle.dumps(one))
    one.merge(other)
    assert one.figures() == whole.figures()
    other.merge(one)  # some packets twice
    assert other.figures() != whole.figures()


@pytest.mark.parametrize("seed", range(3))
def test_mea_2_figures_are_those_of_the_measured_packets_one_by_one(seed: int) -> None:
    image, block = random_run(seed + 20)
    found = Measurement(image, 100, 400)
    found.add(block)
    data = found.figures()
    rows = [
        {name: int(values[index]) for name, values in vars(block).items()}
        for index in range(len(block))
    ]
    mine = [row for row in rows if 100 <= row["offered"] < 400]
    done = [row for row in mine if row["status"] == PacketStatus.DELIVERED]
    assert data["measured"] == len(mine)
    for status in PacketStatus:
        assert data[status.name.lower()] == sum(row["status"] == status for row in mine)
    totals = sorted(row["delivered_last"] - row["offered"] for row in done)
    assert data["total_latency"]["mean"] == pytest.approx(np.mean(totals), abs=1e-4)
    assert data["total_latency"]["max"] == totals[-1]
    within = sorted(row["delivered_last"] - row["accepted"] for row in done)
    assert data["latency"]["p50"] == within[(len(within) + 1) // 2 - 1]
    assert sum(data["split"].values()) == pytest.approx(np.mean(totals), abs=1e-3)

    def load(column: str, of: list[dict[str, int]]) -> Any:
        flits = sum(row["length"] for row in of if 100 <= row[column] < 400)
        return pytest.approx(flits / (300 * data["hosted"]), abs=1e-6)

    assert data["offered_load"] == load("offered", rows)
    assert data["accepted_load"] == load("accepted", rows)
    delivered = [row for row in rows if row["status"] == PacketStatus.DELIVERED]
    assert data["throughput"] == load("delivered_last", delivered)
    assert data["complete"] == (data["waiting"] + data["in_flight"] == 0)

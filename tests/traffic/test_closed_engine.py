"""Closed loops on the engine, by iteration: the rules hold, and behave as a window should."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.engine import simulate
from model.image import ConfigImage
from model.random import threshold
from model.schedule import PacketSchedule, StallPattern
from model.spec import FabricSpec
from model.traffic import make_schedule
from model.traffic.closed_check import breaches
from model.traffic.closed_loop import ClosedLoop
from model.traffic.stream import COLUMNS, packed
from tests.images import xy_image
from tests.traffic.closed_oracle import closed_run
from tests.traffic.test_closed_loop import LOOPS, ended


def fabric(vcs: int = 1) -> ConfigImage:
    return xy_image(FabricSpec(width=4, height=3, vcs=vcs, depth=2), spread_vcs=True)


def requests(image: ConfigImage, seed: int, packets: int = 60) -> PacketSchedule:
    return make_schedule(image, load=0.7, length="1-3", packets=packets, seed=seed)


def astray(image: ConfigImage, schedule: PacketSchedule, every: int) -> PacketSchedule:
    """Every so many packets go to an id that is not mapped."""
    image.remap_tile[5] = image.identity[5] = -1
    keep = schedule.source != 5
    columns = {name: getattr(schedule, name)[keep] for name in COLUMNS}
    columns["destination"][::every] = 5
    return packed(columns)


@settings(max_examples=15, deadline=None, derandomize=True)
@given(LOOPS, st.integers(0, 999), st.sampled_from([1, 2]), st.sampled_from([0.0, 0.4]))
def test_win_1_to_3_closed_runs_of_the_engine_keep_the_rules(
    loop: ClosedLoop, seed: int, vcs: int, stall: float
) -> None:
    image = fabric(vcs)
    schedule = astray(image, requests(image, seed), 9)
    stalls = StallPattern(threshold=threshold("stall", stall), burst_log2=2, seed=seed)
    run, _ = closed_run(image, schedule, loop, stalls)
    assert breaches(loop, schedule, run) == []
    assert (ended(loop, run) >= 0).all()
    assert (run.refused >= 0).any()


def test_win_1_an_endless_window_is_the_open_loop() -> None:
    image = fabric()
    schedule = requests(image, 4)
    run, _ = closed_run(image, schedule, ClosedLoop(window=65535))
    records = simulate(image, schedule).records
    assert np.array_equal(run.accepted, records.accepted)
    assert np.array_equal(run.delivered, records.delivered_last)


def test_win_2_one_packet_at_a_time_takes_its_zero_load_round_trip() -> None:
    image = fabric()
    schedule = packed(
        {
            "source": np.zeros(3, np.int64),
            "destination": np.array([1, 3, 11]),
            "length": np.array([1, 2, 1]),
            "offered": np.zeros(3, np.int64),
            "gap": np.zeros(3, np.int64),
        }
    )
    loop = ClosedLoop(window=1, reply=2, service=5, think=3)
    run, _ = closed_run(image, schedule, loop)
    hops, cycle = (1, 3, 5), 0
    for k, far in enumerate(hops):
        assert run.accepted[k] == cycle
        arrives = cycle + far + 3 + int(schedule.length[k]) - 1  # RTR-3
        assert run.delivered[k] == arrives
        assert run.reply_accepted[k] == arrives + 1 + loop.service
        assert run.reply_delivered[k] == run.reply_accepted[k] + far + 3 + 1
        cycle = int(run.reply_delivered[k]) + 1 + loop.think


@pytest.mark.parametrize("reply", [0, 2])
def test_a_wider_window_carries_more_and_makes_packets_wait_longer(reply: int) -> None:
    image = fabric()
    schedule = requests(image, 8, 120)
    schedule = replace(schedule, offered=np.zeros_like(schedule.offered))
    ends, trips = [], []
    for window in (1, 2, 4):
        loop = ClosedLoop(window=window, reply=reply)
        run, _ = closed_run(image, schedule, loop)
        ends.append(int(ended(loop, run).max()))
        trips.append(float((ended(loop, run) - run.accepted).mean()))
    assert ends[0] > ends[1] > ends[2]
    assert trips[0] < trips[1] < trips[2]

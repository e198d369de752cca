"""Runs that are fed by a stream show what runs of the whole schedule show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.engine import PacketStatus, Simulation, run, simulate
from model.engine.packets import PacketSlots
from model.errors import InputError
from model.image import ConfigImage
from model.schedule import PacketSchedule, StallPattern
from model.spec import FabricSpec
from model.traffic import ScheduleStream, make_schedule
from model.traffic.stream import Feed, join
from tests.engine.same import assert_same_result
from tests.engine.streamed import Cut, finish
from tests.engine.test_properties import Case, cases, quick
from tests.images import xy_image
from tests.schedules import packets


def assert_streams_alike(case: Case, rng: np.random.Generator, **options: Any) -> None:
    """Whole, and cut short."""
    whole = case.run(record_events=False)
    for cycles in (None, whole.log.cycles // 2):
        if cycles is not None:
            whole = case.run(record_events=False, cycles=cycles)
        stream = Cut(case.schedule, rng, int(rng.integers(1, 60)))
        fed = Simulation(case.image, stream, stalls=case.stalls, record_events=False, **options)
        stop = 10**7 if cycles is None else cycles
        assert_same_result(finish(fed, rng, stop, cycles), whole)


@quick(60)
@given(cases(), st.integers(0, 2**32), st.sampled_from([1, 7, 1 << 15]))
def test_eng_5_how_a_run_is_fed_does_not_show(case: Case, seed: int, ahead: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "AHEAD", ahead)
        assert_streams_alike(case, np.random.default_rng(seed))


@quick(20)
@given(cases(), st.integers(0, 2**32), st.sampled_from([2, 3]))
def test_eng_5_nor_with_threads(case: Case, seed: int, threads: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "PART_TILES", 1)
        patch.setattr(run, "AHEAD", 9)
        assert_streams_alike(case, np.random.default_rng(seed), threads=threads)


@quick(8)
@given(cases(packets=40), st.integers(0, 2**32))
def test_eng_5_nor_uncompiled(case: Case, seed: int) -> None:
    assert_streams_alike(case, np.random.default_rng(seed), compiled=False)


def mesh_run(packet_count: int) -> tuple[ConfigImage, PacketSchedule]:
    image = xy_image(FabricSpec(width=8, height=8))
    return image, make_schedule(image, load=0.1, length="1-4", packets=packet_count)


def test_a_slot_serves_many_packets() -> None:
    """Memory is for what is on its way, however long the run."""
    rooms = []
    for count in (2000, 20_000):
        image, schedule = mesh_run(count)
        fed = Simulation(image, ScheduleStream(schedule), record_events=False)
        taken = 0
        while not fed.finished:
            fed.advance(fed.cycle + 50, 10**7)
            taken += len(fed.take())
        assert taken == count
        rooms.append(len(fed.loaded.slot))
    assert rooms[0] == rooms[1] < 1000


def test_packets_keep_their_slots_when_there_are_more() -> None:
    """The first packet waits while a thousand others pass it."""
    image = xy_image(FabricSpec(width=3, height=2))
    rows = [(0, 2, 4, 0, 200), *[(3, 5, 1, 3 * n, 0) for n in range(1000)]]
    fed = Simulation(image, Cut(packets(*rows), np.random.default_rng(1), 9), record_events=False)
    rooms = set()
    while fed.cycle < 550:
        fed.advance(fed.cycle + 20, 10**7)
        assert len(fed.take()) == 0
        rooms.add(len(fed.loaded.slot))
    assert len(rooms) > 4
    result = finish(fed, np.random.default_rng(1), 10**7)
    assert_same_result(result, simulate(image, packets(*rows), record_events=False))


def test_sources_that_never_accept_do_not_hold_the_others_up() -> None:
    image = xy_image(FabricSpec(width=3, height=2))
    image.core_ok[0] = False
    rows = [(0, 2, 1, 0, 0), *[(3, 5, 2, 3 * n, 0) for n in range(500)], (0, 5, 1, 2000, 0)]
    fed = Simulation(image, Cut(packets(*rows), np.random.default_rng(1), 9), record_events=False)
    result = finish(fed, np.random.default_rng(1), 10**7)
    assert_same_result(result, simulate(image, packets(*rows), record_events=False))
    assert result.finished
    assert not result.log.quiet
    assert result.records.status[[0, -1]].tolist() == [PacketStatus.WAITING] * 2
    assert len(fed.loaded.slot) < 100


def test_a_run_ends_where_only_silent_sources_are_left() -> None:
    image = xy_image(FabricSpec(width=2, height=1))
    image.core_ok[1] = False
    schedule = packets((0, 0, 1, 0, 0), *[(1, 0, 1, 10 * n, 0) for n in range(1, 50)])
    fed = Simulation(image, Cut(schedule, np.random.default_rng(1), 3), record_events=False)
    result = finish(fed, np.random.default_rng(2), 10**7)
    assert_same_result(result, simulate(image, schedule, record_events=False))
    assert result.log.cycles < 30


def test_more_packets_on_their_way_than_flits_can_name_are_refused() -> None:
    image = xy_image(FabricSpec(width=2, height=1))
    begin = np.array([0, 2])
    with pytest.raises(InputError, match=f"in flight are {1 << 50}; allowed: at most"):
        PacketSlots(image, begin, 1 << 50)


def test_a_packet_that_nobody_can_send_is_named_by_its_id() -> None:
    image = xy_image(FabricSpec(width=2, height=1))
    schedule = packets(*[(0, 1, 1, n, 0) for n in range(200)], (0, 1, 99, 300, 0))
    fed = Simulation(image, Cut(schedule, np.random.default_rng(1), 7), record_events=False)
    with pytest.raises(InputError, match=r"schedule.length\[200\] is 99; allowed: 1 to"):
        finish(fed, np.random.default_rng(2), 10**7)


@quick(60)
@given(st.lists(st.integers(0, 9), max_size=40), st.integers(0, 2**32), st.integers(1, 9))
def test_a_feed_hands_out_whole_cycles(gaps: list[int], seed: int, about: int) -> None:
    rng = np.random.default_rng(seed)
    offered = np.cumsum(gaps)
    schedule = packets(*[(0, 1, 1, int(cycle), 0) for cycle in offered])
    feed, until, taken = Feed(Cut(schedule, rng, 5)), 0, []
    while feed.peek() is not None:
        until += int(rng.integers(1, 9))
        while True:
            block = feed.take(until, about)
            if not len(block):
                break
            taken.append(block)
            coming = feed.peek()
            assert coming is None or block.offered[-1] < coming.offered[0]
            assert block.offered[-1] < until
            assert len(block) <= about or (block.offered[about - 1 :] == block.offered[-1]).all()
        assert sum(map(len, taken)) == (offered < until).sum()
    assert join(taken).offered.tolist() == offered.tolist()


def test_a_stalled_fabric_keeps_its_packets() -> None:
    image, schedule = mesh_run(300)
    never = StallPattern(threshold=2**32 - 1)
    fed = Simulation(image, ScheduleStream(schedule), stalls=never, record_events=False)
    result = finish(fed, np.random.default_rng(2), 700, 700)
    assert_same_result(
        result, simulate(image, schedule, stalls=never, cycles=700, record_events=False)
    )
    assert (result.records.status == PacketStatus.IN_FLIGHT).any()

"""Closed loops on the engine: equal to the oracle, by the rules, however they are run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import astuple, replace
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.engine import EngineResult, PacketStatus, run, simulate
from model.errors import InputError
from model.image import ConfigImage
from model.random import threshold
from model.runlog import Event
from model.schedule import NO_STALLS, PacketSchedule, StallPattern
from model.spec import FabricSpec, Port
from model.traffic import ScheduleStream, make_schedule
from model.traffic.closed_check import breaches, shown
from model.traffic.closed_loop import ClosedLoop
from model.traffic.stream import COLUMNS, packed
from tests.engine.recorded import COUNT, FILE, digests
from tests.engine.same import assert_same_log, assert_same_result
from tests.engine.streamed import Cut, finish
from tests.images import random_image, random_schedule, random_stalls, xy_image
from tests.schedules import packets
from tests.traffic.closed_oracle import closed_run
from tests.traffic.test_closed_loop import LOOPS, ended

MANY = 10**5


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


class Case(NamedTuple):
    """One random closed loop."""

    image: ConfigImage
    schedule: PacketSchedule
    loop: ClosedLoop
    stalls: StallPattern

    def run(self, **options: Any) -> EngineResult:
        return simulate(self.image, self.schedule, loop=self.loop, stalls=self.stalls, **options)


@st.composite
def odd_cases(draw: st.DrawFn, packets: int = 60) -> Case:
    """On fabrics whose defects and tables lose, sink and misdeliver packets."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    spec = FabricSpec(
        width=draw(st.integers(1, 5)),
        height=draw(st.integers(1, 5)),
        vcs=draw(st.sampled_from([1, 2])),
        depth=draw(st.integers(2, 5)),
    )
    image = random_image(rng, spec, noise=draw(st.sampled_from([0.0, 0.1, 0.5])))
    count, span = draw(st.integers(1, packets)), draw(st.sampled_from([1, 60, 600]))
    schedule = random_schedule(rng, image, count, span=span, gaps=0.0)
    return Case(image, schedule, draw(LOOPS), random_stalls(rng))


def quick(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, derandomize=True)


@quick(25)
@given(LOOPS, st.integers(0, 999), st.sampled_from([1, 2]), st.sampled_from([0.0, 0.4]))
def test_win_1_to_3_the_engine_shows_what_the_oracle_shows(
    loop: ClosedLoop, seed: int, vcs: int, stall: float
) -> None:
    image = fabric(vcs)
    schedule = astray(image, requests(image, seed), 9)
    stalls = StallPattern(threshold=threshold("stall", stall), burst_log2=2, seed=seed)
    result = simulate(image, schedule, loop=loop, stalls=stalls)
    seen = shown(image, loop, result)
    expected, _ = closed_run(image, schedule, loop, stalls)
    assert np.array_equal(astuple(seen), astuple(expected))
    assert breaches(loop, schedule, seen) == []
    assert result.finished
    assert (ended(loop, seen) >= 0).all()
    assert (seen.refused >= 0).any()


@quick(40)
@given(odd_cases())
def test_win_2_requests_that_are_lost_keep_their_slots_as_in_the_oracle(case: Case) -> None:
    result = case.run()
    seen = shown(case.image, case.loop, result)
    expected, _ = closed_run(case.image, case.schedule, case.loop, case.stalls)
    assert np.array_equal(astuple(seen), astuple(expected))
    assert breaches(case.loop, case.schedule, seen) == []
    assert result.finished != result.stuck
    assert result.log.cycles < MANY


@quick(40)
@given(odd_cases())
def test_eng_1_a_closed_run_is_the_open_run_of_what_it_sent_and_when(case: Case) -> None:
    result = case.run()
    sent = np.flatnonzero(result.records.accepted >= 0)
    tile = case.image.remap_tile[result.records.source[sent]]
    order = sent[np.lexsort((tile, result.records.accepted[sent]))]
    columns = {name: getattr(result.records, name)[order] for name in COLUMNS}
    columns["offered"] = result.records.accepted[order]
    opened = simulate(case.image, packed(columns), stalls=case.stalls, cycles=result.log.cycles)
    for name in set(vars(opened.records)) - {"id", "offered"}:
        column = getattr(result.records, name)[order]
        assert np.array_equal(getattr(opened.records, name), column), name
    # Payloads follow from ids, which differ (STM-1).
    for log in (opened.log, result.log):
        log.events["payload"] = 0
        log.quiet = False
    assert_same_log(opened.log, result.log)


@pytest.mark.parametrize(
    "some",
    [
        pytest.param([1, 16, 27, 39, 62, 76, 89], id="1 and 2 VCs"),  # each number is compiled
        pytest.param(range(COUNT), id="all", marks=pytest.mark.slow),
    ],
)
def test_win_1_an_endless_window_is_the_open_loop_byte_for_byte(some: Sequence[int]) -> None:
    recorded = json.loads(FILE.read_text())["bare"]
    found = digests(some, loop=ClosedLoop(window=65535))
    assert found == [recorded[number] for number in some]


@quick(15)
@given(odd_cases(packets=40))
def test_eng_2_closed_loops_compiled_and_uncompiled_are_equal(case: Case) -> None:
    windows: dict[str, Any] = {"occupancy_window": (3, 40), "trace_window": (0, MANY)}
    assert_same_result(case.run(compiled=False, **windows), case.run(**windows))
    assert_same_result(case.run(descending=True, **windows), case.run(**windows))


@quick(15)
@given(odd_cases(), st.integers(2, 4))
def test_eng_3_threads_and_parts_do_not_show_in_closed_loops(case: Case, threads: int) -> None:
    alone = case.run()
    assert_same_result(case.run(threads=threads), alone)
    with pytest.MonkeyPatch.context() as small:
        small.setattr(run, "PART_TILES", 1)  # a part for each row
        assert_same_result(case.run(threads=threads), alone)


@quick(40)
@given(odd_cases(), st.integers(0, 2**32), st.integers(1, 3))
def test_eng_3_closed_loops_that_are_fed_by_a_stream(case: Case, seed: int, threads: int) -> None:
    whole, rng = case.run(record_events=False), np.random.default_rng(seed)
    for cycles in (None, whole.log.cycles // 2):
        if cycles is not None:
            whole = case.run(record_events=False, cycles=cycles)
        stream = Cut(case.schedule, rng, int(rng.integers(1, 60)))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(run, "AHEAD", int(rng.choice([1, 7, 100])))
            patch.setattr(run, "PART_TILES", 1)
            fed = run.Simulation(
                case.image, stream, loop=case.loop, stalls=case.stalls, threads=threads
            )
            stop = MANY if cycles is None else cycles
            assert_same_result(finish(fed, rng, stop, cycles), whole)


@pytest.mark.parametrize("reply", [0, 1])
def test_a_slot_serves_many_requests_of_a_closed_loop(reply: int) -> None:
    """Memory is for what waits or is on its way, however long the run."""
    image, rooms = fabric(), []
    for count in (1000, 8000):
        schedule = make_schedule(image, load=0.05, packets=count)
        loop = ClosedLoop(window=4, reply=reply, service=2, think=20)
        fed = run.Simulation(image, ScheduleStream(schedule), loop=loop, record_events=False)
        taken = 0
        while not fed.finished:
            fed.advance(fed.cycle + 50, 10**7)
            taken += len(fed.take())
        taken += sum(len(block) for block in fed.take_rest())
        assert taken == count << reply
        rooms.append(len(fed.loaded.slot))
    assert rooms[0] == rooms[1] < 1000


# Worked by hand -----------------------------------------------------------------------------------


def test_win_2_one_packet_at_a_time_takes_its_zero_load_round_trip() -> None:
    image = fabric()
    schedule = packets((0, 1, 1, 0), (0, 3, 2, 0), (0, 11, 1, 0))
    loop = ClosedLoop(window=1, reply=2, service=5, think=3)
    seen = shown(image, loop, simulate(image, schedule, loop=loop))
    hops, cycle = (1, 3, 5), 0
    for k, far in enumerate(hops):
        assert seen.accepted[k] == cycle
        arrives = cycle + far + 3 + int(schedule.length[k]) - 1  # RTR-3
        assert seen.delivered[k] == arrives
        assert seen.reply_accepted[k] == arrives + 1 + loop.service
        assert seen.reply_delivered[k] == seen.reply_accepted[k] + far + 3 + 1
        cycle = int(seen.reply_delivered[k]) + 1 + loop.think


def test_win_2_without_replies_delivery_and_refusal_give_the_slot_back() -> None:
    image = fabric()
    image.remap_tile[5] = image.identity[5] = -1
    schedule = packets((0, 3, 2, 0), (0, 5, 3, 0), (0, 1, 1, 0))
    result = simulate(image, schedule, loop=ClosedLoop(window=1, think=4))
    first, refused, last = result.records.accepted.tolist()
    assert (first, refused) == (0, 0 + 3 + 3 + 1 + 1 + 4)
    refusals = result.log.events[result.log.events["kind"] == Event.REFUSE]["cycle"].tolist()
    assert refusals == [refused + 1]  # NI-2
    assert last == refused + 1 + 1 + 4
    assert result.records.status.tolist() == [2, 4, 2]


def test_win_3_replies_go_before_requests_but_do_not_interrupt_them() -> None:
    """Tile 1 has two long requests of its own when it owes replies to tiles 0 and 2."""
    image = xy_image(FabricSpec(width=3, height=1))
    schedule = packets((0, 1, 1, 0), (1, 2, 12, 0), (1, 0, 12, 0), (2, 1, 1, 1))
    loop = ClosedLoop(window=8, reply=3)
    result = simulate(image, schedule, loop=loop)
    offered, accepted = result.records.offered, result.records.accepted
    assert offered.tolist() == [0, 0 + 4 + 1, 0, 0 + 15 + 1, 0, 18 + 15 + 1, 1, 1 + 4 + 1]
    assert accepted[[2, 1, 7, 4]].tolist() == [0, 12, 15, 18]


def test_win_1_outstanding_requests_fill_the_window_and_no_more() -> None:
    image = fabric()
    schedule = packets(*((0, 11, 1, 0) for _ in range(40)))
    for window in (1, 2, 3, 9):
        records = simulate(image, schedule, loop=ClosedLoop(window=window)).records
        trip = 5 + 3
        cycle = np.arange(40) // window * (trip + 1) + np.arange(40) % window
        assert np.array_equal(records.accepted, cycle), window
        assert np.array_equal(records.delivered_last, cycle + trip), window


def test_win_4_request_i_is_packet_2i_and_its_reply_packet_2i_plus_1() -> None:
    image = fabric()
    image.remap_tile[5] = image.identity[5] = -1
    schedule = packets((0, 3, 2, 0), (6, 5, 1, 0), (7, 0, 1, 2))
    result = simulate(image, schedule, loop=ClosedLoop(window=2, reply=4, service=1))
    sent = records = result.records
    assert sent.source.tolist() == [0, 3, 6, 6, 7, 0]
    assert sent.destination.tolist() == [3, 0, 5, 6, 0, 7]
    assert sent.length.tolist() == [2, 4, 1, 4, 1, 4]
    assert sent.offered[::2].tolist() == [0, 0, 2]
    delivered = records.delivered_last[::2]
    assert sent.offered[1::2].tolist() == [delivered[0] + 2, -1, delivered[2] + 2]
    end = [PacketStatus.DELIVERED] * 2
    assert records.status.tolist() == [*end, PacketStatus.REFUSED, PacketStatus.WAITING, *end]
    assert result.finished
    assert result.log.quiet
    opened = simulate(image, packets((0, 0, 1, 0), (0, 3, 4, 5)), cycles=50)
    payloads = [
        log.events["payload"][(log.events["kind"] == Event.ACCEPT) & (log.events["tile"] == tile)]
        for log, tile in ((opened.log, 0), (result.log, 3))
    ]
    assert payloads[0][1:].tolist() == payloads[1].tolist(), "packet 1 of both"


@pytest.mark.parametrize("reply", [0, 2])
def test_win_4_a_run_whose_windows_are_stuck_for_ever_ends(reply: int) -> None:
    image = fabric()
    image.turns[1] = False  # packets that would pass tile 1 are sunk there (RTR-7)
    schedule = packets(*((0, 3, 1, 0) for _ in range(3)), *((4, 7, 1, 1) for _ in range(5)))
    loop = ClosedLoop(window=2, reply=reply, think=100)
    result = simulate(image, schedule, loop=loop)
    assert result.stuck
    assert not result.finished
    assert not result.log.quiet
    kinds = result.records.status[:: 2 if reply else 1].tolist()
    assert kinds == [PacketStatus.SUNK] * 2 + [PacketStatus.WAITING] + [PacketStatus.DELIVERED] * 5
    assert 200 < result.log.cycles < 500
    assert simulate(image, schedule, loop=replace(loop, window=3)).finished
    assert simulate(image, schedule, loop=loop, cycles=900).log.cycles == 900


@pytest.mark.parametrize("reply", [0, 2])
@pytest.mark.parametrize("lost", ["request", "reply"])
def test_win_2_win_3_what_is_misdelivered_is_not_answered_and_keeps_its_slot(
    reply: int, lost: str
) -> None:
    """Tile 1 keeps what comes from the west, or from the east, for itself."""
    image = fabric()
    came = Port.WEST if lost == "request" else Port.EAST
    image.routes[1, 1:] = image.routes[1, :-1].copy()
    image.routes[1, 0] = (1, 0, 3, 0, 2, 1 << came, 1, Port.LOCAL)
    schedule = packets((0, 3, 1, 0), (0, 3, 1, 0))
    result = simulate(image, schedule, loop=ClosedLoop(window=1, reply=reply))
    kept = reply > 0 or lost == "request"
    assert result.stuck == kept
    assert result.finished != kept
    first = PacketStatus.MISDELIVERED if lost == "request" else PacketStatus.DELIVERED
    assert result.records.status[0] == first
    if reply:
        wrong = PacketStatus.WAITING if lost == "request" else PacketStatus.MISDELIVERED
        assert result.records.status[1] == wrong
        assert (result.records.offered[1] < 0) == (lost == "request")


def test_a_reply_that_its_tile_cannot_send_waits_and_the_run_ends() -> None:
    image = fabric()
    image.identity[3] = -1  # its NI accepts nothing (NI-1), its core is given packets all the same
    schedule = packets((0, 3, 1, 0), (0, 2, 1, 0))
    loop = ClosedLoop(window=2, reply=1)
    result = simulate(image, schedule, loop=loop)
    assert result.finished
    assert not result.log.quiet
    assert result.records.status.tolist() == [2, 0, 2, 2]
    assert result.records.offered[1] == result.records.delivered_last[0] + 1
    assert simulate(image, schedule, loop=replace(loop, window=1)).stuck


# Behaviour ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("reply", [0, 2])
def test_a_wider_window_carries_more_and_makes_packets_wait_longer(reply: int) -> None:
    image = fabric()
    schedule = requests(image, 8, 120)
    schedule = replace(schedule, offered=np.zeros_like(schedule.offered))
    ends, trips = [], []
    for window in (1, 2, 4):
        loop = ClosedLoop(window=window, reply=reply)
        seen = shown(image, loop, simulate(image, schedule, loop=loop, stalls=NO_STALLS))
        ends.append(int(ended(loop, seen).max()))
        trips.append(float((ended(loop, seen) - seen.accepted).mean()))
    assert ends[0] > ends[1] > ends[2]
    assert trips[0] < trips[1] < trips[2]


def test_the_checker_finds_an_engine_run_that_was_given_a_wider_window() -> None:
    image = fabric()
    schedule = requests(image, 3)
    wide, narrow = ClosedLoop(window=3, reply=1), ClosedLoop(window=2, reply=1)
    seen = shown(image, wide, simulate(image, schedule, loop=wide))
    assert breaches(wide, schedule, seen) == []
    assert any(line.startswith("WIN-1") for line in breaches(narrow, schedule, seen))


def test_a_loop_out_of_range_is_refused() -> None:
    with pytest.raises(InputError, match="window is 0; allowed: an integer from 1 to 65535"):
        simulate(fabric(), packets((0, 1, 1, 0)), loop=ClosedLoop(window=0))

"""Random fabrics, defects, tables, traffic and stalls, drawn together so that failures shrink."""

from __future__ import annotations

import dataclasses
from typing import Any, NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.engine import EngineResult, PacketStatus, payload, simulate
from model.image import ConfigImage
from model.runlog import Event
from model.schedule import PacketSchedule, StallPattern
from model.spec import FabricSpec, Port
from tests.engine.naive import naive_log
from tests.engine.same import assert_same_log, assert_same_result
from tests.images import random_image, random_schedule, random_stalls

LAST_CYCLE = 10**6


class Case(NamedTuple):
    """One random run."""

    image: ConfigImage
    schedule: PacketSchedule
    stalls: StallPattern

    def run(self, **options: Any) -> EngineResult:
        return simulate(self.image, self.schedule, stalls=self.stalls, **options)


@st.composite
def cases(draw: st.DrawFn, packets: int = 120) -> Case:
    spec = FabricSpec(
        width=draw(st.integers(1, 6)),
        height=draw(st.integers(1, 6)),
        vcs=draw(st.sampled_from([1, 2, 4])),
        depth=draw(st.integers(2, 8)),
        payload_width=draw(st.sampled_from([1, 13, 32, 64])),
        route_entries=draw(st.integers(1, 20)),
        watchdog=draw(st.integers(2, 40)),
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    image = random_image(
        rng,
        spec,
        tile_rate=draw(st.sampled_from([0.0, 0.1, 0.3])),
        core_rate=draw(st.sampled_from([0.0, 0.1])),
        link_rate=draw(st.sampled_from([0.0, 0.1, 0.3])),
        noise=draw(st.sampled_from([0.0, 0.1, 0.5])),
    )
    schedule = random_schedule(
        rng,
        image,
        draw(st.integers(0, packets)),
        max_length=draw(st.sampled_from([1, 4, 16])),
        span=draw(st.sampled_from([1, 60, 600])),
    )
    return Case(image, schedule, random_stalls(rng))


def quick(examples: int) -> settings:
    return settings(max_examples=examples, derandomize=True, deadline=None)


@quick(80)
@given(cases(), st.integers(0, 3))
def test_eng_1_engine_equals_the_naive_engine_in_every_observable(case: Case, cut: int) -> None:
    result = case.run()
    if cut == 0:
        result = case.run(cycles=result.log.cycles // 2)
    expected = naive_log(case.image, case.schedule, case.stalls, result.log.cycles)
    assert_same_log(result.log, expected)


@quick(15)
@given(cases(packets=40))
def test_eng_2_compiled_and_uncompiled_runs_are_equal(case: Case) -> None:
    windows: dict[str, Any] = {"occupancy_window": (3, 40), "trace_window": (0, LAST_CYCLE)}
    assert_same_result(case.run(compiled=False, **windows), case.run(**windows))


@quick(40)
@given(cases())
def test_eng_3_result_does_not_depend_on_the_order_of_tiles(case: Case) -> None:
    windows: dict[str, Any] = {"occupancy_window": (0, 50), "trace_window": (0, LAST_CYCLE)}
    assert_same_result(case.run(descending=True, **windows), case.run(**windows))


@quick(60)
@given(cases())
def test_tbl_2_every_packet_ends_delivered_sunk_or_refused(case: Case) -> None:
    result = case.run()
    ends = [
        PacketStatus.DELIVERED,
        PacketStatus.MISDELIVERED,
        PacketStatus.SUNK,
        PacketStatus.REFUSED,
    ]
    assert result.finished
    assert result.log.quiet
    assert np.isin(result.records.status, ends).all()
    counters, status = result.log.counters, result.records.status
    assert counters.offenders.sum() == (status == PacketStatus.SUNK).sum()
    assert counters.refused.sum() == (status == PacketStatus.REFUSED).sum()


@quick(60)
@given(cases())
def test_rtr_6_flits_arrive_once_whole_and_in_order(case: Case) -> None:
    result, schedule = case.run(), case.schedule
    events, records = result.log.events, result.records
    arrived = np.isin(records.status, [PacketStatus.DELIVERED, PacketStatus.MISDELIVERED])
    width = case.image.spec.payload_width
    for tile in range(case.image.spec.tiles):
        for vc in range(case.image.spec.vcs):
            here = events[(events["kind"] == Event.DELIVER) & (events["tile"] == tile)]
            seen = here["payload"][here["vc"] == vc]
            mine = np.flatnonzero(arrived & (records.tile == tile) & (records.vc == vc))
            mine = mine[np.argsort(records.delivered_first[mine])]
            flits = [(p << 16) + k for p in mine for k in range(schedule.length[p])]
            assert np.array_equal(seen, payload(np.array(flits, np.int64), width))
    key = np.stack([schedule.source, schedule.destination, records.vc], axis=1)
    for pair in np.unique(key[arrived], axis=0):
        flow = np.flatnonzero(arrived & (key == pair).all(axis=1))
        assert (np.diff(records.delivered_first[flow]) > 0).all()


@quick(40)
@given(cases())
def test_fus_2_tbl_2_flits_only_take_live_links_and_legal_turns(case: Case) -> None:
    result = case.run(trace_window=(0, LAST_CYCLE), occupancy_window=(0, 200))
    assert result.trace is not None
    assert result.occupancy is not None
    _, tile, source, output, vc, _, _ = result.trace.T
    moved = output < 5
    assert case.image.turns[tile[moved], source[moved], output[moved], vc[moved]].all()
    mesh = output < Port.LOCAL
    assert case.image.out_ok[tile[mesh], output[mesh]].all()
    assert case.image.core_ok[tile[output == Port.LOCAL]].all()
    counts = np.zeros_like(result.log.counters.moved)
    np.add.at(counts, (tile[moved], output[moved]), 1)
    assert np.array_equal(counts, result.log.counters.moved)
    assert result.occupancy.max(initial=0) <= case.image.spec.depth
    assert not result.occupancy[:, ~case.image.live].any()


@quick(40)
@given(cases())
def test_lnk_3_packets_never_interleave_in_an_input_vc(case: Case) -> None:
    trace = case.run(trace_window=(0, LAST_CYCLE)).trace
    assert trace is not None
    order = np.lexsort((trace[:, 0], trace[:, 4], trace[:, 2], trace[:, 1]))
    rows = trace[order]
    same_vc = (rows[1:, [1, 2, 4]] == rows[:-1, [1, 2, 4]]).all(axis=1)
    packet, flit = rows[:, 5], rows[:, 6]
    follows = (packet[1:] == packet[:-1]) & (flit[1:] == flit[:-1] + 1)
    last = flit == case.schedule.length[packet] - 1
    starts = (flit[1:] == 0) & last[:-1]
    assert (follows | starts)[same_vc].all()


def test_the_comparison_fails_when_the_engines_run_different_things() -> None:
    rng = np.random.default_rng(5)
    image = random_image(rng, FabricSpec(width=4, height=4), noise=0)
    schedule = random_schedule(rng, image, 50)
    log = simulate(image, schedule).log
    late = dataclasses.replace(schedule, offered=schedule.offered + 1)
    with pytest.raises(AssertionError):
        assert_same_log(log, naive_log(image, late, StallPattern(), log.cycles))
    image.turns[:, :, Port.LOCAL] = False
    with pytest.raises(AssertionError):
        assert_same_log(log, naive_log(image, schedule, StallPattern(), log.cycles))

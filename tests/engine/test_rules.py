"""Directed tests of the engine: latency, throughput, counters, bounds of a run, bad input."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from model.engine import MARGIN, PacketStatus, run, simulate
from model.engine.state import COUNTERS, MOVED, State, bytes_per_tile, make_state
from model.engine.tables import make_tables
from model.errors import InputError
from model.image import ConfigImage
from model.random import below, draws, mix64, threshold
from model.schedule import StallPattern
from model.spec import FabricSpec, Port
from tests.engine.naive import mix
from tests.images import xy_image
from tests.schedules import packets


@pytest.mark.parametrize("length", [1, 2, 5])
@pytest.mark.parametrize("vcs", [1, 2, 4])
def test_rtr_3_zero_load_latency_over_every_distance(length: int, vcs: int) -> None:
    image = xy_image(FabricSpec(width=5, height=4, vcs=vcs), spread_vcs=True)
    n = image.spec.tiles
    pairs = [(s, d) for s in range(n) for d in range(n)]
    result = simulate(
        image, packets(*((s, d, length, 50 * k, 0) for k, (s, d) in enumerate(pairs)))
    )
    records = result.records
    for k, (s, d) in enumerate(pairs):
        h = abs(s % 5 - d % 5) + abs(s // 5 - d // 5)
        assert records.hops[k] == h
        assert records.accepted[k] == 50 * k
        assert records.delivered_last[k] - records.accepted[k] == h + 3 + length - 1


@pytest.mark.parametrize("length", [1, 3])
def test_rtr_2_depth_2_carries_one_flit_per_cycle(length: int) -> None:
    image = xy_image(FabricSpec(width=8, height=1, depth=2))
    result = simulate(image, packets(*[(0, 7, length, 0, 0)] * 100))
    last = result.records.delivered_last
    assert (np.diff(last) == length).all()
    assert not result.log.counters.stalled.any()


def test_rtr_2_a_depth_of_one_could_not_the_measurement_notices_bubbles() -> None:
    image = xy_image(FabricSpec(width=8, height=1, depth=2))
    result = simulate(image, packets(*[(0, 7, 3, 0, 1)] * 100))
    assert (np.diff(result.records.delivered_last) > 3).all()


def test_cfg_4_counters_wrap_at_32_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    def nearly_full(*arguments: Any) -> State:
        state = make_state(*arguments)
        state.counters.reshape(-1, COUNTERS)[0, Port.EAST] = 2**32 - 256
        state.line.reshape(2, 8, 8)[0, MOVED, Port.EAST] = 255
        return state

    monkeypatch.setattr(run, "make_state", nearly_full)
    log = simulate(xy_image(FabricSpec(width=2, height=1)), packets((0, 1, 3, 0, 0))).log
    assert log.counters.moved[0, Port.EAST] == 2


def test_run_ends_a_margin_after_the_last_delivery_and_idle_cycles_cost_nothing() -> None:
    image = xy_image(FabricSpec(width=2, height=1))
    far = 4_000_000_000
    result = simulate(image, packets((0, 1, 1, 0, 0), (0, 1, 1, far, 0)), max_cycles=2**32 - 1)
    assert result.finished
    assert result.log.quiet
    assert result.log.cycles == far + 4 + 1 + MARGIN


def test_a_run_that_reaches_its_bound_says_so() -> None:
    image = xy_image(FabricSpec(width=2, height=1))
    never = StallPattern(threshold=2**32 - 1)
    result = simulate(image, packets((0, 1, 1, 0, 0)), stalls=never, max_cycles=500)
    assert not result.finished
    assert not result.log.quiet
    assert result.log.cycles == 500
    assert result.records.status.tolist() == [PacketStatus.IN_FLIGHT]


@pytest.mark.parametrize("fault", ["core", "identity", "tile"])
def test_ni_1_fus_4_a_tile_that_cannot_accept_keeps_its_packets_waiting(fault: str) -> None:
    image = xy_image(FabricSpec(width=3, height=1))
    if fault == "core":
        image.core_ok[1] = False
    elif fault == "identity":
        image.identity[1] = -1
    else:
        image.live[1] = image.core_ok[1] = False
        image.in_ok[:] = image.out_ok[:] = False
    result = simulate(image, packets((1, 0, 1, 0, 0), (0, 0, 1, 0, 0)))
    assert result.finished
    assert not result.log.quiet
    assert result.records.status.tolist() == [PacketStatus.WAITING, PacketStatus.DELIVERED]
    assert result.records.vc.tolist() == [-1, 0]


def test_rmp_2_first_valid_rule_overrides_the_default_vc() -> None:
    image = xy_image(FabricSpec(width=3, height=1, vcs=4))
    image.remap_vc[:] = 3
    image.rules[0, 1] = (0, 0, 2, 0, 0, 1)
    image.rules[0, 2] = (1, 2, 2, 0, 0, 2)
    image.rules[0, 3] = (1, 0, 2, 0, 0, 0)
    schedule = packets((0, 1, 1, 0, 0), (0, 2, 1, 0, 0), (1, 2, 1, 0, 0))
    assert simulate(image, schedule).records.vc.tolist() == [0, 2, 3]


def test_occupancy_and_trace_show_the_cycles_asked_for() -> None:
    image = xy_image(FabricSpec(width=2, height=1))
    schedule = packets((0, 1, 1, 0, 0))
    result = simulate(image, schedule, occupancy_window=(2, 6), trace_window=(3, 4))
    assert result.occupancy is not None
    assert result.trace is not None
    held = {tuple(row) for row in np.argwhere(result.occupancy).tolist()}
    assert held == {(0, 0, Port.LOCAL, 0), (1, 1, Port.WEST, 0)}
    assert result.trace.tolist() == [[3, 1, Port.WEST, Port.LOCAL, 0, 0, 0]]


def test_events_can_be_left_out_and_the_rest_stays_equal() -> None:
    image = xy_image(FabricSpec(width=4, height=4))
    schedule = packets(*((k % 16, 5 * k % 16, 2, k // 4, 0) for k in range(200)))
    full, bare = simulate(image, schedule), simulate(image, schedule, record_events=False)
    assert len(full.log.events) == 800
    assert len(bare.log.events) == 0
    assert np.array_equal(full.records.delivered_last, bare.records.delivered_last)
    assert np.array_equal(full.log.counters.moved, bare.log.counters.moved)


@pytest.mark.parametrize(("vcs", "depth"), [(1, 4), (4, 8)])
def test_eng_2_memory_per_tile_is_what_is_stated(vcs: int, depth: int) -> None:
    image = xy_image(FabricSpec(width=16, height=16, vcs=vcs, depth=depth))
    state = make_state(image, np.array([0, 256]), make_tables(image))
    used = sum(array.nbytes for array in state)
    assert 0 <= used - 256 * bytes_per_tile(vcs, depth) < 2000  # what is per part, or one line


def bad_images() -> dict[str, ConfigImage]:
    """Images that contradict themselves, by a part of the message."""
    spec = FabricSpec(width=3, height=2, vcs=2)
    found = {name: xy_image(spec) for name in ("link EAST of tile (0, 0)", "remap vc is 2",
             "vc_rules vc is 3", "link SOUTH of tile (2, 1)", "remap is 6")}  # fmt: skip
    found["link EAST of tile (0, 0)"].in_ok[1, Port.WEST] = False
    found["link SOUTH of tile (2, 1)"].out_ok[5, Port.SOUTH] = True
    found["remap vc is 2"].remap_vc[3] = 2
    found["vc_rules vc is 3"].rules[1, 0] = (1, 0, 0, 0, 0, 3)
    found["remap is 6"].remap_tile[0] = 6
    return found


@pytest.mark.parametrize("text", list(bad_images()))
def test_fus_1_rmp_2_contradictory_images_are_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        simulate(bad_images()[text], packets())
    assert text in str(caught.value)
    assert "; allowed: " in str(caught.value)


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ((9, 0, 1, 0, 0), "schedule.source[0] is 9; allowed: 0 to 5"),
        ((5, 0, 1, 0, 0), "schedule.source[0] is 5; allowed: a hosted logical id"),
        ((0, 8, 1, 0, 0), "schedule.destination[0] is 8; allowed: 0 to 7"),
        ((0, 0, 0, 0, 0), "schedule.length[0] is 0; allowed: 1 to 64"),
        ((0, 0, 65, 0, 0), "schedule.length[0] is 65; allowed: 1 to 64"),
        ((0, 0, 1, -1, 0), "schedule.offered[0] is -1; allowed: 0 to 4294967295"),
        ((0, 0, 1, 0, -1), "schedule.gap[0] is -1; allowed: 0 to 2147483647"),
    ],
)
def test_packets_no_source_can_send_are_refused(row: tuple[int, ...], text: str) -> None:
    image = xy_image(FabricSpec(width=3, height=2))
    image.remap_tile[5] = -1
    with pytest.raises(InputError) as caught:
        simulate(image, packets(row))
    assert str(caught.value) == text


def test_unsorted_and_ragged_schedules_and_stalls_out_of_range_are_refused() -> None:
    image = xy_image(FabricSpec(width=2, height=1))
    good = packets((0, 1, 1, 5, 0), (0, 1, 1, 6, 0))
    with pytest.raises(InputError, match=r"offered\[1\] is earlier; allowed: ascending"):
        simulate(image, dataclasses.replace(good, offered=good.offered[::-1]))
    with pytest.raises(InputError, match=r"schedule.gap has 1 rows; allowed: 2"):
        simulate(image, dataclasses.replace(good, gap=good.gap[:1]))
    with pytest.raises(InputError, match=r"stalls.burst_log2 is 17"):
        simulate(image, good, stalls=StallPattern(burst_log2=17))


# Random numbers -----------------------------------------------------------------------------------


def test_mix64_equals_the_finaliser_on_unbounded_integers() -> None:
    values = [0, 1, 2**63, 2**64 - 1, 0x9E3779B97F4A7C15, 123456789]
    assert mix64(np.array(values, np.uint64)).tolist() == [mix(v) for v in values]
    assert mix(0x9E3779B97F4A7C15) == 0xE220A8397B1DCDAF  # splitmix64's first output for seed 0


def test_stl_1_the_share_of_stalled_cycles_is_the_threshold() -> None:
    image = xy_image(FabricSpec(width=1, height=1))
    half = StallPattern(threshold=2**31, seed=3)
    result = simulate(image, packets(*[(0, 0, 1, 0, 0)] * 4000), stalls=half)
    assert 7600 < result.log.cycles < 8400


def test_eng_3_draws_depend_on_seed_stream_and_index_only() -> None:
    whole = draws(7, 2, 100)
    assert np.array_equal(whole[40:], draws(7, 2, 60, start=40))
    assert len(set(whole.tolist()) | set(draws(7, 3, 100).tolist())) == 200
    spread = np.bincount(below(draws(1, 0, 30000), 3))
    assert (abs(spread - 10000) < 400).all()
    assert threshold("p", 0.5) == 2**31
    with pytest.raises(InputError, match=r"p is nan; allowed: a number from 0 to 1"):
        threshold("p", float("nan"))

"""The whole-fabric Verilog under cocotb against the golden engine, and directed runs."""

import dataclasses
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from model.engine import simulate
from model.runlog import Event
from model.spec import Status
from rtl.bugs import Bug
from tests.bench.scenes import SMALL, TWO_VCS, busy, random_case, with_dead_parts
from tests.hand_tables import HAND_TABLES
from tests.images import random_schedule, xy_image
from tests.netlist import NETLIST, quick_spec
from tests.schedules import packets
from verif.bench.campaign import run_set
from verif.bench.case import Case, Outcome
from verif.bench.fabric_cases import PROBE_WORD
from verif.bench.launch import check_cases, make_case, simulate_rtl
from verif.bench.registers import register_history
from verif.bench.scoreboard import judge
from verif.bench.window import record
from verif.compare import compare
from verif.tile_array import simulate as simulate_array

verilator = pytest.mark.xdist_group("verilator")


def test_eng_1_random_fabrics_with_two_vcs_equal_the_engine_on_icarus():
    check_cases([random_case(TWO_VCS, seed, read_back=seed == 0) for seed in range(4)], "icarus")


@verilator
def test_eng_1_random_fabrics_equal_the_engine_on_verilator():
    cases = [random_case(SMALL, seed, read_back=seed < 2) for seed in range(12)]
    outcomes = check_cases(cases, "verilator")
    assert sum(len(outcome.log.events) for outcome in outcomes) > 1000


def test_sim_2_fabric_and_tile_array_agree_in_every_event_and_counter():
    spec = quick_spec(4, 2)
    cases = [random_case(spec, seed)[0] for seed in range(3)]
    for case, outcome in zip(cases, simulate_rtl(cases, "icarus"), strict=True):
        log = simulate_array(
            case.image,
            case.schedule,
            cycles=case.cycles,
            stalls=case.stalls,
            netlist=NETLIST,
            quick=True,
        )
        assert compare(log, outcome.log, spec) is None


@pytest.mark.parametrize("index", [3, 12, 22])
def test_eng_1_parameter_sets_equal_the_engine(index):
    assert run_set(index, range(2), simulator="icarus", against_array=False).failure == ""


BY_SPEC = defaultdict(list)
for _table in HAND_TABLES:
    BY_SPEC[_table.image.spec].append(_table)


@pytest.mark.parametrize("tables", BY_SPEC.values(), ids=lambda ts: "+".join(t.name for t in ts))
def test_eng_4_hand_worked_cycle_tables_hold_on_the_fabric(tables):
    cases = [
        Case(image=t.image, schedule=t.schedule, stalls=t.stalls, cycles=t.cycles) for t in tables
    ]
    check_cases([(case, t.log) for case, t in zip(cases, tables, strict=True)], "icarus")


def test_fus_3_x_from_every_dead_part_changes_no_live_register(tmp_path: Path):
    image = with_dead_parts(SMALL)
    schedule = random_schedule(np.random.default_rng(3), image, 40, stray=0.0)
    histories = []
    for noise in ("random", "x"):
        case, expected = make_case(image, schedule, noise=noise)
        outcome = record(case, tmp_path / f"{noise}.vcd", "icarus")
        judge(image, schedule, outcome)
        assert np.array_equal(outcome.log.events, expected.events)
        live = np.flatnonzero(image.live).tolist()
        histories.append(register_history(tmp_path / f"{noise}.vcd", SMALL, live))
    known, unknown = histories
    assert len(known) > 100
    assert known == unknown


def test_cfg_3_reset_in_mid_traffic_leaves_a_fabric_like_new():
    case, expected = busy(SMALL, reset_at=37)
    check_cases([(case, expected)], "icarus")


def taken_under_hold(case: Case, outcome: Outcome) -> list[int]:
    """Tiles that took flits while ``hold`` was high, each of a packet begun before (CFG-2)."""
    begun: dict[int, bool] = {}
    tiles = []
    for taken in outcome.taken:
        if case.hold_at <= taken.cycle < case.release_at:
            assert begun.get(taken.tile), f"first flit taken in cycle {taken.cycle} under hold"
            tiles.append(taken.tile)
        begun[taken.tile] = not taken.last
    return tiles


def test_cfg_2_hold_in_mid_traffic_lets_begun_packets_finish_and_writes_happen():
    case, _ = busy(SMALL)
    case = dataclasses.replace(
        case, hold_at=40, write_at=150, release_at=200, cycles=case.cycles + 200
    )
    (outcome,) = simulate_rtl([case], "icarus")
    judge(case.image, case.schedule, outcome)
    assert taken_under_hold(case, outcome)
    assert [level for cycle, level in outcome.idle if 40 < cycle < 150] == [1]
    assert outcome.log.quiet
    assert outcome.probe == PROBE_WORD
    assert not any(outcome.flags.values())


def test_cfg_2_hold_in_mid_traffic_of_random_fabrics_loses_nothing():
    """The engine knows no ``hold``; the scoreboard wants every packet once, whole, in order."""
    cases = [random_case(SMALL, seed)[0] for seed in range(3)]
    held = [
        dataclasses.replace(case, hold_at=25, release_at=400, cycles=case.cycles + 500)
        for case in cases
    ]
    for case, outcome in zip(held, simulate_rtl(held, "icarus"), strict=True):
        judge(case.image, case.schedule, outcome)
        assert taken_under_hold(case, outcome)
        assert outcome.taken[-1].cycle > case.release_at
        assert [level for cycle, level in outcome.idle if 25 < cycle < 400] == [1]
        assert outcome.log.quiet


def test_cfg_2_a_fabric_that_ignores_hold_is_caught():
    case = dataclasses.replace(busy(SMALL)[0], hold_at=40, release_at=200)
    (outcome,) = simulate_rtl([case], "icarus", bug=Bug.HOLD_IGNORED)
    with pytest.raises(AssertionError, match="under hold"):
        taken_under_hold(case, outcome)


def test_cfg_2_a_write_while_running_is_refused_and_flagged():
    case, expected = busy(SMALL, write_at=20)
    (outcome,) = check_cases([(case, expected)], "icarus")
    assert outcome.probe == 0
    assert {tile for tile, flags in outcome.flags.items() if flags >> 1 & 1} == {0}


@pytest.mark.parametrize("word", [Status.MOVED + 4, Status.STALLED + 4])
def test_cfg_4_counters_read_under_traffic_show_the_cycle_they_were_read_in(word):
    case, expected = busy(SMALL, poll=(4, int(word)))
    (outcome,) = check_cases([(case, expected)], "icarus")
    assert len(outcome.polled) == case.cycles
    assert outcome.polled == sorted(outcome.polled)
    for cycle in (1, 17, 60, case.cycles - 1):
        log = simulate(case.image, case.schedule, stalls=case.stalls, cycles=cycle).log
        counters = np.concatenate([log.counters.moved[4], log.counters.stalled[4]])
        assert outcome.polled[cycle] == counters[word]


def test_rtr_2_rtr_3_latency_and_throughput_measured_on_the_fabric():
    stream = packets(*[(0, 2, 4, 0)] * 10, (3, 5, 1, 100))
    case, expected = make_case(xy_image(SMALL), stream)
    (outcome,) = check_cases([(case, expected)], "icarus")
    events = outcome.log.events
    taken, given = (events["cycle"][events["kind"] == k] for k in (Event.ACCEPT, Event.DELIVER))
    assert given[-1] - taken[-1] == 2 + 3
    assert np.array_equal(given[:40], given[0] + np.arange(40))

"""Every checker of the benches fails when it must: on buggy RTL and on altered evidence."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from model.runlog import Event
from model.schedule import StallPattern
from rtl.bugs import Bug
from tests.bench.scenes import SMALL, busy
from tests.images import xy_image
from tests.schedules import packets
from verif.bench.case import Outcome, Taken, TileCase, load
from verif.bench.launch import (
    MismatchError,
    check_cases,
    difference,
    make_case,
    run_tiles,
    simulate_rtl,
)
from verif.bench.protocol import LinkChecker, StreamChecker
from verif.bench.replay import main as replay
from verif.bench.scoreboard import ScoreboardError, judge
from verif.words import pack


def test_a_mismatch_names_cycle_tile_port_values_seed_command_and_waveform(tmp_path: Path):
    with pytest.raises(MismatchError) as raised:
        check_cases(
            [busy(SMALL, 30, seed=9)], "icarus", bug=Bug.SOURCE_FROM_PAYLOAD, evidence=tmp_path
        )
    difference, fabric, seed, reproduce, waveform = str(raised.value).splitlines()
    assert difference.startswith("first difference in cycle ")
    assert all(
        word in difference for word in ("tile x", "core_out: ", "with src", "expected", "seen")
    )
    assert fabric == "fabric 3x2, 1 VCs, depth 2, icarus, bug source-from-payload"
    assert seed.split() == ["seed", "9"]
    assert reproduce.split()[1:] == [
        *("python", "-m", "verif.bench.replay"),
        str(tmp_path / "mismatch.pkl"),
    ]
    cycle = int(difference.split()[4].rstrip(","))
    start = load(tmp_path / "outcomes.pkl")[0].cycle0_ns
    assert waveform.split()[1:4] == [str(tmp_path / "mismatch.vcd"), "at", str(start + 10 * cycle)]
    assert (tmp_path / "mismatch.vcd").stat().st_size > 10_000
    assert replay(str(tmp_path / "mismatch.pkl")) == 1


LONG_STALLS = StallPattern(threshold=2**31, burst_log2=6, seed=3)


STREAMS = packets(*[(0, 2, 3, 0), (2, 0, 1, 0), (3, 2, 2, 0)] * 8)
LOST = {
    Bug.READY_IGNORED: STREAMS,
    Bug.IMPATIENT: STREAMS,
    Bug.OWNER_STAYS: packets((0, 1, 1, 0), (2, 1, 1, 10), (0, 1, 1, 20)),
}


@pytest.mark.parametrize("bug", LOST, ids=str)
def test_the_scoreboard_alone_finds_lost_flits_and_stuck_outputs(bug):
    image = xy_image(SMALL)
    case, _ = make_case(image, LOST[bug], LONG_STALLS)
    (outcome,) = simulate_rtl([case], "icarus", bug=bug)
    with pytest.raises(ScoreboardError):
        judge(image, LOST[bug], outcome)


@pytest.mark.parametrize("bug", [Bug.INTERLEAVE, Bug.OVERFLOW, Bug.BABBLE_ENTERS], ids=str)
def test_the_tile_bench_finds_protocol_bugs(bug):
    cases = [TileCase(spec=SMALL, seed=seed, cycles=150) for seed in range(4)]
    assert any(outcome.findings for outcome in run_tiles(cases, "icarus", bug=bug))


# Altered evidence ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run():
    case, expected = busy(SMALL, 40)
    (outcome,) = simulate_rtl([case], "icarus")
    return case, expected, outcome


def altered(outcome: Outcome, change) -> Outcome:
    log = dataclasses.replace(outcome.log, events=change(outcome.log.events.copy()))
    return dataclasses.replace(outcome, log=log)


def deliveries(events):
    return np.flatnonzero(events["kind"] == Event.DELIVER)


def lose(events):
    return np.delete(events, deliveries(events)[5])


def double(events):
    row = deliveries(events)[5]
    return np.insert(events, row, events[row])


def lose_all(events):
    return events[events["kind"] != Event.DELIVER]


def set_field(field, value):
    def change(events):
        row = deliveries(events)[7]
        events[field][row] = value(events[field][row])
        return events

    return change


def swap(events):
    first, second = deliveries(events)[:2]
    events["payload"][[first, second]] = events["payload"][[second, first]]
    return events


CHANGES = {
    "lost": lose,
    "doubled": double,
    "never outputs": lose_all,
    "other payload": set_field("payload", lambda old: old ^ 1),
    "other source": set_field("src", lambda old: (old + 1) % 6),
    "other VC": set_field("vc", lambda old: 1),
    "other last": set_field("last", lambda old: 1 - old),
    "other tile": set_field("tile", lambda old: (old + 1) % 6),
    "order": swap,
}


def test_the_untouched_evidence_passes(run):
    case, expected, outcome = run
    judge(case.image, case.schedule, outcome)
    assert difference(case, outcome, expected) is None


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_the_scoreboard_finds_altered_deliveries(run, change):
    case, _, outcome = run
    with pytest.raises(ScoreboardError):
        judge(case.image, case.schedule, altered(outcome, change))


def test_a_delivery_one_cycle_late_is_found_by_the_comparison(run):
    case, expected, outcome = run
    late = altered(outcome, set_field("cycle", lambda old: old + 1))
    assert difference(case, late, expected) is not None


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"drained": False}, "not quiet"),
        ({"complaints": ["core_in_ready is X"]}, "core_in_ready is X"),
        ({"taken": []}, "never entered"),
    ],
)
def test_the_scoreboard_finds_what_is_wrong_at_the_end(run, change, text):
    case, _, outcome = run
    with pytest.raises(ScoreboardError, match=text):
        judge(case.image, case.schedule, dataclasses.replace(outcome, **change))


def test_the_scoreboard_finds_a_source_that_sends_something_else(run):
    case, _, outcome = run
    first = dataclasses.replace(outcome.taken[0], dst=outcome.taken[0].dst ^ 1)
    with pytest.raises(ScoreboardError, match="was sent to"):
        judge(
            case.image,
            case.schedule,
            dataclasses.replace(outcome, taken=[first, *outcome.taken[1:]]),
        )


def test_a_flit_out_of_nowhere_is_found(run):
    case, _, outcome = run
    stray = Taken(0, 0, 1, 1, 123)
    with pytest.raises(ScoreboardError, match=r"altered|no source"):
        judge(case.image, case.schedule, dataclasses.replace(outcome, taken=[stray]))


# Protocol checkers --------------------------------------------------------------------------------


def flit(src: int, last: int) -> int:
    return pack(SMALL.flit_fields, dst_x=1, dst_y=0, src=src, last=last, payload=7)


LINK_TRACES = {
    # (valid, vc, flit, ready) per cycle
    "LNK-1": [(1, 0, flit(1, 1), 0)],
    "LNK-2": [(0, 0, 0, 1), (0, 0, 0, 0)],
    "LNK-3": [(1, 0, flit(1, 0), 1), (1, 0, flit(2, 1), 1)],
}


@pytest.mark.parametrize("rule", LINK_TRACES)
def test_a_link_that_breaks_a_rule_is_found(rule):
    checker = LinkChecker(SMALL, "east_out")
    for cycle, pins in enumerate(LINK_TRACES[rule]):
        checker.observe(cycle, *pins)
    assert any(rule in finding for finding in checker.findings)


def test_a_link_that_keeps_the_rules_is_not_blamed():
    checker = LinkChecker(SMALL, "east_out")
    trace = [(1, 0, flit(1, 0), 1), (0, 0, 0, 0), (0, 0, 0, 1), (1, 0, flit(1, 1), 1), (0, 0, 0, 0)]
    for cycle, pins in enumerate(trace):
        checker.observe(cycle, *pins)
    assert checker.findings == []
    assert (checker.moved, checker.blocked) == (2, 2)


@pytest.mark.parametrize("after", [(0, 5, 0), (1, 6, 0)], ids=["valid falls", "payload changes"])
def test_lnk_4_a_stream_that_does_not_hold_is_found(after):
    checker = StreamChecker("core_out")
    checker.observe(0, 1, 5, 0)
    checker.observe(1, *after)
    assert "LNK-4" in checker.findings[0]

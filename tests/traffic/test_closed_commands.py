"""Closed loops in ``wafermesh simulate`` and ``bench window``: what is told, written, refused."""

from __future__ import annotations

import json
import os
import re
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from model.engine import join_blocks, run
from model.image_file import save_image
from model.long_run import LongRun
from model.loop_summary import LoopSummary
from model.spec import FabricSpec
from model.traffic import ScheduleStream
from model.traffic.closed_check import shown
from tests.engine.same import assert_same_result
from tests.images import xy_image
from tests.traffic.test_closed_engine import MANY, Case, fabric, odd_cases, quick
from tools.cli import main

LOOP = ["--load", "1", "--cycles", "200", "--window", "3", "--reply", "2", "--service", "4"]


@pytest.fixture
def image_file(tmp_path: Path) -> str:
    save_image(xy_image(FabricSpec(width=4, height=3)), tmp_path / "image.json")
    return str(tmp_path / "image.json")


def call(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


# Figures ------------------------------------------------------------------------------------------


@quick(20)
@given(odd_cases(), st.one_of(st.none(), st.integers(1, 300)), st.integers(1, 9))
def test_what_a_loop_adds_up_to_is_what_its_requests_show(
    case: Case, window: int | None, cut: int
) -> None:
    result = case.run()
    seen, span = shown(case.image, case.loop, result), window or result.log.cycles
    hosted = int((case.image.remap_tile >= 0).sum())
    summary = LoopSummary(case.image, case.loop, 0, window)
    step = 2 * (len(result.records) // (2 * cut) or 1)
    for first in range(0, len(result.records), step):
        if first // step == 2:
            summary.end(result.log.cycles)
        summary.add(result.records.some(slice(first, first + step)))
    summary.end(result.log.cycles)
    found = summary.figures()
    over = seen.reply_delivered if case.loop.reply else seen.delivered
    trips = (over - seen.accepted)[over >= 0]
    loop = found["loop"]
    assert found["packets"] == len(case.schedule)
    assert loop["round_trip"]["max"] == (trips.max() if len(trips) else None)
    assert loop["round_trip"]["mean"] == (round(float(trips.mean()), 3) if len(trips) else None)
    count = ((over >= 0) & (over < span)).sum()
    assert loop["request_rate"] == pytest.approx(count / (span * hosted), abs=1e-6)
    cycle = np.arange(span)[:, np.newaxis]
    begun = (seen.accepted >= 0) & (seen.accepted <= cycle) & (seen.refused < 0)
    held = begun & ((over < 0) | (over > cycle))
    assert loop["outstanding"] == pytest.approx(held.sum() / (span * hosted), abs=1e-3)


@quick(20)
@given(odd_cases(), st.integers(0, 400), st.sampled_from([1, 2]))
def test_eng_3_closed_loops_that_are_interrupted_go_on(case: Case, at: int, threads: int) -> None:
    def begin() -> run.Simulation:
        return run.Simulation(
            case.image,
            ScheduleStream(case.schedule),
            loop=case.loop,
            stalls=case.stalls,
            record_events=False,
            threads=threads,
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "AHEAD", 9)
        patch.setattr(run, "PART_TILES", 1)
        first, second = begin(), begin()
        while first.cycle < at and not first.ended:
            first.advance(at, at)
        taken = first.take()
        second.thaw({name: array.copy() for name, array in first.freeze().items()})
        while second.cycle < MANY and not second.ended:
            second.advance(MANY, MANY)
    result = second.result(run.last_cycle(second, MANY, False))
    result.records = join_blocks([taken, *second.take_rest()])
    assert_same_result(result, case.run(record_events=False))


# Commands -----------------------------------------------------------------------------------------


def test_simulate_runs_a_loop_and_says_how_to_repeat_it(image_file: str, tmp_path: Path) -> None:
    out = str(tmp_path / "packets.parquet")
    result = call("simulate", image_file, *LOOP, "-o", out)
    assert result.exit_code == 0, result.output
    text = " ".join(result.stdout.split())
    assert "requests 2,400 from 12 hosted tiles" in text
    assert "round trip mean" in text
    assert "of 3 under way" in text
    again = result.stdout.split("Again: wafermesh ")[1].split()
    data = json.loads(call(*again, "--json").stdout)
    rows = pyarrow.parquet.read_table(out).to_pylist()
    assert [row["id"] for row in rows] == list(range(4800))
    for request, reply in zip(rows[::2], rows[1::2], strict=True):
        assert reply["offered"] == request["delivered_last"] + 1 + 4
        assert (reply["source"], reply["length"]) == (request["destination"], 2)
    trips = [
        b["delivered_last"] - a["accepted"] for a, b in zip(rows[::2], rows[1::2], strict=True)
    ]
    assert data["loop"]["round_trip"]["max"] == max(trips)
    assert data["loop"]["service"] == 4


def test_win_4_a_reply_that_was_never_offered_has_no_record(tmp_path: Path) -> None:
    image = fabric()
    image.remap_tile[5] = image.identity[5] = -1
    save_image(image, tmp_path / "image.json")
    (tmp_path / "t.csv").write_text("source,destination,length,offered\n0,3,1,0\n0,5,1,0\n")
    words = [str(tmp_path / "image.json"), "--traffic", str(tmp_path / "t.csv")]
    out = call("simulate", *words, "--window", "1", "--reply", "1", "-o", "-").stdout.splitlines()
    assert [line.split(",")[0] for line in out] == ["id", "0", "1", "2"]


def test_win_4_a_run_that_is_stuck_says_so_and_exits_with_1(tmp_path: Path) -> None:
    image = fabric()
    image.turns[1] = False
    save_image(image, tmp_path / "image.json")
    (tmp_path / "t.csv").write_text("source,destination,length,offered\n0,3,1,0\n0,3,1,0\n")
    words = [str(tmp_path / "image.json"), "--traffic", str(tmp_path / "t.csv"), "--window", "1"]
    result = call("simulate", *words)
    assert result.exit_code == 1
    assert "stuck: lost requests hold the windows" in " ".join(result.stdout.split())
    data = json.loads(call("simulate", *words, "--json").stdout)
    assert (data["stuck"], data["finished"], data["cycles"] < 50) == (True, False, True)


def test_an_interrupted_loop_goes_on_and_writes_the_same_bytes(
    image_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, parts = (str(tmp_path / name) for name in ("whole.parquet", "parts.parquet"))
    assert call("simulate", image_file, *LOOP, "-o", whole).exit_code == 0
    monkeypatch.setattr("model.long_run.MOST", 20)
    step, left = LongRun.step, [9]

    def stepped(self: LongRun) -> None:
        step(self)
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(LongRun, "step", stepped)
    words = ["simulate", image_file, *LOOP, "-o", parts, "--checkpoint", str(tmp_path / "c")]
    assert call(*words).exit_code == 128 + signal.SIGTERM
    assert call(*words[:-2], "--checkpoint", str(tmp_path / "c"), "--think", "1").exit_code == 2
    assert call(*words).exit_code == 0
    assert Path(parts).read_bytes() == Path(whole).read_bytes()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--window", "0"], "--window is 0; allowed: an integer from 1 to 65535"),
        (["--window", "1", "--reply", "65"], "--reply is 65; allowed: an integer from 0 to 64"),
        (["--window", "1", "--think", "-1"], "--think is -1; allowed: an integer from 0 to"),
        (["--window", "x"], "'--window': 'x' is not a valid integer"),
        (["--service", "3"], "--service is given; allowed: with --window"),
        (["--window", "1", "--waves", "w.vcd"], "--waves is given; allowed: without --window"),
    ],
)
def test_cli_1_bad_loops_end_in_one_line(image_file: str, options: list[str], told: str) -> None:
    result = call("simulate", image_file, *options)
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stderr.count("\n") == 1


def test_load_is_told_per_hosted_and_per_sending_tile_where_some_are_silent(
    image_file: str,
) -> None:
    words = ["simulate", image_file, "--pattern", "row_reduce", "--load", "0.3", "--cycles", "4000"]
    text = " ".join(call(*words).stdout.split())
    told = r"offered load 0\.225\d flits per hosted tile and cycle, 0\.300\d per sending one"
    assert re.search(told, text)
    text = " ".join(call("simulate", image_file, "--load", "0.1", "--cycles", "100").stdout.split())
    assert "per sending" not in text


def test_bench_window_measures_every_window_and_reply(tmp_path: Path) -> None:
    file, plot = tmp_path / "w.json", tmp_path / "w.svg"
    words = ["bench", "window", "--size", "3x3", "--window", "1,4", "--reply", "0,2"]
    result = call(*words, "--cycles", "300", "-o", str(file), "--plot", str(plot))
    assert result.exit_code == 0, result.output
    data: dict[str, Any] = json.loads(file.read_text())
    assert [(row["reply"], row["window"]) for row in data["rows"]] == [
        (0, 1),
        (0, 4),
        (2, 1),
        (2, 4),
    ]
    first, *_, last = data["rows"]
    assert last["round_trip"]["mean"] > first["round_trip"]["mean"]
    assert plot.read_text().startswith("<?xml")
    assert json.loads(call(*data["reproduce"].split()[1:], "--json").stdout)["rows"] == data["rows"]

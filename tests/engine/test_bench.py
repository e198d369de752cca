"""``wafermesh bench engine``: what a row holds, and that a missed figure is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner

from tools import bench_engine, bench_stream
from tools.bench_engine import Case
from tools.cli import main


class Alone:
    """Nobody to wait for."""

    def wait(self) -> None:
        """Go on."""


@pytest.mark.parametrize(("threads", "vcs"), [(1, 1), (2, 2)])
def test_a_row_holds_rates_of_a_warm_run(
    threads: int, vcs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_engine, "HOPS", 20_000)
    monkeypatch.setattr(bench_engine, "_meeting", [Alone()])
    case = Case(width=6, height=6, load=0.1, threads=threads, vcs=vcs)
    row = bench_engine._measure(case, 3)
    assert len(row["windows"]) == 3
    assert 0 < row["hops"] < row["rate"]
    assert row["ns_per_hop"] == pytest.approx(threads * 1000 / row["hops"], rel=0.5)
    assert row["case"].startswith("6x6 uniform 0.1")


def test_what_must_hold_and_does_not_is_told_with_exit_code_1(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def measured(case: Case, repeat: int, processes: int) -> list[dict[str, Any]]:
        figures = dict.fromkeys(("rate", "wall_rate", "hops", "ns_per_hop", "cycles"), 10.0)
        must = {"rate": case.rate, "cycles": case.cycles}
        return [{"case": "mesh", "tiles": case.width * case.height, **figures, "must": must}]

    monkeypatch.setattr(bench_engine, "_together", measured)
    good = CliRunner().invoke(main, ["bench", "engine", "--part", "growth", "--part", "lanes"])
    assert good.exit_code == 0, good.output
    assert "all of it holds" in good.output
    bad = CliRunner().invoke(main, ["bench", "engine", "--part", "speed"])
    assert bad.exit_code == 1
    assert "mesh: 10.0 million router-cycles/s, not 100" in bad.output.replace("\n", " ")


def test_long_traces_are_run_and_memory_that_grows_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bench_stream, "PACKETS", (2000, 4000))
    good = CliRunner().invoke(main, ["bench", "engine", "--part", "stream"])
    assert good.exit_code == 0, good.output
    assert "stream: 4,000 packets, " in good.output
    monkeypatch.setattr(bench_stream, "GROWTH_MOST", -(10**6))
    bad = CliRunner().invoke(main, ["bench", "engine", "--part", "stream", "--json"])
    assert bad.exit_code == 1
    assert "4,000 packets take" in json.loads(bad.stdout)["missed"][0]

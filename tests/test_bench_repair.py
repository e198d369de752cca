"""``wafermesh bench repair``: figures that agree with the repairs, and a verdict that can fail."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from model.repair import REPAIRS
from model.repair.homes import HomePlan
from tools.cli import main

WORDS = ["bench", "repair", "--size", "12x10", "--rates", "5/2", "--wafers", "4", "--seed", "3"]


def run(*words: str) -> Result:
    return CliRunner().invoke(main, [*WORDS, *words])


def test_a_row_per_place_and_strategy_with_the_least_displacement_where_it_is_promised(
    tmp_path: Path,
) -> None:
    target = tmp_path / "repair.json"
    made = run("-o", str(target), "--json")
    assert made.exit_code == 0, made.output
    data = json.loads(made.stdout)
    assert json.loads(target.read_text()) == data
    keys = [(row["spare_place"], row["repair"]) for row in data["rows"]]
    assert keys == [(place, name) for place in ("columns", "rows", "spread") for name in REPAIRS]
    for place in ("columns", "rows", "spread"):
        rows = {row["repair"]: row for row in data["rows"] if row["spare_place"] == place}
        total = {n: row["repaired"] * row["displacement_mean"] for n, row in rows.items()}
        assert rows["displacement"]["repaired"] == min(row["repaired"] for row in rows.values())
        assert total["displacement"] <= total["ripple"] * 1.2
        assert rows["neighbours"]["neighbour_mean"] <= rows["ripple"]["neighbour_mean"]
        assert len({row["lost"] for row in rows.values()}) == 1


def test_the_printed_line_makes_the_same_figures_again() -> None:
    first = json.loads(run("--json").stdout)
    again = CliRunner().invoke(main, [*first["reproduce"].split()[1:], "--json"])
    other = json.loads(again.stdout)
    for row in (*first["rows"], *other["rows"]):
        del row["milliseconds"]
    assert other["rows"] == first["rows"]


def test_a_strategy_that_loses_cores_misses_what_must_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    def lazy(homes: HomePlan, usable: np.ndarray) -> np.ndarray:
        return np.where(usable[homes.home], homes.home, -1).astype(np.int32)

    monkeypatch.setattr("model.repair.REPAIRS", {**REPAIRS, "ripple": lazy})
    made = run("--repair", "ripple", "--spare-place", "columns")
    assert made.exit_code == 1
    assert "cores lost that could be hosted" in made.stdout


def test_bad_options_are_one_line() -> None:
    for words, message in (
        (["--spares", "100%"], "spares is '100%'; allowed:"),
        (["--rates", "5"], "--rates is '5'; allowed: TILES/LINKS"),
        (["--size", "12x6", "--spare-place", "dies"], "allowed: a wafer of at least 7 rows, not 6"),
        (["-o", "x.txt"], "-o is 'x.txt'; allowed: a name ending in .json"),
    ):
        refused = run(*words)
        assert refused.exit_code == 2
        assert message in refused.stderr
        assert refused.stderr.count("\n") == 1

"""The main job as `make demo` runs it: it agrees, leaves its files, and can fail."""

from __future__ import annotations

import functools
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import verif.tile_array
from rtl.bugs import Bug
from tools.cli import main

pytestmark = pytest.mark.xdist_group("demo")


def test_the_main_job_agrees_and_leaves_its_files(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["demo", "--seed", "2", "--out", str(tmp_path), "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["agree"]
    assert found["report"]["reachable_pairs"] == 1.0
    assert found["report"]["lost"] > 0
    assert found["run"]["delivered"] == found["run"]["packets"] > 5000
    assert found["rtl"]["events"] > 40_000
    assert found["window"]["dead_tiles"] > 0
    assert found["window"]["packets"] > 100
    names = {"wafer.json", "image.json", "packets.parquet"}
    names |= {f"window.{kind}" for kind in ("vcd", "gtkw", "golden.vcd", "golden.gtkw")}
    assert {path.name for path in tmp_path.iterdir()} == names


def test_the_main_job_exits_with_1_when_the_rtl_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = functools.partial(verif.tile_array.TileArray, bug=Bug.LAST_MATCH, quick=True)
    monkeypatch.setattr(verif.tile_array, "TileArray", wrong)
    result = CliRunner().invoke(main, ["demo", "--seed", "2", "--out", str(tmp_path), "--json"])
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert not found["agree"]
    assert found["rtl"]["mismatch"].startswith("first difference in cycle ")
    assert found["window"]["mismatch"] is None

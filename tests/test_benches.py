"""The benches of routing and compiler: rows, goals, growth, pictures, resumption."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from click.testing import CliRunner, Result

from model.compile import compile_wafer
from model.defects import bernoulli
from model.engine import simulate
from model.errors import InputError
from model.image import ConfigImage
from model.image_file import image_to_json
from model.schedule import PacketSchedule
from model.traffic import partners
from tools import bench_compile, routing_summary
from tools.cli import main
from tools.routing_rows import Case, code, measure
from tools.rows import Row, load_rows, save_rows

CASE = Case(
    width=5, height=4, tile_rate=0.1, link_rate=0.05, vcs=1, routing="updown", effort="fast",
    seed=3, cycles=500,
)  # fmt: skip


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["bench", *words])


def figures(row: Row) -> Row:
    return {name: value for name, value in row.items() if not name.endswith("_seconds")}


def test_a_row_is_reproduced_by_its_case_and_holds_its_command() -> None:
    row = measure(CASE)
    assert figures(row) == figures(measure(CASE))
    assert row["error"] == ""
    assert 0 < row["saturation_share"] <= row["static_share"] / 0.95 + 1e-9
    assert row["static_share"] <= 1 + 1e-9
    assert row["connected_cores"] == row["hosted"]
    assert row["command"] == (
        "wafermesh bench routing --size 5x4 --rates 10/5 --vcs 1 --routing updown --effort fast"
        " --seed 3 --wafers 1 --cycles 500"
    )
    assert "saturation" not in measure(replace(CASE, cycles=0))


def test_a_wafer_that_cannot_be_compiled_counts_with_share_0() -> None:
    row = measure(replace(CASE, tile_rate=1.0))
    assert row["error"].startswith("wafer has no working ")
    (found,) = routing_summary.summaries([row, {**row, "seed": 4}])
    assert (found["wafers"], found["failed"]) == (2, 2)
    assert found["saturation_share"]["median"] == 0


def rows_of(share: float, **changes: Any) -> list[Row]:
    case = replace(CASE, width=16, height=16, tile_rate=0.03, link_rate=0.01, routing="ours")
    row = {
        **measure(replace(CASE, cycles=0)), **case.__dict__, "effort": "best",
        "static_share": 1.0, "stretch": 1.0, "saturation_share": share, **changes,
    }  # fmt: skip
    return [row, {**row, "seed": 4}]


@pytest.fixture
def ours(monkeypatch: pytest.MonkeyPatch) -> None:
    options = type("Options", (), {"routing": "ours"})
    monkeypatch.setattr(routing_summary, "CompileOptions", options)


@pytest.mark.usefixtures("ours")
@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"saturation_share": 0.59}, "median share 0.590, not 0.600"),
        ({"stretch": 1.03}, "mean stretch 1.03, not 1.02"),
        ({"entries_max": 17}, "a tile needs 17.0 entries, not 16"),
        ({"reachable_pairs": 0.999}, "hosted pairs are not all reached"),
        (
            {"connected_cores": 21, "hosted": 19, "impossible_cores": 1},
            "4 cores of 2 wafers are not hosted though connected both ways, 2 of them provably",
        ),
        ({"error": "route table of tile (1, 1) needs 20"}, "2 wafers not compiled"),
    ],
)
def test_each_goal_that_is_missed_is_told(changes: dict[str, Any], told: str) -> None:
    assert routing_summary.missed(routing_summary.summaries(rows_of(0.61))) == []
    missed = routing_summary.missed(routing_summary.summaries(rows_of(0.61, **changes)))
    assert any(told in line for line in missed), missed


@pytest.mark.usefixtures("ours")
def test_tbl_5_what_provably_cannot_be_served_is_told_but_not_missed() -> None:
    rows = rows_of(0.61, connected_cores=21, hosted=19, impossible_cores=2)
    (summary,) = routing_summary.summaries(rows)
    assert (summary["given_up_cores"], summary["impossible_cores"]) == (4, 4)
    assert routing_summary.missed([summary]) == []


def test_tbl_5_cores_beyond_a_circle_of_forced_links_are_counted_as_impossible() -> None:
    row = measure(
        replace(CASE, width=8, height=8, tile_rate=0.12, link_rate=0.06, seed=2, cycles=0)
    )
    assert row["impossible_cores"] == row["connected_cores"] - row["hosted"] == 1


@pytest.mark.usefixtures("ours")
def test_without_defects_one_vc_is_held_against_xy_in_the_same_run() -> None:
    perfect = {"tile_rate": 0.0, "link_rate": 0.0}
    ours = rows_of(0.70, **perfect)
    assert routing_summary.missed(routing_summary.summaries(ours)) == []
    xy = rows_of(0.71, **perfect, routing="xy")
    (line,) = routing_summary.missed(routing_summary.summaries([*ours, *xy]))
    assert line == "16x16 at 0/0 %, 1 VC: median share 0.700, not 0.710"


def test_rows_are_kept_and_rows_of_other_code_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    row = {**measure(replace(CASE, cycles=0)), "code": code()}
    save_rows(path, {replace(CASE, cycles=0): row, CASE: {**row, "cycles": 500}})
    assert list(load_rows(path, Case, code())) == [replace(CASE, cycles=0), CASE]
    save_rows(path, {CASE: {**row, "code": "0123456789abcdef"}})
    with pytest.raises(InputError, match=r"whose rows other code made \(0123456789abcdef"):
        load_rows(path, Case, code())
    pa.parquet.write_table(pa.table({"code": [code()]}), path)
    with pytest.raises(InputError, match="allowed: a new name, or rows of this command"):
        load_rows(path, Case, code())
    path.write_text("no table")
    with pytest.raises(InputError, match="allowed: a new name, or rows of this command"):
        load_rows(path, Case, code())
    assert load_rows(tmp_path / "nothing.parquet", Case, code()) == {}


@pytest.mark.slow
def test_an_interrupted_run_goes_on_and_repeats_nothing(tmp_path: Path) -> None:
    path, plot = tmp_path / "rows.parquet", tmp_path / "shares.svg"
    words = ["routing", "--size", "4x4", "--rates", "3/1", "--vcs", "1,2", "--effort", "fast"]
    words += ["--routing", "updown", "--static", "-o", str(path), "--plot", str(plot)]
    assert run(*words, "--wafers", "1").exit_code == 0
    first = pa.parquet.read_table(path).to_pylist()
    assert len(first) == 2
    result = run(*words, "--wafers", "2")
    assert result.exit_code == 0
    rows = pa.parquet.read_table(path).to_pylist()
    assert len(rows) == 4
    assert rows[:2] == first  # their times, too
    assert "4x4 3/1" in result.stdout
    assert plot.read_text().startswith("<?xml")
    assert sorted(tmp_path.iterdir()) == [path, plot]


@pytest.mark.slow
def test_bench_compile_prints_time_and_memory(tmp_path: Path) -> None:
    plot = tmp_path / "growth.png"
    words = ["compile", "--size", "4x4,8x8", "--rates", "3/1", "--effort", "fast", "--wafers", "1"]
    result = run(*words, "--plot", str(plot))
    assert result.exit_code == 0
    assert "8x8 3/1 %" in result.stdout
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_growth_is_the_power_of_the_tiles_and_limits_are_told() -> None:
    points = [
        {"size": f"{side}x{side}", "rates": "12/6", "effort": "fast", "tiles": side * side,
         "seconds": 1e-4 * (side * side) ** 1.5, "peak_gib": 0.1}
        for side in (8, 16, 32, 64)
    ]  # fmt: skip
    (growth,) = bench_compile._growth(points)
    assert growth["power"] == 1.5
    assert bench_compile._missed(points) == ["32x32 at 12/6 %, fast: 3.2768 s, not 0.2"]
    whole = {"size": "762x1172", "rates": "1/1", "effort": "fast", "seconds": 599, "peak_gib": 8.5}
    assert bench_compile._missed([whole]) == ["762x1172 at 1/1 %, fast: 8.5 GiB, not 8"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["routing", "--rates", "12"], "--rates is '12'; allowed: TILES/LINKS in per cent"),
        (["routing", "--rates", "12/101"], "--rates is "),
        (["routing", "--size", "8x8,9"], "--size is '9'; allowed: WIDTHxHEIGHT"),
        (["routing", "--vcs", "3"], "'3' is not one of"),
        (["routing", "-o", "rows.csv"], "-o is 'rows.csv'; allowed: a name ending in .parquet"),
        (["compile", "--plot", "x.pdf"], "--plot is 'x.pdf'; allowed: a name ending in .png"),
    ],
)
def test_cli_1_bad_words_get_one_line_and_exit_code_2(words: list[str], told: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert told in result.stderr


def make_image(folder: Path) -> tuple[ConfigImage, str]:
    image = compile_wafer(bernoulli(6, 5, tile_rate=0.1, link_rate=0.05, seed=2))
    path = folder / "image.json"
    path.write_text(image_to_json(image))
    return image, str(path)


def test_capacity_of_an_image_agrees_with_its_report_and_the_linear_program(tmp_path: Path) -> None:
    image, path = make_image(tmp_path)
    data = json.loads(run("capacity", path, "--json", "--method", "exact").stdout)
    assert data["static"] == pytest.approx(1 / image.report["max_channel_load"], rel=1e-5)
    assert data["upper"] == pytest.approx(data["lower"])
    assert data["static_share"] <= 1 + 1e-9
    bounds = json.loads(run("capacity", path, "--json", "--method", "bounds").stdout)
    assert bounds["lower"] <= data["upper"] <= bounds["upper"]
    assert data["reproduce"] == f"wafermesh bench capacity {path} --method exact"


def test_capacity_takes_patterns_and_matrices(tmp_path: Path) -> None:
    image, path = make_image(tmp_path)
    hosted = np.flatnonzero(image.remap_tile >= 0)
    demand = tmp_path / "demand.csv"
    partner = partners("transpose", image.logical_width, image.logical_height)
    assert partner is not None
    pairs = [(a, partner[a]) for a in hosted if image.remap_tile[partner[a]] >= 0]
    demand.write_text("source,destination,rate\n" + "".join(f"{a},{b},3\n" for a, b in pairs))
    by_file = json.loads(run("capacity", path, "--json", "--demand", str(demand)).stdout)
    by_name = json.loads(run("capacity", path, "--json", "--pattern", "transpose").stdout)
    for name in ("upper", "lower", "static"):
        assert by_file[name] == pytest.approx(by_name[name])
    assert 0 < by_name["static_share"] <= 1 + 1e-9
    # Static throughput, seen again from the engine: packets of one pair each over every link.
    loads = np.zeros(image.spec.tiles * 5, np.int64)
    for a, b in pairs:
        packet = {"source": [a], "destination": [b], "length": [1], "offered": [0], "gap": [0]}
        schedule = PacketSchedule(**{k: np.array(v, np.int64) for k, v in packet.items()})
        loads += simulate(image, schedule).log.counters.moved.ravel()
    assert by_name["static"] == pytest.approx(1 / loads.max())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("source,rate\n0,1\n", "columns are source, rate; allowed: source, destination, rate"),
        ("source,destination,rate\nA,99,1\n", "destination[0] is 99; allowed: an integer"),
        ("source,destination,rate\nA,B,-1\n", "rate[0] is -1; allowed: a number from 0 on"),
        ("source,destination,rate\nA,B,0\n", "demand is from 0 to 0; allowed: "),
    ],
)
def test_cli_1_a_bad_traffic_matrix_is_refused_in_one_line(
    text: str, told: str, tmp_path: Path
) -> None:
    image, path = make_image(tmp_path)
    demand = tmp_path / "demand.csv"
    a, b = np.flatnonzero(image.remap_tile >= 0)[:2]
    demand.write_text(text.replace("A", str(a)).replace("B", str(b)))
    result = run("capacity", path, "--demand", str(demand))
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert told in result.stderr

"""Sweeps: rows, where curves end, resumption, pictures."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from click.testing import CliRunner, Result

from model.errors import InputError
from model.image_file import save_image
from model.measure import measure as measured_run
from tools import sweep_picture
from tools.bench_sweep import LoadsType, _automatic, _by_map
from tools.cli import main
from tools.rows import Row, load_rows, measure_all, save_rows
from tools.sweep_picture import draw_latency, draw_throughput
from tools.sweep_report import render
from tools.sweep_rows import AUTO, Point, code, ended, flat, image_of, map_of, measure

POINT = Point(
    width=3, height=3, tile_rate=0.0, link_rate=0.0, map_seed=0, vcs=1, depth=4, routing="updown",
    effort="fast", pattern="uniform", length="1", load=0.2, seed=3, warm_up=100, cycles=400,
    drain=400,
)  # fmt: skip


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["bench", "sweep", *words])


def figures(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "seconds"}


def test_a_row_holds_all_figures_of_the_run_that_it_names() -> None:
    row = measure(POINT)
    assert row["error"] == ""
    found = measured_run(image_of(POINT.map), load=0.2, seed=3, warm_up=100, cycles=400, drain=400)
    assert row["total_latency_p99_9"] == found["total_latency"]["p99.9"]
    assert row["split_contention"] == found["split"]["contention"]
    assert row["links_max"] == found["links"]["max"]
    assert row["buffers_by_port_EAST_full"] == found["buffers"]["by_port"]["EAST"]["full"]
    assert (row["cycles"], row["cycles_run"]) == (400, found["cycles"])
    assert figures(row) == figures(measure(POINT)) != figures(measure(replace(POINT, seed=4)))
    assert row["command"] == (
        "wafermesh bench sweep --size 3x3 --rates 0/0 --vcs 1 --depth 4 --routing updown --effort"
        " fast --pattern uniform --length 1 --load 0.2 --seed 3 --warm-up 100 --cycles 400 --drain"
        " 400"
    )
    assert flat({"a": {"b.c": 1, "d": [2]}, "e": 3}) == {"a_b_c": 1, "e": 3}


def test_a_row_warms_up_by_itself_where_it_is_asked_to() -> None:
    row = measure(replace(POINT, warm_up=None))
    assert (row["warm_up"], row["begin"]) == (None, 1000)
    assert "--warm-up auto " in row["command"]
    assert measure(replace(POINT, warm_up=None).curve)["saturation"] > 0.2


def test_an_image_is_a_map_of_its_own_and_refused_when_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "mine.npz"
    save_image(image_of(POINT.map), path)
    point = replace(POINT, **asdict(map_of(str(path))))
    assert (point.width, point.routing, point.effort) == (3, "updown", "fast")
    mine, usual = measure(point), measure(POINT)
    assert mine["total_latency_mean"] == usual["total_latency_mean"]
    assert mine["command"].startswith(f"wafermesh bench sweep --image {path} --pattern uniform ")
    save_image(image_of(replace(POINT.map, vcs=2)), path)
    image_of.cache_clear()
    assert "has changed; allowed: " in measure(point)["error"]
    image_of.cache_clear()
    assert measure(replace(point, image="nothing.npz"))["error"] != ""


def test_what_cannot_be_run_is_a_row_with_its_error() -> None:
    dead = measure(replace(POINT, tile_rate=1.0))
    assert dead["error"].startswith("wafer has no working ")
    assert "total_latency_mean" not in dead
    assert measure(replace(POINT, load=2.0))["error"].startswith("load is 2.0; allowed: ")
    assert measure(replace(POINT.curve, pattern="no"))["error"].startswith("pattern is ")


@pytest.mark.parametrize(
    ("text", "loads"),
    [
        ("0.1", (0.1,)),
        ("0.3,0.1,0.3", (0.1, 0.3)),
        ("0.1:0.5:5", (0.1, 0.2, 0.3, 0.4, 0.5)),
        ("auto", "auto"),
        ("saturation", "saturation"),
    ],
)
def test_loads_are_a_list_a_range_or_found(text: str, loads: Any) -> None:
    assert LoadsType().convert(text, None, None) == loads


@pytest.mark.parametrize("text", ["0", "0.1,x", "0:1:3", "0.1:0.2:0", "", "-1", "automatic"])
def test_cli_1_other_loads_are_refused(text: str) -> None:
    with pytest.raises(InputError, match="; allowed: "):
        LoadsType().convert(text, None, None)


def test_automatic_loads_are_shares_of_the_saturation_and_no_more_than_a_flit_per_cycle() -> None:
    row = {"error": "", "saturation": 0.9}
    loads = _automatic(row, "auto")
    assert loads[0] == 0.09
    assert loads[-1] == round(0.9 * 1.06, 6)
    assert len(loads) == len(AUTO) - 2
    assert _automatic(row, "saturation") == _automatic({"error": "x"}, "auto") == []


def test_a_curve_ends_after_two_saturated_points_whatever_order_they_were_measured_in() -> None:
    curve = [replace(POINT, load=load) for load in (0.1, 0.2, 0.3, 0.4, 0.5)]
    bad = {"error": "", "saturated": True}
    good = bad | {"saturated": False}
    kept = dict(zip(curve, (good, bad, good, bad, bad), strict=True))
    assert [ended(kept, point, curve) for point in curve] == [False] * 4 + [True]
    assert not ended({curve[1]: bad}, curve[4], curve)
    # Points of one map follow one another, by load.
    other = [replace(point, vcs=2) for point in curve]
    mixed = {curve[0].curve: curve, other[0].curve: other[::-1]}
    assert _by_map(mixed) == curve + other


def test_rows_are_measured_once_in_order_and_needless_ones_never(tmp_path: Path) -> None:
    cases = [replace(POINT, load=load) for load in (0.1, 0.2, 0.3, 0.4)]
    path, asked = tmp_path / "rows.parquet", []

    def fake(point: Point) -> Row:
        asked.append(point.load)
        return {**asdict(point), "error": "", "saturated": point.load > 0.15}

    kept = {cases[1]: fake(cases[1]) | {"code": "x"}}
    with ThreadPoolExecutor(1) as pool:
        measure_all(
            pool, cases, fake, kept, path, jobs=1, now="x", what="points",
            needless=lambda point: ended(kept, point, cases),
        )  # fmt: skip
    assert asked == [0.2, 0.1, 0.3]
    assert load_rows(path, Point, "x") == kept
    assert set(kept) == set(cases[:3])


@pytest.mark.slow
def test_a_stopped_sweep_goes_on_and_gives_what_one_sweep_gives(tmp_path: Path) -> None:
    words = ["--size", "3x3", "--routing", "updown", "--effort", "fast", "--cycles", "400"]
    words += ["--warm-up", "100", "--vcs", "1,2", "--json"]
    path, plots = tmp_path / "rows.parquet", [tmp_path / "latency.svg", tmp_path / "through.png"]
    pictures = ["--plot", str(plots[0]), "--plot-throughput", str(plots[1])]
    whole = json.loads(run(*words, "-o", str(path), "--jobs", "2", *pictures).stdout)["rows"]
    assert plots[0].read_text().startswith("<?xml")
    assert plots[1].read_bytes().startswith(b"\x89PNG")
    kept = load_rows(path, Point, code())
    assert len(kept) >= len(whole)
    part = dict(list(kept.items())[::2])
    save_rows(path, part)
    again = json.loads(run(*words, "-o", str(path), "--jobs", "1").stdout)["rows"]
    assert list(map(figures, again)) == list(map(figures, whole))
    times = [row["seconds"] for row in again if row["kind"] == "point"]
    old = {json.dumps(row["command"]): row.get("seconds") for row in part.values()}
    same = [row for row in again if old.get(json.dumps(row["command"]), -1) == row["seconds"]]
    assert len(times) > 10
    assert len(same) >= 10  # what was kept was not measured again

    kinds = [row["kind"] for row in whole]
    assert kinds.count("saturation") == 2
    for vcs in (1, 2):
        mine = [row for row in whole if row["vcs"] == vcs]
        assert mine[0]["kind"] == "saturation"
        saturated = [row["saturated"] for row in mine[1:]]
        assert saturated[-1]
        assert sum(saturated) == 2
        means = [row["total_latency_mean"] for row in mine[1:]]
        assert means[-1] > 2 * means[0]
    table = pyarrow.parquet.read_table(path)
    assert {"saturation", "split_contention", "error", "code"} <= set(table.column_names)


def rows_of(**changes: Any) -> list[Row]:
    curve = {**measure(replace(POINT, **changes).curve), "saturation": 0.5}
    return [curve, *(measure(replace(POINT, load=load, **changes)) for load in (0.2, 0.4))]


def test_a_picture_names_what_differs_and_draws_every_curve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[Any] = []
    legend = sweep_picture._legend
    monkeypatch.setattr(
        sweep_picture,
        "_legend",
        lambda figure, *rest: (drawn.append(figure), legend(figure, *rest)),
    )
    rows = [*rows_of(), *rows_of(vcs=2), *rows_of(pattern="transpose"), *rows_of(length="2")]
    rows[2] |= {"saturated": True}
    draw_latency(rows, str(tmp_path / "latency.svg"))
    draw_throughput(rows, str(tmp_path / "through.svg"))
    for figure in drawn:
        titles = [axis.get_title(loc="left") for axis in figure.axes]
        assert titles == [
            "3 × 3, uniform, 1 flits", "3 × 3, transpose, 1 flits", "3 × 3, uniform, 2 flits",
        ]  # fmt: skip
        names = [text.get_text() for text in figure.legends[0].get_texts()]
        assert names[:2] == ["1 VC", "2 VC"]
        assert len(names) == 5
    lines = drawn[0].axes[0].get_lines()
    means = [line for line in lines if line.get_linewidth() == 1.6 and len(line.get_xdata())]
    assert len(means) == 2
    assert list(means[0].get_ydata()) == [row["total_latency_mean"] for row in rows[1:3]]
    assert means[0].get_markevery() == [True, False]  # no marker where it is saturated
    limits = [line for line in lines if line.get_linestyle() == ":" and len(line.get_xdata())]
    assert [line.get_xdata()[0] for line in limits] == [0.5, 0.5]


def test_the_table_shows_errors_and_flags(capsys: pytest.CaptureFixture[str]) -> None:
    rows = rows_of()
    rows[2] |= {"saturated": True}
    rows.append(measure(replace(POINT, load=2.0)))
    render(rows, "wafermesh bench sweep")
    shown = capsys.readouterr().out
    assert "3x3 0/0 %, 1 VC, updown, depth 4, uniform, length 1, seed 3: saturates at" in shown
    assert "0.4000" in shown
    assert "saturated" in shown
    assert "load 2: load is 2.0; allowed: a number from 0 to 1" in shown
    assert "Again: wafermesh bench sweep" in shown


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--load", "x"], "--load is x; allowed: "),
        (["--size", "8x8,9"], "--size is '9'; allowed: WIDTHxHEIGHT"),
        (["--cycles", "10"], "--cycles"),
        (["--image", "x.npz", "--vcs", "2"], "--vcs is given with --image; allowed: one of them"),
        (["--image", "x.npz"], "x.npz cannot be read"),
        (["--warm-up", "-1"], "--warm-up is '-1'; allowed: auto, or an integer from 0 to "),
        (["-o", "rows.csv"], "-o is 'rows.csv'; allowed: a name ending in .parquet"),
        (["--plot", "x.pdf"], "--plot is 'x.pdf'; allowed: a name ending in .png"),
    ],
)
def test_cli_1_bad_words_get_one_line_and_exit_code_2(words: list[str], told: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert told in result.stderr

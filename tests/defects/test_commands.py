"""``wafermesh defects`` with models and files, ``wafermesh yield analytic`` (CLI-1)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from model.defects import DefectModel, clustered, parse_model, sample
from model.geometry import Geometry
from model.wafer import load_wafer, wafer_to_json
from tests.defects.klarfs import klarf
from tests.test_bad_inputs import refused
from tools import bench_defects
from tools.cli import main
from tools.defect_options import EXAMPLES


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def made(path: Path, *words: str) -> dict[str, Any]:
    result = run("defects", *words, "-o", str(path), "--json")
    assert result.exit_code == 0, result.output
    report: dict[str, Any] = json.loads(result.stdout)
    again = str(report["reproduce"]).split()
    assert again[:2] == ["wafermesh", "defects"]
    return report


def test_a_model_from_text_and_from_a_file_make_the_same_map(tmp_path: Path) -> None:
    out, toml = tmp_path / "wafer.json", tmp_path / "model.toml"
    text = "scratches:count=3,length=power(5,80,2)+edge:exclusion=4"
    made(out, "--size", "40x30", "--model", text, "--seed", "9")
    assert out.read_text() == wafer_to_json(sample(parse_model(text), 40, 30, 9))
    toml.write_text(
        '[[parts]]\nkind = "scratches"\ncount = 3\nlength = "power(5,80,2)"\n'
        '[[parts]]\nkind = "edge"\nexclusion = 4\n'
    )
    first = out.read_text()
    made(out, "--size", "40x30", "--model", str(toml), "--seed", "9")
    assert out.read_text() == first


def test_d0_areas_rates_and_clusters_become_parts(tmp_path: Path) -> None:
    out = tmp_path / "wafer.json"
    made(out, "--size", "24x14", "--d0", "2", "--core-area", "0.5", "--tile-rate", "0.1",
         "--cluster", "dies", "--alpha", "1.5", "--geometry", "dies=[4,2],edge_exclusion=3",
         "--model", "edge")  # fmt: skip
    parts = [
        {"kind": "bernoulli", "tile_rate": 0.1, "cluster": "dies", "alpha": 1.5},
        {"kind": "poisson", "d0": 2, "core_area": 0.5, "die_alpha": 1.5},
        {"kind": "edge"},
    ]
    geometry = {"dies": [4, 2], "edge_exclusion": 3}
    model = DefectModel.from_dict({"geometry": geometry, "parts": parts})
    assert out.read_text() == wafer_to_json(sample(model, 24, 14, 1))


def test_the_old_options_make_the_old_bytes_and_alpha_may_be_any_number(tmp_path: Path) -> None:
    out = tmp_path / "wafer.json"
    rates = {"tile_rate": 0.1, "core_rate": 0.0, "link_rate": 0.05, "pair_rate": 0.0}
    for alpha in ("2", "0.7"):
        made(out, "--size", "24x14", "--tile-rate", "0.1", "--link-rate", "0.05",
             "--cluster", "dies", "--alpha", alpha, "--seed", "4")  # fmt: skip
        number = float(alpha) if "." in alpha else int(alpha)
        expected = clustered(24, 14, rates, cluster="dies", alpha=number, seed=4)
        assert out.read_text() == wafer_to_json(expected)


def test_a_preset_gives_size_and_geometry_only_when_a_model_is_given(tmp_path: Path) -> None:
    out = tmp_path / "wafer.json"
    made(out, "--preset", "page", "--model", "edge")
    wafer = load_wafer(out)
    assert (wafer.width, wafer.height) == (32, 18)
    assert wafer.origin["model"] == {"parts": [{"kind": "edge"}]}
    assert Geometry() == parse_model("edge").geometry


def test_inspection_files_are_mapped_and_what_falls_outside_is_told(tmp_path: Path) -> None:
    out, lot, found = tmp_path / "wafer.json", tmp_path / "lot.klarf", tmp_path / "found.csv"
    row = (1, 10_300_000, 15_300_000, 0, 0, 0, 0, 100_000, 0)
    lot.write_text(klarf([row, (2, 0, 0, 9, 9, 0, 0, 5, 0)]))
    found.write_text("x,y,size\n0.3,0.3,0.1\n170,255,0\n")
    by_klarf = made(out, "--size", "32x18", "--klarf", str(lot), "--wafer", "W01")
    first = load_wafer(out)
    by_csv = made(out, "--size", "32x18", "--csv", str(found))
    second = load_wafer(out)
    assert (first.state == second.state).all()
    assert (first.state > 0).any()
    for report in (by_klarf, by_csv):
        (note,) = report["notes"]
        assert (note["defects"], note["touching_tiles"], note["outside_the_wafer"]) == (2, 1, 1)
    told = run("defects", "--size", "32x18", "--csv", str(found), "-o", str(out)).stdout
    assert "1 outside the array" in told.replace("\n", " ")


def test_a_map_is_drawn_as_a_picture(tmp_path: Path) -> None:
    picture = tmp_path / "map.png"
    made(tmp_path / "w.json", "--size", "16x16", "--model", "edge", "--picture", str(picture))
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--model", "edge:ring=3"], "edge.ring is unknown; allowed: exclusion"),
        (["--model", "nope.toml"], "nope.toml cannot be read: No such file or directory"),
        (["--d0", "nan"], "--d0 is nan; allowed: a number from 0 to 1e+06"),
        (["--core-area", "1"], "--core-area is 1.0; allowed: with --d0"),
        (["--min-size", "1"], "--min-size is 1.0; allowed: with --klarf or --csv"),
        (["--geometry", "pitch=[1,1]"], "--geometry is pitch=[1,1]; allowed: with --model, --d0"),
        (["--d0", "1", "--geometry", "x=1"], "geometry.x is unknown; allowed: diameter"),
        (["--klarf", "nope"], "nope cannot be read: No such file or directory"),
        (["--model", "edge", "--cluster", "dies"], "--cluster is 'dies'; allowed: with rates or"),
        (["--alpha", "0.01"], "--alpha is 0.01; allowed: a number from 0.05 to 100"),
        (["--model", "edge", "--picture", "no/map.png"], "--picture is no/map.png; allowed: a fi"),
        (
            ["--model", "edge", "--picture", "map.gif"],
            "--picture is 'map.gif'; allowed: a name end",
        ),
    ],
)
def test_cli_1_bad_models_get_one_line(tmp_path: Path, words: list[str], message: str) -> None:
    out = str(tmp_path / "out.json")
    refused(run("defects", "--size", "8x8", *words, "-o", out), tmp_path, message)


@pytest.mark.parametrize("text", ["kind = [", "parts = 3", '[[parts]]\nkind = "edge"\nx = 1', "\0"])
def test_cli_1_bad_model_files_get_one_line(tmp_path: Path, text: str) -> None:
    toml, out = tmp_path / "model.toml", str(tmp_path / "out.json")
    toml.write_text(text)
    refused(run("defects", "--size", "8x8", "--model", str(toml), "-o", out), tmp_path, "; allowed"
            if "parts" in text else "model.toml is not valid TOML")  # fmt: skip


def test_a_truncated_klarf_file_gets_one_line(tmp_path: Path) -> None:
    lot, out = tmp_path / "lot.klarf", str(tmp_path / "out.json")
    lot.write_text(klarf([])[:300])
    told = "lot.klarf line 13 ends too early; allowed: a whole file, up to EndOfFile;"
    refused(run("defects", "--size", "8x8", "--klarf", str(lot), "-o", out), tmp_path, told)


def test_yield_analytic_prints_the_published_values() -> None:
    words = ["yield", "analytic", "--area", "814", "--d0", "0.1", "--alpha", "2,3"]
    rows = json.loads(run(*words, "--json").stdout)["unit"]
    assert [f"{100 * share:.2f}" for share in rows.values()] == [
        "44.31", "46.81", "55.13", "50.51", "48.67",
    ]  # fmt: skip
    text = run(*words, "--layers", "4").stdout
    for told in (
        "44.31 %",
        "55.13 %",
        "Bose–Einstein, 4 layers",
        "Again: wafermesh yield analytic",
    ):
        assert told in text


def test_yield_analytic_of_an_array_with_spares() -> None:
    words = ["yield", "analytic", "--area", "0.05", "--d0", "0.1", "--units", "970000"]
    data = json.loads(run(*words, "--spares", "100", "--alpha", "2", "--json").stdout)
    plain, shared = data["array"].values()
    assert plain > 0.999999
    assert 0.91 < shared < 0.92
    lone = run(*words)
    assert lone.exit_code == 2
    assert lone.stderr == "wafermesh: --spares is missing; allowed: together with --units\n"
    many = run("yield", "analytic", "--area", "1", "--d0", "1", "--units", "3", "--spares", "4")
    assert many.stderr == "wafermesh: spares is 4; allowed: an integer from 0 to 3\n"


def test_bench_defects_fails_when_a_kind_takes_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["bench", "defects", "--size", "40x30", "--wafers", "1"]
    good = run(*words)
    assert good.exit_code == 0, good.output
    assert "Verdict: all of it holds\n" in good.stdout
    rows = json.loads(run(*words, "--json").stdout)["rows"]
    assert [row["name"] for row in rows] == list(EXAMPLES)
    monkeypatch.setattr(bench_defects, "GOAL", 0.0)
    assert run(*words).exit_code == 1

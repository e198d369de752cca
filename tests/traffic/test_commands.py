"""``wafermesh traffic``: what its commands print, write and refuse."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from model.image_file import save_image
from model.spec import FabricSpec
from model.traffic import PATTERNS, collect, make_schedule
from model.traffic.trace import TraceStream
from tests.images import xy_image
from tests.traffic.test_draws import same
from tests.traffic.test_import import CSV, NETRACE
from tools import bench_traffic
from tools.cli import main
from tools.traffic import COMMANDS


@pytest.fixture
def image_file(tmp_path: Path) -> str:
    save_image(xy_image(FabricSpec(width=4, height=4)), tmp_path / "image.json")
    return str(tmp_path / "image.json")


def call(*words: str) -> Result:
    return CliRunner().invoke(main, ["traffic", *words])


def test_help_lists_the_commands_and_each_has_its_own() -> None:
    text = call("--help").output
    for name in COMMANDS:
        assert f"  {name} " in text
        assert call(name, "--help").output.startswith("Usage: ")


def test_patterns_are_listed_with_what_they_do() -> None:
    lines = call("patterns").output.splitlines()
    for name in PATTERNS:
        assert any(line.startswith(f"{name} ") for line in lines)
    data = json.loads(call("patterns", "--size", "8x8", "--from", "9", "--json").output)
    assert list(data) == list(PATTERNS)
    assert data["complement"]["to"] == [54]
    assert data["stencil5"]["to"] == [1, 10, 17, 8]
    assert data["column_broadcast"]["to"] == []
    assert data["uniform"] == {"kind": "drawn", "about": "any other hosted tile", "to": None}


def test_a_made_trace_holds_what_simulate_draws_and_is_made_again_by_its_own_words(
    image_file: str, tmp_path: Path
) -> None:
    out = str(tmp_path / "t.parquet")
    words = ["--pattern", "hotspot", "--hotspot", "3=0.4", "--hotspot", "7=0.1"]
    words += ["--length", "1:0.7,4:0.3", "--load", "0.2", "--burst", "30", "--cycles", "300"]
    result = call("make", image_file, *words, "-o", out)
    assert result.exit_code == 0, result.output
    image = xy_image(FabricSpec(width=4, height=4))
    drawn = make_schedule(
        image,
        pattern="hotspot",
        hotspots=((3, 0.4), (7, 0.1)),
        length="1:0.7,4:0.3",
        load=0.2,
        burst=30.0,
        cycles=300,
    )
    assert same(collect(TraceStream(out)), drawn)
    before = Path(out).read_bytes()
    again = result.output.split("Again: wafermesh traffic ")[1]
    assert call(*shlex.split(again)).exit_code == 0
    assert Path(out).read_bytes() == before


def test_a_trace_is_simulated_like_the_options_it_was_made_from(
    image_file: str, tmp_path: Path
) -> None:
    words = ["--pattern", "stencil9", "--load", "0.3", "--length", "2", "--cycles", "200"]
    trace = str(tmp_path / "t.parquet")
    assert call("make", image_file, *words, "-o", trace).exit_code == 0
    runs = []
    for given in (words, ["--traffic", trace]):
        result = CliRunner().invoke(main, ["simulate", image_file, *given, "--json"])
        assert result.exit_code == 0, result.output
        runs.append(json.loads(result.output))
    for name in ("packets", "delivered", "latency", "total_latency", "cycles"):
        assert runs[0][name] == runs[1][name]


def test_check_says_what_is_in_a_trace_and_what_is_wrong(image_file: str, tmp_path: Path) -> None:
    trace = str(tmp_path / "t.parquet")
    made = call("make", image_file, "--packets", "90", "--length", "3", "-o", trace, "--json")
    facts = json.loads(made.output)
    data = json.loads(call("check", trace, "--image", image_file, "--json").output)
    assert data["packets"] == facts["packets"] == 90
    assert data["flits"] == 270
    assert data["logical"] == "4x4"
    assert data["load"] == pytest.approx(270 / (16 * (data["last_cycle"] + 1)), abs=1e-6)
    text = call("check", trace).output
    assert text.split()[:3] == ["Trace", "packets", "90"]
    save_image(xy_image(FabricSpec(width=4, height=3)), tmp_path / "other.json")
    result = call("check", trace, "--image", str(tmp_path / "other.json"))
    assert result.exit_code == 2
    assert "logical size is 4x4; allowed: 4x3, the image's" in result.stderr


def test_import_knows_the_format_by_the_name(tmp_path: Path) -> None:
    (tmp_path / "a.CSV").write_text(CSV)
    (tmp_path / "b.txt").write_text(NETRACE)
    for name, kind in (("a.CSV", "csv"), ("b.txt", "netrace")):
        out = str(tmp_path / "t.parquet")
        result = call("import", str(tmp_path / name), "--grid", "8x8", "-o", out, "--json")
        assert result.exit_code == 0, result.output
        data = json.loads(result.output)
        assert (data["format"], data["packets"]) == (kind, 3)
        assert data["reproduce"].startswith("wafermesh traffic import ")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["make", "IMAGE"], "--cycles and --packets: allowed: exactly one of them"),
        (["make", "IMAGE", "--cycles", "0"], "--cycles is 0; allowed: an integer from 1"),
        (["make", "IMAGE", "--packets", "1", "--burst", "x"], "--burst is x; allowed: a number"),
        (
            ["make", "IMAGE", "--packets", "1", "--burst", "2", "--load", "0.9"],
            "--burst is 2.0; allowed: from 9 on",
        ),
        (["make", "IMAGE", "--packets", "1", "--peak", "1"], "--peak is 1.0; allowed: with burst"),
        (
            ["make", "IMAGE", "--packets", "1", "--hotspot", "3=2"],
            "--hotspot is '3=2'; allowed: ID=SHARE, as 12=0.1",
        ),
        (
            ["make", "IMAGE", "--packets", "1", "--pattern", "hotspot", "--hotspot", "16=.1"],
            "--hotspot[0] is 16; allowed: a hosted logical id",
        ),
        (["make", "IMAGE", "--packets", "1", "--length", "1:1"], "--length is '1:1'; allowed: N"),
        (["import", "load.csv", "--grid", "2x2"], "load.csv: source[0] is 9; allowed: an integer"),
        (["import", "load.csv", "--flit-bytes", "0"], "--flit-bytes is 0; allowed: an integer"),
        (["import", "no.csv"], "no.csv cannot be read: "),
        (["import", "load.csv", "--grid", "9x9", "--logical", "8x8"], "--grid is 9x9; allowed"),
    ],
)
def test_cli_1_bad_words_end_in_one_line_and_write_nothing(
    words: list[str], told: str, image_file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("load.csv").write_text("cycle,src,dst,flits\n1,9,0,1\n")
    words = [image_file if word == "IMAGE" else word for word in words]
    result = call(*words, "-o", "t.parquet")
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stderr.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["image.json", "load.csv"]


def test_cli_1_names_of_traces_are_checked_before_any_work(image_file: str) -> None:
    for name, told in (("t.csv", "a name ending in .parquet"), ("no/t.parquet", "a file in a fol")):
        result = call("make", image_file, "--packets", "1", "-o", name)
        assert result.exit_code == 2
        assert f"-o is {name!r}; allowed: {told}" in result.stderr or told in result.stderr
    assert "--from is 3; allowed: with --size" in call("patterns", "--from", "3").stderr
    assert "--from is 99; allowed" in call("patterns", "--size", "2x2", "--from", "99").stderr


@pytest.mark.parametrize(
    ("peaks", "missed"),
    [
        ([30, 40], []),
        (
            [30, 47],
            [
                "check: 10,000,000 packets need 47 MiB, 1,000,000 need 30",
                "check_one: 10,000,000 packets need 47 MiB, 1,000,000 need 30",
            ],
        ),
    ],
)
def test_the_bench_exits_with_1_when_reading_needs_memory_by_the_length(
    peaks: list[int], missed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(function: Any, *given: Any) -> tuple[float, int] | None:
        if function is not bench_traffic._run:
            Path(given[0], "t.parquet").touch()
            return None
        return 0.5, peaks[given[2] > 1_000_000]

    monkeypatch.setattr(bench_traffic, "_apart", run)
    file = tmp_path / "b.json"
    result = CliRunner().invoke(main, ["bench", "traffic", "-o", str(file)])
    assert result.exit_code == int(bool(missed)), result.output
    data = json.loads(file.read_text())
    assert data["missed"] == missed
    assert data["rows"][1]["check"]["rate"] == 20.0
    assert data["reproduce"] == "wafermesh bench traffic --millions 1 --millions 10 --repeat 5"

"""Packet records as files, their summary, and the command that makes them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from click.testing import CliRunner, Result

from model.engine import EngineResult, simulate
from model.image import ConfigImage
from model.image_file import save_image
from model.records import records_table, write_records
from model.schedule import PacketSchedule
from model.spec import FabricSpec
from model.summary import summarise
from model.traffic import make_schedule
from tests.images import random_image, random_schedule, xy_image
from tools.cli import main

ARRIVED = ("delivered", "misdelivered")


def mixed_run() -> tuple[ConfigImage, PacketSchedule, EngineResult]:
    """A run with packets of several ends, cut short."""
    rng = np.random.default_rng(11)
    image = random_image(rng, FabricSpec(width=6, height=5, vcs=2), noise=0.1)
    schedule = random_schedule(rng, image, 400, stray=0.1, span=200)
    return image, schedule, simulate(image, schedule, cycles=150)


def test_table_has_the_columns_of_the_contract_and_null_where_nothing_happened() -> None:
    result = mixed_run()[2]
    table = records_table(result.records)
    names = "id source destination length vc offered accepted delivered_first delivered_last"
    assert table.column_names == [*names.split(), "hops", "status"]
    rows = table.to_pylist()
    ends = {row["status"] for row in rows}
    assert {"delivered", "sunk", "refused", "waiting"} <= ends
    for row in rows:
        assert (row["accepted"] is None) == (row["status"] == "waiting")
        assert (row["delivered_last"] is None) == (row["status"] not in ARRIVED)
        if row["status"] in ARRIVED:
            least = row["hops"] + 3 + row["length"] - 1
            assert row["delivered_last"] - row["accepted"] >= least


def test_files_hold_the_table_and_equal_runs_give_equal_bytes(tmp_path: Path) -> None:
    image, _, result = mixed_run()
    for name in ("a.parquet", "b.parquet", "a.csv", "b.csv"):
        write_records(image, mixed_run()[2].records, tmp_path / name)
    for kind in ("parquet", "csv"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
    table = records_table(result.records)
    back = pyarrow.parquet.read_table(tmp_path / "a.parquet")
    assert back.equals(table)
    assert back.schema.metadata[b"logical"] == b"6x5"
    header, first, *_ = (tmp_path / "a.csv").read_text().splitlines()
    assert header == ",".join(table.column_names)
    assert first.startswith("0,")
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_summary_adds_up() -> None:
    image, _, result = mixed_run()
    data = summarise(image, result)
    ends = ("waiting", "in_flight", "delivered", "sunk", "refused", "misdelivered")
    assert sum(data[end] for end in ends) == data["packets"] == 400
    rows = records_table(result.records).to_pylist()
    done = [row for row in rows if row["status"] in ARRIVED]
    times = sorted(row["delivered_last"] - row["accepted"] for row in done)
    assert data["latency"]["max"] == times[-1]
    assert data["latency"]["p50"] == times[(len(times) + 1) // 2 - 1]
    assert data["latency"]["mean"] == pytest.approx(sum(times) / len(times), abs=1e-3)
    flits = sum(row["length"] for row in done)
    assert data["throughput"] == pytest.approx(flits / (150 * data["hosted"]), abs=1e-6)
    assert json.loads(json.dumps(data)) == data


def test_summary_of_nothing_has_no_latency() -> None:
    image = xy_image(FabricSpec(width=2, height=2))
    schedule = make_schedule(image, load=0.0, cycles=10)
    data = summarise(image, simulate(image, schedule))
    assert data["packets"] == 0
    assert data["latency"] == {"mean": None, "p50": None, "p99": None, "max": None}


# Command ------------------------------------------------------------------------------------------


@pytest.fixture
def image_file(tmp_path: Path) -> str:
    save_image(xy_image(FabricSpec(width=4, height=4)), tmp_path / "image.json")
    return str(tmp_path / "image.json")


def call(*words: str) -> Result:
    return CliRunner().invoke(main, ["simulate", *words])


def test_simulate_writes_records_and_says_how_to_repeat_them(
    image_file: str, tmp_path: Path
) -> None:
    out = str(tmp_path / "packets.parquet")
    options = ["--pattern", "transpose", "--load", "0.2", "--length", "1-4", "--cycles", "500"]
    first = call(image_file, *options, "--stall-rate", "0.25", "-o", out)
    assert first.exit_code == 0
    before = Path(out).read_bytes()
    assert "--stall-rate 0.25" in first.stdout
    again = first.stdout.split("wafermesh simulate ")[1].split()
    assert call(*again).exit_code == 0
    assert Path(out).read_bytes() == before
    rows = pyarrow.parquet.read_table(out).to_pylist()
    assert {row["status"] for row in rows} == {"delivered"}


def test_simulate_as_json_and_csv_on_standard_output(image_file: str) -> None:
    data = json.loads(call(image_file, "--packets", "50", "--json").stdout)
    assert data["delivered"] == 50
    csv = call(image_file, "--packets", "50", "-o", "-").stdout.splitlines()
    assert csv[0].startswith("id,source,")
    assert len(csv) == 51
    assert call(image_file, "--packets", "5", "-o", "-", "--json").exit_code == 2


def test_simulate_takes_packets_from_a_file(image_file: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("source,destination,length,offered\n0,15,4,7\n")
    data = json.loads(call(image_file, "--traffic", str(path), "--json").stdout)
    assert data["latency"]["max"] == 6 + 3 + 3
    assert "--traffic" in data["reproduce"]
    assert "--cycles" not in data["reproduce"]


def test_simulate_exits_with_1_when_packets_do_not_arrive(image_file: str) -> None:
    assert call(image_file, "--packets", "50", "--max-cycles", "20").exit_code == 1
    assert call(image_file, "--cycles", "50", "--no-drain").exit_code == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--pattern", "x"], "--pattern is 'x'; allowed: uniform"),
        (["--load", "nan"], "--load is nan; allowed: a number from 0"),
        (["--load", "2"], "--load is 2.0; allowed: a number from 0 to 1"),
        (["--length", "0"], "--length is '0'; allowed: N or LOW-HIGH"),
        (["--cycles", "0"], "--cycles is 0; allowed: an integer from 1"),
        (["--cycles", "5", "--packets", "5"], "--cycles and --packets: allowed: one of"),
        (["--gap", "-1"], "--gap is -1; allowed: an integer from 0"),
        (["--stall-rate", "2"], "--stall-rate is 2; allowed: a number from 0 to below 1"),
        (["--stall-rate", "1"], "--stall-rate is 1; allowed: a number from 0 to below 1"),
        (["--stall-burst", "17"], "'--stall-burst': 17 is not in the range"),
        (["--traffic", "missing.csv"], "missing.csv cannot be read"),
        (["--packets", "5", "--no-drain"], "--no-drain is given; allowed: with --cycles"),
        (["--max-cycles", "-1"], "--max-cycles is -1; allowed: an integer from 0"),
        (["-o", "x.txt"], "-o is 'x.txt'; allowed: a name ending in .parquet or .csv, or -"),
        (["-o", ""], "-o is ''; allowed: a name ending in .parquet or .csv, or -"),
        (["-o", "no/x.csv"], "-o is no/x.csv; allowed: a file in a folder that exists"),
        (["--packets", "5", "--load", "0"], "--packets is 5; allowed: at most 0 with this load"),
    ],
)
def test_cli_1_bad_options_end_in_one_line_and_write_nothing(
    image_file: str, tmp_path: Path, options: list[str], message: str
) -> None:
    output = [] if "-o" in options else ["-o", str(tmp_path / "p.parquet")]
    result = call(image_file, *options, *output)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["image.json"]


def test_an_image_without_a_pair_is_refused_with_the_reason(tmp_path: Path) -> None:
    image = xy_image(FabricSpec(width=2, height=1))
    image.remap_tile[1] = image.identity[1] = -1
    save_image(image, tmp_path / "image.json")
    result = call(str(tmp_path / "image.json"), "--packets", "5")
    assert result.exit_code == 2
    assert "--packets is 5; allowed: at most 0 as no hosted pair is there" in result.stderr


def test_a_run_without_a_terminal_says_nothing_on_standard_error(image_file: str) -> None:
    assert call(image_file, "--packets", "5").stderr == ""
    assert "--seed 0" in call(image_file, "--packets", "5", "--seed", "0").stdout

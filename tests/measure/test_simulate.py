"""``wafermesh simulate``: measured cycles, and measuring across interruptions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from click.testing import CliRunner, Result

from model.compile import compile_wafer
from model.engine import Simulation
from model.image import ConfigImage
from model.image_file import save_image
from model.long_run import LongRun, thaw
from model.measure import Meter, measure
from model.summary import Summary
from model.traffic import DrawnStream, Traffic
from model.wafer import WaferMap
from tools.cli import main

SUMS = {"image": "1"}


@pytest.fixture(scope="module")
def image() -> ConfigImage:
    return compile_wafer(WaferMap.perfect(5, 4))


@pytest.fixture(scope="module")
def path(image: ConfigImage, tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("image") / "image.npz"
    save_image(image, path)
    return str(path)


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["simulate", *words])


def test_mea_1_the_command_measures_what_the_library_does(image: ConfigImage, path: str) -> None:
    words = ["--load", "0.4", "--warm-up", "300", "--measure", "2000", "--seed", "5", "--json"]
    result = run(path, *words)
    assert result.exit_code == 0
    data = json.loads(result.stdout)
    found = measure(image, load=0.4, seed=5, warm_up=300, cycles=2000)
    assert data["cycles"] == found.pop("cycles")
    assert data["silent_sources"] == found.pop("silent_sources")
    assert data["measured"] == json.loads(json.dumps(found))
    assert data["measured"]["complete"]
    assert 2300 <= data["cycles"] < 2700
    assert not data["finished"]  # traffic goes on
    assert data["packets"] > data["measured"]["measured"] > 15_000


def test_mea_1_all_cycles_with_traffic_are_measured_by_default(path: str) -> None:
    data = json.loads(run(path, "--load", "0.1", "--cycles", "3000", "--json").stdout)
    measured = data["measured"]
    assert (measured["begin"], measured["end"]) == (0, 3000)
    assert measured["delivered"] == data["packets"] == data["delivered"]
    for name in ("offered_load", "accepted_load", "throughput"):
        assert measured[name] == data[name]
    assert measured["total_latency"]["mean"] == pytest.approx(
        data["total_latency"]["mean"], abs=1e-3
    )
    shown = run(path, "--load", "0.1", "--cycles", "3000").stdout
    assert "cycles 0 to 3,000, " in shown
    assert "fairness" in shown
    late = json.loads(run(path, "--packets", "500", "--warm-up", "100", "--json").stdout)
    assert (late["measured"]["begin"], late["measured"]["end"]) == (100, late["cycles"])
    assert 200 < late["measured"]["measured"] < 500


def test_mea_8_ports_are_written_by_stretches(path: str, tmp_path: Path) -> None:
    ports = tmp_path / "ports.parquet"
    words = ["--cycles", "1000", "--stretches", "5", "--ports", str(ports), "--json"]
    data = json.loads(run(path, *words).stdout)
    assert data["ports"] == str(ports)
    rows = pyarrow.parquet.read_table(ports).to_pylist()
    assert {row["end"] for row in rows} == {200, 400, 600, 800, 1000}
    most = data["measured"]["links"]["busiest"][0]
    flits = sum(
        row["flits"]
        for row in rows
        if (row["x"], row["y"], row["port"]) == (most["x"], most["y"], most["port"].lower())
    )
    assert flits / 1000 == pytest.approx(most["utilisation"], abs=1e-6)


@pytest.mark.parametrize("until_drained", [False, True])
def test_interruptions_do_not_show_in_what_is_measured(
    image: ConfigImage, tmp_path: Path, until_drained: bool
) -> None:
    def begin() -> LongRun:
        stream = DrawnStream(image, Traffic(load=0.5, cycles=3000))
        fed = Simulation(image, stream, record_events=False)
        meter = Meter(image, 200, 1700, stretches=3) if until_drained else Meter(image, 200)
        summary: Any = Summary(image, None, meter)
        if (tmp_path / "run").exists():
            summary, _ = thaw(fed, tmp_path / "run", SUMS)
        return LongRun(fed, 10**6, False, summary, until_drained=until_drained)

    def figures(long: LongRun) -> tuple[Any, ...]:
        found: Any = long.summing
        return found.meter.figures(), found.figures(), found.meter.links.flits.tolist()

    whole = begin()
    while not whole.done:
        whole.step()
    whole.finish()
    assert (whole.cycles < 3000) == until_drained

    rng, long = np.random.default_rng(1), begin()
    while not long.done:
        long.step()
        if not rng.integers(3):
            long.save(tmp_path / "run", SUMS)
        if not rng.integers(5):  # what happened after the checkpoint is lost, and done again
            long = begin()
    long.finish()
    assert figures(long) == figures(whole)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--drain", "5"], "--drain is given; allowed: with --measure"),
        (["--measure", "100", "--cycles", "5"], "--cycles is given with --measure; allowed: one"),
        (["--measure", "100", "--no-drain"], "--no-drain is given with --measure; allowed: one"),
        (["--packets", "9", "--stretches", "2"], "--stretches is given; allowed: with --measure"),
        (["--cycles", "9", "--warm-up", "9"], "--warm-up is 9; allowed: less than --cycles, which"),
        (["--ports", "x.csv"], "--ports is 'x.csv'; allowed: a name ending in .parquet"),
        (["--measure", "3"], "'--measure'"),
    ],
)
def test_cli_1_bad_words_get_one_line_and_exit_code_2(
    path: str, words: list[str], told: str
) -> None:
    result = run(path, *words)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert told in result.stderr

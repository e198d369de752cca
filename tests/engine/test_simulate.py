"""``wafermesh simulate``: interrupted runs, whole wafers, heat maps, threads."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from model.image_file import save_image
from model.long_run import LongRun
from model.spec import FabricSpec
from tests.images import xy_image
from tools.cli import main

TRAFFIC = ["--load", "0.2", "--length", "1-3", "--cycles", "400", "--stall-rate", "0.1"]


@pytest.fixture
def image_file(tmp_path: Path) -> str:
    save_image(xy_image(FabricSpec(width=5, height=4)), tmp_path / "image.json")
    return str(tmp_path / "image.json")


@pytest.fixture
def slow_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps of few cycles, so that there are many."""
    monkeypatch.setattr("model.long_run.MOST", 20)


def call(*words: str) -> Result:
    return CliRunner().invoke(main, ["simulate", *words])


def interrupt(monkeypatch: pytest.MonkeyPatch, number: signal.Signals, after: int) -> None:
    """Let a signal come in one of the steps of the runs that follow, once."""
    step, left = LongRun.step, [after]

    def stepped(self: LongRun) -> None:
        step(self)
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), number)

    monkeypatch.setattr(LongRun, "step", stepped)


@pytest.mark.parametrize("kind", [".parquet", ".csv"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_eng_5_an_interrupted_run_goes_on_and_writes_the_same_bytes(
    image_file: str,
    tmp_path: Path,
    slow_steps: None,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
    kind: str,
) -> None:
    whole, parts, kept = (str(tmp_path / name) for name in ("whole" + kind, "parts" + kind, "run"))
    report = json.loads(call(image_file, *TRAFFIC, "-o", whole, "--json").stdout)
    words = [image_file, *TRAFFIC, "-o", parts, "--checkpoint", kept, "--json"]
    interrupt(monkeypatch, number, 5)
    halted = call(*words)
    assert halted.exit_code == 128 + number
    assert halted.stdout == ""
    assert f"checkpoint written: {kept}; go on with: wafermesh simulate" in halted.stderr
    assert halted.stderr.count("\n") == 1
    assert Path(kept).exists()
    assert not Path(parts).exists()
    went_on = call(*words)
    assert went_on.exit_code == 0
    assert "going on at cycle" in went_on.stderr
    again = json.loads(went_on.stdout)
    for name in ("seconds", "output", "reproduce"):
        del again[name], report[name]
    assert again == report
    assert Path(parts).read_bytes() == Path(whole).read_bytes()
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == sorted(["image.json", "parts" + kind, "whole" + kind])


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (["--seed", "2"], "traffic"),
        (["--load", "0.3"], "traffic"),
        (["--stall-rate", "0.2"], "stalls"),
        (["--max-cycles", "5000"], "end"),
        (["--threads", "2"], "number of threads"),
        (["-o", "other.parquet"], "choice of -o"),
    ],
)
def test_a_checkpoint_of_another_run_is_refused_in_one_line(
    image_file: str,
    tmp_path: Path,
    slow_steps: None,
    monkeypatch: pytest.MonkeyPatch,
    change: list[str],
    what: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    interrupt(monkeypatch, signal.SIGINT, 5)
    words = [image_file, *TRAFFIC, "--checkpoint", "run"]
    assert call(*words).exit_code == 130
    before = Path("run").read_bytes()
    result = call(*words, *change)
    assert result.exit_code == 2
    assert f"run belongs to another {what}; allowed: the {what} of this run" in result.stderr
    assert result.stderr.count("\n") == 1
    assert Path("run").read_bytes() == before
    save_image(xy_image(FabricSpec(width=4, height=4)), image_file)
    assert "belongs to another image" in call(*words).stderr
    Path("run").write_bytes(before[:-1])
    assert "run is damaged; allowed" in call(*words).stderr


def test_a_checkpoint_now_and_then_survives_a_crash(
    image_file: str, tmp_path: Path, slow_steps: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, parts, kept = (str(tmp_path / name) for name in ("a.csv", "b.csv", "run"))
    words = [image_file, *TRAFFIC, "--checkpoint", kept, "--checkpoint-every", "0", "-o", parts]
    with monkeypatch.context() as patch:

        def crash(self: LongRun) -> None:
            raise MemoryError

        patch.setattr(LongRun, "finish", crash)
        assert isinstance(call(*words).exception, MemoryError)
    assert Path(kept).exists()
    went_on = call(*words)
    assert went_on.exit_code == 0
    assert "going on at cycle" in went_on.stderr
    call(image_file, *TRAFFIC, "-o", whole)
    assert Path(parts).read_bytes() == Path(whole).read_bytes()


def test_threads_do_not_show(image_file: str, tmp_path: Path) -> None:
    for threads in ("1", "3"):
        out = str(tmp_path / f"{threads}.parquet")
        assert call(image_file, *TRAFFIC, "--threads", threads, "-o", out).exit_code == 0
    assert (tmp_path / "1.parquet").read_bytes() == (tmp_path / "3.parquet").read_bytes()


def test_rows_of_a_file_in_any_order_are_read_whole(image_file: str, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    columns = {"source": [0, 1], "destination": [5, 6], "length": [1, 2], "offered": [9, 3]}
    pa.parquet.write_table(pa.table(columns), tmp_path / "t.parquet")
    out = tmp_path / "o.csv"
    words = ["--traffic", str(tmp_path / "t.parquet"), "-o", str(out)]
    assert call(image_file, *words).exit_code == 0
    assert [row.split(",")[:2] for row in out.read_text().splitlines()[1:]] == [
        ["0", "1"],
        ["1", "0"],
    ]


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_a_heat_map_shows_the_use_of_links(image_file: str, tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"heat.{kind}"
    result = call(image_file, *TRAFFIC, "--heat-map", str(path))
    assert result.exit_code == 0
    assert "heat map  " in result.stdout
    assert path.stat().st_size > 5000
    if kind == "svg":
        assert "Use of links in" in path.read_text()


def test_a_wafer_is_sampled_repaired_and_run(tmp_path: Path) -> None:
    out = str(tmp_path / "p.parquet")
    words = ["--wafer", "page", "--tile-rate", "0.02", "--link-rate", "0", "--packets", "300"]
    first = call(*words, "--json", "-o", out)
    assert first.exit_code == 0
    data = json.loads(first.stdout)
    assert data["delivered"] == 300
    assert "--wafer page --tile-rate 0.02" in data["reproduce"]
    assert data["hosted"] < 32 * 18


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "IMAGE and --wafer: allowed: exactly one of them"),
        (["IMAGE", "--wafer", "page"], "IMAGE and --wafer: allowed: exactly one of them"),
        (["IMAGE", "--tile-rate", "0.1"], "--tile-rate is given; allowed: with --wafer"),
        (["IMAGE", "--checkpoint-every", "5"], "--checkpoint-every is given; allowed: with"),
        (["IMAGE", "--checkpoint", "no/run"], "--checkpoint is no/run; allowed: a file in a"),
        (["IMAGE", "--heat-map", "x.pdf"], "--heat-map is 'x.pdf'; allowed: a name ending in .png"),
        (["IMAGE", "--heat-map", "no/x.png"], "--heat-map is no/x.png; allowed: a file in a"),
        (["IMAGE", "--threads", "0"], "'--threads': 0 is not in the range"),
    ],
)
def test_cli_1_bad_options_end_in_one_line(
    image_file: str, tmp_path: Path, options: list[str], message: str
) -> None:
    words = [image_file if word == "IMAGE" else word for word in options]
    result = call(*words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["image.json"]

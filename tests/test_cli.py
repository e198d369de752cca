"""The command group: help, lazy loading, and one line for bad input (CLI-1)."""

from __future__ import annotations

import importlib
import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from model.errors import InputError
from model.spec import FabricSpec
from model.traffic import PATTERNS
from tools import bench_tile_array
from tools.cli import COMMANDS, main
from verif import runner, toolchain
from verif.bench import launch


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def test_help_lists_every_command() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for name in COMMANDS:
        assert f"  {name} " in result.output


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help_that_says_what_it_does(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0, result.output
    assert result.output.startswith("Usage: ")


def test_help_imports_no_heavy_library() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from tools.cli import main;"
        "CliRunner().invoke(main, ['--help']);"
        "print([m for m in ('numba', 'amaranth', 'scipy', 'cocotb') if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["defect"], "No such command 'defect'"),
        (["--colour"], "No such option"),
        (["defects", "--size", "0x4"], "--size is '0x4'; allowed: WIDTHxHEIGHT"),
        (["defects", "--size", "4x4", "--tile-rate", "nan"], "--tile-rate is nan; allowed"),
        (["defects", "--size", "4x4", "--seed", "-1"], "-1 is not in the range"),
    ],
)
def test_cli_1_bad_words_get_one_line_and_exit_code_2(words: list[str], message: str) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


BAD_FOLDERS = {
    "verilog": ["verilog", "--size", "2x2", "-o"],
    "demo": ["demo", "--out"],
    "verify": ["verify", "--case", "--out"],
    "campaign": ["verify", "--campaign", "--out"],
}


@pytest.mark.parametrize("words", BAD_FOLDERS.values(), ids=BAD_FOLDERS)
@pytest.mark.parametrize(
    ("folder", "told"),
    [
        ("/proc/nope", "/proc/nope; allowed: a folder that can be written (No such file or dir"),
        ("a-file", "a-file; allowed: a folder that can be written (Not a directory)"),
        ("", "''; allowed: a name"),
    ],
)
def test_cli_1_a_folder_that_cannot_be_written_is_refused_before_any_work(
    words: list[str], folder: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a-file").touch()
    result = run(*words, folder)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"wafermesh: {words[-1]} is {told}")
    assert result.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a-file"]


@pytest.mark.parametrize("words", [["demo"], ["verify", "--case"], ["verify", "--campaign"]])
def test_cli_1_a_cache_that_cannot_be_written_is_refused_before_any_work(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toolchain, "CACHE", Path("/proc/nope"))
    result = run(*words, "--out", str(tmp_path))
    assert result.exit_code == 2
    told = "/proc/nope; allowed: a folder that can be written (No such file or directory)"
    assert result.stderr == f"wafermesh: WAFERMESH_CACHE is {told}\n"
    assert list(tmp_path.iterdir()) == []


def test_libraries_are_built_in_a_writable_cache_only(monkeypatch: pytest.MonkeyPatch) -> None:
    build = importlib.import_module("verif.tile_array.build")  # the package has a function "build"
    for module in (toolchain, build, launch):
        monkeypatch.setattr(module, "CACHE", Path("/proc/nope"))
    spec = FabricSpec(width=2, height=1)
    for attempt in (
        lambda: build.tile_text(spec),
        lambda: build.build("", spec),
        lambda: launch.fabric_text(spec),
        lambda: runner.build("", "fabric", "icarus"),
    ):
        with pytest.raises(InputError, match=r"^WAFERMESH_CACHE is /proc/nope; allowed: a folder"):
            attempt()


def test_verilog_tells_how_to_make_it_again_from_a_file_and_overrides(tmp_path: Path) -> None:
    spec = tmp_path / "spec.toml"
    spec.write_text("width = 2\nheight = 1\nwatchdog = 77\nmax_packet = 9\n")
    words = ["verilog", "--spec", str(spec), "--route-entries", "2", "-o", str(tmp_path / "v")]
    result = run(*words, "--json")
    assert result.exit_code == 0, result.output
    data = json.loads(result.stdout)
    assert data["spec"]["watchdog"] == 77
    assert data["reproduce"] == shlex.join(["wafermesh", *words])


@pytest.mark.parametrize("name", ["simulate", "verify"])
def test_help_lists_every_pattern(name: str) -> None:
    assert ", ".join(PATTERNS) in " ".join(run(name, "--help").output.split())


@pytest.mark.parametrize(
    ("seconds", "one", "two", "missed"),
    [
        (29.0, 2.1, 3.9, []),
        (31.5, 2.1, 3.9, ["compiled in 31.5 s, not 30"]),
        (29.0, 1.9, 3.9, [f"{s} x {s}: one thread reaches 1.9, not 2.0" for s in (16, 128)]),
        (29.0, 2.1, 3.3, [f"{s} x {s}: threads / processes is 0.825, not 0.85" for s in (16, 128)]),
    ],
)
def test_the_bench_exits_with_1_when_a_figure_misses_what_must_hold(
    seconds: float,
    one: float,
    two: float,
    missed: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    speeds = {(1, 1): [one], (2, 1): [two], (1, 2): [2.0, 2.0]}
    monkeypatch.setattr(bench_tile_array, "_compile_seconds", lambda: seconds)
    monkeypatch.setattr(bench_tile_array, "_together", lambda _, *how: speeds[how])
    file = tmp_path / "bench.json"
    result = run("bench", "tile-array", "-o", str(file))
    assert result.exit_code == int(bool(missed)), result.output
    assert json.loads(file.read_text())["missed"] == missed
    assert f"Verdict: {'; '.join(missed) or 'all of it holds'}\n" in result.stdout
    machine = run("bench", "tile-array", "--json")
    assert json.loads(machine.stdout) == json.loads(file.read_text())

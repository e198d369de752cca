"""The command group: help, lazy loading, and one line for bad input (CLI-1)."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner, Result

from tools.cli import COMMANDS, main


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
    assert len(result.stderr.strip().splitlines()) == 1
    assert result.stdout == ""

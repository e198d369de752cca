"""The README's steps run as printed, one after the other."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from tools.cli import main

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
STEPS = re.findall(r"^wafermesh (.+)$", README, re.MULTILINE)


def test_the_steps_of_the_readme_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    steps = [shlex.split(line) for line in STEPS if not line.startswith("demo,")]
    assert [step[0] for step in steps] == [
        "defects",
        "compile",
        "inspect",
        "simulate",
        "verify",
        "verilog",
    ]
    for step in steps:
        result = CliRunner().invoke(main, step)
        assert result.exit_code == 0, f"wafermesh {shlex.join(step)}: {result.output}"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "build",
        "image.json",
        "packets.parquet",
        "run.golden.gtkw",
        "run.golden.vcd",
        "run.gtkw",
        "run.vcd",
        "wafer.json",
    ]


def test_everything_the_readme_links_to_exists() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", README)
    assert len(links) > 8
    for link in links:
        assert (Path(__file__).parents[1] / link).exists(), link

"""Films: every movement the engine makes, packed; figures as the command line has them."""

from __future__ import annotations

import base64
import json
import shlex
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from model.engine import simulate
from model.errors import InputError
from tools.cli import main
from tools.explore.film import FILM_CYCLES, REEL, measure, pulse_reel, traffic, traffic_reel
from tools.explore.outcome import Outcome, make_outcome
from tools.explore.settings import Settings
from tools.explore.way import find_way

STATE = Settings(width=10, height=8, tile_rate=0.06, link_rate=0.04, spares="1", load=0.05)
TYPES = {"moves": "<u4", "tile": "<u2", "port": "u1", "packet": "<u2", "full": "u1"}


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    return make_outcome(STATE)


def unpacked(reel: dict[str, Any]) -> dict[str, np.ndarray]:
    return {
        name: np.frombuffer(zlib.decompress(base64.b64decode(reel[name])), dtype)
        for name, dtype in TYPES.items()
    }


def test_reels_hold_every_flit_that_the_counters_counted(outcome: Outcome) -> None:
    moved = np.zeros((outcome.image.spec.tiles, 5), np.int64)
    for first in (0, REEL):
        reel = unpacked(traffic_reel(STATE, outcome.image, first))
        np.add.at(moved, (reel["tile"], reel["port"]), 1)
        assert reel["moves"].sum() == len(reel["tile"])
    schedule = traffic(STATE, outcome.image, 2 * REEL)
    log = simulate(outcome.image, schedule, cycles=2 * REEL, record_events=False).log
    assert moved.sum() > 1000
    assert (moved == log.counters.moved).all()


def test_the_traffic_of_a_longer_run_begins_alike(outcome: Outcome) -> None:
    short, long = (traffic(STATE, outcome.image, cycles) for cycles in (REEL, FILM_CYCLES))
    assert (short.source == long.source[: len(short)]).all()
    assert (long.offered[len(short) :] >= REEL).all()


def test_a_pulse_goes_the_way_that_is_shown(outcome: Outcome) -> None:
    source, goal = outcome.pair
    reel = pulse_reel(outcome.image, source, goal)
    moves = unpacked(reel)
    assert moves["tile"].tolist() == find_way(outcome.image, source, goal).tiles
    assert reel["latency"] == reel["count"] - 2  # accepted in cycle 0, seen for one cycle more


def test_a_film_beyond_its_end_is_refused(outcome: Outcome) -> None:
    for first in (-1, FILM_CYCLES, 2**40):
        with pytest.raises(InputError, match="first is"):
            traffic_reel(STATE, outcome.image, first)


def test_measured_figures_are_those_of_the_command_line(
    outcome: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    *make, run = STATE.commands()
    for line in make:
        assert runner.invoke(main, shlex.split(line)[1:]).exit_code == 0
    said = runner.invoke(main, [*shlex.split(run)[1:], "--json"])
    data = json.loads(said.output)
    for key, value in measure(STATE, outcome.image).items():
        assert data[key] == value, key

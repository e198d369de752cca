"""Settings: checked, carried whole by a link, and made again by commands."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from model.defects import CLUSTERS
from model.errors import InputError
from model.repair import NO_REPAIR, REPAIRS
from tools.cli import main
from tools.explore.outcome import make_outcome
from tools.explore.settings import Settings

RATE = st.floats(0, 1, allow_nan=False)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    st.builds(
        Settings,
        width=st.integers(3, 64),
        height=st.integers(7, 64),
        tile_rate=RATE,
        core_rate=RATE,
        link_rate=RATE,
        cluster=st.sampled_from(CLUSTERS),
        seed=st.integers(0, 2**32 - 1),
        spares=st.sampled_from(["0", "2", "12.5%"]),
        repair=st.sampled_from([*REPAIRS, NO_REPAIR]),
        vcs=st.sampled_from([1, 2, 4]),
        load=RATE,
        source=st.integers(-1, 500),
        edits=st.lists(st.sampled_from(["0X", "12c", "3.", "5N", "77s"]), max_size=5).map(tuple),
    )
)
def test_a_link_carries_the_whole_state(state: Settings) -> None:
    assert Settings.from_query(dict(parse_qsl(state.to_query()))) == state


def test_a_link_says_only_what_differs() -> None:
    assert Settings().to_query() == ""
    assert Settings(seed=7).to_query() == "seed=7"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"width": "0"}, "width is 0"),
        ({"width": "2048", "height": "2048"}, "at most 1,000,000 tiles"),
        ({"width": "1e9"}, "width is '1e9'"),
        ({"tile_rate": "nan"}, "tile_rate is 'nan'"),
        ({"tile_rate": "-0.1"}, "tile_rate is -0.1"),
        ({"load": "inf"}, "load is inf"),
        ({"repair": "<script>"}, "repair is '<script>'"),
        ({"spares": "100%"}, "spares is '100%'"),
        ({"vcs": "3"}, "vcs is 3"),
        ({"length": "9999"}, "length"),
        ({"edits": "1X-rm"}, "edits holds 'rm'"),
        ({"edits": "-".join(["1X"] * 4001)}, "edits has 4001 entries"),
        ({"__class__": "1"}, "'__class__' is unknown"),
        ({"seed": "1" * 5000}, "seed is"),
    ],
)
def test_a_hostile_link_is_refused_in_one_line(query: dict[str, str], said: str) -> None:
    with pytest.raises(InputError) as refusal:
        Settings.from_query(query)
    assert said in str(refusal.value)
    assert len(str(refusal.value)) < 400
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "state",
    [
        Settings(width=12, height=9, tile_rate=0.08, link_rate=0.04, seed=3, spares="2"),
        Settings(
            width=14, height=14, core_rate=0.1, cluster="dies", spares="1", spare_place="dies",
            repair=NO_REPAIR,
        ),
    ],
)  # fmt: skip
def test_the_commands_of_a_state_make_the_same_figures(
    state: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runner = CliRunner()
    for line in state.commands():
        done = runner.invoke(main, shlex.split(line)[1:])
        assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "image.json").read_text())["report"]
    assert make_outcome(state).image.report == report

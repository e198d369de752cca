"""Presets: what they set, what is given wins, and that ``compile`` takes them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from model.errors import InputError
from model.presets import PRESETS, REAL_DENSITY, preset
from model.repair.homes import HomePlan
from model.spec import MAX_SIDE
from model.wafer import load_wafer
from tools.cli import main


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


@pytest.mark.parametrize(
    ("name", "tiles", "logical"),
    [
        ("page", 576, (30, 18)),
        ("wse2", 753_972, (704, 996)),
        ("wse3", 893_064, (709, 1172)),
        ("dies", 971_040, (816, 1106)),
    ],
)
def test_presets_have_the_published_sizes(name: str, tiles: int, logical: tuple[int, int]) -> None:
    kind = preset(name)
    assert kind.width * kind.height == tiles
    assert max(kind.width, kind.height) <= MAX_SIDE
    homes = HomePlan.build(kind.width, kind.height, kind.spares, kind.spare_place)
    assert (homes.logical_width, homes.logical_height) == logical


def test_every_preset_is_tested() -> None:
    assert list(PRESETS) == ["page", "wse2", "wse3", "dies"]


def test_unknown_presets_are_refused() -> None:
    with pytest.raises(InputError, match="preset is 'wse9'; allowed: page, wse2, wse3, dies"):
        preset("wse9")
    assert run("defects", "--preset", "wse9").exit_code == 2


def test_defects_takes_size_and_rates_from_the_preset(tmp_path: Path) -> None:
    path = tmp_path / "wafer.json"
    made = run("defects", "--preset", "page", "--seed", "3", "-o", str(path), "--json")
    assert made.exit_code == 0, made.output
    wafer = load_wafer(path)
    assert (wafer.width, wafer.height) == (32, 18)
    assert (wafer.origin["tile_rate"], wafer.origin["link_rate"]) == (0.12, 0.06)
    again = json.loads(made.stdout)["reproduce"]
    assert again == f"wafermesh defects --preset page --seed 3 -o {path}"


def test_what_is_given_wins_over_the_preset(tmp_path: Path) -> None:
    path = tmp_path / "wafer.json"
    words = ["--preset", "page", "--density", "real", "--tile-rate", "0", "--size", "9x8"]
    assert run("defects", *words, "-o", str(path)).exit_code == 0
    wafer = load_wafer(path)
    assert (wafer.width, wafer.height) == (9, 8)
    assert (wafer.origin["tile_rate"], wafer.origin["link_rate"]) == (0.0, REAL_DENSITY)


def test_a_size_or_a_preset_is_needed() -> None:
    refused = run("defects", "--tile-rate", "0.1")
    assert refused.exit_code == 2
    assert refused.stderr == (
        "wafermesh: --size is missing; allowed: WIDTHxHEIGHT, or a --preset\n"
    )


def test_compile_takes_spares_and_their_place_from_the_preset(tmp_path: Path) -> None:
    wafer, image = str(tmp_path / "wafer.json"), str(tmp_path / "image.json")
    assert run("defects", "--size", "20x14", "-o", wafer).exit_code == 0
    for words, logical, place in (
        (["--preset", "page"], [19, 14], "columns"),
        (["--preset", "dies", "--spares", "1"], [20, 7], "dies"),
        (["--preset", "page", "--spare-place", "rows"], [20, 13], "rows"),
        ([], [20, 14], "columns"),
    ):
        made = run("compile", wafer, *words, "-o", image, "--json")
        assert made.exit_code == 0, made.output
        report = json.loads(made.stdout)
        assert (report["logical"], report["spare_place"]) == (logical, place)

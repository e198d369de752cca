"""``wafermesh picture``: every kind, small and large, shows what the image holds."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.quiver import Quiver

from model.compile import CompileOptions, compile_wafer
from model.defects import bernoulli
from model.image import ConfigImage
from model.image_file import save_image
from model.proof import walk_pairs
from model.repair.homes import HomePlan
from model.spec import FabricSpec
from tools.cli import main
from tools.pictures import PICTURES, draw, picture_size
from verif.mesh_image import mesh_image


@pytest.fixture(scope="module")
def image() -> ConfigImage:
    wafer = bernoulli(9, 7, tile_rate=0.08, core_rate=0.05, link_rate=0.05, seed=4)
    return compile_wafer(wafer, CompileOptions(spares=2, spare_place="spread", repair="ripple"))


def run(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def drawn(image: ConfigImage, what: str) -> Any:
    figure = Figure(figsize=picture_size(image), layout="constrained")
    axes = figure.subplots()
    draw(figure, axes, image, what)
    return axes


def _one(axes: Any, kind: type[Any]) -> Any:
    (found,) = (child for child in axes.get_children() if type(child) is kind)
    return found


def test_arrows_lead_from_home_to_host(image: ConfigImage) -> None:
    arrows = _one(drawn(image, "displacement"), Quiver)
    home = HomePlan.of_image(image).home
    moved = (image.remap_tile >= 0) & (image.remap_tile != home)
    assert len(arrows.U) == moved.sum() == image.report["repaired"] > 0
    assert (abs(arrows.U) + abs(arrows.V)).max() == image.report["displacement_max"]
    ends = (arrows.Y + arrows.V) * 9 + arrows.X + arrows.U
    assert set(ends.astype(int)) == set(image.remap_tile[moved].tolist())


def test_every_live_link_has_a_lane_with_its_load(image: ConfigImage) -> None:
    axes = drawn(image, "load")
    lanes = max(
        (child for child in axes.get_children() if isinstance(child, LineCollection)),
        key=lambda lines: 0 if lines.get_array() is None else len(lines.get_array()),
    )
    hosts = int((image.remap_tile >= 0).sum())
    loads = walk_pairs(image).load[image.out_ok] / (hosts - 1)
    assert np.allclose(np.sort(lanes.get_array()), np.sort(loads))
    assert f"max {image.report['max_channel_load']:.2f}" in axes.get_title(loc="left")


def test_entries_and_defects_name_the_figures_of_the_image(image: ConfigImage) -> None:
    counts = (image.routes["valid"] != 0).sum(axis=1)
    axes = drawn(image, "entries")
    texts = [text.get_text() for text in axes.texts if text.get_text().isdigit()]
    assert sorted(map(int, texts)) == sorted(counts[image.live].tolist())
    assert f"max {image.report['entries_max']}" in axes.get_title(loc="left")
    title = drawn(image, "defects").get_title(loc="left").strip()
    r = image.report
    assert title == (
        f"Defects: {r['tile_defects']} dead tiles, {r['core_defects']} dead cores,"
        f" {r['dead_links']} dead links"
    )


@pytest.mark.parametrize("what", list(PICTURES))
def test_the_command_writes_a_picture_and_its_title(
    image: ConfigImage, what: str, tmp_path: Path
) -> None:
    source, target = tmp_path / "image.json", tmp_path / "picture.png"
    save_image(image, source)
    made = run("picture", str(source), "--of", what, "-o", str(target), "--json")
    assert made.exit_code == 0, made.output
    data = target.read_bytes()
    assert data.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", data[16:24])
    assert min(width, height) > 400
    assert json.loads(made.stdout)["title"] == drawn(image, what).get_title(loc="left").strip()


def test_equal_images_make_equal_files(image: ConfigImage, tmp_path: Path) -> None:
    source, target = tmp_path / "image.json", tmp_path / "picture.svg"
    save_image(image, source)
    files = []
    for _ in range(2):
        assert run("picture", str(source), "--of", "displacement", "-o", str(target)).exit_code == 0
        files.append(target.read_bytes())
    assert files[0] == files[1]
    assert files[0].startswith(b"<?xml")


@pytest.mark.parametrize("what", list(PICTURES))
@pytest.mark.parametrize("side", [1, 4, 72])
def test_wafers_of_one_tile_and_rasters_are_drawn(side: int, what: str) -> None:
    image = mesh_image(FabricSpec(width=side, height=side))
    figure = Figure(figsize=picture_size(image), layout="constrained")
    draw(figure, figure.subplots(), image, what)
    figure.canvas.draw()


def test_bad_input_is_one_line_and_no_file(image: ConfigImage, tmp_path: Path) -> None:
    source = tmp_path / "image.json"
    save_image(image, source)
    for words, message in (
        ([str(source), "-o", str(tmp_path / "x.gif")], "allowed: a name ending in .png or .svg"),
        ([str(source), "--of", "heat", "-o", str(tmp_path / "x.png")], "'heat' is not one of"),
        ([str(tmp_path / "none.json"), "-o", str(tmp_path / "x.png")], "cannot be read"),
        ([str(source)], "Missing option '-o'"),
    ):
        refused = run("picture", *words)
        assert refused.exit_code == 2
        assert message in refused.stderr
        assert refused.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["image.json"]

"""Defects drawn by hand: brushes, edits, maps in links, uploads."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from model.compile import compile_wafer
from model.defects import bernoulli
from model.errors import InputError
from model.image_file import image_to_json
from model.spec import Port
from model.wafer import TileState, WaferMap, wafer_to_json, wafer_to_npz
from tools.explore.brush import stroke_edits
from tools.explore.edits import add_edits, apply_edits, pack_map, unpack_map
from tools.explore.upload import read_upload


def test_a_link_is_broken_from_both_sides_or_one_and_heals() -> None:
    wafer = WaferMap.perfect(4, 3)
    both = apply_edits(wafer, tuple(stroke_edits("link", ["5:1"], 4, 3)))
    assert both.dead_link[5, Port.EAST]
    assert both.dead_link[6, Port.WEST]
    one = apply_edits(wafer, tuple(stroke_edits("one-way", ["5:1"], 4, 3)))
    assert one.dead_link[5, Port.EAST]
    assert one.dead_link.sum() == 1
    broken = tuple(stroke_edits("link", ["5:1"], 4, 3))
    healed = add_edits(broken, stroke_edits("heal", ["6:3"], 4, 3))
    assert not apply_edits(wafer, healed).dead_link.any()


def test_tiles_break_and_heal_and_the_last_edit_counts() -> None:
    wafer = bernoulli(6, 6, tile_rate=0.5, seed=2)
    dead = int(np.flatnonzero(wafer.state == TileState.TILE_DEFECT)[0])
    edits = add_edits((f"{dead}X",), stroke_edits("heal", [f"{dead}:4"], 6, 6))
    assert edits == (f"{dead}.",)
    assert apply_edits(wafer, edits).state[dead] == TileState.HEALTHY
    assert wafer.state[dead] == TileState.TILE_DEFECT
    cored = apply_edits(wafer, tuple(stroke_edits("core", [f"{dead}:0"], 6, 6)))
    assert cored.state[dead] == TileState.CORE_DEFECT


def test_a_stroke_beyond_the_wafers_edge_breaks_nothing() -> None:
    assert stroke_edits("link", ["0:0", "0:3"], 4, 3) == []


@pytest.mark.parametrize(
    ("brush", "places"),
    [
        ("bomb", []),
        ("tile", ["12:4"]),
        ("tile", ["1:9"]),
        ("tile", [None]),
        ("tile", [{"a": 1}]),
        ("tile", ["../x"]),
        ("tile", ["1:4"] * 3000),
    ],
)
def test_a_hostile_stroke_is_refused(brush: str, places: list[object]) -> None:
    with pytest.raises(InputError):
        stroke_edits(brush, places, 4, 3)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (7, 3), (32, 18), (128, 128)])
def test_a_map_survives_a_link(width: int, height: int) -> None:
    wafer = bernoulli(width, height, tile_rate=0.1, core_rate=0.1, link_rate=0.1, seed=5)
    again = unpack_map(pack_map(wafer))
    assert (again.width, again.height) == (width, height)
    assert (again.state == wafer.state).all()
    assert (again.dead_link == wafer.dead_link).all()


SHORTENED = pack_map(WaferMap.perfect(4, 4))[:-4]


@pytest.mark.parametrize("text", ["", "?", "AAAA", "eJw" + "A" * 99, SHORTENED])
def test_a_damaged_map_in_a_link_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="map"):
        unpack_map(text)


def test_uploads_of_maps_and_images_show_the_same_defects() -> None:
    wafer = bernoulli(9, 8, tile_rate=0.08, core_rate=0.05, link_rate=0.05, seed=4)
    image = image_to_json(compile_wafer(wafer)).encode()
    for data in (wafer_to_json(wafer).encode(), wafer_to_npz(wafer), image):
        shown = read_upload("x", data)
        assert (shown.state == wafer.state).all()
        assert (shown.live_links() == wafer.live_links()).all()


def test_an_upload_that_unpacks_to_much_is_refused_unread() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("state.npy", bytes(80 << 20))
    with pytest.raises(InputError, match="unpacks to"):
        read_upload("bomb.npz", bomb.getvalue())


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04nonsense", b"{}", b"\xff\xfe", b"[" * 100_000])
def test_an_upload_that_is_no_map_is_refused_in_one_line(data: bytes) -> None:
    with pytest.raises(InputError) as refusal:
        read_upload("<b>" + "n" * 300, data)
    assert len(str(refusal.value)) < 300

"""Wafer maps and images as files: byte-stable, checked, exact errors (design.md §9, CLI-1)."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import numpy as np
import pytest

from model.compile import compile_wafer
from model.defects import bernoulli
from model.errors import InputError
from model.image_file import image_to_json, load_image, parse_image, save_image
from model.schema import load_schema
from model.wafer import WaferMap, load_wafer, parse_wafer, save_wafer, wafer_to_json

WAFER = bernoulli(7, 5, tile_rate=0.1, core_rate=0.1, link_rate=0.1, seed=11)
WAFER_DOC = json.loads(wafer_to_json(WAFER))
IMAGE = compile_wafer(WAFER, vcs=2)
IMAGE.rules[IMAGE.live.argmax(), 0] = (1, 0, 3, 1, 2, 1)
IMAGE_DOC = json.loads(image_to_json(IMAGE))


@pytest.mark.parametrize("suffix", [".json", ".npz"])
def test_a_wafer_map_survives_both_forms_byte_by_byte(tmp_path: Path, suffix: str) -> None:
    path, again = tmp_path / f"wafer{suffix}", tmp_path / f"again{suffix}"
    save_wafer(WAFER, path)
    loaded = load_wafer(path)
    save_wafer(loaded, again)
    assert path.read_bytes() == again.read_bytes()
    assert wafer_to_json(loaded) == wafer_to_json(WAFER)


@pytest.mark.parametrize("suffix", [".json", ".npz"])
def test_an_image_survives_both_forms_byte_by_byte(tmp_path: Path, suffix: str) -> None:
    path, again = tmp_path / f"image{suffix}", tmp_path / f"again{suffix}"
    save_image(IMAGE, path)
    loaded = load_image(path)
    save_image(loaded, again)
    assert path.read_bytes() == again.read_bytes()
    for name in ("remap_tile", "remap_vc", "live", "core_ok", "in_ok", "out_ok", "turns"):
        assert (getattr(loaded, name) == getattr(IMAGE, name)).all(), name
    assert (loaded.routes == IMAGE.routes).all()
    assert (loaded.rules == IMAGE.rules).all()
    assert loaded.spec == IMAGE.spec
    assert loaded.report == IMAGE.report


def test_only_whole_files_appear(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        save_wafer(WAFER, tmp_path / "no" / "wafer.json")
    broken = copy.deepcopy(WAFER)
    broken.origin = {"seed": object()}
    with pytest.raises(TypeError):
        save_wafer(broken, tmp_path / "wafer.json")
    assert list(tmp_path.iterdir()) == []


def test_the_map_as_text_shows_tiles_links_and_the_direction_left() -> None:
    wafer = WaferMap.perfect(3, 2)
    wafer.state[1], wafer.state[5] = 1, 2
    wafer.dead_link[0, 1] = True  # leaves (0, 0) to the east: only the way west is left
    wafer.dead_link[0, 2] = wafer.dead_link[3, 0] = True
    assert wafer.to_text() == ".<c-.\n  |\n.-. X\n"


def test_a_window_is_a_map_of_its_own() -> None:
    cut = WAFER.window(2, 1, 3, 2)
    rows = WAFER.state.reshape(5, 7)[1:3, 2:5]
    assert (cut.state.reshape(2, 3) == rows).all()
    assert wafer_to_json(parse_wafer(wafer_to_json(cut).encode())) == wafer_to_json(cut)
    with pytest.raises(InputError, match=r"window\.width is 6; allowed: an integer from 1 to 5"):
        WAFER.window(2, 1, 6, 2)


# Published schemas --------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "doc"), [("wafer", WAFER_DOC), ("config", IMAGE_DOC)])
def test_files_satisfy_the_published_schema(name: str, doc: Any) -> None:
    jsonschema_rs.meta.validate(load_schema(name))
    jsonschema_rs.Draft202012Validator(load_schema(name)).validate(doc)


def _edit(doc: Any, path: tuple[Any, ...], value: Any) -> Any:
    made = copy.deepcopy(doc)
    spot = made
    for key in path[:-1]:
        spot = spot[key]
    if value is DELETE:
        del spot[path[-1]]
    else:
        spot[path[-1]] = value
    return made


DELETE = object()
TILE = ("tiles", 0)
FIRST = f"tile ({IMAGE_DOC['tiles'][0]['x']}, {IMAGE_DOC['tiles'][0]['y']})"
BY_SCHEMA = [
    (("format",), "wafermesh-config/2", 'image.format is "wafermesh-config/2"; allowed: "wafer'),
    (("format",), DELETE, "image.format is missing; allowed: format, spec, logical, remap"),
    (("extra",), 1, "image.extra is unknown; allowed: format, spec, logical"),
    (("spec", "width"), 0, "image.spec.width is 0; allowed: an integer from 1 to 2048"),
    (("spec", "height"), -4, "image.spec.height is -4; allowed: an integer from 1 to 2048"),
    (("spec", "width"), 10**9, "image.spec.width is 1000000000; allowed: an integer from 1 to 20"),
    (("spec", "vcs"), 3, "image.spec.vcs is 3; allowed: 1 or 2 or 4"),
    (("spec", "deep"), 3, "image.spec.deep is unknown; allowed: width, height"),
    (("logical", "width"), True, "image.logical.width is true; allowed: an integer from 1 to 2048"),
    (("remap", 0), [1, 2], "image.remap[0] is [1, 2]; allowed: [x, y, vc] or null"),
    (("tiles",), {}, "image.tiles is {}; allowed: a list"),
    ((*TILE, "core_ok"), 1, "image.tiles[0].core_ok is 1; allowed: true or false"),
    ((*TILE, "in_ok"), [True], "image.tiles[0].in_ok is [true]; allowed: four booleans: NORTH"),
    ((*TILE, "turns", 0), ["UP", "EAST", 0], 'image.tiles[0].turns[0][0] is "UP"; allowed: "NOR'),
    ((*TILE, "routes", 0, "to"), "OUT", 'image.tiles[0].routes[0].to is "OUT"; allowed: "NORTH"'),
    ((*TILE, "routes", 0, "to"), DELETE, "image.tiles[0].routes[0].to is missing; allowed: x, y"),
    ((*TILE, "routes", 0, "x"), [0.5, 1], "image.tiles[0].routes[0].x[0] is 0.5; allowed: an int"),
    (("report",), [], "image.report is []; allowed: an object"),
]
BY_MEANING = [
    (("logical", "height"), 6, "image.logical is 7x6; allowed: at most 35 cores in all"),
    (("remap",), [], "image.remap has length 0; allowed: 35"),
    (("remap", 0), [7, 0, 0], "image.remap[0] is at (7, 0); allowed: a place within 7x5"),
    ((*TILE, "x"), 9, "image.tiles[0] is at (9, 0); allowed: a place within 7x5"),
    ((*TILE, "turns", 0, 2), 2, "image.tiles[0].turns[0][2] is 2; allowed: 0 to 1"),
    ((*TILE, "routes", 0, "x"), [3, 2], f"{FIRST} routes[0].x is [3, 2]; allowed: low to high wi"),
    ((*TILE, "routes", 0, "y"), [0, 5], f"{FIRST} routes[0].y is [0, 5]; allowed: low to high wi"),
    ((*TILE, "routes", 0, "from"), [], f"{FIRST} routes[0].from is bits 0; allowed: at least one"),
    ((*TILE, "routes", 0, "vcs"), [2], "image.tiles[0].routes[0].vcs is [2]; allowed: 0 to 1"),
    ((*TILE, "vc_rules", 0, "vc"), 3, f"{FIRST} vc_rules[0].vc is 3; allowed: 0 to 1"),
    (("tiles", 1), IMAGE_DOC["tiles"][0], "image.tiles[1] is ("),
    (("remap", 1, 2), 2, "image.remap[1] vc is 2; allowed: 0 to 1"),
]


@pytest.mark.parametrize(("path", "value", "message"), BY_SCHEMA + BY_MEANING)
def test_cli_1_a_wrong_image_is_refused_in_one_exact_line(
    path: tuple[Any, ...], value: Any, message: str
) -> None:
    text = json.dumps(_edit(IMAGE_DOC, path, value))
    with pytest.raises(InputError) as caught:
        parse_image(text.encode())
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_whole_number_may_be_written_with_a_point() -> None:
    text = json.dumps(IMAGE_DOC)
    for ending in (", ", "]", "}"):  # in JSON Schema 2.0 is an integer; the report stays untouched
        head, _, report = text.rpartition('"report"')
        head = re.sub(rf"(\d+)(?={re.escape(ending)})", r"\1.0", head)
        assert image_to_json(parse_image(f'{head}"report"{report}'.encode())) == (
            image_to_json(IMAGE)
        )


def test_tables_that_do_not_fit_are_refused() -> None:
    doc = copy.deepcopy(IMAGE_DOC)
    doc["tiles"][0]["routes"] = [doc["tiles"][0]["routes"][0]] * 17
    with pytest.raises(InputError, match=r"tiles\[0\].routes has 17 entries; allowed: at most 16"):
        parse_image(json.dumps(doc).encode())
    doc = copy.deepcopy(IMAGE_DOC)
    doc["tiles"][0]["vc_rules"] *= 5
    with pytest.raises(InputError, match=r"tiles\[0\].vc_rules has 5 entries; allowed: at most 4"):
        parse_image(json.dumps(doc).encode())


# Contradictions between tables, seen in both forms ------------------------------------------------


def sender_without_receiver(image: Any) -> None:
    tile, port = np.argwhere(image.out_ok)[3]
    image.out_ok[tile, port] = False


def fuse_at_the_edge(image: Any) -> None:
    image.in_ok[np.flatnonzero(image.live)[0], 0] = True


def fuse_towards_a_missing_tile(image: Any) -> None:
    tile = int(np.flatnonzero(~image.live)[0])
    image.out_ok[tile + 1, 3] = True


def host_that_is_missing(image: Any) -> None:
    hosted = np.flatnonzero(image.remap_tile >= 0)[0]
    image.identity[image.remap_tile[hosted]] = -1
    image.remap_tile[hosted] = np.flatnonzero(~image.live)[0]


def host_without_core(image: Any) -> None:
    image.core_ok[image.remap_tile[np.flatnonzero(image.remap_tile >= 0)[0]]] = False


def host_that_knows_nothing(image: Any) -> None:
    image.identity[np.flatnonzero(image.identity >= 0)[0]] = -1


def identity_of_a_lost_core(image: Any) -> None:
    hosted = np.flatnonzero(image.remap_tile >= 0)[0]
    image.remap_tile[hosted] = -1


def ring_of_turns(image: Any) -> None:
    image.turns[image.live] = True


CONTRADICTIONS = [
    (sender_without_receiver, "has out_ok false but in_ok true at"),
    (fuse_at_the_edge, "in_ok[NORTH] is true; allowed: false at the wafer's edge (FUS-1)"),
    (fuse_towards_a_missing_tile, "is not in the image"),
    (host_that_is_missing, "allowed: a tile of the image"),
    (host_without_core, "allowed: a tile whose core works"),
    (host_that_knows_nothing, "allowed: the tile with this identity, it has no logical id"),
    (identity_of_a_lost_core, "allowed: the id that image.remap sends here, or null"),
    (ring_of_turns, "allowed: turns without a cycle (TBL-2)"),
]


@pytest.mark.parametrize("suffix", ["json", "npz"])
@pytest.mark.parametrize(("break_it", "message"), CONTRADICTIONS)
def test_tables_that_contradict_each_other_are_refused(
    tmp_path: Path, break_it: Callable[[Any], None], message: str, suffix: str
) -> None:
    image = copy.deepcopy(IMAGE)
    break_it(image)
    save_image(image, tmp_path / f"image.{suffix}")
    with pytest.raises(InputError) as caught:
        load_image(tmp_path / f"image.{suffix}")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


# Wafer maps ---------------------------------------------------------------------------------------

ROW = "." * 7


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("format",), "wafermesh-wafer/0", 'wafer.format is "wafermesh-wafer/0"; allowed: "waferm'),
        (("width",), 0, "wafer.width is 0; allowed: an integer from 1 to 2048"),
        (("width",), 2.5, "wafer.width is 2.5; allowed: an integer from 1 to 2048"),
        (("height",), 4096, "wafer.height is 4096; allowed: an integer from 1 to 2048"),
        (("hight",), 5, "wafer.hight is unknown; allowed: format, width, height, tiles"),
        (("tiles",), [ROW] * 4, "wafer.tiles has 4 rows; allowed: 5"),
        (("tiles", 3), ROW[1:], "wafer.tiles[3] has length 6; allowed: 7"),
        (("tiles", 2), "..x....", 'wafer.tiles[2][2] is "x"; allowed: . c X'),
        (("tiles", 2), 7, "wafer.tiles[2] is 7; allowed: a string"),
        (("dead_links",), [[7, 0, "EAST"]], 'wafer.dead_links[0] is [7, 0, "EAST"]; allowed: a t'),
        (("dead_links",), [[6, 0, "EAST"]], 'wafer.dead_links[0] is [6, 0, "EAST"]; allowed: a l'),
        (("dead_links",), [[1, 1, "UP"]], 'wafer.dead_links[0][2] is "UP"; allowed: "NORTH" or '),
        (("dead_links",), [[1, 1, "EAST"]] * 2, 'wafer.dead_links[1] is [1, 1, "EAST"]; allowed:'),
        (("dead_links",), [[-1, 1, "EAST"]], "wafer.dead_links[0][0] is -1; allowed: an integer "),
        (("origin",), "me", 'wafer.origin is "me"; allowed: an object'),
    ],
)
def test_cli_1_a_wrong_wafer_map_is_refused_in_one_exact_line(
    path: tuple[Any, ...], value: Any, message: str
) -> None:
    with pytest.raises(InputError) as caught:
        parse_wafer(json.dumps(_edit(WAFER_DOC, path, value)).encode())
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (wafer_to_json(WAFER).encode()[:120], "wafer is not valid JSON: "),
        (b"", "wafer is not valid JSON: Expecting value, line 1 column 1"),
        (b"\xff\xfe", "wafer is not UTF-8 text: byte 0"),
        (b'{"width": NaN}', "wafer contains NaN; allowed: finite numbers"),
        (b'{"width": 1e999}', "wafer contains 1e999; allowed: finite numbers"),
        (b'{"width": ' + b"1" * 5000 + b"}", "wafer is not valid JSON: a number is too long"),
        (b'{"\\ud800": 1}', "wafer is not valid JSON: half of a surrogate pair"),
        (b'{"width": 1, "width": 2}', 'wafer has key "width" twice; allowed: each key once'),
        (b"[" * 100_000, "wafer is not valid JSON: nested too deeply"),
        (b'{"width": ' + b"[" * 300 + b"]" * 300 + b"}", "wafer is nested too deeply"),
        (b"PK\x03\x04rubbish", "wafer is not a valid NumPy archive: "),
    ],
)
def test_damaged_files_are_refused_in_one_line(data: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_wafer(data)
    assert str(caught.value).startswith(message)

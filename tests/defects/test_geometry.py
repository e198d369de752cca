"""Where tiles lie, and which place of a tile is which part, against a plain description (GEO-1)."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pytest

from model.defects.canvas import Canvas
from model.defects.touch import PARTS, Shapes, strike
from model.errors import InputError
from model.geometry import Geometry, Places
from model.presets import PRESETS
from model.random import draws
from model.spec import Port

W, H = 9, 7
PITCH = (3.0, 2.0)
GEOMETRY = Geometry(pitch=PITCH, router_share=0.16, link_share=0.12)
SIDE, WIRES = 0.4, 0.12 / (2 * 0.6)
"""Of the router and of the wires, as shares of the pitch."""


def part_at(x: float, y: float) -> tuple[Any, ...] | None:
    """What lies at a place, in mm east and south of the array's north-west corner."""
    column, row = math.floor(x / PITCH[0]), math.floor(y / PITCH[1])
    if not (0 <= column < W and 0 <= row < H):
        return None
    u, v = x / PITCH[0] - column - 0.5, y / PITCH[1] - row - 0.5
    if abs(u) < SIDE / 2 and abs(v) < SIDE / 2:
        return ("tile", column, row)
    link = None
    if abs(v) < WIRES / 2:  # eastward traffic keeps to the south, westward to the north
        west = column if u < 0 else column + 1
        link = (west - 1, row, Port.EAST) if v > 0 else (west, row, Port.WEST)
    if abs(u) < WIRES / 2:  # northward traffic keeps to the east, southward to the west
        north = row if v < 0 else row + 1
        link = (column, north - 1, Port.SOUTH) if u < 0 else (column, north, Port.NORTH)
    if link is None:
        return ("core", column, row)
    return ("link", *link) if 0 <= link[0] < W and 0 <= link[1] < H else None


def struck(shapes: Shapes, hits: tuple[str, ...] = PARTS) -> set[tuple[Any, ...]]:
    """Everything that dies, named as :func:`part_at` does."""
    canvas = Canvas(W, H, 1, Places.build(GEOMETRY, W, H))
    strike(canvas, shapes, 1.0, hits, 0)
    found: set[tuple[Any, ...]] = set()
    for name, mask in (("tile", canvas.tile), ("core", canvas.core)):
        found |= {(name, int(x), int(y)) for y, x in np.argwhere(mask)}
    return found | {("link", int(x), int(y), Port(p)) for y, x, p in np.argwhere(canvas.link)}


def corner(x: float, y: float) -> tuple[float, float]:
    """Array coordinates as from its middle to as from its north-west corner."""
    return x + W * PITCH[0] / 2, y + H * PITCH[1] / 2


def one(*numbers: float) -> Shapes:
    return Shapes(*(np.array([number]) for number in numbers))


def random_numbers(stream: int, count: int) -> np.ndarray:
    return (draws(5, stream, count) >> np.uint64(11)).astype(float) * 2.0**-53


def test_geo_1_a_point_breaks_the_part_it_lies_in() -> None:
    x = (random_numbers(0, 1500) - 0.5) * (W + 1) * PITCH[0]
    y = (random_numbers(1, 1500) - 0.5) * (H + 1) * PITCH[1]
    kinds = set()
    for px, py in zip(x, y, strict=True):
        expected = part_at(*corner(px, py))
        assert struck(one(px, py, px, py, 0)) == ({expected} if expected else set())
        kinds.add(expected[0] if expected else None)
    assert kinds == {"tile", "core", "link", None}


def near(points: np.ndarray) -> set[tuple[Any, ...]]:
    return {part for x, y in points if (part := part_at(*corner(x, y)))}


@pytest.mark.parametrize("radius", [0.05, 0.6, 2.5])
def test_def_4_a_disc_breaks_all_it_touches_and_nothing_else(radius: float) -> None:
    step = min(0.02, radius / 4) if radius < 1 else 0.05
    for k in range(6):
        x, y = (random_numbers(2, 12)[2 * k : 2 * k + 2] - 0.5) * (W * PITCH[0], H * PITCH[1])
        ticks = np.arange(-radius - 2 * step, radius + 2.01 * step, step)
        grid = np.array(list(itertools.product(ticks, ticks)))
        far = np.hypot(*grid.T)
        got = struck(one(x, y, x, y, radius))
        assert near(grid[far <= radius] + (x, y)) <= got
        assert got <= near(grid[far <= radius + 2 * step] + (x, y))


@pytest.mark.parametrize("k", range(8))
def test_def_4_a_scratch_breaks_what_it_crosses_and_nothing_else(k: int) -> None:
    ends = (random_numbers(3, 32)[4 * k : 4 * k + 4].reshape(2, 2) - 0.5) * (30.0, 16.0)
    if k == 6:
        ends[1, 0] = ends[0, 0]
    if k == 7:
        ends[1, 1] = ends[0, 1]
    along = np.linspace(0, 1, 6000)[:, None]
    points = ends[0] + along * (ends[1] - ends[0])
    got = struck(one(*ends[0], *ends[1], 0.0))
    assert near(points) <= got
    tiny = 0.01
    corners = tiny * np.array([(a, b) for a in (-1, 1) for b in (-1, 1)])
    assert got <= near((points[:, None] + corners).reshape(-1, 2))
    wide = struck(one(*ends[0], *ends[1], 0.3))
    assert got <= wide


def test_def_4_only_what_may_die_dies() -> None:
    disc = one(0, 0, 0, 0, 4.0)
    assert {part[0] for part in struck(disc, ("link",))} == {"link"}
    assert {part[0] for part in struck(disc, ("router", "core"))} == {"tile", "core"}


def test_geo_1_streets_between_dies_hold_wires_only() -> None:
    geometry = Geometry(pitch=PITCH, dies=(3, 1), die_pitch=(10.0, 14.0))
    places = Places.build(geometry, W, H)
    left, right = places.across.lines[:, 1], places.across.lines[:, 7]
    assert np.allclose(left[1:] - right[:-1], [0, 0, 1, 0, 0, 1, 0, 0])
    assert places.half_size == (14.5, 7.0)
    canvas = Canvas(W, H, 1, places)
    middle = float(right[2] + left[3]) / 2
    row = places.down.lines[3]
    for y in ((row[3] + row[4]) / 2, (row[4] + row[5]) / 2, row[2]):
        strike(canvas, one(middle, y, middle, y, 0.01), 1.0, PARTS, 0)
    assert not canvas.tile.any()
    assert not canvas.core.any()
    dead = {(int(x), int(y), Port(p)) for y, x, p in np.argwhere(canvas.link)}
    assert dead == {(2, 3, Port.EAST), (3, 3, Port.WEST)}


def test_geo_1_areas_of_the_parts_fill_the_tile() -> None:
    places = Places.build(GEOMETRY, W, H)
    whole = places.core_area + places.router_area + 4 * places.link_area
    assert whole == pytest.approx(PITCH[0] * PITCH[1])
    assert places.router_area == pytest.approx(0.16 * 6)


@pytest.mark.parametrize("name", list(PRESETS))
def test_presets_fill_a_square_of_46225_mm2_in_the_middle(name: str) -> None:
    kind = PRESETS[name]
    places = Places.build(kind.geometry, kind.width, kind.height)
    assert np.allclose(places.half_size, 107.5)
    area = places.core_area + places.router_area + 4 * places.link_area
    assert area * kind.width * kind.height == pytest.approx(46_225)
    assert (int(places.across.die[-1]), int(places.down.die[-1])) == (11, 6)
    assert places.radius().max() < math.hypot(107.5, 107.5)


def test_offset_moves_the_array_to_the_east_and_north() -> None:
    places = Places.build(Geometry(offset=(10, 20), pitch=(1, 1)), 2, 2)
    assert places.to_array(np.array([10.0]), np.array([21.0])) == (0.0, -1.0)
    radius = places.radius()
    assert radius[0, 0] == pytest.approx(math.hypot(9.5, 20.5))
    assert radius[1, 1] == pytest.approx(math.hypot(10.5, 19.5))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"diameter": 0}, "geometry.diameter is 0; allowed: a number from 1 to 1000"),
        ({"pitch": [1]}, "geometry.pitch is [1]; allowed: two numbers of mm, [across, down]"),
        ({"dies": [0, 1]}, "geometry.dies[0] is 0; allowed: an integer from 1 to 2048"),
        ({"offset": "left"}, 'geometry.offset is "left"; allowed: two numbers of mm, [east, nor'),
        ({"router_share": True}, "geometry.router_share is true; allowed: a number from 0.0001"),
        ({"link_share": 0.5}, "geometry.link_share is 0.5; allowed: wires no wider than the rout"),
    ],
)
def test_geometries_out_of_range_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        Geometry(**change)
    assert str(caught.value).startswith(message)


def test_dies_narrower_than_their_tiles_are_refused() -> None:
    with pytest.raises(InputError, match=r"geometry.die_pitch is 8 across; allowed: at least the"):
        Places.build(Geometry(pitch=PITCH, dies=(3, 1), die_pitch=(8, 14)), W, H)

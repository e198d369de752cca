"""Whole wafers: every pair of small ones walked, and what must be refused or found."""

from __future__ import annotations

import numpy as np
import pytest

from model.defects import bernoulli
from model.errors import InputError
from model.graph import LinkGraph
from model.proof import find_cycle, walk_pairs
from model.spec import Port
from model.wafer import TileState, WaferMap
from model.wide.compile import compile_wide
from model.wide.plan import largest_part, plan_routes
from model.wide.walker import Walker
from tests.image_checker import complaints

NOBODY = np.zeros(0, np.int32)


@pytest.mark.parametrize(
    ("width", "height", "rate"),
    [(32, 32, 0.01), (40, 32, 0.01), (28, 44, 0.01), (32, 32, 0.03), (7, 40, 0.02), (40, 7, 0.02)],
)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_tbl_4_every_pair_of_a_small_wafer_arrives(
    width: int, height: int, rate: float, seed: int
) -> None:
    wafer = bernoulli(width, height, tile_rate=rate, link_rate=rate, seed=seed)
    image = compile_wide(wafer, walked=1000)
    walk = walk_pairs(image)
    assert walk.arrived == walk.pairs
    served = largest_part(LinkGraph.from_wafer(wafer)) & wafer.core_ok
    assert image.report["hosted"] + image.report["given_up"] >= served.sum()
    if rate == 0.01:
        assert image.report["given_up"] == 0


@pytest.mark.parametrize("vcs", [1, 2, 4])
def test_tbl_4_the_independent_checker_accepts_whole_wafer_images(vcs: int) -> None:
    wafer = bernoulli(20, 18, tile_rate=0.02, link_rate=0.02, core_rate=0.02, seed=5)
    image = compile_wide(wafer, walked=1000, spares="7%", vcs=vcs)
    assert image.report["given_up"] == 0
    assert [c for c in complaints(image, wafer) if not c.startswith("report")] == []


def test_without_defects_routes_are_shortest_and_links_carry_what_they_do_under_xy() -> None:
    image = compile_wide(WaferMap.perfect(16, 12), walked=0)
    walk = walk_pairs(image)
    assert walk.stretch == walk.worst_stretch == 1.0
    assert walk.load.max() == 8 * 8 * 12  # across the middle of a row: 8 x 8 columns, 12 rows
    assert image.report["entries_max"] <= 4


@pytest.mark.parametrize("seed", range(1, 13))
def test_tbl_2_turns_are_acyclic_and_tables_fit_however_many_defects(seed: int) -> None:
    wafer = bernoulli(24, 20, tile_rate=0.01 * (seed % 10), link_rate=0.08, seed=seed)
    try:
        image = compile_wide(wafer, walked=200)
    except InputError:
        return  # no spine, or a pair that gets lost: refused, which is right, but not a bad image
    assert find_cycle(image) is None
    assert image.report["entries_max"] <= image.spec.route_entries


def _blocked(x: int, y: int, *ports: Port) -> WaferMap:
    """A perfect wafer but for dead links that leave and enter one tile through these ports."""
    wafer = WaferMap.perfect(15, 15)
    tile = y * 15 + x
    for port in ports:
        other = tile + (-15, 1, 15, -1)[port]
        wafer.dead_link[tile, port] = wafer.dead_link[other, port.opposite] = True
    return wafer


@pytest.mark.parametrize("open_port", [Port.NORTH, Port.EAST, Port.SOUTH, Port.WEST])
@pytest.mark.parametrize(("x", "y"), [(3, 7), (11, 7), (7, 7), (6, 7), (3, 1), (13, 13)])
def test_a_tile_that_only_one_neighbour_reaches_is_served(open_port: Port, x: int, y: int) -> None:
    ports = [port for port in list(Port)[:4] if port is not open_port]
    image = compile_wide(_blocked(x, y, *ports), walked=0)
    walk = walk_pairs(image)
    assert (walk.arrived, walk.pairs) == (225 * 224, 225 * 224)


def test_a_tile_entered_and_left_by_one_way_links_is_served() -> None:
    wafer = _blocked(3, 7, Port.NORTH, Port.SOUTH)
    wafer.dead_link[7 * 15 + 3, Port.EAST] = True  # in from the east, out to the west only
    wafer.dead_link[7 * 15 + 2, Port.EAST] = True
    walk = walk_pairs(compile_wide(wafer, walked=0))
    assert (walk.arrived, walk.pairs) == (225 * 224, 225 * 224)


def test_what_is_cut_off_hosts_nothing_and_is_counted() -> None:
    wafer = _blocked(3, 7, *list(Port)[:4])
    image = compile_wide(wafer, walked=0)
    assert (image.report["cut_off"], image.report["hosted"]) == (1, 224)
    assert image.remap_tile[7 * 15 + 3] < 0


@pytest.mark.parametrize("corner", [(2, 2), (9, 3), (5, 9)])
def test_large_clusters_are_passed_on_both_sides(corner: tuple[int, int]) -> None:
    wafer = WaferMap.perfect(24, 24)
    grid = wafer.state.reshape(24, 24)
    x, y = corner
    grid[y : y + 7, x : x + 5] = TileState.TILE_DEFECT
    grid[y + 2 : y + 4, x + 5 : x + 7] = TileState.TILE_DEFECT
    image = compile_wide(wafer, walked=0)
    walk = walk_pairs(image)
    assert walk.arrived == walk.pairs
    assert image.report["given_up"] == 0


def test_the_walker_counts_what_the_walk_of_all_pairs_counts() -> None:
    wafer = bernoulli(15, 15, tile_rate=0.03, link_rate=0.03, seed=3)
    image = compile_wide(wafer, walked=0, vcs=2)
    every = walk_pairs(image)
    windows = Walker(image).windows(np.array([7 * 15 + 7], np.int32), 15)
    assert (windows.pairs, windows.arrived) == (every.pairs, every.arrived)
    assert (windows.hops, windows.most_hops) == (every.hops, every.most_hops)
    assert (windows.load == every.load).all()


def test_the_walker_obeys_vc_rules_rmp_2() -> None:
    image = compile_wide(WaferMap.perfect(6, 6), walked=0, vcs=2)
    image.rules[:, 0] = (1, 0, 5, 0, 5, 1)
    image.turns[:, :, :, 1] = False
    walk = Walker(image).random_pairs(50, 1)
    assert (walk.arrived, walk.pairs) == (0, 50)


@pytest.mark.parametrize("what", ["entry", "turn", "fuse"])
def test_the_walker_finds_one_corrupted_place(what: str) -> None:
    image = compile_wide(bernoulli(20, 20, tile_rate=0.02, seed=2), walked=0)
    tile = 10 * 20 + 4
    if what == "entry":
        image.routes["to"][tile, 0] = Port.LOCAL
    elif what == "turn":
        image.turns[tile, Port.SOUTH, Port.NORTH] = False
    else:
        image.out_ok[tile, Port.NORTH] = False
    walk = Walker(image).windows(np.array([tile], np.int32), 4)
    assert walk.arrived < walk.pairs
    assert walk.first_failure is not None
    assert len(walk.unreached)


def test_random_pairs_are_ordered_pairs_of_different_hosts_and_seeds_differ() -> None:
    image = compile_wide(bernoulli(12, 12, tile_rate=0.02, seed=2), walked=0)
    one, again, other = (Walker(image).random_pairs(300, seed) for seed in (1, 1, 2))
    assert one.pairs == one.arrived == 300
    assert one.hops == again.hops != other.hops


def test_plans_repeat() -> None:
    graph = LinkGraph.from_wafer(bernoulli(40, 40, tile_rate=0.03, link_rate=0.03, seed=4))
    one, other = (plan_routes(graph, 16, NOBODY) for _ in range(2))
    assert (one.entries == other.entries).all()
    assert (one.kind == other.kind).all()


def test_a_wafer_without_a_way_from_top_to_bottom_is_refused() -> None:
    wafer = WaferMap.perfect(6, 5)
    wafer.state[12:18] = TileState.TILE_DEFECT
    with pytest.raises(InputError, match="no chain of two-way links from its top row"):
        compile_wide(wafer, walked=0)


def test_a_wafer_without_a_tile_or_a_core_is_refused() -> None:
    wafer = WaferMap.perfect(4, 4)
    wafer.state[:] = TileState.CORE_DEFECT
    with pytest.raises(InputError, match="no working core"):
        compile_wide(wafer, walked=0)
    wafer.state[:] = TileState.TILE_DEFECT
    with pytest.raises(InputError, match="no working tile"):
        compile_wide(wafer, walked=0)


def test_too_few_entries_are_refused_with_tile_and_need() -> None:
    with pytest.raises(InputError, match=r"route_entries is 3; allowed: 4 or more, which tile \("):
        compile_wide(WaferMap.perfect(8, 8), walked=0, route_entries=3)


def test_progress_names_every_step() -> None:
    told: list[str] = []
    compile_wide(
        bernoulli(16, 16, tile_rate=0.02, seed=1),
        walked=1000,
        progress=lambda what, done, total: told.append(what),
    )
    assert list(dict.fromkeys(told)) == [
        "routes", "repair", "tables", "proof", "walking around defects", "walking random pairs",
        "report",
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_a_256_x_256_wafer_at_one_per_cent_loses_no_pair(seed: int) -> None:
    wafer = bernoulli(256, 256, tile_rate=0.01, link_rate=0.01, seed=seed)
    report = compile_wide(wafer, walked=1_000_000).report
    assert (report["given_up"], report["reachable_pairs"]) == (0, 1.0)

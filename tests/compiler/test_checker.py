"""The checker itself: what it walks is what the engine does, and what it calls connected."""

from __future__ import annotations

import numpy as np
import pytest

from model.compile import CompileOptions, compile_wafer
from model.defects import bernoulli
from model.engine import PacketStatus, simulate
from model.schedule import PacketSchedule
from model.spec import FabricSpec, Port
from model.wafer import WaferMap
from tests.compiler.accepted import accepted, xy_is_blocked
from tests.image_checker import complaints, connected
from tests.image_walk import lost, walk
from verif.mesh_image import mesh_image
from verif.random_image import random_image


@pytest.mark.parametrize("seed", range(8))
def test_rtr_7_rmp_2_the_walk_over_any_tables_is_what_the_engine_does(seed: int) -> None:
    rng = np.random.default_rng(seed)
    spec = FabricSpec(width=5, height=4, vcs=(1, 2, 4)[seed % 3])
    rates = {"tile_rate": 0.1, "core_rate": 0.1, "link_rate": 0.1}
    image = random_image(rng, spec, **rates, nonsense=(0.3, 1.0)[seed % 2])
    owned = image.identity[image.remap_tile] == np.arange(image.logical)
    image.remap_tile[~(owned & image.core_ok[image.remap_tile])] = -1
    walked = walk(image)
    source, goal = (ids.ravel() for ids in np.meshgrid(walked.logical, walked.logical))
    schedule = PacketSchedule(
        source=source.astype(np.int32),
        destination=goal.astype(np.int32),
        length=np.ones(len(source), np.int32),
        offered=100 * np.arange(len(source)),  # one at a time
        gap=np.zeros(len(source), np.int32),
    )
    records = simulate(image, schedule).records
    arrived = records.status == PacketStatus.DELIVERED
    assert ((walked.hops.T.ravel() >= 0) == arrived).all()
    assert (walked.hops.T.ravel()[arrived] == records.hops[arrived]).all()
    assert lost(image, source, goal).tolist() == np.flatnonzero(~arrived).tolist()
    assert 0 < arrived.sum() < len(arrived)


def test_hops_load_and_shortest_of_a_row_are_as_counted_by_hand() -> None:
    walked = walk(mesh_image(FabricSpec(width=4, height=1)))
    assert walked.hops.tolist() == [[0, 1, 2, 3], [1, 0, 1, 2], [2, 1, 0, 1], [3, 2, 1, 0]]
    assert (walked.shortest == walked.hops).all()
    assert walked.load[:, Port.EAST].tolist() == [3, 4, 3, 0]
    assert walked.load[:, Port.WEST].tolist() == [0, 3, 4, 3]


def cut(wafer: WaferMap, *links: tuple[int, Port]) -> WaferMap:
    for tile, port in links:
        wafer.dead_link[tile, port] = True
    return wafer


def test_connected_at_all_needs_a_link_from_and_a_link_to_the_largest_part() -> None:
    row = cut(WaferMap.perfect(5, 1), (3, Port.EAST))  # nobody reaches tile 4
    assert connected(row).tolist() == [True] * 4 + [False]
    corner = cut(WaferMap.perfect(3, 2), (1, Port.WEST), (0, Port.SOUTH))  # heard here, hears there
    assert connected(corner).all()
    # A ring of one-way links through tiles 3 and 0: each of them needs the other, and no turns
    # without a cycle join both: 4 > 3 > 0, 3 > 0 > 1 and 0 > 1 … 4 > 3 close it.
    ring = cut(corner, (3, Port.EAST))
    assert connected(ring).tolist() == [False, True, True, False, True, True]


def test_of_two_parts_the_one_with_more_working_cores_counts() -> None:
    wafer = cut(WaferMap.perfect(7, 1), (3, Port.EAST), (4, Port.WEST))
    assert connected(wafer).tolist() == [True] * 4 + [False] * 3
    wafer.state[:2] = 1  # two cores here, three there
    assert connected(wafer).tolist() == [False] * 4 + [True] * 3


def test_an_image_of_the_smaller_part_is_cut_off() -> None:
    wafer = cut(WaferMap.perfect(7, 1), (3, Port.EAST), (4, Port.WEST))
    smaller = cut(WaferMap.perfect(7, 1), (3, Port.EAST), (4, Port.WEST))
    smaller.state[:2] = 1
    image = compile_wafer(smaller)
    image.core_ok[:2] = True  # as if they worked
    assert complaints(image, wafer) == ["cut off: 3 of 7 are hosted, 4 could be"]


def test_xy_is_blocked_by_one_dead_link_between_hosts_or_by_none() -> None:
    whole = WaferMap.perfect(4, 3)
    assert not xy_is_blocked(whole, CompileOptions())
    assert xy_is_blocked(cut(WaferMap.perfect(4, 3), (5, Port.EAST)), CompileOptions())
    edge = WaferMap.perfect(4, 3)
    edge.state[3::4] = 2  # a column of spares is dead: nobody passes there
    assert not xy_is_blocked(edge, CompileOptions(spares=1))


def test_the_need_of_entries_that_a_refusal_names_is_enough() -> None:
    wafer = bernoulli(12, 12, tile_rate=0.12, link_rate=0.06, seed=3)
    image = accepted(wafer, CompileOptions(), route_entries=2)
    assert image is not None
    assert image.spec.route_entries > 2

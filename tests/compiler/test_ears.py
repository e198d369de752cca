"""Ears: parts that one-way links alone enter and leave, and how much of them is served (TBL-5)."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest

from model.compile import CompileOptions, compile_wafer
from model.defects import bernoulli
from model.graph import LinkGraph
from model.routing.forced import cannot_be_joined
from model.routing.links import Links
from model.routing.orders import grown, updown
from model.routing.reach import Reach
from model.spec import Port
from model.wafer import TileState, WaferMap
from tests.compiler.accepted import accepted
from tests.image_checker import complaints, connected, connected_both_ways

Arcs = list[tuple[int, int]]


def arcs_of(graph: LinkGraph) -> Arcs:
    tail, port = np.nonzero(graph.out_ok)
    return list(zip(tail.tolist(), graph.neighbour[tail, port].tolist(), strict=True))


def reached(arcs: Arcs, order: list[int], tiles: int) -> list[int]:
    """By tile, a bit for every tile that reaches it by links that go forward in an order."""
    known = [1 << tile for tile in range(tiles)]
    for link in order:
        tail, head = arcs[link]
        known[head] |= known[tail]
    return known


def some_order_joins(arcs: Arcs, hosts: tuple[int, ...], tiles: int) -> bool:
    """Whether any order of the links joins every pair of hosts: all are tried."""
    goal = sum(1 << host for host in hosts)
    seen: set[tuple[tuple[int, ...], int]] = set()

    def hopeless(known: tuple[int, ...], unused: int) -> bool:
        for host in hosts:
            at = sum(1 << tile for tile in range(tiles) if known[tile] >> host & 1)
            before = 0
            while before != at:
                before = at
                for link, (tail, head) in enumerate(arcs):
                    at |= (unused >> link & at >> tail & 1) << head
            if at & goal != goal:
                return True
        return False

    def goes_on(known: tuple[int, ...], unused: int) -> bool:
        if all(known[host] & goal == goal for host in hosts):
            return True
        if (known, unused) in seen or hopeless(known, unused):
            return False
        seen.add((known, unused))
        for link, (tail, head) in enumerate(arcs):
            if unused >> link & 1 and known[tail] & ~known[head]:
                after = (*known[:head], known[head] | known[tail], *known[head + 1 :])
                if goes_on(after, unused & ~(1 << link)):
                    return True
        return False

    start = tuple(1 << tile if tile in hosts else 0 for tile in range(tiles))
    return goes_on(start, (1 << len(arcs)) - 1)


def cores(graph: LinkGraph, tiles: np.ndarray) -> list[int]:
    return [int(tile) for tile in np.flatnonzero(tiles & graph.core_ok)]


@pytest.mark.parametrize(
    ("width", "seeds", "maps", "better"), [(3, range(500), 30, 0), (4, range(260), 30, 3)]
)
def test_tbl_5_few_small_maps_have_an_order_that_serves_more(
    width: int, seeds: range, maps: int, better: int
) -> None:
    seen = more = 0
    proven: list[bool] = []
    for seed in seeds:
        rates = {"tile_rate": 0.05, "core_rate": 0.1, "link_rate": 0.3}
        graph = LinkGraph.from_wafer(bernoulli(width, 2, seed=seed, **rates))
        reach = Reach.of(graph)
        served, every = cores(graph, reach.served), cores(graph, reach.ways)
        arcs = [(a, b) for a, b in arcs_of(graph) if reach.ways[a] and reach.ways[b]]
        assert not cannot_be_joined(graph, reach.ways, np.array(served))
        if len(served) == len(every):
            continue
        seen += 1
        assert some_order_joins(arcs, tuple(served), graph.tiles)
        sets = [s for k in range(len(served) + 1, len(every) + 1) for s in combinations(every, k)]
        joined = [some_order_joins(arcs, one, graph.tiles) for one in sets]
        for one, some in zip(sets, joined, strict=True):
            proof = cannot_be_joined(graph, reach.ways, np.array(one))
            assert not (some and proof), (seed, one)
            proven += [] if some else [proof]
        more += any(joined)
    assert seen >= maps
    assert more <= better
    assert sum(proven) > 0.8 * len(proven)


@pytest.mark.parametrize(("rates", "maps"), [((0.12, 0.06), 300), ((0.05, 0.2), 60)])
def test_tbl_5_every_order_to_start_from_joins_all_that_is_served(
    rates: tuple[float, float], maps: int
) -> None:
    ears = 0
    for seed in range(maps):
        wafer = bernoulli(8, 8, tile_rate=rates[0], link_rate=rates[1], seed=seed)
        graph = LinkGraph.from_wafer(wafer)
        reach = Reach.of(graph)
        must = connected(wafer)
        both_ways = connected_both_ways(wafer, must)
        assert not (reach.served & ~both_ways).any()
        if not (both_ways & ~must & graph.core_ok).any():
            assert (reach.served == must).all()
            continue
        ears += 1
        assert len(cores(graph, reach.served)) >= len(cores(graph, must))
        assert (reach.ways == both_ways).all()
        hosts = np.array(cores(graph, reach.served), np.int32)
        links = Links.build(graph, reach.ways, hosts)
        arcs = list(zip(links.tail.tolist(), links.head.tolist(), strict=True))
        orders = [grown(graph, links, reach), grown(graph, links, reach, columns=False)]
        orders += [updown(graph, links, reach, x, y) for x, y in product((0, 7), (0, 7))]
        for label, place in orders:
            known = reached(arcs, np.argsort(place).tolist(), graph.tiles)
            assert all(known[a] >> b & 1 for a, b in product(hosts.tolist(), repeat=2)), (
                seed,
                label,
            )
    assert ears > maps / 30


@pytest.mark.parametrize("vcs", [1, 2, 4])
@pytest.mark.parametrize(("routing", "effort"), [("ordered", "fast"), ("updown", "fast")])
def test_tbl_5_images_of_maps_rich_in_ears_are_accepted(
    routing: str, effort: str, vcs: int
) -> None:
    options = CompileOptions(routing=routing, effort=effort)
    more = 0
    for seed in range(30):
        wafer = bernoulli(7, 6, tile_rate=0.05, core_rate=0.05, link_rate=0.2, seed=seed)
        image = accepted(wafer, options, vcs=vcs)
        assert image is not None
        more += image.report["hosted"] > (connected(wafer) & wafer.core_ok).sum()
    assert more > 5


@pytest.mark.parametrize(("routing", "vcs"), [("ordered", 1), ("ordered", 4), ("updown", 2)])
def test_tbl_5_the_search_keeps_what_is_served_of_ears(routing: str, vcs: int) -> None:
    for seed in (5, 16):
        wafer = bernoulli(5, 5, tile_rate=0.05, link_rate=0.2, seed=seed)
        image = accepted(wafer, CompileOptions(routing=routing, effort="best"), vcs=vcs)
        assert image is not None
        assert image.report["hosted"] > (connected(wafer) & wafer.core_ok).sum()


def eared(*sides: str, depth: int = 1) -> WaferMap:
    """Four columns of three, and ears of two rows beside: entered above, left below.

    The western ear is one column, the eastern one ``depth`` columns.
    """
    wafer = WaferMap.perfect(5 + depth, 3)
    dead, state = wafer.dead_link.reshape(3, -1, 4), wafer.state.reshape(3, -1)
    for side, ear, inner, out in (
        ("west", slice(0, 1), 1, Port.EAST),
        ("east", slice(5, None), 4, Port.WEST),
    ):
        state[2 if side in sides else slice(None), ear] = TileState.TILE_DEFECT
        dead[0, ear, out] = True
        dead[1, inner, (out + 2) % 4] = True
    dead[0, 6:, Port.WEST] = False
    return wafer


def test_tbl_5_one_ear_is_served_whole_with_the_root_inside() -> None:
    for side, roots in (("west", [0, 6]), ("east", [5, 11])):
        wafer = eared(side)
        reach = Reach.of(LinkGraph.from_wafer(wafer))
        assert np.flatnonzero(reach.roots).tolist() == roots
        image = compile_wafer(wafer)
        assert (image.report["hosted"], image.report["cut_off"]) == (14, 0)
        assert complaints(image, wafer) == []


@pytest.mark.parametrize("vcs", [1, 2, 4])
def test_tbl_5_of_two_ears_one_loses_a_core_that_is_counted(vcs: int) -> None:
    wafer = eared("west", "east")
    graph = LinkGraph.from_wafer(wafer)
    every = np.flatnonzero(graph.core_ok)
    assert cannot_be_joined(graph, graph.live, every)
    image = compile_wafer(wafer, vcs=vcs)
    assert (image.report["hosted"], image.report["cut_off"]) == (15, 1)
    assert complaints(image, wafer) == []
    image.report["cut_off"] = 0
    assert complaints(image, wafer) == ["report: cut_off is 0, seen 1"]


def test_tbl_5_an_ear_with_two_ways_through_is_served_beside_another() -> None:
    wafer = eared("west", "east", depth=2)
    image = compile_wafer(wafer)
    assert (image.report["hosted"], image.report["cut_off"]) == (18, 0)
    assert complaints(image, wafer) == []


def test_tbl_5_of_a_one_way_chain_one_tile_is_served_and_the_other_crossed() -> None:
    wafer = WaferMap.perfect(3, 2)
    for tile, port in ((1, Port.WEST), (0, Port.SOUTH), (3, Port.EAST)):
        wafer.dead_link[tile, port] = True
    image = compile_wafer(wafer)
    assert (image.report["hosted"], image.report["cut_off"]) == (5, 1)
    assert complaints(image, wafer) == []

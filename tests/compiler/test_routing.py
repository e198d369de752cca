"""Routing strategies: what each guarantees, and what the search must never give up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from model.compile import CompileOptions, compile_wafer
from model.defects import bernoulli
from model.errors import InputError
from model.graph import LinkGraph
from model.image_file import image_to_json
from model.routing import ROUTINGS, anneal, kernel
from model.routing.improve import Improver
from model.routing.links import Links
from model.routing.orders import dimension_order, grown, updown
from model.routing.reach import Reach
from model.routing.search import balanced, ranked
from model.routing.weave import Weave
from model.tables.need import entries_needed
from model.wafer import TileState, WaferMap


def links_of(wafer: WaferMap) -> tuple[LinkGraph, Reach, Links]:
    graph = LinkGraph.from_wafer(wafer)
    reach = Reach.of(graph)
    hosts = np.flatnonzero(reach.served & graph.core_ok).astype(np.int32)
    return graph, reach, Links.build(graph, reach.ways, hosts)


def orders_of(wafer: WaferMap) -> tuple[Links, list[tuple[str, np.ndarray]]]:
    graph, reach, links = links_of(wafer)
    whole = [grown(graph, links, reach), grown(graph, links, reach, columns=False)]
    return links, [*whole, updown(graph, links, reach, 0, 0), updown(graph, links, reach, 5, 5)]


def ways(weave: Weave) -> np.ndarray:
    """int64[hosts, hosts]: hops of [destination, source], walked link by link."""
    links, hosts = weave.links, len(weave.links.hosts)
    hops = np.zeros((hosts, hosts), np.int64)
    for goal in range(hosts):
        for source in range(hosts):
            port = weave.first[source, goal]
            if port == kernel.NO_PORT:
                continue
            link = links.starts[source, port]
            hops[goal, source] = 1
            while links.end[link] != goal:
                link = links.succ[link, weave.step[link, goal]]
                hops[goal, source] += 1
    return hops


@pytest.mark.parametrize("seed", range(1, 6))
def test_links_know_what_follows_and_what_precedes(seed: int) -> None:
    _, _, links = links_of(bernoulli(7, 6, tile_rate=0.1, link_rate=0.1, seed=seed))
    after = {(a, k, int(links.succ[a, k])) for a, k in np.argwhere(links.succ >= 0).tolist()}
    before = {
        (int(t) // 3, int(t) % 3, b) for b, row in enumerate(links.pred) for t in row if t >= 0
    }
    assert after == before
    assert all(links.head[a] == links.tail[b] for a, _, b in after)
    assert all((links.port[a] + 2) % 4 != links.port[b] for a, _, b in after)


@pytest.mark.parametrize("seed", range(1, 6))
def test_tbl_4_orders_with_a_guarantee_join_every_pair(seed: int) -> None:
    links, orders = orders_of(bernoulli(8, 8, tile_rate=0.12, link_rate=0.06, seed=seed))
    for name, place in orders:
        assert sorted(place) == list(range(len(links.tail))), name
        weave = balanced(Weave(links, [place]), 2)
        assert not weave.lost.any(), name
        assert ((ways(weave) > 0) | np.eye(len(links.hosts), dtype=bool)).all(), name


def test_an_order_without_a_guarantee_is_seen_to_lose_pairs_and_ranked_last() -> None:
    wafer = bernoulli(8, 8, tile_rate=0.12, link_rate=0.06, seed=2)
    links, orders = orders_of(wafer)
    xy = dimension_order(links)
    assert balanced(Weave(links, [xy[1]]), 1).lost.any()
    assert ranked(links, [xy, *orders], 100)[-1] is xy


@pytest.mark.parametrize("layers", [1, 2])
def test_tbl_2_the_search_keeps_every_turn_forward_in_its_order(layers: int) -> None:
    links, orders = orders_of(bernoulli(8, 8, tile_rate=0.12, link_rate=0.06, seed=3))
    weave = balanced(Weave(links, [place for _, place in orders[:layers]]), 2)
    before = weave.score
    Improver(weave).search(1, 2_000, 300)
    turns = np.empty_like(weave.turns)
    for place, order, turn in zip(weave.places, weave.orders, turns, strict=True):
        kernel.set_turns(place, links.succ, turn)
        assert (np.argsort(place) == order).all()
    assert (turns == weave.turns).all()
    assert not weave.lost.any()
    assert weave.score < before
    # Loads and flows are those of the trees, however many moves were taken back.
    assert (weave.flow.sum(axis=1) == weave.load).all()
    assert ways(weave).sum() == weave.load.sum()


def test_a_move_that_would_fill_its_log_is_given_up_and_leaves_no_trace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    links, orders = orders_of(bernoulli(6, 6, tile_rate=0.12, link_rate=0.06, seed=1))
    weave = balanced(Weave(links, [orders[0][1]]), 2, (0.01, 0.0))
    move, tried = anneal.anneal.py_func, []

    def state() -> list[bytes]:
        trees = weave.load, weave.step, weave.flow, weave.first, weave.ahead
        return [part.tobytes() for part in (weave.orders, weave.places, weave.turns, *trees)]

    def watched(*arguments: Any) -> None:
        before = state()
        move(*arguments)
        assert state() == before

    def opened(*arguments: Any) -> tuple[int, int]:
        harm, count = open_turns(*arguments)
        tried.append(count)
        return harm, count

    open_turns = anneal._open
    monkeypatch.setattr(anneal, "LOG", 8)
    monkeypatch.setattr(anneal, "_note", anneal._note.py_func)  # it refuses to write beyond the log
    monkeypatch.setattr(anneal, "_open", opened)
    monkeypatch.setattr(anneal, "anneal", watched)
    Improver(weave).search(1, 200, 25)
    assert max(tried) > 0
    assert not weave.lost.any()
    assert (weave.flow.sum(axis=1) == weave.load).all()


def test_tidying_saves_entries_and_no_sweep_raises_the_cost() -> None:
    links, orders = orders_of(bernoulli(12, 12, tile_rate=0.03, link_rate=0.01, seed=1))
    weave = balanced(Weave(links, [orders[0][1]]), 2, (0.01, 0.0))
    improver = Improver(weave)
    costs = improver.costs(0.1)

    def cost() -> float:
        return float(costs[0][weave.load].sum())

    before = cost()
    assert improver.sweep(costs) > 0
    assert cost() < before
    busiest, need = weave.load.max(), entries_needed(weave.plan(0.1))
    assert need.max() > 16
    improver.tidy(lambda: entries_needed(weave.plan(0.1)), 16, 3, 12)
    after = entries_needed(weave.plan(0.1))
    assert after.sum() < 0.8 * need.sum()
    assert (after > 16).sum() < 0.2 * (need > 16).sum()
    assert weave.load.max() < 1.1 * busiest
    assert not weave.lost.any()
    assert (weave.flow.sum(axis=1) == weave.load).all()
    assert ways(weave).sum() == weave.load.sum()


def test_xy_names_the_first_blocked_pair_in_one_line() -> None:
    wafer = WaferMap.perfect(4, 3)
    wafer.state[5] = TileState.TILE_DEFECT
    with pytest.raises(InputError) as refusal:
        compile_wafer(wafer, CompileOptions(routing="xy"))
    assert str(refusal.value) == (
        "routing is 'xy', which is blocked from (0, 0) to (1, 2); allowed: another routing on"
        " this wafer"
    )


@pytest.mark.parametrize("vcs", [1, 2, 4])
@pytest.mark.parametrize("routing", list(ROUTINGS))
def test_on_a_whole_wafer_ways_are_shortest(routing: str, vcs: int) -> None:
    image = compile_wafer(WaferMap.perfect(6, 5), CompileOptions(routing=routing), vcs=vcs)
    assert image.report["stretch"] == 1.0 or routing == "updown"
    assert image.report["reachable_pairs"] == 1.0


@pytest.mark.parametrize("vcs", [1, 2])
def test_equal_input_makes_equal_bytes_also_with_the_threads_of_the_search(vcs: int) -> None:
    wafer = bernoulli(6, 6, tile_rate=0.08, link_rate=0.04, seed=4)
    options = CompileOptions(effort="best")
    first, second = (image_to_json(compile_wafer(wafer, options, vcs=vcs)) for _ in range(2))
    assert first == second


def test_best_loads_the_busiest_link_less_than_the_baseline() -> None:
    wafer = bernoulli(8, 8, tile_rate=0.12, link_rate=0.06, seed=4)
    load = [
        compile_wafer(wafer, CompileOptions(routing=name, effort=effort)).report["max_channel_load"]
        for name, effort in (("ordered", "best"), ("updown", "best"))
    ]
    assert load[0] < 0.8 * load[1]


def test_rmp_2_destinations_take_the_vcs_of_their_layer_in_turn() -> None:
    wafer = bernoulli(8, 8, tile_rate=0.12, link_rate=0.06, seed=1)
    image = compile_wafer(wafer, CompileOptions(effort="best"), vcs=4)
    tile = image.remap_tile[image.remap_tile >= 0]
    assert (image.remap_vc[image.remap_tile >= 0] == (tile % 8 + tile // 8) % 4).all()
    assert (image.turns[..., :2] == image.turns[..., 2:]).all()

"""Routing strategies by name: where packets may turn, so that nothing can deadlock, and which way.

A strategy makes a :class:`model.routing.weave.Weave` : an order of the links per VC layer, whose
forward turns are the legal ones, and a tree of ways to every host. Every strategy proposes acyclic
turns only (an order has no cycle), and :mod:`model.proof` proves each image all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from model.errors import InputError
from model.graph import LinkGraph
from model.lanes import share
from model.routing.improve import Improver
from model.routing.kernel import NO_PORT
from model.routing.links import Links
from model.routing.orders import Order, dimension_order, grown
from model.routing.orders import updown as updown_order
from model.routing.plan import NOWHERE
from model.routing.reach import Reach
from model.routing.search import (
    MIDDLE,
    Effort,
    balanced,
    budget_for,
    raced,
    ranked,
    searched,
)
from model.routing.weave import Weave

__all__ = ["NOWHERE", "ROUTINGS", "Candidate", "Effort", "Weave", "routing_strategy"]

Candidate = tuple[str, Weave | Improver]
"""How it came about, for the report, and the routing; one that was searched can be tidied."""

ROOMY: Final = 0.55
"""Share of the entries that tables of one layer may take for two layers to be tried."""

Strategy = Callable[[LinkGraph, Reach, npt.NDArray[np.int32], Effort, int], Iterator[Candidate]]
"""(graph, what is served, int32 host tiles, effort, VCs) -> laid weaves, best guess first."""


def xy(
    graph: LinkGraph,
    reach: Reach,
    hosts: npt.NDArray[np.int32],
    effort: Effort,
    vcs: int,
) -> Iterator[Candidate]:
    """Dimension order: x first, then y, one way for each pair; a baseline.

    Guarantee: shortest ways. Refuses a wafer on which any pair's way is broken, naming the first.
    """
    links = Links.build(graph, reach.ways, hosts)
    label, place = dimension_order(links)
    weave = Weave(links, [place])
    if weave.lay(np.arange(len(hosts))):
        source, goal = (int(hosts[k]) for k in np.argwhere(_blocked(weave))[0])
        width = graph.width
        raise InputError(
            f"routing is 'xy', which is blocked from ({source % width}, {source // width}) to"
            f" ({goal % width}, {goal // width}); allowed: another routing on this wafer"
        )
    yield label, weave


def _blocked(weave: Weave) -> npt.NDArray[np.bool_]:
    """bool[hosts, hosts]: [source, destination] without a way."""
    blocked: npt.NDArray[np.bool_] = weave.first == NO_PORT
    np.fill_diagonal(blocked, False)
    return blocked


def _updown_orders(graph: LinkGraph, links: Links, reach: Reach, effort: Effort) -> list[Order]:
    """From each corner, and with ``best`` from the edges' middles and the centre too."""
    xs = [0, graph.width - 1] + ([graph.width // 2] if effort == "best" else [])
    ys = [0, graph.height - 1] + ([graph.height // 2] if effort == "best" else [])
    orders = [updown_order(graph, links, reach, x, y) for y in ys for x in xs]
    return list(dict(orders).items())


def updown(
    graph: LinkGraph,
    reach: Reach,
    hosts: npt.NDArray[np.int32],
    effort: Effort,
    vcs: int,
) -> Iterator[Candidate]:
    """Up*/down* from the root of several that loads the busiest links least; a baseline.

    Guarantee: every ordered pair of served tiles is joined.
    """
    links = Links.build(graph, reach.ways, hosts)
    budget = budget_for(effort, graph.tiles)
    orders = _updown_orders(graph, links, reach, effort)
    for label, place in ranked(links, orders, budget.sample):
        yield label, balanced(Weave(links, [place]), budget.sweeps)


def ordered(
    graph: LinkGraph,
    reach: Reach,
    hosts: npt.NDArray[np.int32],
    effort: Effort,
    vcs: int,
) -> Iterator[Candidate]:
    """Orders of the links, chosen among known ones and with ``best`` searched on; the default.

    Guarantee: every ordered pair of served tiles is joined. Up*/down* orders are always among
    those to start from, an order that leaves a pair without a way is never preferred to one that
    leaves none, and the search gives up none.
    """
    links = Links.build(graph, reach.ways, hosts)
    budget = budget_for(effort, graph.tiles)
    if _is_whole(graph):
        orders = [dimension_order(links), dimension_order(links, x_first=False)]
    else:
        ways = (True, False) if effort == "best" or graph.tiles <= MIDDLE else (True,)
        orders = share(lambda columns: grown(graph, links, reach, columns), ways)
        if effort == "best":
            orders += _updown_orders(graph, links, reach, effort)
            orders = ranked(links, orders, budget.sample)
    if effort == "fast":
        for label, weave in raced(links, orders, interim=budget.sweeps > 1):
            yield label, balanced(weave, budget.sweeps - 1)
        orders = []
    if budget.moves and not _is_whole(graph):  # where dimension order is optimal
        label, found = searched(links, [[order] for order in orders[: budget.starts]], budget)
        yield label, found
        # Two layers take half as many entries again, so one is made first, to see what is left.
        if vcs > 1 and found.fill <= ROOMY:
            pairs = [list(pair) for pair in pairwise(orders[: budget.starts])]
            yield searched(links, pairs, budget)
    for label, place in orders:
        yield label, balanced(Weave(links, [place]), budget.sweeps)
    # Reached when no table fitted so far.
    for label, place in _updown_orders(graph, links, reach, effort):
        yield label, balanced(Weave(links, [place]), budget.sweeps)


def _is_whole(graph: LinkGraph) -> bool:
    """No router and no link is dead."""
    return bool((graph.out_ok == (graph.neighbour >= 0)).all())


ROUTINGS: Final[Mapping[str, Strategy]] = {"ordered": ordered, "updown": updown, "xy": xy}


def routing_strategy(name: str) -> Strategy:
    """Look a strategy up by name.

    Raises
    ------
    InputError
        When there is none of that name.
    """
    if name not in ROUTINGS:
        raise InputError(f"routing is {name!r}; allowed: {', '.join(ROUTINGS)}")
    return ROUTINGS[name]

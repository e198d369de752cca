"""Routing strategies by name: where packets may turn, so that nothing can deadlock.

A strategy proposes :class:`TurnPlan` s; the compiler gives each the same hosts, measures their
channel load, takes the best one and chooses paths within it (:mod:`model.routing.paths`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from model.errors import InputError
from model.graph import LinkGraph
from model.routing.grown import grown_turns
from model.routing.updown import updown_turns

Effort = Literal["fast", "best"]


@dataclass(frozen=True, eq=False, kw_only=True)
class TurnPlan:
    """Legal turns of every tile, the same in every VC.

    Members
    -------
    label : str
        How the plan came about, for the report.
    routable : bool[tiles]
        Any two of these tiles reach each other by legal turns.
    turns : bool[tiles, 5, 5]
        [tile, input, output] legal between mesh ports; LOCAL's turns are the compiler's.
    """

    label: str
    routable: npt.NDArray[np.bool_]
    turns: npt.NDArray[np.bool_]


Strategy = Callable[[LinkGraph, Effort], list[TurnPlan]]


Rules = Callable[
    [LinkGraph, int, int], tuple[int, npt.NDArray[np.bool_], npt.NDArray[np.bool_]] | None
]


def _from_roots(
    graph: LinkGraph, rules: Rules, places: list[tuple[int, int]], name: str = ""
) -> list[TurnPlan]:
    """One plan for each different root; ``name`` tells variants apart."""
    plans: dict[str, TurnPlan] = {}
    for x, y in places:
        found = rules(graph, x, y)
        if found is not None:
            root, routable, turns = found
            label = f"{name}root ({root % graph.width}, {root // graph.width})"
            plans[label] = TurnPlan(label=label, routable=routable, turns=turns)
    return list(plans.values())


def updown(graph: LinkGraph, effort: Effort) -> list[TurnPlan]:
    """Up*/down* from each corner, and with ``best`` from the edges' middles and the centre too.

    Guarantee: every two tiles joined by two-way links reach each other. A tile joined by one-way
    links only is served when it has one from and one to tiles that are served without it.
    """
    xs = [0, graph.width - 1] + ([graph.width // 2] if effort == "best" else [])
    ys = [0, graph.height - 1] + ([graph.height // 2] if effort == "best" else [])
    return _from_roots(graph, updown_turns, [(x, y) for y in ys for x in xs])


def grown(graph: LinkGraph, effort: Effort) -> list[TurnPlan]:
    """Turns grown from a tree (:mod:`model.routing.grown`); the guarantee of :func:`updown`."""
    parts = 2 if effort == "fast" else 12
    x, y = (graph.width - 1) // 2, (graph.height - 1) // 2
    columns = [(k * (graph.width - 1) // parts, y) for k in range(parts + 1)]
    rows = [(x, k * (graph.height - 1) // parts) for k in range(parts + 1)]
    y_first = functools.partial(grown_turns, teeth_are_rows=False)
    return _from_roots(graph, grown_turns, columns, "xy ") + _from_roots(
        graph, y_first, rows, "yx "
    )


ROUTINGS: Final[Mapping[str, Strategy]] = {"grown": grown, "updown": updown}


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

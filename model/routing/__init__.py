"""Routing strategies by name: where packets may turn, so that nothing can deadlock.

A strategy proposes :class:`TurnPlan` s; the compiler gives each the same hosts, measures their
channel load, takes the best one and chooses paths within it (:mod:`model.routing.paths`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from model.errors import InputError
from model.graph import LinkGraph
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


def updown(graph: LinkGraph, effort: Effort) -> list[TurnPlan]:
    """Up*/down* from each corner, and with ``best`` from the edges' middles and the centre too.

    Guarantee: every two tiles joined by two-way links reach each other. A tile joined by one-way
    links only is served when it has one from and one to tiles that are served without it.
    """
    xs = [0, graph.width - 1] + ([graph.width // 2] if effort == "best" else [])
    ys = [0, graph.height - 1] + ([graph.height // 2] if effort == "best" else [])
    plans = []
    for x, y in dict.fromkeys((x, y) for y in ys for x in xs):
        found = updown_turns(graph, x, y)
        if found is not None:
            root, routable, turns = found
            place = f"({root % graph.width}, {root // graph.width})"
            plans.append(TurnPlan(label=f"root {place}", routable=routable, turns=turns))
    return plans


ROUTINGS: Final[Mapping[str, Strategy]] = {"updown": updown}


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

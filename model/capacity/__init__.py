"""The most that any routing can carry on a wafer: exactly, or between two proven bounds."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from model.atomic import atomic_open, make_folder
from model.cache import CACHE
from model.capacity.balance import balanced
from model.capacity.certificate import lower_bound, upper_bound
from model.capacity.exact import exact_capacity
from model.capacity.problem import Floats, FlowProblem
from model.errors import InputError
from model.graph import LinkGraph

Method = Literal["auto", "exact", "bounds"]

EXACT_MOST: Final = 16_000
"""Hosts times links up to which ``auto`` solves the linear program; 8 x 8 has 14,336."""

_VERSION: Final = 1
"""Part of a cached result's name; counted up when the numbers could change."""


@dataclass(frozen=True, kw_only=True)
class Capacity:
    """Greatest throughput at which all demands fit at once.

    Members
    -------
    lower, upper : float
        A routing reaches ``lower``, none exceeds ``upper``; equal up to rounding when exact. With
        the default demand: flits per hosted core and cycle. 0 when a demanded pair is not
        connected.
    method : str
        ``exact`` or ``bounds``.
    sweeps : int
        Of the search for bounds.
    """

    lower: float
    upper: float
    method: str
    sweeps: int = 0


def capacity(
    graph: LinkGraph,
    hosts: npt.NDArray[np.int32],
    demand: Floats | None = None,
    *,
    method: Method = "auto",
    gap: float = 0.02,
    keep: bool = True,
) -> Capacity:
    """Capacity of what is left of a wafer, for a traffic matrix.

    Parameters
    ----------
    graph : LinkGraph
        Each working link carries one flit per cycle; so do the LOCAL links of each host.
    hosts : int32[hosts]
        Tiles that send and receive, ascending.
    demand : float64[hosts, hosts], optional
        Flits per cycle at throughput 1; by default each host sends 1, evenly to all others.
    method : str
        ``exact``: linear program. ``bounds``: lengths and flows. ``auto``: exact up to
        ``EXACT_MOST`` hosts x links.
    gap : float
        How far apart the bounds may be, 0.001 to 1.
    keep : bool
        Look the result up in the cache folder, and keep it there.

    Raises
    ------
    InputError
        When an argument is out of range.
    """
    if method not in get_args(Method):
        raise InputError(f"method is {method!r}; allowed: {', '.join(get_args(Method))}")
    if not 0.001 <= gap <= 1:
        raise InputError(f"gap is {gap!r}; allowed: a number from 0.001 to 1")
    problem = FlowProblem.build(graph, hosts, demand)
    if method == "auto":
        method = "exact" if len(problem.hosts) * problem.links <= EXACT_MOST else "bounds"
    if not keep:
        return _solve(problem, method, gap)
    path = CACHE / "capacity" / f"{problem.digest()}-{method}-{gap:g}-{_VERSION}.json"
    if path.exists():
        return Capacity(**json.loads(path.read_bytes()))
    found = _solve(problem, method, gap)
    make_folder("WAFERMESH_CACHE", path.parent)
    with atomic_open(path) as file:
        file.write(json.dumps(asdict(found)).encode())
    return found


def _solve(problem: FlowProblem, method: str, gap: float) -> Capacity:
    if not _connected(problem):
        return Capacity(lower=0.0, upper=0.0, method=method)
    if method == "exact":
        found = exact_capacity(problem)
        return Capacity(lower=found, upper=found, method=method)
    length, flow, sweeps = balanced(problem, gap)
    return Capacity(
        lower=lower_bound(problem, flow),
        upper=upper_bound(problem, length),
        method=method,
        sweeps=sweeps,
    )


def _connected(problem: FlowProblem) -> bool:
    """Every demanded pair has a path."""
    ones = np.ones(problem.links, np.int8)
    roads = csr_array((ones, (problem.tail, problem.head)), shape=(problem.tiles, problem.tiles))
    _, part = connected_components(roads, connection="strong")
    if len(np.unique(part[problem.hosts])) == 1:
        return True
    return upper_bound(problem, np.ones(problem.links)) > 0

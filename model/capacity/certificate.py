"""Proofs of a capacity: link lengths show what no routing can exceed, flows what one reaches.

Written for clarity and apart from the search that finds lengths and flows: whatever the search
does, the numbers that come from here hold.
"""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra

from model.capacity.problem import Floats, FlowProblem

TOLERANCE = 1e-9
"""Relative rounding error allowed in a flow's balance."""


def upper_bound(problem: FlowProblem, length: Floats) -> float:
    """Throughput that no routing exceeds, from any positive lengths of the links.

    At throughput t the flows occupy at least t · sum(demand · distance) units of length, and the
    links have only sum(length): the dual of the linear program, for these lengths.

    Parameters
    ----------
    length : float64[links]
        Positive.

    Returns
    -------
    float
        0 when a demanded pair is not connected.
    """
    assert length.shape == (problem.links,)
    assert (length > 0).all()
    roads = csr_array((length, (problem.tail, problem.head)), shape=(problem.tiles, problem.tiles))
    distance = dijkstra(roads, indices=problem.hosts)[:, problem.hosts]
    asked = problem.demand > 0
    total = float((problem.demand[asked] * distance[asked]).sum())
    by_links = float(length.sum()) / total if total > 0 else np.inf
    return min(by_links, problem.local_limit)


def lower_bound(problem: FlowProblem, flow: Floats) -> float:
    """Throughput that a routing reaches, from flows that carry the demand at throughput 1.

    Parameters
    ----------
    flow : float64[hosts, links]
        Flits per cycle towards each destination over each link, at least 0.

    Raises
    ------
    AssertionError
        When a flow is negative, or what enters and starts in a tile does not leave it.
    """
    assert flow.shape == (len(problem.hosts), problem.links)
    assert (flow >= -TOLERANCE).all(), "a flow is negative"
    for goal, host in enumerate(problem.hosts):
        left = np.zeros(problem.tiles)
        np.add.at(left, problem.tail, flow[goal])
        np.subtract.at(left, problem.head, flow[goal])
        left[problem.hosts] -= problem.demand[:, goal]
        left[host] = 0.0
        assert abs(left).max() <= TOLERANCE * problem.demand.sum(), "a flow does not add up"
    busiest = float(flow.sum(axis=0).max())
    by_links = 1 / busiest if busiest > 0 else np.inf
    return min(by_links, problem.local_limit)

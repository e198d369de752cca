"""The capacity as a linear program, solved exactly by HiGHS.

Flows to one destination are one commodity: the maximum does not change when packets of different
sources to one destination mix, and there are hosts times fewer variables than with pairs.

References: Shahrokhi and Matula, The Maximum Concurrent Flow Problem, 1990.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import coo_array, csr_array, hstack

from model.capacity.problem import FlowProblem


def exact_capacity(problem: FlowProblem) -> float:
    """Greatest throughput at which all demands fit at once.

    Parameters
    ----------
    problem : FlowProblem
        Time grows steeply with hosts x links: about 1 s for 64 hosts on 224 links.

    Returns
    -------
    float
        0 when a demanded pair is not connected.
    """
    hosts, links = len(problem.hosts), problem.links
    goal, link = np.divmod(np.arange(hosts * links), links)
    column = np.arange(hosts * links)
    ones = np.ones(hosts * links)
    # One row for each (destination, tile): what leaves less what enters, less what starts, is 0.
    balance = coo_array(
        (
            np.concatenate([ones, -ones]),
            (
                np.concatenate(
                    [
                        goal * problem.tiles + problem.tail[link],
                        goal * problem.tiles + problem.head[link],
                    ]
                ),
                np.concatenate([column, column]),
            ),
        ),
        shape=(hosts * problem.tiles, hosts * links),
    )
    starts = np.zeros((hosts, problem.tiles))
    starts[:, problem.hosts] = -problem.demand.T
    rows = csr_array(hstack([balance, coo_array(starts.reshape(-1, 1))]))
    wanted = np.ones((hosts, problem.tiles), np.bool_)
    wanted[np.arange(hosts), problem.hosts] = False  # at its destination a flow ends
    rows = rows[np.flatnonzero(wanted.ravel() & (abs(rows).sum(axis=1) > 0))]
    room = coo_array((ones, (link, column)), shape=(links, hosts * links + 1))
    price = np.zeros(hosts * links + 1)
    price[-1] = -1.0
    upper = np.append(np.full(hosts * links, np.inf), problem.local_limit)
    found = linprog(
        price,
        A_ub=room,
        b_ub=np.ones(links),
        A_eq=rows,
        b_eq=np.zeros(rows.shape[0]),
        bounds=np.stack([np.zeros_like(upper), upper], axis=1),
        method="highs-ds",
    )
    assert found.status == 0, f"HiGHS did not solve it: {found.message}"
    return float(found.x[-1])

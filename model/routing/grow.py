"""Turns taken one by one as long as they close no cycle.

Reference: Bender, Fineman, Gilbert and Tarjan, A New Approach to Incremental Cycle Detection and
Related Problems, 2016 (search from both ends; here one of them is enough to mend the order).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def grow(turn: Any, succ: Any, pred: Any, offers: Any, place: Any) -> None:
    """Take every offered turn that closes no cycle.

    Parameters
    ----------
    turn : uint8[links]
        Turns taken so far: bit k for that to ``succ[link, k]``; written.
    succ, pred : int32[links, 3]
        Of :class:`model.routing.links.Links`.
    offers : int32[n]
        Turns as link * 3 + k.
    place : int32[links]
        An order that all turns taken go forward in; kept so.
    """
    links = len(place)
    mark = np.zeros(links, np.int32)
    ahead, behind = np.empty((2, links), np.int32)
    order = np.empty(links, np.int32)
    for link in range(links):
        order[place[link]] = link
    stamp = 0
    for offer in offers:
        tail, k = offer // 3, offer % 3
        head = succ[tail, k]
        if place[tail] > place[head]:
            stamp += 2
            found = _search(turn, succ, pred, tail, head, place, mark, stamp, ahead, behind)
            if found == 0:
                continue
            _mend(order, place, place[head], place[tail], mark, stamp, found > 0)
        turn[tail] |= 1 << k


@njit(cache=True, nogil=True)
def _search(
    turn: Any, succ: Any, pred: Any, tail: Any, head: Any, place: Any, mark: Any, stamp: Any,
    ahead: Any, behind: Any,
) -> Any:  # fmt: skip
    """Look for a way from ``head`` to ``tail`` from both ends, a link each in turn.

    0 when there is one; else 1 when all links ahead of ``head`` and before ``tail``'s place are
    marked ``stamp``, or -1 when all behind ``tail`` and after ``head``'s are marked ``stamp + 1``.
    """
    first, last = place[head], place[tail]
    ahead[0], behind[0] = head, tail
    mark[head], mark[tail] = stamp, stamp + 1
    ends, starts = 1, 1
    i = 0
    while True:
        link = ahead[i]
        for k in range(3):
            after = succ[link, k]
            if turn[link] >> k & 1 and mark[after] != stamp and place[after] <= last:
                if mark[after] == stamp + 1:
                    return 0
                mark[after] = stamp
                ahead[ends] = after
                ends += 1
        link = behind[i]
        for side in range(3):
            before, k = pred[link, side] // 3, pred[link, side] % 3
            if before < 0 or not turn[before] >> k & 1 or place[before] < first:
                continue
            if mark[before] == stamp:
                return 0
            if mark[before] != stamp + 1:
                mark[before] = stamp + 1
                behind[starts] = before
                starts += 1
        i += 1
        if i == ends:
            return 1
        if i == starts:
            return -1


@njit(cache=True, nogil=True)
def _mend(
    order: Any, place: Any, first: Any, last: Any, mark: Any, stamp: Any, forward: Any
) -> None:
    """Between two places, move links marked ``stamp`` back or those marked one more to the front.

    All links keep their order among those that move and among those that stay.
    """
    moved = np.empty(last - first + 1, np.int32)
    early = late = 0
    for i in range(first, last + 1):
        link = order[i]
        if mark[link] != stamp if forward else mark[link] == stamp + 1:
            order[first + early] = link
            early += 1
        else:
            moved[late] = link
            late += 1
    order[first + early : last + 1] = moved[:late]
    for i in range(first, last + 1):
        place[order[i]] = i

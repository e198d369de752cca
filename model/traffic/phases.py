"""Patterns in which everybody sends together, step by step: stencils and trees (PAT-1).

A phase pattern is a list of messages, each with a step; one iteration sends them all. Trees are
binomial: the hosted tiles of a row (or column) are ranked from its west (north) end, and in step k
of a reduction every rank r with r mod 2^(k + 1) = 2^k sends to rank r - 2^k, until rank 0 has heard
of all. A broadcast is the same tree backwards. All messages are unicast packets.

References
----------
W. Gropp, E. Lusk, A. Skjellum, *Using MPI*, 1999: halo exchange with 5- and 9-point stencils.
R. Thakur, R. Rabenseifner, W. Gropp, *Optimization of Collective Communication Operations in
MPICH*, 2005: binomial trees.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from model.image import ConfigImage

Ids = npt.NDArray[np.int64]

STENCILS: Final = {
    "stencil5": ((0, -1), (1, 0), (0, 1), (-1, 0)),
    "stencil9": ((0, -1), (1, -1), (1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1)),
}
"""(dx, dy) of each neighbour, in the order in which a tile sends: clockwise from north."""


class Phase(NamedTuple):
    """The messages of one iteration.

    Members
    -------
    steps : int
        Steps of an iteration, at least 1.
    step, source, destination : int64[messages]
        Sorted by (step, source); messages of one source in one step keep their order.
    """

    steps: int
    step: Ids
    source: Ids
    destination: Ids


def phase(pattern: str, image: ConfigImage) -> Phase:
    """The messages of a phase pattern between the hosted tiles of an image; none is lost.

    Parameters
    ----------
    pattern : str
        A stencil, ``allreduce``, or ``row_`` or ``column_`` with ``reduce`` or ``broadcast``.
    image : ConfigImage
    """
    ids = np.arange(image.logical).reshape(image.logical_height, image.logical_width)
    hosted = (image.remap_tile >= 0).reshape(ids.shape)
    if pattern in STENCILS:
        return _sorted([_stencil(ids, hosted, STENCILS[pattern])])
    if pattern == "allreduce":
        rows = _lines(ids, hosted)
        ends = rows[:, :1].T
        ends = _lines(ends, ends >= 0)
        return _sorted([*_reduce(rows), *_reduce(ends), *_broadcast(ends), *_broadcast(rows)])
    way, _, what = pattern.partition("_")
    lines = _lines(ids, hosted) if way == "row" else _lines(ids.T, hosted.T)
    return _sorted(_reduce(lines) if what == "reduce" else _broadcast(lines))


def iterations(
    what: Phase, period: float, cycles: int, most: int
) -> Iterator[tuple[Ids, Ids, Ids]]:
    """Offer step l of iteration i in cycle ⌊(i + l / steps) · period⌋, below ``cycles``.

    Parameters
    ----------
    what : Phase
        With messages.
    period : float
        Cycles between two iterations, at least 1; rounded to 2**-20 cycles.
    cycles : int
    most : int
        About so many messages at once, but at least those of a step.

    Yields
    ------
    offered, source, destination : int64[packets]
    """
    begins = np.searchsorted(what.step, np.arange(what.steps + 1))
    ticks = round(period * 2**20)
    slots = -(-(cycles << 20) * what.steps // ticks)
    several = max(1, most * what.steps // len(what.source))
    for first in range(0, slots, several):
        slot = np.arange(first, min(slots, first + several))
        rows = [slice(*begins[step : step + 2]) for step in slot % what.steps]
        offered = slot * ticks // what.steps >> 20
        yield (
            np.repeat(offered, [row.stop - row.start for row in rows]),
            np.concatenate([what.source[row] for row in rows]),
            np.concatenate([what.destination[row] for row in rows]),
        )


def _stencil(
    ids: Ids, hosted: npt.NDArray[np.bool_], offsets: tuple[tuple[int, int], ...]
) -> tuple[Ids, Ids]:
    height, width = ids.shape
    y, x = np.divmod(ids.ravel(), width)
    step_x, step_y = np.array(offsets).T[:, :, None]
    far_x, far_y = x + step_x, y + step_y
    inside = (far_x >= 0) & (far_x < width) & (far_y >= 0) & (far_y < height)
    goal = np.where(inside, far_y * width + far_x, 0)
    sends = inside & hosted.ravel() & hosted.ravel()[goal]
    source = np.broadcast_to(ids.ravel(), goal.shape)
    return source.T[sends.T], goal.T[sends.T]


def _lines(ids: Ids, hosted: npt.NDArray[np.bool_]) -> Ids:
    """Hosted ids of each row moved to its front, -1 behind them: [line, rank]."""
    order = np.argsort(~hosted, axis=1, kind="stable")
    return np.take_along_axis(np.where(hosted, ids, -1), order, axis=1)


def _reduce(lines: Ids) -> list[tuple[Ids, Ids]]:
    """(source, destination) of every step."""
    steps = []
    reach = 1
    while reach < lines.shape[1]:
        source = lines[:, reach :: 2 * reach]
        goal = lines[:, :: 2 * reach][:, : source.shape[1]]
        steps.append((source[source >= 0], goal[source >= 0]))
        reach *= 2
    return steps


def _broadcast(lines: Ids) -> list[tuple[Ids, Ids]]:
    return [(goal, source) for source, goal in reversed(_reduce(lines))]


def _sorted(steps: list[tuple[Ids, Ids]]) -> Phase:
    """Messages of all steps; steps in which nobody sends are left out."""
    steps = [step for step in steps if len(step[0])]
    step = np.repeat(np.arange(len(steps)), [len(source) for source, _ in steps])
    source, destination = (
        np.concatenate([np.zeros(0, np.int64), *(ends[k] for ends in steps)]) for k in (0, 1)
    )
    order = np.lexsort((source, step))
    return Phase(max(1, len(steps)), step[order], source[order], destination[order])

"""Checks a closed-loop run by rules WIN-1 to WIN-3 (design.md §8), from what it shows only."""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from model.image import ConfigImage
from model.runlog import Event
from model.schedule import PacketSchedule
from model.traffic.closed_loop import ClosedLoop

if TYPE_CHECKING:
    from model.engine import EngineResult

DELIVERED, REFUSED = 2, 4
"""Of :class:`model.engine.PacketStatus`."""

NEVER: Final = np.iinfo(np.int64).max
"""The cycle of what does not happen."""

Ints = npt.NDArray[np.int64]


@dataclass(eq=False, kw_only=True)
class ClosedRun:
    """What is known of a run, per request; -1 where a cycle does not exist.

    Members
    -------
    sender, receiver : int64[requests]
        Tile that sends, tile whose core got it (-1: none, or not the one it was sent to).
    accepted, delivered, refused : int64[requests]
        Cycles of its first flit's transfer in, its last flit's transfer out, its refusal (NI-2).
    reply_accepted, reply_delivered : int64[requests]
        The same of its reply.
    """

    sender: Ints
    receiver: Ints
    accepted: Ints
    delivered: Ints
    refused: Ints
    reply_accepted: Ints
    reply_delivered: Ints


def shown(image: ConfigImage, loop: ClosedLoop, result: EngineResult) -> ClosedRun:
    """What a run of the engine that kept its events shows of its requests (WIN-4)."""
    records, step = result.records, 2 if loop.reply else 1
    senders = image.remap_tile[records.source].astype(np.int64)
    arrived = np.where(records.status == DELIVERED, records.delivered_last, -1)
    refused = np.full(len(senders), -1)
    refusals = result.log.events[result.log.events["kind"] == Event.REFUSE]
    for tile in np.unique(refusals["tile"]):
        cycles = refusals["cycle"][refusals["tile"] == tile]
        own = np.flatnonzero((senders == tile) & (records.status == REFUSED))
        refused[own[np.argsort(records.accepted[own])]] = cycles
    requests = slice(None, None, step)
    never = np.full(len(senders[requests]), -1)
    return ClosedRun(
        sender=senders[requests],
        receiver=np.where(arrived >= 0, records.tile, -1)[requests].astype(np.int64),
        accepted=records.accepted[requests],
        delivered=arrived[requests],
        refused=refused[requests],
        reply_accepted=records.accepted[1::2] if loop.reply else never,
        reply_delivered=arrived[1::2] if loop.reply else never,
    )


def breaches(loop: ClosedLoop, schedule: PacketSchedule, run: ClosedRun) -> list[str]:
    """Where a run broke the rules, one line each; empty when it kept them.

    Parameters
    ----------
    loop : ClosedLoop
    schedule : PacketSchedule
        The requests; ``offered`` is when they were created, ``gap`` must be 0.
    run : ClosedRun
    """
    found: list[str] = []
    ended = np.where(run.refused >= 0, run.refused, run.delivered)
    if loop.reply:
        ended = np.where(run.refused >= 0, run.refused, run.reply_delivered)
    back = np.where(ended >= 0, ended + 1 + loop.think, NEVER)
    release = np.full(len(schedule), NEVER)
    for tile in np.unique(run.sender):
        own = np.flatnonzero(run.sender == tile)
        release[own] = releases(loop.window, schedule.offered[own], back[own])
        found += _order(f"request of tile {tile}", own, run.accepted[own])
    early = (run.accepted >= 0) & (run.accepted < release)
    text = "WIN-1: request {} was accepted in {}, its slot is free from {}"
    found += _told(text, early, run.accepted, release)
    ready = np.where(run.delivered >= 0, run.delivered + 1 + loop.service, NEVER)
    if not loop.reply:
        ready[:] = NEVER
    early = (run.reply_accepted >= 0) & (run.reply_accepted < ready)
    text = "WIN-3: reply {} was accepted in {}, it is offered from {}"
    found += _told(text, early, run.reply_accepted, ready)
    if not loop.reply:
        return found
    for tile in np.unique(run.receiver[run.receiver >= 0]):
        owed = np.flatnonzero(run.receiver == tile)
        owed = owed[np.argsort(run.delivered[owed], kind="stable")]
        found += _order(f"reply of tile {tile}", owed, run.reply_accepted[owed])
        own = np.flatnonzero((run.sender == tile) & (run.accepted >= 0))
        found += _turns(loop, schedule, run, own, owed, release, ready)
    return found


def releases(window: int, created: Ints, back: Ints) -> Ints:
    """First cycle in which each request of a tile may be presented (WIN-1).

    Parameters
    ----------
    window : int
    created : int64[requests]
        In the order of their ids.
    back : int64[requests]
        Cycle from which the slot of each can be used again, or ``NEVER``.

    Returns
    -------
    int64[requests]
        max(created, the (k - window + 1)-th least of ``back[:k]``), ``NEVER`` included.
    """
    result = np.empty(len(created), np.int64)
    taken: list[int] = []
    for k, cycle in enumerate(created.tolist()):
        result[k] = max(cycle, taken[k - window] if k >= window else 0)
        bisect.insort(taken, int(back[k]))
    return result


def _turns(
    loop: ClosedLoop,
    schedule: PacketSchedule,
    run: ClosedRun,
    own: Ints,
    owed: Ints,
    release: Ints,
    ready: Ints,
) -> list[str]:
    """Requests that one tile presented although a reply was ready (WIN-3).

    A request is presented no earlier than its release, and than every flit of the packet before
    it can have been accepted.
    """
    cycles = np.concatenate([run.accepted[own], run.reply_accepted[owed]])
    lengths = np.concatenate([schedule.length[own], np.full(len(owed), loop.reply)])
    sent = cycles >= 0
    order = np.argsort(cycles[sent], kind="stable")
    cycles, ends = cycles[sent][order], (cycles + lengths)[sent][order]
    found = []
    for request in own.tolist():
        before = int(np.searchsorted(cycles, run.accepted[request]))
        presented = max(int(release[request]), int(ends[before - 1]) if before else 0)
        late = (run.reply_accepted[owed] < 0) | (run.reply_accepted[owed] > run.accepted[request])
        for reply in owed[late & (ready[owed] <= presented)].tolist():
            found.append(
                f"WIN-3: request {request} was presented after cycle {presented}, although reply"
                f" {reply} was ready from {ready[reply]}"
            )
    return found


def _order(what: str, numbers: Ints, accepted: Ints) -> list[str]:
    cycles = np.where(accepted < 0, NEVER, accepted)
    wrong = np.flatnonzero((cycles[1:] <= cycles[:-1]) & (cycles[1:] < NEVER))
    return [
        f"WIN-3: {what}: {numbers[at + 1]} was accepted in {cycles[at + 1]}, before {numbers[at]}"
        for at in wrong
    ]


def _told(text: str, wrong: npt.NDArray[Any], cycle: Ints, limit: Ints) -> list[str]:
    return [text.format(at, cycle[at], limit[at]) for at in np.flatnonzero(wrong)]

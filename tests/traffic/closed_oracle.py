"""Closed-loop runs out of open-loop runs of the engine: by iteration to a fixed point.

Senders decide from what the run before showed, when each packet is presented; that schedule is run,
and so on until nothing changes any more. What happens before a cycle depends on earlier cycles
only, so every iteration is right for at least one cycle more, and the fixed point is the one
closed-loop run. Slow, and independent of how the engine runs closed loops by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from model.engine import EngineResult, PacketStatus, simulate
from model.image import ConfigImage
from model.runlog import Event
from model.schedule import NO_STALLS, PacketSchedule, StallPattern
from model.traffic.closed_check import ClosedRun
from model.traffic.closed_loop import ClosedLoop, Presented, TileSender
from model.traffic.stream import packed

Plan = list[tuple[int, int, Presented]]
"""(cycle of presentation, tile, packet), sorted."""


@dataclass
class Seen:
    """What a run showed: cycles by packet."""

    sent: dict[Presented, int] = field(default_factory=dict)  # last flit accepted
    accepted: dict[Presented, int] = field(default_factory=dict)
    delivered: dict[Presented, int] = field(default_factory=dict)
    refused: dict[Presented, int] = field(default_factory=dict)


def closed_run(
    image: ConfigImage,
    schedule: PacketSchedule,
    loop: ClosedLoop,
    stalls: StallPattern = NO_STALLS,
    most: int = 2000,
) -> tuple[ClosedRun, int]:
    """The closed-loop run, and how many iterations it took."""
    plan: Plan = []
    seen = Seen()
    for turn in range(most):
        found = _plan(image, schedule, loop, seen)
        if turn and found == plan:
            return _closed(image, schedule, seen), turn
        plan = found
        run = _schedule(schedule, loop, plan)
        seen = _seen(plan, run, simulate(image, run, stalls=stalls))
    raise AssertionError(f"no fixed point after {most} iterations")


def _plan(image: ConfigImage, schedule: PacketSchedule, loop: ClosedLoop, seen: Seen) -> Plan:
    """What the senders present, if everything ends as it was seen to."""
    ends: dict[int, list[tuple[int, int | None]]] = {}  # by tile: cycle, request to answer or None
    for packet, cycle in [*seen.delivered.items(), *seen.refused.items()]:
        owes = loop.reply and not packet.is_reply and packet not in seen.refused
        end = schedule.destination if owes else schedule.source
        tile, request = int(image.remap_tile[end[packet.number]]), packet.number if owes else None
        ends.setdefault(tile, []).append((cycle, request))
    senders = image.remap_tile[schedule.source]
    plan: Plan = []
    for tile in range(image.spec.tiles):
        own = [(int(k), int(schedule.offered[k])) for k in np.flatnonzero(senders == tile)]
        plan += _walk(
            tile,
            TileSender(loop, own),
            schedule,
            loop,
            sorted(ends.get(tile, []), key=lambda end: end[0]),
            seen,
        )
    return sorted(plan)


def _walk(
    tile: int,
    sender: TileSender,
    schedule: PacketSchedule,
    loop: ClosedLoop,
    ends: list[tuple[int, int | None]],
    seen: Seen,
) -> Plan:
    plan: Plan = []
    horizon = int(schedule.offered[-1]) + loop.service + loop.think + 2
    horizon += ends[-1][0] if ends else 0
    cycle = told = 0
    while True:
        while told < len(ends) and ends[told][0] < cycle:
            end, request = ends[told]
            if request is None:
                sender.give_back(end)
            else:
                sender.owe(end, request)
            told += 1
        packet = sender.present(cycle)
        if packet is not None:
            plan.append((cycle, tile, packet))
            length = loop.reply if packet.is_reply else int(schedule.length[packet.number])
            cycle = max(cycle + length - 1, seen.sent.get(packet, 0))
        elif cycle > horizon:
            return plan
        cycle += 1


def _schedule(schedule: PacketSchedule, loop: ClosedLoop, plan: Plan) -> PacketSchedule:
    """The planned packets, offered when they are presented."""
    number = np.array([packet.number for _, _, packet in plan], np.int64)
    reply = np.array([packet.is_reply for _, _, packet in plan], np.bool_)
    ends = schedule.source[number], schedule.destination[number]
    return packed(
        {
            "source": np.where(reply, ends[1], ends[0]),
            "destination": np.where(reply, ends[0], ends[1]),
            "length": np.where(reply, loop.reply, schedule.length[number]),
            "offered": np.array([cycle for cycle, _, _ in plan], np.int64),
            "gap": np.zeros(len(plan), np.int64),
        }
    )


def _seen(plan: Plan, run: PacketSchedule, result: EngineResult) -> Seen:
    """Cycles of every packet; those of last flits and of refusals are told by tile, in order."""
    seen = Seen()
    records, events = result.records, result.log.events
    tiles = np.array([tile for _, tile, _ in plan])
    for tile in np.unique(tiles):
        own = np.flatnonzero(tiles == tile)
        of_tile = events[events["tile"] == tile]
        lasts = of_tile["cycle"][(of_tile["kind"] == Event.ACCEPT) & (of_tile["last"] == 1)]
        for row, cycle in zip(own, lasts.tolist(), strict=False):
            seen.sent[plan[row][2]] = cycle
        lost = own[records.status[own] == PacketStatus.REFUSED]
        refusals = of_tile["cycle"][of_tile["kind"] == Event.REFUSE].tolist()
        for row, cycle in zip(lost, refusals, strict=True):
            seen.refused[plan[row][2]] = cycle
    for row, (_, _, packet) in enumerate(plan):
        if records.accepted[row] >= 0:
            seen.accepted[packet] = int(records.accepted[row])
        if records.status[row] == PacketStatus.DELIVERED:
            seen.delivered[packet] = int(records.delivered_last[row])
    return seen


def _closed(image: ConfigImage, schedule: PacketSchedule, seen: Seen) -> ClosedRun:
    count = len(schedule)

    def column(cycles: dict[Presented, int], is_reply: bool) -> np.ndarray:
        keys = (Presented(number, is_reply) for number in range(count))
        return np.array([cycles.get(key, -1) for key in keys], np.int64)

    delivered = column(seen.delivered, False)
    receiver = np.where(delivered >= 0, schedule.destination, 0)
    return ClosedRun(
        sender=image.remap_tile[schedule.source].astype(np.int64),
        receiver=np.where(delivered >= 0, image.remap_tile[receiver], -1).astype(np.int64),
        accepted=column(seen.accepted, False),
        delivered=delivered,
        refused=column(seen.refused, False),
        reply_accepted=column(seen.accepted, True),
        reply_delivered=column(seen.delivered, True),
    )

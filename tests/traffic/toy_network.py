"""A closed-loop run on a toy network: senders by the rules, random stalls, random latencies."""

from __future__ import annotations

import numpy as np

from model.schedule import PacketSchedule
from model.traffic.closed_check import ClosedRun
from model.traffic.closed_loop import ClosedLoop, Presented, TileSender

REFUSED = 0.05
"""Share of requests that the sender's NI refuses."""


def toy_run(
    loop: ClosedLoop,
    schedule: PacketSchedule,
    tiles: int,
    seed: int,
    sender: type[TileSender] = TileSender,
    end: int = 100_000,
) -> ClosedRun:
    """Run until nothing is left to do, or to cycle ``end``.

    A tile accepts a packet some cycles after it is presented, one flit per cycle from then on; its
    last flit arrives some cycles later, at most one flit per cycle and receiver. Refused requests
    end when they are accepted.
    """
    rng = np.random.default_rng(seed)
    count = len(schedule)
    refused = rng.random(count) < REFUSED
    run = ClosedRun(
        sender=schedule.source.astype(np.int64),
        receiver=np.where(refused, -1, schedule.destination).astype(np.int64),
        **{
            name: np.full(count, -1, np.int64)
            for name in ("accepted", "delivered", "refused", "reply_accepted", "reply_delivered")
        },
    )
    owns = [np.flatnonzero(schedule.source == tile) for tile in range(tiles)]
    senders = [sender(loop, [(int(k), int(schedule.offered[k])) for k in own]) for own in owns]
    free = [0] * tiles  # first cycle in which the stream is between packets
    taken: list[set[int]] = [set() for _ in range(tiles)]  # cycles in which the core gets a flit
    arrivals: dict[int, list[Presented]] = {}
    for cycle in range(end):
        for packet in arrivals.pop(cycle, []):
            request = packet.number
            if packet.is_reply:
                run.reply_delivered[request] = cycle
                senders[run.sender[request]].give_back(cycle)
            elif refused[request]:
                run.refused[request] = cycle
                senders[run.sender[request]].give_back(cycle)
            else:
                run.delivered[request] = cycle
                if loop.reply:
                    senders[run.receiver[request]].owe(cycle, request)
                else:
                    senders[run.sender[request]].give_back(cycle)
        for tile in range(tiles):
            found = senders[tile].present(cycle) if cycle >= free[tile] else None
            if found is None:
                continue
            accepted = cycle + int(rng.geometric(0.6)) - 1
            length = loop.reply if found.is_reply else int(schedule.length[found.number])
            free[tile] = accepted + length
            request = found.number
            if found.is_reply:
                run.reply_accepted[request], goal = accepted, int(run.sender[request])
            else:
                run.accepted[request], goal = accepted, int(run.receiver[request])
            arrives = accepted + length
            if found.is_reply or not refused[request]:
                arrives += 2 + int(rng.integers(0, 12))
                while arrives in taken[goal]:
                    arrives += 1
                taken[goal].add(arrives)
            arrivals.setdefault(arrives, []).append(found)
        if not arrivals and all(one.idle for one in senders):
            break
    return run

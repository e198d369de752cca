"""Judge a run without the engine: order, content, exactly once, nothing left (style.md §6).

The only inputs are what monitors saw, the image and the schedule. Tables are static, so a flow
(source tile, destination id) is delivered wholly or not at all; what is missing must be what the
fabric says it refused or sank.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass

import numpy as np

from model.image import ConfigImage
from model.runlog import Event
from model.schedule import PacketSchedule
from verif.bench.case import Outcome, Taken
from verif.bench.stimulus import payloads

Flow = tuple[int, int, int]
"""(host tile of the destination, source's logical id, VC): what a delivered flit shows."""


@dataclass(frozen=True)
class Finding(Exception):  # noqa: N818 - the result of a judgement
    """The first thing that is wrong, with where to look."""

    cycle: int
    tile: int
    text: str

    def __str__(self) -> str:
        return f"cycle {self.cycle}, tile {self.tile}: {self.text}"


def lane_of(image: ConfigImage, tile: int, place: int, default: int) -> int:
    """VC in which packets from ``tile`` to ``place`` travel (RMP-2)."""
    y, x = divmod(place, image.spec.width)
    for rule in image.rules[tile]:
        if (
            rule["valid"]
            and rule["x_lo"] <= x <= rule["x_hi"]
            and rule["y_lo"] <= y <= rule["y_hi"]
        ):
            return int(rule["vc"])
    return default


def host_of(image: ConfigImage, dst: int) -> int:
    """Tile that hosts logical id ``dst``, or -1 when it is lost or beyond the logical array."""
    return int(image.remap_tile[dst]) if dst < image.logical else -1


def check_stimulus(image: ConfigImage, schedule: PacketSchedule, outcome: Outcome) -> None:
    """The input monitor saw exactly the flits of the schedule, in order and not too early.

    Raises
    ------
    Finding
    """
    words = payloads(schedule, image.spec.payload_width)
    waiting: dict[int, deque[tuple[int, int]]] = defaultdict(deque)
    for packet, tile in enumerate(image.remap_tile[schedule.source].tolist()):
        waiting[tile].extend((packet, flit) for flit in range(int(schedule.length[packet])))
    for t in outcome.taken:
        if not waiting[t.tile]:
            raise Finding(t.cycle, t.tile, "a flit entered that no source sent")
        packet, flit = waiting[t.tile].popleft()
        last = int(flit == schedule.length[packet] - 1)
        if (t.last, t.payload) != (last, words[packet][flit]):
            raise Finding(
                t.cycle, t.tile, f"flit {flit} of packet {packet} was altered at the core"
            )
        if flit == 0 and t.dst != schedule.destination[packet]:
            raise Finding(t.cycle, t.tile, f"packet {packet} was sent to {t.dst}")
        if t.cycle < schedule.offered[packet]:
            raise Finding(t.cycle, t.tile, f"packet {packet} was taken before it was offered")
    left = sum(map(len, waiting.values()))
    if left and outcome.log.quiet:
        raise Finding(outcome.log.cycles, -1, f"quiet, but {left} flits never entered")


def check_deliveries(image: ConfigImage, outcome: Outcome) -> None:
    """Every packet arrives once, whole, in order, in its VC, or is accounted for.

    Raises
    ------
    Finding
        For the first flit that should not be there, or the first flow that is incomplete.
    """
    expected, unmapped = _flows(image, outcome.taken)
    delivered: set[tuple[Flow, int]] = set()
    open_in: dict[tuple[int, int], tuple[Flow, int]] = {}
    events = outcome.log.events
    for row in events[events["kind"] == Event.DELIVER].tolist():
        cycle, tile, _, vc, last, src, word = row
        flow = (tile, src, vc)
        current = open_in.get((tile, vc))
        if current is not None and current[0] != flow:
            raise Finding(
                cycle, tile, f"packets of {current[0][1]} and {src} interleave in VC {vc} (LNK-3)"
            )
        # Random tables may give one identity to several tiles: then any of them may have sent it.
        senders = expected[flow] if current is None else {current[1]: expected[flow][current[1]]}
        sender = _sender_of(senders, last, word)
        if sender is None:
            heads = [f"{q[0].payload:#x} last {q[0].last}" for q in senders.values() if q]
            wanted = " or ".join(heads) or "nothing"
            raise Finding(
                cycle,
                tile,
                f"core_out from {src} in VC {vc}: expected {wanted}, seen {word:#x} last {last}",
            )
        taken = senders[sender].popleft()
        if cycle < taken.cycle + 3:
            raise Finding(cycle, tile, f"a flit from {src} arrived faster than light (RTR-3)")
        delivered.add((flow, sender))
        if last:
            open_in.pop((tile, vc), None)
        else:
            open_in[tile, vc] = (flow, sender)
    if outcome.log.quiet:
        _check_complete(outcome, expected, unmapped, delivered)


def _sender_of(senders: dict[int, deque[Taken]], last: int, word: int) -> int | None:
    for tile, queue in senders.items():
        if queue and (queue[0].last, queue[0].payload) == (last, word):
            return tile
    return None


Expected = dict[Flow, dict[int, deque[Taken]]]
"""Flits on their way, by flow and source tile."""


def _flows(image: ConfigImage, taken: list[Taken]) -> tuple[Expected, int]:
    expected: Expected = defaultdict(lambda: defaultdict(deque))
    flow: dict[int, Flow | None] = {}
    unmapped = 0
    for t in taken:
        if t.tile not in flow:
            host = host_of(image, t.dst)
            if host < 0:
                unmapped += 1
                flow[t.tile] = None
            else:
                vc = lane_of(image, t.tile, host, int(image.remap_vc[t.dst]))
                flow[t.tile] = (host, int(image.identity[t.tile]), vc)
        key = flow[t.tile]
        if key is not None:
            expected[key][t.tile].append(t)
        if t.last:
            del flow[t.tile]
    return expected, unmapped


def _check_complete(
    outcome: Outcome, expected: Expected, unmapped: int, delivered: set[tuple[Flow, int]]
) -> None:
    counters, cycles = outcome.log.counters, outcome.log.cycles
    missing = 0
    for flow, senders in expected.items():
        for tile, rest in senders.items():
            if rest and (flow, tile) in delivered:
                text = f"{len(rest)} flits from {flow[1]} never arrived"
                raise Finding(rest[0].cycle, flow[0], text)
            missing += sum(t.last for t in rest)
    refused, sunk = int(counters.refused.sum()), int(counters.offenders.sum())
    if refused != unmapped:
        raise Finding(
            cycles, -1, f"{refused} packets refused, {unmapped} had no destination (NI-2)"
        )
    if sunk != missing:
        raise Finding(cycles, -1, f"{missing} packets are missing, {sunk} were offenders (TBL-3)")
    refusals = np.count_nonzero(outcome.log.events["kind"] == Event.REFUSE)
    if refusals != refused:
        raise Finding(cycles, -1, f"core_refused rose {refusals} times, {refused} counted")


def check_end(image: ConfigImage, outcome: Outcome) -> None:
    """Nothing left, nobody stuck, and nothing that is wrong by itself.

    Raises
    ------
    Finding
    """
    if outcome.complaints:
        raise Finding(outcome.log.cycles, -1, "; ".join(outcome.complaints))
    if not outcome.log.quiet:
        raise Finding(outcome.log.cycles, -1, "the fabric is not quiet at the end (CFG-2)")
    sent = len(outcome.taken)
    moved = int(outcome.log.counters.moved[:, 4].sum())
    arrived = int(np.count_nonzero(outcome.log.events["kind"] == Event.DELIVER))
    if moved != arrived:
        raise Finding(
            outcome.log.cycles, -1, f"{moved} flits counted at LOCAL, {arrived} delivered"
        )
    if sent and not arrived and not outcome.log.counters.offenders.any():
        refused = outcome.log.counters.refused.any()
        if not refused:
            raise Finding(outcome.log.cycles, -1, "flits went in and none came out")


def judge(image: ConfigImage, schedule: PacketSchedule, outcome: Outcome) -> None:
    """All checks that need no engine.

    Raises
    ------
    Finding
        The first problem.
    """
    check_stimulus(image, schedule, outcome)
    check_deliveries(image, outcome)
    check_end(image, outcome)

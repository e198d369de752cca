"""Judge a run without the engine: order, content, exactly once, nothing left (style.md §6).

The only inputs are what monitors saw, the image and the schedule. Tables are static, so what one
source sends to one place is delivered wholly or not at all; what is missing must be what the fabric
says it refused or sank.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass

import numpy as np

from model.image import ConfigImage
from model.runlog import Event
from model.schedule import PacketSchedule
from model.spec import Port
from verif.bench.case import Outcome, Taken
from verif.bench.stimulus import payloads

Flow = tuple[int, int]
"""(source tile, host tile of the destination): one route, so delivered wholly or not at all."""

Shown = tuple[int, int]
"""(source's logical id, VC): what a delivered flit shows of where it comes from."""

Expected = dict[Shown, dict[Flow, deque[Taken]]]
"""Flits on their way."""


@dataclass(eq=False)
class ScoreboardError(Exception):
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
    ScoreboardError
    """
    words = payloads(schedule, image.spec.payload_width)
    waiting: dict[int, deque[tuple[int, int]]] = defaultdict(deque)
    for packet, tile in enumerate(image.remap_tile[schedule.source].tolist()):
        waiting[tile].extend((packet, flit) for flit in range(int(schedule.length[packet])))
    for t in outcome.taken:
        if not waiting[t.tile]:
            raise ScoreboardError(t.cycle, t.tile, "a flit entered that no source sent")
        packet, flit = waiting[t.tile].popleft()
        last = int(flit == schedule.length[packet] - 1)
        if (t.last, t.payload) != (last, words[packet][flit]):
            raise ScoreboardError(
                t.cycle, t.tile, f"flit {flit} of packet {packet} was altered at the core"
            )
        if flit == 0 and t.dst != schedule.destination[packet]:
            raise ScoreboardError(t.cycle, t.tile, f"packet {packet} was sent to {t.dst}")
        if t.cycle < schedule.offered[packet]:
            raise ScoreboardError(
                t.cycle, t.tile, f"packet {packet} was taken before it was offered"
            )
    left = sum(map(len, waiting.values()))
    if left and outcome.log.quiet:
        raise ScoreboardError(outcome.log.cycles, -1, f"quiet, but {left} flits never entered")


def check_deliveries(image: ConfigImage, outcome: Outcome) -> None:
    """Every packet arrives once, whole, in order, in its VC, or is accounted for.

    Raises
    ------
    ScoreboardError
        For the first flit that should not be there, or the first flow that is incomplete.
    """
    expected, unmapped = _flows(image, outcome.taken)
    delivered: set[Flow] = set()
    open_in: dict[tuple[int, int], tuple[Shown, Flow]] = {}
    astray = _tiles_that_may_misdeliver(image)
    events = outcome.log.events
    for row in events[events["kind"] == Event.DELIVER].tolist():
        cycle, tile, _, vc, last, src, word = row
        flows = expected[src, vc]
        current = open_in.get((tile, vc))
        if current is not None and current[0] != (src, vc):
            text = f"packets of {current[0][0]} and {src} interleave in VC {vc} (LNK-3)"
            raise ScoreboardError(cycle, tile, text)
        if current is not None:
            candidates = [current[1]]
        else:
            # Random tables may give one identity to several tiles: any of them may have sent it.
            candidates = [f for f in flows if f[1] == tile or tile in astray]
        flow = next((f for f in candidates if _is_head(flows[f], last, word)), None)
        if flow is None:
            heads = [flows[f][0] for f in candidates if flows[f]]
            wanted = " or ".join(f"{h.payload:#x} last {h.last}" for h in heads) or "nothing"
            text = f"core_out from {src} in VC {vc}: expected {wanted}, seen {word:#x} last {last}"
            raise ScoreboardError(cycle, tile, text)
        if cycle < flows[flow].popleft().cycle + 3:
            raise ScoreboardError(
                cycle, tile, f"a flit from {src} arrived sooner than it can (RTR-3)"
            )
        delivered.add(flow)
        if last:
            open_in.pop((tile, vc), None)
        else:
            open_in[tile, vc] = ((src, vc), flow)
    if outcome.drained:
        _check_complete(outcome, expected, unmapped, delivered)


def _tiles_that_may_misdeliver(image: ConfigImage) -> set[int]:
    """Tiles with a route entry to LOCAL, which hands over whatever it matches (RTR-7)."""
    to_local = (image.routes["valid"] != 0) & (image.routes["to"] == Port.LOCAL)
    return set(np.flatnonzero(to_local.any(axis=1)).tolist())


def _is_head(queue: deque[Taken], last: int, word: int) -> bool:
    return bool(queue) and (queue[0].last, queue[0].payload) == (last, word)


def _flows(image: ConfigImage, taken: list[Taken]) -> tuple[Expected, int]:
    """Flits that must arrive, and the number of packets that no table maps anywhere."""
    expected: Expected = defaultdict(lambda: defaultdict(deque))
    begun: dict[int, deque[Taken]] = {}
    unmapped = 0
    for t in taken:
        if t.tile not in begun:
            host = host_of(image, t.dst)
            if host < 0:
                unmapped += 1
                begun[t.tile] = deque()
            else:
                vc = lane_of(image, t.tile, host, int(image.remap_vc[t.dst]))
                begun[t.tile] = expected[int(image.identity[t.tile]), vc][t.tile, host]
        begun[t.tile].append(t)
        if t.last:
            del begun[t.tile]
    return expected, unmapped


def _check_complete(
    outcome: Outcome, expected: Expected, unmapped: int, delivered: set[Flow]
) -> None:
    counters, cycles = outcome.log.counters, outcome.log.cycles
    missing = 0
    for flows in expected.values():
        for flow, rest in flows.items():
            if rest and flow in delivered:
                text = f"{len(rest)} flits from tile {flow[0]} never arrived"
                raise ScoreboardError(rest[0].cycle, flow[1], text)
            missing += sum(t.last for t in rest)
    refused, sunk = int(counters.refused.sum()), int(counters.offenders.sum())
    if refused != unmapped:
        raise ScoreboardError(
            cycles, -1, f"{refused} packets refused, {unmapped} had no destination (NI-2)"
        )
    if sunk != missing:
        raise ScoreboardError(
            cycles, -1, f"{missing} packets are missing, {sunk} were offenders (TBL-3)"
        )
    refusals = np.count_nonzero(outcome.log.events["kind"] == Event.REFUSE)
    if refusals != refused:
        raise ScoreboardError(cycles, -1, f"core_refused rose {refusals} times, {refused} counted")


def check_end(outcome: Outcome) -> None:
    """Nothing left, nobody stuck, and nothing that is wrong by itself.

    Raises
    ------
    ScoreboardError
    """
    if outcome.complaints:
        raise ScoreboardError(outcome.log.cycles, -1, "; ".join(outcome.complaints))
    if not outcome.drained:
        raise ScoreboardError(outcome.log.cycles, -1, "the fabric is not quiet at the end (CFG-2)")
    moved = int(outcome.log.counters.moved[:, Port.LOCAL].sum())
    arrived = int(np.count_nonzero(outcome.log.events["kind"] == Event.DELIVER))
    if moved != arrived:
        raise ScoreboardError(
            outcome.log.cycles, -1, f"{moved} flits counted at LOCAL, {arrived} delivered"
        )


def judge(image: ConfigImage, schedule: PacketSchedule, outcome: Outcome) -> None:
    """All checks that need no engine.

    Raises
    ------
    ScoreboardError
        The first problem.
    """
    check_stimulus(image, schedule, outcome)
    check_deliveries(image, outcome)
    check_end(outcome)

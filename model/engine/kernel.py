"""The engine's cycles: parts one after the other, threads beside each other (ENG-2, ENG-3)."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import Any, Final

import numba

from model.engine import control as run
from model.engine import shared
from model.engine import state as at
from model.engine.interface import accept, deliver, inject, mix64, wake
from model.engine.lanes import OPTIONS, Int, U, jit, lane_list, packet_of, tile_list, trace_is_full
from model.engine.loop import READY, RESTING, come_due, next_due
from model.engine.router import ask, move, unbox
from model.engine.state import FIELD, FIRST

SPINS: Final = 20_000
NAP: Final = 20
"""How often a waiting thread looks for the others before it sleeps, for how many microseconds: on a
machine with other work the others may have no processor."""

FOLD_BITS: Final = 8
"""Every so many cycles (log2) hops are folded: the field holds those of twice as many and more."""


@jit
def turn_round(values: Any, first: int, count: int) -> None:
    """Reverse a part of a list."""
    for n in range(count // 2):
        i, j = first + n, first + count - 1 - n
        values[i], values[j] = values[j], values[i]


@jit
def look(f: Any, s: Any, k: Any, part: int, flip: int, c: int, descending: bool) -> None:
    """Keep occupancies in the cycles asked for; turn lists round where that is asked for."""
    V, q = len(f.vcs), part * run.POSITIONS
    if k.occupancy_from <= c < k.occupancy_from + len(k.occupancy):
        for t in range(k.begin[part], k.begin[part + 1]):
            for lane in range(5 * V):
                k.occupancy[c - k.occupancy_from, t * 5 * V + lane] = s.line[t * 64 * V + lane]
    if descending:
        turn_round(s.lanes, lane_list(f, k, part, flip), k.position[q + run.LANES])
        turn_round(s.tile_lists, tile_list(f, k, part, flip, 0), k.position[q + run.INS])
        turn_round(s.tile_lists, tile_list(f, k, part, flip, 1), k.position[q + run.OUTS])
        turn_round(s.tile_lists, tile_list(f, k, part, flip, 2), k.position[q + run.SOURCES])


@jit
def fold_hops(f: Any, p: Any, s: Any, k: Any, part: int, flip: int) -> None:
    """Move hops from first flits to their packets before a flit's field could overflow."""
    V = len(f.vcs)
    first, wrap, limit = lane_list(f, k, part, flip), (1 << f.ring) - 1, FIELD >> 1
    for n in range(k.position[part * run.POSITIONS + run.LANES]):
        a = Int(s.lanes[U(first + n)])
        row = (a >> (6 + (V >> 1))) * (5 * V + 1) + (a & (8 * V - 1))
        head = Int(s.line[U(a + at.HEAD * 8 * V)])
        for entry in range(head, head + Int(s.line[U(a)])):
            i = U((row << f.ring) + (entry & wrap))
            if (s.slots[i] >> FIRST) & 1 and s.slots[i] & FIELD > limit:
                p.seen[U(at.SEEN * packet_of(f, s.slots[i]) + at.HOPS)] += limit
                s.slots[i] -= limit


@jit
def meet(k: Any, lead: int) -> None:
    """Wait until all threads have come here; one thread alone just goes on."""
    if len(k.leads) > 1:
        times = shared.read(k.met, 8 * lead) + 1
        shared.write(k.met, 8 * lead, times)
        for other in k.leads:
            spins = 0
            while shared.read(k.met, 8 * other) < times:
                spins += 1
                if spins > SPINS:
                    shared.sleep(NAP)


@jit
def run_cycles(
    f: Any,
    p: Any,
    s: Any,
    w: Any,
    k: Any,
    lead: int,
    end: int,
    pause: int,
    stop: int,
    descending: bool,
) -> None:
    """Run parts ``lead`` to ``end - 1`` from the current cycle to cycle ``pause``.

    Ends earlier when nothing is left to do, when the trace has no room for the worst cycle, or when
    nothing can happen any more, as no window will open again.
    Cycles in which nothing is on the way are skipped, up to ``stop``. Other threads run the
    remaining parts.

    A part moves when it and both neighbours have asked, and takes in what has come to it when
    both neighbours have moved, so one sweep over memory does a cycle. The outermost parts ask
    first and take in last, with a meeting of the threads in between.
    """
    c, flip = k.position[lead * run.POSITIONS], k.position[lead * run.POSITIONS + run.FLIP]
    parts, left = end - lead, 1
    while c < pause and left > 0:
        if k.trace_from <= c < k.trace_to and trace_is_full(k):
            break
        fold = c >> FOLD_BITS != k.position[lead * run.POSITIONS + run.FOLDED]
        k.position[lead * run.POSITIONS + run.FOLDED] = c >> FOLD_BITS
        if len(w.closed) > 0:
            come_due(f, p, s, w, k, lead, flip, c)
        busy, left, offered = 0, 0, run.LATEST
        for step in range(parts + 4):
            if step < parts:
                part = lead + step - 1
                if step < 2:
                    part = lead if step == 0 else end - 1
                wake(f, p, s, w, k, part, flip, c)
                look(f, s, k, part, flip, c, descending)
                if fold:
                    fold_hops(f, p, s, k, part, flip)
                ask(f, s, k, part, flip)
            if step == 1 or step == parts + 2:
                meet(k, lead)
            if 2 <= step < parts + 2:
                part = lead + step - 2
                ins = accept(f, p, s, w, k, lead, part, flip, c)
                lanes = inject(f, p, s, w, k, lead, part, flip, c, ins)
                outs = deliver(f, p, s, w, k, lead, part, flip, c)
                move(f, p, s, k, part, flip, c, lanes, outs)
            part = lead + step - 3
            if step >= parts + 2:
                part = lead if step == parts + 2 else end - 1
            last = step == parts + 2 or (step == parts + 3 and parts > 1)
            if last or lead < part < end - 1:
                unbox(f, s, k, part, flip)
                q = part * run.POSITIONS
                busy += k.position[q + run.LANES] + k.position[q + run.INS]
                busy += k.position[q + run.OUTS] + k.position[q + run.SOURCES]
                left += k.position[q + run.IN_FLIGHT] + k.position[q + run.TO_ACCEPT]
                offered = min(offered, k.position[q + run.OFFERED])
        if len(w.closed) > 0:
            due = min(next_due(w, 8 * lead + RESTING), next_due(w, 8 * lead + READY))
            offered = min(offered, due)
        told = 8 * (flip * (len(k.begin) - 1) + lead)
        k.told[told], k.told[told + 1], k.told[told + 2] = busy, left, offered
        meet(k, lead)
        busy, left, offered = 0, 0, run.LATEST
        for other in k.leads:
            told = 8 * (flip * (len(k.begin) - 1) + other)
            busy, left = busy + k.told[told], left + k.told[told + 1]
            offered = min(offered, k.told[told + 2])
        flip ^= 1
        if len(w.closed) > 0 and busy == 0 and offered == run.LATEST:
            pause, busy = c, 1
        c = c + 1 if busy or left == 0 else min(stop, max(c + 1, offered))
    k.position[lead * run.POSITIONS], k.position[lead * run.POSITIONS + run.FLIP] = c, flip


def source_sum(folder: Path = Path(__file__).parent) -> int:
    """A number, not 0, that changes with any file of a folder, and with :mod:`model.random`."""
    files = [*sorted(folder.glob("*.py")), Path(mix64.__code__.co_filename)]
    text = b"".join(file.read_bytes() for file in files)
    return int.from_bytes(hashlib.sha256(text).digest()[:7]) | 1


@functools.cache
def compiled() -> Any:
    """:func:`run_cycles` compiled, from Numba's cache where that has it.

    Numba's cache knows a function by its own code and the values in its closure. There the sum
    over the sources makes it notice a change in any file.
    """
    sources = source_sum()

    def run_all(
        f: Any,
        p: Any,
        s: Any,
        w: Any,
        k: Any,
        lead: int,
        end: int,
        pause: int,
        stop: int,
        down: bool,
    ) -> None:
        if sources:
            run_cycles(f, p, s, w, k, lead, end, pause, stop, down)

    return numba.njit(cache=True, nogil=True, **OPTIONS)(run_all)

"""Sources, network interfaces and cores (NI-1 to NI-3, STM-1, STL-1, WIN-1 to WIN-3).

All here happens between asking and moving of the routers: what it changes is then no longer read,
and how full a tile's queues and LOCAL buffers are is still as before the edge. Arguments:
:mod:`model.engine.lanes`, ``w`` :class:`model.engine.loop.Loop`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from model.engine import control as run
from model.engine import state as at
from model.engine.lanes import (
    LOCAL,
    Int,
    U,
    jit,
    lane_list,
    note,
    packet_of,
    push,
    tile_list,
)
from model.engine.loop import LISTED, ONE, arrived, created, give_back, presents
from model.engine.state import FIELD, FIRST, LAST, VC
from model.random import GOLDEN
from model.random import mix64 as mix64_of_arrays
from model.runlog import Event

ACCEPT, REFUSE, DELIVER = int(Event.ACCEPT), int(Event.REFUSE), int(Event.DELIVER)
WEYL, U32, U42 = np.uint64(GOLDEN), np.uint64(32), np.uint64(42)

mix64 = jit(mix64_of_arrays)


@jit
def core_refuses(f: Any, t: int, c: int) -> bool:
    """The core of tile ``t`` holds ``core_out_ready`` low in cycle ``c`` (STL-1)."""
    if f.stall_threshold == 0:
        return False
    z = (f.stall_seed << U32) ^ (np.uint64(t) << U42)
    z = z ^ ((np.uint64(c) >> f.stall_burst) + WEYL)
    return bool((mix64(z) >> U32) < f.stall_threshold)


@jit
def wake(f: Any, p: Any, s: Any, w: Any, k: Any, part: int, flip: int, c: int) -> None:
    """Let the sources know which packets are offered from this cycle on."""
    q = part * run.POSITIONS
    if k.position[q + run.OFFERED] > c:
        return
    n, sources = k.position[q + run.WOKEN], k.position[q + run.SOURCES]
    first = tile_list(f, k, part, flip, 2)
    while n < k.turn_end[part] and p.offered[U(p.turn[U(n)])] <= c:
        packet = Int(p.turn[U(n)])
        t = Int(p.sender[U(packet)])
        n += 1
        if len(w.closed) > 0:
            sources += created(s, w, t, packet, first + sources)
            continue
        if s.node[U(8 * t + at.BACKLOG)] == 0:
            s.node[U(8 * t + at.PRESENTED)] = packet
            s.tile_lists[U(first + sources)] = t
            sources += 1
        s.node[U(8 * t + at.BACKLOG)] += ONE
    k.position[q + run.WOKEN], k.position[q + run.SOURCES] = n, sources
    more = n < k.turn_end[part]
    k.position[q + run.OFFERED] = Int(p.offered[U(p.turn[U(n)])]) if more else run.LATEST


@jit
def accept(f: Any, p: Any, s: Any, w: Any, k: Any, lead: int, part: int, flip: int, c: int) -> int:
    """Sources present flits, NIs take them while their in queues have space (NI-1).

    Returns how many in queues have joined the next cycle's list.
    """
    q = part * run.POSITIONS
    now, later = tile_list(f, k, part, flip, 2), tile_list(f, k, part, flip ^ 1, 2)
    fed = tile_list(f, k, part, flip ^ 1, 0)
    sources, ins, accepted = 0, 0, 0
    for n in range(k.position[q + run.SOURCES]):
        t = Int(s.tile_lists[U(now + n)])
        s.tile_lists[U(later + sources)] = t
        sources += 1
        if len(w.closed) > 0 and not presents(p, s, w, t):
            sources -= 1
            continue
        held = s.node[U(8 * t + at.HELD)]
        if held == at.NI_ENTRIES:  # inject lists it again when the queue moves
            sources -= 1
            continue
        if s.node[U(8 * t + at.FROM)] > c:
            continue
        packet, backlog = s.node[U(8 * t + at.PRESENTED)], s.node[U(8 * t + at.BACKLOG)]
        index = backlog & (ONE - 1)
        flit, last = p.flit[U(packet)], True
        if not (flit >> LAST) & 1:
            last = index + 1 == p.length[U(packet)]
            if index > 0:
                flit = (flit ^ (1 << FIRST)) | Int(last) << LAST | index
        s.node[U(8 * t + at.QUEUE + held)] = flit
        s.node[U(8 * t + at.HELD)] = held + 1
        s.tile_lists[U(fed + ins)] = t
        ins += Int(held == 0)
        accepted += 1
        if index == 0:
            p.seen[U(at.SEEN * packet)] = c + 1
        backlog += 1
        if not last:
            s.node[U(8 * t + at.FROM)] = c + 1 + p.gap[U(packet)]
        else:
            backlog -= ONE + index + 1
            if backlog > 0:
                s.node[U(8 * t + at.PRESENTED)] = p.after[U(packet)]
        s.node[U(8 * t + at.BACKLOG)] = backlog
        if len(w.closed) > 0 and last:  # what it presents next is seen in the next cycle
            w.desk[U(8 * t + LISTED)] = 1
        else:
            sources -= Int(held + 1 == at.NI_ENTRIES or backlog == 0)
        note(k, lead, c, t, ACCEPT, flit, packet)
    k.position[q + run.SOURCES] = sources
    k.position[q + run.IN_FLIGHT] += accepted
    k.position[q + run.TO_ACCEPT] -= accepted
    return ins


@jit
def inject(
    f: Any, p: Any, s: Any, w: Any, k: Any, lead: int, part: int, flip: int, c: int, ins: int
) -> int:
    """Fronts of in queues enter their LOCAL buffers, or are consumed (NI-1, NI-2).

    Returns how many lanes have joined the next cycle's list.
    """
    V, q = len(f.vcs), part * run.POSITIONS
    now, later = tile_list(f, k, part, flip, 0), tile_list(f, k, part, flip ^ 1, 0)
    lanes, count = lane_list(f, k, part, flip ^ 1), 0
    source, sources = tile_list(f, k, part, flip ^ 1, 2), k.position[q + run.SOURCES]
    for n in range(k.position[q + run.INS]):
        t = Int(s.tile_lists[U(now + n)])
        held, flit = s.node[U(8 * t + at.HELD)], s.node[U(8 * t + at.QUEUE)]
        a = t * 64 * V + LOCAL * V + ((flit >> VC) & (V - 1))
        leaves = 1
        if flit < 0:
            k.position[q + run.IN_FLIGHT] -= 1
            if (flit >> FIRST) & 1:
                s.counters[U(t * at.COUNTERS + at.REFUSED)] += 1
                p.seen[U(at.SEEN * packet_of(f, flit) + at.WHERE)] = at.WAS_REFUSED
                note(k, lead, c, t, REFUSE, flit, 0)
                if len(w.closed) > 0:
                    give_back(w, lead, c, packet_of(f, flit))
            if (flit >> LAST) & 1:
                p.seen[U(at.SEEN * packet_of(f, flit) + at.WHERE)] |= at.GONE
        elif s.line[U(a)] < f.depth:
            s.lanes[U(lanes + count)] = a
            count += Int(push(f, s, a, flit) == 0)
        else:
            leaves = 0
        if leaves:
            s.node[U(8 * t + at.QUEUE)] = s.node[U(8 * t + at.QUEUE + 1)]
        s.node[U(8 * t + at.HELD)] = held - leaves
        s.tile_lists[U(later + ins)] = t
        ins += Int(held > leaves)
        if held == at.NI_ENTRIES and leaves and s.node[U(8 * t + at.BACKLOG)] > 0:
            s.tile_lists[U(source + sources)] = t
            sources += 1
    k.position[q + run.INS], k.position[q + run.SOURCES] = ins, sources
    return count


@jit
def deliver(f: Any, p: Any, s: Any, w: Any, k: Any, lead: int, part: int, flip: int, c: int) -> int:
    """Cores take the fronts of out queues (NI-3); how many stay in the next cycle's list."""
    V, q = len(f.vcs), part * run.POSITIONS
    now, later = tile_list(f, k, part, flip, 1), tile_list(f, k, part, flip ^ 1, 1)
    outs, delivered, wrap = 0, 0, (1 << f.ring) - 1
    for n in range(k.position[q + run.OUTS]):
        t = Int(s.tile_lists[U(now + n)])
        s.tile_lists[U(later + outs)] = t
        if core_refuses(f, t, c):
            outs += 1
            continue
        a = t * 64 * V + 5 * V
        head, held = Int(s.line[U(a + at.HEAD * 8 * V)]), Int(s.line[U(a)])
        row = t * (5 * V + 1) + 5 * V
        flit = s.slots[U((row << f.ring) + ((head + f.depth - at.NI_ENTRIES) & wrap))]
        s.line[U(a + at.HEAD * 8 * V)] = (head + 1) & wrap
        s.line[U(a)] = held - 1
        outs += Int(held - 1 > f.depth - at.NI_ENTRIES)
        delivered += 1
        packet = packet_of(f, flit)
        if (flit >> FIRST) & 1:
            p.seen[U(at.SEEN * packet + 1)] = c + 1
            p.seen[U(at.SEEN * packet + at.HOPS)] += (flit & FIELD) - 1  # LOCAL was no mesh link
        if (flit >> LAST) & 1:
            p.seen[U(at.SEEN * packet + 2)] = c + 1
            p.seen[U(at.SEEN * packet + at.WHERE)] = t + 1
            if len(w.closed) > 0:
                arrived(f, p, w, k, lead, part, c, t, flit)
        note(k, lead, c, t, DELIVER, flit, packet)
    k.position[q + run.IN_FLIGHT] -= delivered
    return outs

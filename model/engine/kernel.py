"""One cycle of every tile: decide from the registers before the edge, then move.

Deciding reads registers of its own tile and the occupancy of its neighbours' buffers, and writes
only what no other decision of the cycle reads; moving then changes occupancies and queues. So the
result does not depend on the order in which tiles are visited.

All compiled functions live in this file: Numba's cache watches the file of a function, not those
of its callees. Under another name it is plain Python (:func:`model.engine.run.kernel`). Arguments:
``f`` Fabric, ``p`` Packets, ``s`` State, ``k`` Control, ``t`` tile, ``c`` cycle.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from model.engine import state as at
from model.engine.state import FLIT_BITS, NI_ENTRIES, SINK, UNKNOWN
from model.random import GOLDEN
from model.random import mix64 as mix64_source


def jit(function: Any) -> Any:
    """Compile, or leave alone in the uncompiled copy of this module.

    Nothing here allocates, so Numba's reference counts are switched off: counting every array of
    every tuple up and down at each call made the engine 25 times slower.
    """
    options: dict[str, Any] = {"cache": True, "_nrt": False}
    return numba.njit(**options)(function) if __name__ == "model.engine.kernel" else function


mix64 = jit(mix64_source)

LOCAL, TO_CORE, TO_SINK = 4, -1, -2
ACCEPT, CONSUME, INJECT, DELIVER = 1, 2, 4, 8
EVENT_ACCEPT, EVENT_REFUSE, EVENT_DELIVER = 0, 1, 2  # runlog.Event
FLIT_MASK = (1 << FLIT_BITS) - 1
WEYL, U32, U42 = np.uint64(GOLDEN), np.uint64(32), np.uint64(42)


@jit
def lookup(f: Any, t: int, port: int, vc: int, place: int) -> int:
    """Output of a first flit, or SINK when its packet is an offender (RTR-7)."""
    to = SINK
    if place == t:
        to = LOCAL
    else:
        x, y = place % f.width, place // f.width
        for e in range(f.routes.shape[1]):
            entry = f.routes[t, e]
            if (
                entry["valid"]
                and entry["x_lo"] <= x <= entry["x_hi"]
                and entry["y_lo"] <= y <= entry["y_hi"]
                and (entry["from_ports"] >> port) & 1
                and (entry["vcs"] >> vc) & 1
            ):
                to = int(entry["to"])
                break
    if to > LOCAL or not f.turns[t, port, to, vc]:
        return SINK
    usable = f.core_ok[t] if to == LOCAL else f.out_ok[t, to]
    return int(to) if usable else SINK


@jit
def core_refuses(f: Any, t: int, c: int) -> bool:
    """The core of tile ``t`` holds ``core_out_ready`` low in cycle ``c`` (STL-1)."""
    if f.stall_threshold == 0:
        return False
    z = (f.stall_seed << U32) ^ (np.uint64(t) << U42)
    z = z ^ ((np.uint64(c) >> f.stall_burst) + WEYL)
    return bool((mix64(z) >> U32) < f.stall_threshold)


@jit
def decide_ni(f: Any, p: Any, s: Any, t: int, c: int) -> int:
    """What the NI does in this cycle, as a bit set (NI-1 to NI-3)."""
    todo = 0
    presented = s.sending[t] < p.queue_end[t] and s.present_at[t] <= c
    if presented and s.in_count[t] < NI_ENTRIES:
        todo |= ACCEPT
    if s.in_count[t] > 0:
        packet = s.in_queue[t, s.in_head[t]] >> FLIT_BITS
        if p.place[packet] < 0:
            todo |= CONSUME
        elif s.occupancy[(t * 5 + LOCAL) * f.vcs + p.vc[packet]] < f.depth:
            todo |= INJECT
    if s.out_count[t] > 0 and not core_refuses(f, t, c):
        todo |= DELIVER
    return todo


@jit
def leave(f: Any, p: Any, s: Any, k: Any, b: int, to: int) -> bool:
    """Note that the front flit of input VC ``b`` leaves; true when it is its packet's last."""
    n = k.position[at.MOVES]
    s.move_from[n], s.move_to[n] = b, to
    k.position[at.MOVES] = n + 1
    flit = s.buffer[b * f.depth + s.head[b]]
    last = (flit & FLIT_MASK) == p.length[flit >> FLIT_BITS] - 1
    s.begun[b] = not last
    if last:
        s.dest[b] = UNKNOWN
    return bool(last)


@jit
def grant(f: Any, p: Any, s: Any, k: Any, t: int, output: int) -> int:
    """Let one flit through an output (RTR-5); its input VC's number within the tile, or -1."""
    for step in range(f.vcs):
        v = (int(s.next_vc[t * 5 + output]) + step) & (f.vcs - 1)
        asking = s.wants[output * f.vcs + v]
        if asking == 0:
            continue
        if output == LOCAL:
            to = TO_CORE
            ready = s.out_count[t] < NI_ENTRIES
        else:
            across = f.width if output & 1 == 0 else 1
            neighbour = t + across if output == 1 or output == 2 else t - across
            to = (neighbour * 5 + (output + 2) % 4) * f.vcs + v
            ready = s.occupancy[to] < f.depth
        owned = (t * 5 + output) * f.vcs + v
        i = int(s.owner[owned])
        if not ready or (i >= 0 and not (asking >> i) & 1):
            continue
        if i < 0:
            i = int(s.pointer[owned])
            while not (asking >> i) & 1:
                i = (i + 1) % 5
            s.pointer[owned] = (i + 1) % 5
        last = leave(f, p, s, k, (t * 5 + i) * f.vcs + v, to)
        s.owner[owned] = -1 if last else i
        s.next_vc[t * 5 + output] = (v + 1) & (f.vcs - 1)
        s.moved[t, output] += 1
        return int(i * f.vcs + v)
    return -1


@jit
def decide_router(f: Any, p: Any, s: Any, k: Any, t: int, c: int) -> None:
    """Sink offenders, arbitrate the outputs, count stalls, watch fronts that stand still."""
    s.wants[:] = 0
    filled, gone, outputs = 0, 0, 0  # bit sets over the tile's input VCs, and over outputs
    for port in range(5):
        for v in range(f.vcs):
            b = (t * 5 + port) * f.vcs + v
            if s.occupancy[b] == 0:
                continue
            filled |= 1 << (port * f.vcs + v)
            packet = s.buffer[b * f.depth + s.head[b]] >> FLIT_BITS
            if s.dest[b] == UNKNOWN:
                s.dest[b] = lookup(f, t, port, v, p.place[packet])
            to = int(s.dest[b])
            if to != SINK:
                s.wants[to * f.vcs + v] |= 1 << port
                outputs |= 1 << to
                continue
            if not s.begun[b]:
                s.offenders[t] += 1
                if s.first_offender[t] < 0:
                    s.first_offender[t] = packet
            leave(f, p, s, k, b, TO_SINK)
            gone |= 1 << (port * f.vcs + v)
    for output in range(5):
        if (outputs >> output) & 1:
            granted = grant(f, p, s, k, t, output)
            if granted >= 0:
                gone |= 1 << granted
    port_mask = (1 << f.vcs) - 1
    for port in range(5):
        waits = (filled >> (port * f.vcs)) & port_mask
        left = (gone >> (port * f.vcs)) & port_mask
        if waits and not left:
            s.stalled[t, port] += 1
        for v in range(f.vcs):
            age = c + 1 - s.front_since[(t * 5 + port) * f.vcs + v]
            if ((waits & ~left) >> v) & 1 and age >= f.watchdog:
                s.watchdog[t] = 1


@jit
def push(f: Any, s: Any, b: int, flit: int, c: int) -> None:
    """Append a flit to an input VC at the end of cycle ``c``."""
    end = s.head[b] + s.occupancy[b]
    s.buffer[b * f.depth + (end if end < f.depth else end - f.depth)] = flit
    if s.occupancy[b] == 0:
        s.front_since[b] = c + 1
    s.occupancy[b] += 1


@jit
def move_flit(f: Any, p: Any, s: Any, k: Any, n: int, c: int) -> None:
    """Carry out move ``n`` of the router's list."""
    b, to = s.move_from[n], s.move_to[n]
    flit = s.buffer[b * f.depth + s.head[b]]
    s.head[b] = s.head[b] + 1 if s.head[b] + 1 < f.depth else 0
    s.occupancy[b] -= 1
    s.front_since[b] = c + 1
    t = b // (5 * f.vcs)
    packet = flit >> FLIT_BITS
    output = LOCAL
    if to == TO_SINK:
        output = SINK
        s.load[t] -= 1
        k.position[at.IN_FLIGHT] -= 1
        p.sunk[packet] = True
        p.tile[packet] = t
    elif to == TO_CORE:
        s.out_queue[t, (s.out_head[t] + s.out_count[t]) & 1] = flit
        s.out_count[t] += 1
    else:
        push(f, s, to, flit, c)
        output = ((to // f.vcs) % 5 + 2) % 4
        s.load[t] -= 1
        s.load[to // (5 * f.vcs)] += 1
        s.active[to // (5 * f.vcs)] = 1
        if flit & FLIT_MASK == 0:
            p.hops[packet] += 1
    if k.trace_from <= c < k.trace_to:
        row = k.trace[k.position[at.TRACED]]
        row[0], row[1], row[2], row[3] = c, t, (b // f.vcs) % 5, output
        row[4], row[5], row[6] = b % f.vcs, packet, flit & FLIT_MASK
        k.position[at.TRACED] += 1


@jit
def note(k: Any, c: int, t: int, kind: int, flit: int) -> None:
    """Write an event down, unless the run keeps none."""
    n = k.position[at.EVENTS]
    if n < len(k.event_flit):
        k.event_cycle[n], k.event_tile[n] = c, t
        k.event_kind[n], k.event_flit[n] = kind, flit
        k.position[at.EVENTS] = n + 1


@jit
def accept(f: Any, p: Any, s: Any, k: Any, t: int, c: int) -> None:
    """Move the presented flit into the NI and let the source go on to the next one."""
    packet = p.queue[s.sending[t]]
    index = s.flit[t]
    flit = (packet << FLIT_BITS) | index
    s.in_queue[t, (s.in_head[t] + s.in_count[t]) & 1] = flit
    s.in_count[t] += 1
    s.load[t] += 1
    k.position[at.IN_FLIGHT] += 1
    k.position[at.TO_ACCEPT] -= 1
    if index == 0:
        p.accepted[packet] = c
    if index + 1 < p.length[packet]:
        s.flit[t] = index + 1
        s.present_at[t] = c + 1 + p.gap[packet]
    else:
        s.flit[t] = 0
        s.sending[t] += 1
        if s.sending[t] < p.queue_end[t]:
            s.present_at[t] = max(c + 1, p.offered[p.queue[s.sending[t]]])
    note(k, c, t, EVENT_ACCEPT, flit)


@jit
def move_ni(f: Any, p: Any, s: Any, k: Any, t: int, todo: int, c: int) -> None:
    """Carry out what the NI decided; events come out sorted by kind."""
    if todo & (CONSUME | INJECT):
        flit = s.in_queue[t, s.in_head[t]]
        s.in_head[t] ^= 1
        s.in_count[t] -= 1
    if todo & ACCEPT:
        accept(f, p, s, k, t, c)
    if todo & INJECT:
        push(f, s, (t * 5 + LOCAL) * f.vcs + p.vc[flit >> FLIT_BITS], flit, c)
    if todo & CONSUME:
        s.load[t] -= 1
        k.position[at.IN_FLIGHT] -= 1
        if flit & FLIT_MASK == 0:
            s.refused[t] += 1
            p.refused[flit >> FLIT_BITS] = True
            note(k, c, t, EVENT_REFUSE, 0)
    if todo & DELIVER:
        flit = s.out_queue[t, s.out_head[t]]
        s.out_head[t] ^= 1
        s.out_count[t] -= 1
        s.load[t] -= 1
        k.position[at.IN_FLIGHT] -= 1
        packet = flit >> FLIT_BITS
        if flit & FLIT_MASK == 0:
            p.delivered_first[packet] = c
        if flit & FLIT_MASK == p.length[packet] - 1:
            p.delivered_last[packet] = c
            p.tile[packet] = t
        note(k, c, t, EVENT_DELIVER, flit)


@jit
def list_active(s: Any, descending: bool) -> int:
    """Fill ``visit`` with the active tiles; their number."""
    count = 0
    for word in range(len(s.active_words)):
        if s.active_words[word]:
            for t in range(8 * word, 8 * word + 8):
                if s.active[t]:
                    s.visit[count] = t
                    count += 1
    if descending:
        for n in range(count // 2):
            s.visit[n], s.visit[count - 1 - n] = s.visit[count - 1 - n], s.visit[n]
    return count


@jit
def run_cycles(f: Any, p: Any, s: Any, k: Any, pause: int, stop: int, descending: bool) -> None:
    """Run from the current cycle to cycle ``pause``, or until nothing is left to do.

    Also returns when the trace has no room for the worst cycle. Cycles in which no tile is
    active are skipped, up to ``stop``: nothing changes in them.
    """
    while k.position[at.CYCLE] < pause and (k.position[at.IN_FLIGHT] or k.position[at.TO_ACCEPT]):
        c = k.position[at.CYCLE]
        while k.position[at.WOKEN] < len(p.offered) and p.offered[k.position[at.WOKEN]] <= c:
            s.active[p.sender[k.position[at.WOKEN]]] = 1
            k.position[at.WOKEN] += 1
        count = list_active(s, descending)
        if count == 0:
            more = k.position[at.WOKEN] < len(p.offered)
            k.position[at.CYCLE] = min(stop, p.offered[k.position[at.WOKEN]]) if more else stop
            continue
        traced = k.trace_from <= c < k.trace_to
        if traced and k.position[at.TRACED] + count * 5 * f.vcs > len(k.trace):
            return
        if k.occupancy_from <= c < k.occupancy_from + len(k.occupancy):
            for b in range(len(s.occupancy)):
                k.occupancy[c - k.occupancy_from, b] = s.occupancy[b]
        k.position[at.MOVES] = 0
        for n in range(count):
            s.ni_moves[n] = decide_ni(f, p, s, s.visit[n], c)
            decide_router(f, p, s, k, s.visit[n], c)
        for n in range(k.position[at.MOVES]):
            move_flit(f, p, s, k, n, c)
        for n in range(count):
            move_ni(f, p, s, k, s.visit[n], s.ni_moves[n], c)
        for n in range(count):
            t = s.visit[n]
            waits = s.flit[t] > 0 or (s.sending[t] < p.queue_end[t] and s.present_at[t] <= c + 1)
            if s.load[t] == 0 and not waits:
                s.active[t] = 0
        k.position[at.CYCLE] = c + 1

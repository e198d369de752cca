"""One cycle of the fabric: all lanes ask for their outputs, then whoever is granted moves.

Asking reads the state before the edge and writes only which inputs ask for an output. What moves
afterwards changes buffers, but nothing that another grant of the cycle depends on. So the result
does not depend on the order of a list, nor on how tiles are divided into parts: a flit that leaves
its part waits in a box until all have moved. The layout is :mod:`model.engine.state`'s.

All compiled functions live in this file: Numba's cache watches the file of a function, not those
of its callees. Under another name it is plain Python (:func:`model.engine.run.kernel`). Arguments:
``f`` Fabric, ``p`` Packets, ``s`` State, ``k`` Control, ``part``, ``c`` cycle, ``t`` tile.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from model.engine import shared
from model.engine import state as at
from model.engine.state import FIELD, FIRST, LAST, PACKET, SLACK, VC
from model.random import GOLDEN
from model.random import mix64 as mix64_source

COMPILED = __name__ == "model.engine.kernel"


def jit(function: Any) -> Any:
    """Compile, or leave alone in the uncompiled copy of this module.

    Nothing here allocates, so Numba's reference counts are switched off: counting every array of
    every tuple up and down made the engine 25 times slower. All is inlined into
    :func:`run_cycles`, so that a cycle passes no arguments.
    """
    options: dict[str, Any] = {"cache": True, "_nrt": False, "nogil": True, "forceinline": True}
    return numba.njit(**options)(function) if COMPILED else function


mix64 = jit(mix64_source)
I, U = np.int64, np.uint64  # as U, an index is not looked at for being negative
LOCAL, SINK = 4, 5
EVENT_ACCEPT, EVENT_REFUSE, EVENT_DELIVER = 0, 1, 2  # runlog.Event
M32, M40 = 0xFFFFFFFF, 0xFFFFFFFFFF
WEYL, U32, U42 = np.uint64(GOLDEN), np.uint64(32), np.uint64(42)
AHEAD = 12
"""How many lanes ahead memory is fetched."""
FOLD_BITS = 8
"""Every so many cycles (log2) hops are folded: the field holds those of twice as many and more."""
ONE = 1 << at.INDEX_BITS  # packet, in BACKLOG
SPINS = 2000
"""How often a thread looks for the others before it gives way."""


@jit
def lane_list(f: Any, k: Any, part: int, flip: int) -> int:
    """Where a part's list of lanes begins; ``asking`` is laid out as with flip 0."""
    each = 5 * len(f.vcs)
    whole = f.tiles * each + SLACK * (len(k.begin) - 1)
    return flip * whole + I(k.begin[part]) * each + SLACK * part


@jit
def tile_list(f: Any, k: Any, part: int, flip: int, which: int) -> int:
    """Where a part's list of in queues (0), out queues (1) or sources (2) begins."""
    whole = f.tiles + SLACK * (len(k.begin) - 1)
    return (2 * which + flip) * whole + I(k.begin[part]) + SLACK * part


@jit
def core_refuses(f: Any, t: int, c: int) -> bool:
    """The core of tile ``t`` holds ``core_out_ready`` low in cycle ``c`` (STL-1)."""
    if f.stall_threshold == 0:
        return False
    z = (f.stall_seed << U32) ^ (np.uint64(t) << U42)
    z = z ^ ((np.uint64(c) >> f.stall_burst) + WEYL)
    return bool((mix64(z) >> U32) < f.stall_threshold)


@jit
def output_of(f: Any, s: Any, t: int, lane: int, place: int) -> int:
    """Output of the packet at a lane's front, or SINK when it is an offender (RTR-7)."""
    axes, outputs = s.node[U(8 * t + at.AXES)], s.node[U(8 * t + at.OUTPUTS)]
    x, y = place & ((1 << f.x_bits) - 1), place >> f.x_bits
    x_class, y_class = I(f.cells[U((axes & M32) + x)]), I(f.cells[U((axes >> 32) + y)])
    cell = x_class * (outputs >> 40) + y_class
    return I(f.cells[U((outputs & M40) + cell * (5 * len(f.vcs)) + lane)])


@jit
def wake(f: Any, p: Any, s: Any, k: Any, part: int, flip: int, c: int) -> None:
    """Let the sources know which packets are offered from this cycle on."""
    q = part * at.POSITIONS
    if k.position[q + at.OFFERED] > c:
        return
    n, sources = k.position[q + at.WOKEN], k.position[q + at.SOURCES]
    first = tile_list(f, k, part, flip, 2)
    while n < k.turn_end[part] and p.offered[U(p.turn[U(n)])] <= c:
        packet = I(p.turn[U(n)])
        t = I(p.sender[U(packet)])
        if s.node[U(8 * t + at.BACKLOG)] == 0:
            s.node[U(8 * t + at.PRESENTED)] = packet
            s.tile_lists[U(first + sources)] = t
            sources += 1
        s.node[U(8 * t + at.BACKLOG)] += ONE
        n += 1
    k.position[q + at.WOKEN], k.position[q + at.SOURCES] = n, sources
    more = n < k.turn_end[part]
    k.position[q + at.OFFERED] = p.offered[U(p.turn[U(n)])] if more else at.LATEST


@jit
def ask(f: Any, s: Any, k: Any, part: int, flip: int) -> None:
    """Every lane that is not empty asks for its output VC, if it may have it and there is space."""
    V = len(f.vcs)
    V2, plane, tile_bits = V >> 1, 8 * V, 6 + (V >> 1)
    lanes, asking = lane_list(f, k, part, flip), lane_list(f, k, part, 0)
    for n in range(k.position[part * at.POSITIONS + at.LANES]):
        if COMPILED and k.far:
            ahead = I(s.lanes[U(lanes + n + AHEAD)])
            t = ahead >> tile_bits
            shared.fetch(s.line, U(ahead))
            shared.fetch(s.node, U(8 * t))
            shared.fetch(s.slots, U((t * (5 * V + 1) + (ahead & (plane - 1))) << f.ring))
        a = I(s.lanes[U(lanes + n)])
        t, lane = a >> tile_bits, a & (plane - 1)
        row = t * (5 * V + 1) + lane
        flit = s.slots[U((row << f.ring) + I(s.line[U(a + at.HEAD * plane)]))]
        output = output_of(f, s, t, lane, flit >> f.place_shift)
        b = a - lane + (output << V2) + (lane & (V - 1))
        room = f.depth - I(s.line[U((b + f.across[U(b & (plane - 1))]) & M32)])
        may = I(s.line[U(b + at.GRANT * plane)]) & (1 << (lane >> V2)) & (-room >> 63)
        s.line[U(b + at.ASKED * plane)] |= may
        s.asking[U(asking + n)] = b


@jit
def note(k: Any, lead: int, c: int, t: int, kind: int, flit: int, packet: int) -> None:
    """Write an event down, unless the run keeps none; each thread at the place of its first part."""
    n = k.position[lead * at.POSITIONS + at.EVENTS]
    if n < k.position[lead * at.POSITIONS + at.EVENTS_END]:
        k.event_cycle[U(n)], k.event_tile[U(n)], k.event_kind[U(n)] = c, t, kind
        k.event_flit[U(n)] = packet << 16 | index_of(flit)
        k.position[lead * at.POSITIONS + at.EVENTS] = n + 1


@jit
def index_of(flit: int) -> int:
    """Index of a flit in its packet."""
    return 0 if (flit >> FIRST) & 1 else flit & FIELD


@jit
def packet_of(f: Any, flit: int) -> int:
    """Packet of a flit."""
    return (flit >> PACKET) & ((1 << (f.place_shift - PACKET)) - 1)


@jit
def push(f: Any, s: Any, a: int, flit: int) -> int:
    """Append a flit to the buffer at an address; what it held before."""
    V = len(f.vcs)
    lane = a & (8 * V - 1)
    row = (a >> (6 + (V >> 1))) * (5 * V + 1) + lane
    held = I(s.line[U(a)])
    end = (I(s.line[U(a + at.HEAD * 8 * V)]) + held) & ((1 << f.ring) - 1)
    s.slots[U((row << f.ring) + end)] = flit
    s.line[U(a)] = held + 1
    return held


@jit
def accept(f: Any, p: Any, s: Any, k: Any, lead: int, part: int, flip: int, c: int) -> int:
    """Sources present flits, NIs take them while their in queues have space (NI-1).

    Returns how many in queues have joined the next cycle's list.
    """
    V, q = len(f.vcs), part * at.POSITIONS
    now, later = tile_list(f, k, part, flip, 2), tile_list(f, k, part, flip ^ 1, 2)
    fed = tile_list(f, k, part, flip ^ 1, 0)
    sources, ins, accepted = 0, 0, 0
    for n in range(k.position[q + at.SOURCES]):
        t = I(s.tile_lists[U(now + n)])
        s.tile_lists[U(later + sources)] = t
        sources += 1
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
                flit = (flit ^ (1 << FIRST)) | I(last) << LAST | index
        s.node[U(8 * t + at.QUEUE + held)] = flit
        s.node[U(8 * t + at.HELD)] = held + 1
        s.tile_lists[U(fed + ins)] = t
        ins += I(held == 0)
        accepted += 1
        if index == 0:
            p.seen[U(4 * packet)] = c + 1
        backlog += 1
        if not last:
            s.node[U(8 * t + at.FROM)] = c + 1 + p.gap[U(packet)]
        else:
            backlog -= ONE + index + 1
            if backlog > 0:
                s.node[U(8 * t + at.PRESENTED)] = p.after[U(packet)]
        s.node[U(8 * t + at.BACKLOG)] = backlog
        sources -= I(held + 1 == at.NI_ENTRIES or backlog == 0)
        note(k, lead, c, t, EVENT_ACCEPT, flit, packet)
    k.position[q + at.SOURCES] = sources
    k.position[q + at.IN_FLIGHT] += accepted
    k.position[q + at.TO_ACCEPT] -= accepted
    return ins


@jit
def inject(
    f: Any, p: Any, s: Any, k: Any, lead: int, part: int, flip: int, c: int, ins: int
) -> int:
    """Fronts of in queues enter their LOCAL buffers, or are consumed (NI-1, NI-2).

    Returns how many lanes have joined the next cycle's list.
    """
    V, q = len(f.vcs), part * at.POSITIONS
    now, later = tile_list(f, k, part, flip, 0), tile_list(f, k, part, flip ^ 1, 0)
    lanes, count = lane_list(f, k, part, flip ^ 1), 0
    source, sources = tile_list(f, k, part, flip ^ 1, 2), k.position[q + at.SOURCES]
    for n in range(k.position[q + at.INS]):
        t = I(s.tile_lists[U(now + n)])
        held, flit = s.node[U(8 * t + at.HELD)], s.node[U(8 * t + at.QUEUE)]
        a = t * 64 * V + LOCAL * V + ((flit >> VC) & (V - 1))
        leaves = 1
        if flit < 0:
            k.position[q + at.IN_FLIGHT] -= 1
            if (flit >> FIRST) & 1:
                s.counters[U(t * at.COUNTERS + at.REFUSED)] += 1
                p.seen[U(4 * packet_of(f, flit) + at.WHERE)] |= at.WAS_REFUSED
                note(k, lead, c, t, EVENT_REFUSE, flit, 0)
        elif s.line[U(a)] < f.depth:
            s.lanes[U(lanes + count)] = a
            count += I(push(f, s, a, flit) == 0)
        else:
            leaves = 0
        if leaves:
            s.node[U(8 * t + at.QUEUE)] = s.node[U(8 * t + at.QUEUE + 1)]
        s.node[U(8 * t + at.HELD)] = held - leaves
        s.tile_lists[U(later + ins)] = t
        ins += I(held > leaves)
        if held == at.NI_ENTRIES and leaves and s.node[U(8 * t + at.BACKLOG)] > 0:
            s.tile_lists[U(source + sources)] = t
            sources += 1
    k.position[q + at.INS], k.position[q + at.SOURCES] = ins, sources
    return count


@jit
def deliver(f: Any, p: Any, s: Any, k: Any, lead: int, part: int, flip: int, c: int) -> int:
    """Cores take the fronts of out queues (NI-3); how many stay in the next cycle's list."""
    V, q = len(f.vcs), part * at.POSITIONS
    now, later = tile_list(f, k, part, flip, 1), tile_list(f, k, part, flip ^ 1, 1)
    outs, delivered, wrap = 0, 0, (1 << f.ring) - 1
    for n in range(k.position[q + at.OUTS]):
        t = I(s.tile_lists[U(now + n)])
        s.tile_lists[U(later + outs)] = t
        if core_refuses(f, t, c):
            outs += 1
            continue
        a = t * 64 * V + 5 * V
        head, held = I(s.line[U(a + at.HEAD * 8 * V)]), I(s.line[U(a)])
        row = t * (5 * V + 1) + 5 * V
        flit = s.slots[U((row << f.ring) + ((head + f.depth - at.NI_ENTRIES) & wrap))]
        s.line[U(a + at.HEAD * 8 * V)] = (head + 1) & wrap
        s.line[U(a)] = held - 1
        outs += I(held - 1 > f.depth - at.NI_ENTRIES)
        delivered += 1
        packet = packet_of(f, flit)
        if (flit >> FIRST) & 1:
            p.seen[U(4 * packet + 1)] = c + 1
            p.seen[U(4 * packet + at.WHERE)] += (flit & FIELD) - 1  # LOCAL was no mesh link
        if (flit >> LAST) & 1:
            p.seen[U(4 * packet + 2)] = c + 1
            p.seen[U(4 * packet + at.WHERE)] += (t + 1) << 32
        note(k, lead, c, t, EVENT_DELIVER, flit, packet)
    k.position[q + at.IN_FLIGHT] -= delivered
    return outs


@jit
def granted(f: Any, s: Any, b: int, port: int) -> bool:
    """The output VC at ``b`` sends in this cycle, and what it sends comes from ``port`` (RTR-5)."""
    V = len(f.vcs)
    asked = I(s.line[U(b + at.ASKED * 8 * V)])
    pointer = I(s.line[U(b + at.GRANT * 8 * V)]) & 0xE0
    if V == 1 or f.pick[U(pointer | asked)] != port:
        return bool(f.pick[U(pointer | asked)] == port)
    v, eligible = b & (V - 1), 0
    for other in range(V):
        eligible |= I(s.line[U(b - v + other + at.ASKED * 8 * V)] != 0) << other
    output = (b & (8 * V - 1)) >> (V >> 1)
    first = I(s.line[U(b - (b & (8 * V - 1)) + at.NEXT_VC * 8 * V + output)])
    return bool(f.pick_vc[U(first << V | eligible)] == v)


@jit
def sink(f: Any, p: Any, s: Any, k: Any, part: int, c: int, a: int, flit: int) -> None:
    """An offender's flit leaves the network (TBL-3)."""
    V = len(f.vcs)
    t, lane, packet = a >> (6 + (V >> 1)), a & (8 * V - 1), packet_of(f, flit)
    k.position[part * at.POSITIONS + at.IN_FLIGHT] -= 1
    if (flit >> FIRST) & 1:
        s.counters[U(t * at.COUNTERS + at.OFFENDERS)] += 1
        p.seen[U(4 * packet + at.WHERE)] += ((t + 1) << 32 | at.WAS_SUNK) + (flit & FIELD)
        key = (c << 5 | lane) + 1
        if s.offended[U(2 * t)] == 0 or key < s.offended[U(2 * t)]:
            s.offended[U(2 * t)], s.offended[U(2 * t + 1)] = key, packet


@jit
def stay(f: Any, s: Any, a: int, port: int) -> None:
    """Count that the front flit of a lane did not move; with more VCs its port may still have."""
    V = len(f.vcs)
    t, lane = a >> (6 + (V >> 1)), a & (8 * V - 1)
    waited = I(s.line[U(a + at.WAITED * 8 * V)]) + 1
    total = waited
    if waited >= 128:
        row = t * (5 * V + 1) + lane
        long = I(s.long_waits[U(row)]) + 1 if waited == 256 else I(s.long_waits[U(row)])
        long = 0 if waited == 128 else long
        s.long_waits[U(row)] = long
        waited = 128 if waited == 256 else waited
        total = 128 * long + waited
    s.line[U(a + at.WAITED * 8 * V)] = waited
    if total == f.watchdog:
        s.counters[U(t * at.COUNTERS + at.WATCHDOG)] = 1
    if V == 1:
        tally(s, a - lane + at.STALLED * 8 * V + port, t * at.COUNTERS + at.STALLED_HIGH + port)


@jit
def tally(s: Any, low: int, high: int) -> None:
    """Count one more in a byte of ``line``, and every 256 in ``counters``."""
    counted = (I(s.line[U(low)]) + 1) & 0xFF
    s.line[U(low)] = counted
    if counted == 0:
        s.counters[U(high)] += 256


@jit
def stalls(f: Any, s: Any, first: int, count: int, c: int) -> None:
    """Count ports none of whose VCs moved a flit; their waiting lanes are listed in ``asking``."""
    V = len(f.vcs)
    for n in range(count):
        a = I(s.asking[U(first + n)])
        t, port = a >> (6 + (V >> 1)), (a & (8 * V - 1)) >> (V >> 1)
        if s.seen_moving[U(8 * t + port)] != c + 1:
            s.seen_moving[U(8 * t + port)] = c + 1
            low = t * 64 * V + at.STALLED * 8 * V + port
            tally(s, low, t * at.COUNTERS + at.STALLED_HIGH + port)


@jit
def trace(f: Any, k: Any, c: int, a: int, output: int, flit: int) -> None:
    """Keep the movement of a flit, in the cycles asked for."""
    if k.trace_from <= c < k.trace_to:
        V = len(f.vcs)
        lane, n = a & (8 * V - 1), 7 * k.position[at.TRACED]
        k.trace[n], k.trace[n + 1] = c, a >> (6 + (V >> 1))
        k.trace[n + 2], k.trace[n + 3], k.trace[n + 4] = lane >> (V >> 1), output, lane & (V - 1)
        k.trace[n + 5], k.trace[n + 6] = packet_of(f, flit), index_of(flit)
        k.position[at.TRACED] += 1


@jit
def trace_is_full(k: Any) -> bool:
    """The trace has no room for a flit out of every lane that is not empty."""
    lanes = 0
    for part in range(len(k.begin) - 1):
        lanes += k.position[part * at.POSITIONS + at.LANES]
    return bool(len(k.trace) < 7 * (k.position[at.TRACED] + lanes))


@jit
def move(
    f: Any, p: Any, s: Any, k: Any, part: int, flip: int, c: int, lanes: int, outs: int
) -> None:
    """Granted lanes send, offenders sink, the others wait.

    ``lanes`` and ``outs`` are the entries that the next cycle's lists have already.
    """
    V, q = len(f.vcs), part * at.POSITIONS
    V2, plane, tile_bits, wrap = V >> 1, 8 * V, 6 + (V >> 1), (1 << f.ring) - 1
    now, asking = lane_list(f, k, part, flip), lane_list(f, k, part, 0)
    later, out = lane_list(f, k, part, flip ^ 1), tile_list(f, k, part, flip ^ 1, 1)
    begin, size = k.begin[part] << tile_bits, (k.begin[part + 1] - k.begin[part]) << tile_bits
    boxed, waiting = 0, 0
    box = part * k.box_room
    for n in range(k.position[q + at.LANES]):
        a, b = I(s.lanes[U(now + n)]), I(s.asking[U(asking + n)])
        t, lane = a >> tile_bits, a & (plane - 1)
        port, output = lane >> V2, (b & (plane - 1)) >> V2
        held = I(s.line[U(a)])
        s.lanes[U(later + lanes)] = a
        if output != SINK and not granted(f, s, b, port):
            stay(f, s, a, port)
            if V > 1:
                s.asking[U(asking + waiting)] = a
                waiting += 1
            lanes += 1
            continue
        lanes += I(held > 1)
        head = I(s.line[U(a + at.HEAD * plane)])
        flit = s.slots[U(((t * (5 * V + 1) + lane) << f.ring) + head)]
        s.line[U(a + at.HEAD * plane)] = (head + 1) & wrap
        s.line[U(a)] = held - 1
        s.line[U(a + at.WAITED * plane)] = 0
        trace(f, k, c, a, output, flit)
        if V > 1:
            s.seen_moving[U(8 * t + port)] = c + 1
        if output == SINK:
            sink(f, p, s, k, part, c, a, flit)
            continue
        v = lane & (V - 1)
        for other in range(V):
            s.line[U(b - v + other + at.ASKED * plane)] = 0
        if V > 1:
            s.line[U(a - lane + at.NEXT_VC * plane + output)] = (v + 1) & (V - 1)
        s.line[U(b + at.GRANT * plane)] = f.granted[U(port << 1 | (flit >> LAST) & 1)]
        tally(s, a - lane + at.MOVED * plane + output, t * at.COUNTERS + output)
        flit += (flit >> FIRST) & 1
        to = (b + f.across[U(b & (plane - 1))]) & M32
        if not 0 <= to - begin < size:
            s.box_to[U(box + boxed)], s.box_flit[U(box + boxed)] = to, flit
            boxed += 1
            continue
        before = push(f, s, to, flit)
        if output == LOCAL:
            s.tile_lists[U(out + outs)] = t
            outs += I(before == f.depth - at.NI_ENTRIES)
        else:
            s.lanes[U(later + lanes)] = to
            lanes += I(before == 0)
    if V > 1:
        stalls(f, s, asking, waiting, c)
    k.position[q + at.LANES], k.position[q + at.OUTS] = lanes, outs
    k.position[q + at.BOXED] = boxed


@jit
def unbox(f: Any, s: Any, k: Any, part: int, flip: int) -> None:
    """Take in what has come from other parts in this cycle."""
    tile_bits, q = 6 + (len(f.vcs) >> 1), part * at.POSITIONS
    begin, size = k.begin[part] << tile_bits, (k.begin[part + 1] - k.begin[part]) << tile_bits
    parts, lanes = len(k.begin) - 1, k.position[q + at.LANES]
    later = lane_list(f, k, part, flip ^ 1)
    for other in range(max(part - 1, 0), min(part + 2, parts)):
        box = other * k.box_room
        for n in range(box, box + k.position[other * at.POSITIONS + at.BOXED]):
            to = I(s.box_to[U(n)])
            if 0 <= to - begin < size:
                s.lanes[U(later + lanes)] = to
                lanes += I(push(f, s, to, s.box_flit[U(n)]) == 0)
    k.position[q + at.LANES] = lanes


@jit
def turn_round(values: Any, first: int, count: int) -> None:
    """Reverse a part of a list."""
    for n in range(count // 2):
        i, j = first + n, first + count - 1 - n
        values[i], values[j] = values[j], values[i]


@jit
def look(f: Any, s: Any, k: Any, part: int, flip: int, c: int, descending: bool) -> None:
    """Keep occupancies in the cycles asked for; turn lists round where that is asked for."""
    V, q = len(f.vcs), part * at.POSITIONS
    if k.occupancy_from <= c < k.occupancy_from + len(k.occupancy):
        for t in range(k.begin[part], k.begin[part + 1]):
            for lane in range(5 * V):
                k.occupancy[c - k.occupancy_from, t * 5 * V + lane] = s.line[t * 64 * V + lane]
    if descending:
        turn_round(s.lanes, lane_list(f, k, part, flip), k.position[q + at.LANES])
        turn_round(s.tile_lists, tile_list(f, k, part, flip, 0), k.position[q + at.INS])
        turn_round(s.tile_lists, tile_list(f, k, part, flip, 1), k.position[q + at.OUTS])
        turn_round(s.tile_lists, tile_list(f, k, part, flip, 2), k.position[q + at.SOURCES])


@jit
def fold_hops(f: Any, p: Any, s: Any, k: Any, part: int, flip: int) -> None:
    """Move hops from first flits to their packets before a flit's field could overflow."""
    V = len(f.vcs)
    first, wrap, limit = lane_list(f, k, part, flip), (1 << f.ring) - 1, FIELD >> 1
    for n in range(k.position[part * at.POSITIONS + at.LANES]):
        a = I(s.lanes[U(first + n)])
        row = (a >> (6 + (V >> 1))) * (5 * V + 1) + (a & (8 * V - 1))
        head = I(s.line[U(a + at.HEAD * 8 * V)])
        for entry in range(head, head + I(s.line[U(a)])):
            i = U((row << f.ring) + (entry & wrap))
            if (s.slots[i] >> FIRST) & 1 and s.slots[i] & FIELD > limit:
                p.seen[U(4 * packet_of(f, s.slots[i]) + at.WHERE)] += limit
                s.slots[i] -= limit


@jit
def meet(k: Any, lead: int) -> None:
    """Wait until all threads have come here; one thread alone just goes on."""
    if COMPILED and len(k.leads) > 1:
        times = shared.read(k.met, 8 * lead) + 1
        shared.write(k.met, 8 * lead, times)
        for other in k.leads:
            spins = 0
            while shared.read(k.met, 8 * other) < times:
                spins += 1
                if spins > SPINS:
                    shared.give_way()


@jit
def run_cycles(
    f: Any, p: Any, s: Any, k: Any, lead: int, end: int, pause: int, stop: int, descending: bool
) -> None:
    """Run parts ``lead`` to ``end - 1`` from the current cycle to cycle ``pause``.

    Ends earlier when nothing is left to do, or when the trace has no room for the worst cycle.
    Cycles in which nothing is on the way are skipped, up to ``stop``. Other threads run the
    remaining parts.

    A part moves when it and both neighbours have asked, and takes in what has come to it when
    both neighbours have moved, so one sweep over memory does a cycle. The outermost parts ask
    first and take in last, with a meeting of the threads in between.
    """
    c, flip = k.position[lead * at.POSITIONS], k.position[lead * at.POSITIONS + at.FLIP]
    parts, left = end - lead, 1
    while c < pause and left > 0:
        if k.trace_from <= c < k.trace_to and trace_is_full(k):
            break
        fold = c >> FOLD_BITS != k.position[lead * at.POSITIONS + at.FOLDED]
        k.position[lead * at.POSITIONS + at.FOLDED] = c >> FOLD_BITS
        busy, left, offered = 0, 0, at.LATEST
        for step in range(parts + 4):
            if step < parts:
                part = lead + step - 1
                if step < 2:
                    part = lead if step == 0 else end - 1
                wake(f, p, s, k, part, flip, c)
                look(f, s, k, part, flip, c, descending)
                if fold:
                    fold_hops(f, p, s, k, part, flip)
                ask(f, s, k, part, flip)
            if step == 1 or step == parts + 2:
                meet(k, lead)
            if 2 <= step < parts + 2:
                part = lead + step - 2
                ins = accept(f, p, s, k, lead, part, flip, c)
                lanes = inject(f, p, s, k, lead, part, flip, c, ins)
                outs = deliver(f, p, s, k, lead, part, flip, c)
                move(f, p, s, k, part, flip, c, lanes, outs)
            part = lead + step - 3
            if step >= parts + 2:
                part = lead if step == parts + 2 else end - 1
            last = step == parts + 2 or (step == parts + 3 and parts > 1)
            if last or lead < part < end - 1:
                unbox(f, s, k, part, flip)
                q = part * at.POSITIONS
                busy += k.position[q + at.LANES] + k.position[q + at.INS]
                busy += k.position[q + at.OUTS] + k.position[q + at.SOURCES]
                left += k.position[q + at.IN_FLIGHT] + k.position[q + at.TO_ACCEPT]
                offered = min(offered, k.position[q + at.OFFERED])
        told = 8 * (flip * (len(k.begin) - 1) + lead)
        k.told[told], k.told[told + 1], k.told[told + 2] = busy, left, offered
        meet(k, lead)
        busy, left, offered = 0, 0, at.LATEST
        for other in k.leads:
            told = 8 * (flip * (len(k.begin) - 1) + other)
            busy, left = busy + k.told[told], left + k.told[told + 1]
            offered = min(offered, k.told[told + 2])
        flip ^= 1
        c = c + 1 if busy or left == 0 else min(stop, max(c + 1, offered))
    k.position[lead * at.POSITIONS], k.position[lead * at.POSITIONS + at.FLIP] = c, flip

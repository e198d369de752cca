"""The router: lanes ask for outputs, the granted move, the others wait (RTR-5, TBL-3, CFG-4).

Asking reads the state before the edge and writes only which inputs ask for an output VC. What
moves afterwards changes buffers, but nothing that another grant of the cycle depends on. So the
result depends neither on the order of a list nor on how tiles are divided into parts: a flit that
leaves its part waits in a box until the neighbours have moved. Arguments:
:mod:`model.engine.lanes`.
"""

from __future__ import annotations

from typing import Any, Final

from model.engine import control as run
from model.engine import shared
from model.engine import state as at
from model.engine.lanes import (
    AHEAD,
    LOCAL,
    Int,
    U,
    jit,
    lane_list,
    packet_of,
    push,
    tally,
    tile_list,
    trace,
)
from model.engine.state import FIELD, FIRST, LAST
from model.engine.tables import SINK

M32: Final = 0xFFFFFFFF
M40: Final = 0xFFFFFFFFFF


@jit
def output_of(f: Any, s: Any, t: int, lane: int, place: int) -> int:
    """Output of the packet at a lane's front, or SINK when it is an offender (RTR-7)."""
    axes, outputs = s.node[U(8 * t + at.AXES)], s.node[U(8 * t + at.OUTPUTS)]
    x, y = place & ((1 << f.x_bits) - 1), place >> f.x_bits
    x_class, y_class = Int(f.cells[U((axes & M32) + x)]), Int(f.cells[U((axes >> 32) + y)])
    cell = x_class * (outputs >> 40) + y_class
    return Int(f.cells[U((outputs & M40) + cell * (5 * len(f.vcs)) + lane)])


@jit
def ask(f: Any, s: Any, k: Any, part: int, flip: int) -> None:
    """Every lane that is not empty asks for its output VC, if it may have it and there is space."""
    V = len(f.vcs)
    V2, plane, tile_bits = V >> 1, 8 * V, 6 + (V >> 1)
    lanes, asking = lane_list(f, k, part, flip), lane_list(f, k, part, 0)
    for n in range(k.position[part * run.POSITIONS + run.LANES]):
        if k.far:
            ahead = Int(s.lanes[U(lanes + n + AHEAD)])
            t = ahead >> tile_bits
            shared.fetch(s.line, U(ahead))
            shared.fetch(s.node, U(8 * t))
            shared.fetch(s.slots, U((t * (5 * V + 1) + (ahead & (plane - 1))) << f.ring))
        a = Int(s.lanes[U(lanes + n)])
        t, lane = a >> tile_bits, a & (plane - 1)
        row = t * (5 * V + 1) + lane
        flit = s.slots[U((row << f.ring) + Int(s.line[U(a + at.HEAD * plane)]))]
        output = output_of(f, s, t, lane, flit >> f.place_shift)
        b = a - lane + (output << V2) + (lane & (V - 1))
        room = f.depth - Int(s.line[U((b + f.across[U(b & (plane - 1))]) & M32)])
        may = Int(s.line[U(b + at.GRANT * plane)]) & (1 << (lane >> V2)) & (-room >> 63)
        s.line[U(b + at.ASKED * plane)] |= may
        s.asking[U(asking + n)] = b


@jit
def granted(f: Any, s: Any, b: int, port: int) -> bool:
    """The output VC at ``b`` sends in this cycle, and what it sends comes from ``port`` (RTR-5)."""
    V = len(f.vcs)
    asked = Int(s.line[U(b + at.ASKED * 8 * V)])
    pointer = Int(s.line[U(b + at.GRANT * 8 * V)]) & 0xE0
    if V == 1 or f.pick[U(pointer | asked)] != port:
        return bool(f.pick[U(pointer | asked)] == port)
    v, eligible = b & (V - 1), 0
    for other in range(V):
        eligible |= Int(s.line[U(b - v + other + at.ASKED * 8 * V)] != 0) << other
    output = (b & (8 * V - 1)) >> (V >> 1)
    first = Int(s.line[U(b - (b & (8 * V - 1)) + at.NEXT_VC * 8 * V + output)])
    return bool(f.pick_vc[U(first << V | eligible)] == v)


@jit
def sink(f: Any, p: Any, s: Any, k: Any, part: int, c: int, a: int, flit: int) -> None:
    """An offender's flit leaves the network (TBL-3)."""
    V = len(f.vcs)
    t, lane, packet = a >> (6 + (V >> 1)), a & (8 * V - 1), packet_of(f, flit)
    k.position[part * run.POSITIONS + run.IN_FLIGHT] -= 1
    if (flit >> FIRST) & 1:
        s.counters[U(t * at.COUNTERS + at.OFFENDERS)] += 1
        p.seen[U(at.SEEN * packet + at.HOPS)] += flit & FIELD
        p.seen[U(at.SEEN * packet + at.WHERE)] = (t + 1) | at.WAS_SUNK
        key = (c << 5 | lane) + 1
        if s.offended[U(2 * t)] == 0 or key < s.offended[U(2 * t)]:
            s.offended[U(2 * t)] = key
            s.offended[U(2 * t + 1)] = Int(p.sender[U(packet)]) << 32 | flit >> f.place_shift
    if (flit >> LAST) & 1:
        p.seen[U(at.SEEN * packet + at.WHERE)] |= at.GONE


@jit
def stay(f: Any, s: Any, a: int, port: int) -> None:
    """Count that the front flit of a lane did not move; with more VCs its port may still have."""
    V = len(f.vcs)
    t, lane = a >> (6 + (V >> 1)), a & (8 * V - 1)
    waited = Int(s.line[U(a + at.WAITED * 8 * V)]) + 1
    total = waited
    if waited >= 128:
        row = t * (5 * V + 1) + lane
        long = Int(s.long_waits[U(row)]) + 1 if waited == 256 else Int(s.long_waits[U(row)])
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
def stalls(f: Any, s: Any, first: int, count: int, c: int) -> None:
    """Count ports none of whose VCs moved a flit; their waiting lanes are listed in ``asking``."""
    V = len(f.vcs)
    for n in range(count):
        a = Int(s.asking[U(first + n)])
        t, port = a >> (6 + (V >> 1)), (a & (8 * V - 1)) >> (V >> 1)
        if s.seen_moving[U(8 * t + port)] != c + 1:
            s.seen_moving[U(8 * t + port)] = c + 1
            low = t * 64 * V + at.STALLED * 8 * V + port
            tally(s, low, t * at.COUNTERS + at.STALLED_HIGH + port)


@jit
def move(
    f: Any, p: Any, s: Any, k: Any, part: int, flip: int, c: int, lanes: int, outs: int
) -> None:
    """Granted lanes send, offenders sink, the others wait.

    ``lanes`` and ``outs`` are the entries that the next cycle's lists have already.
    """
    V, q = len(f.vcs), part * run.POSITIONS
    V2, plane, tile_bits, wrap = V >> 1, 8 * V, 6 + (V >> 1), (1 << f.ring) - 1
    now, asking = lane_list(f, k, part, flip), lane_list(f, k, part, 0)
    later, out = lane_list(f, k, part, flip ^ 1), tile_list(f, k, part, flip ^ 1, 1)
    begin, size = k.begin[part] << tile_bits, (k.begin[part + 1] - k.begin[part]) << tile_bits
    boxed, waiting = 0, 0
    box = part * k.box_room
    for n in range(k.position[q + run.LANES]):
        a, b = Int(s.lanes[U(now + n)]), Int(s.asking[U(asking + n)])
        t, lane = a >> tile_bits, a & (plane - 1)
        port, output = lane >> V2, (b & (plane - 1)) >> V2
        held = Int(s.line[U(a)])
        s.lanes[U(later + lanes)] = a
        if output != SINK and not granted(f, s, b, port):
            stay(f, s, a, port)
            if V > 1:
                s.asking[U(asking + waiting)] = a
                waiting += 1
            lanes += 1
            continue
        lanes += Int(held > 1)
        head = Int(s.line[U(a + at.HEAD * plane)])
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
            outs += Int(before == f.depth - at.NI_ENTRIES)
        else:
            s.lanes[U(later + lanes)] = to
            lanes += Int(before == 0)
    if V > 1:
        stalls(f, s, asking, waiting, c)
    k.position[q + run.LANES], k.position[q + run.OUTS] = lanes, outs
    k.position[q + run.BOXED] = boxed


@jit
def unbox(f: Any, s: Any, k: Any, part: int, flip: int) -> None:
    """Take in what has come from other parts in this cycle."""
    tile_bits, q = 6 + (len(f.vcs) >> 1), part * run.POSITIONS
    begin, size = k.begin[part] << tile_bits, (k.begin[part + 1] - k.begin[part]) << tile_bits
    parts, lanes = len(k.begin) - 1, k.position[q + run.LANES]
    later = lane_list(f, k, part, flip ^ 1)
    for other in range(max(part - 1, 0), min(part + 2, parts)):
        box = other * k.box_room
        for n in range(box, box + k.position[other * run.POSITIONS + run.BOXED]):
            to = Int(s.box_to[U(n)])
            if 0 <= to - begin < size:
                s.lanes[U(later + lanes)] = to
                lanes += Int(push(f, s, to, s.box_flit[U(n)]) == 0)
    k.position[q + run.LANES] = lanes

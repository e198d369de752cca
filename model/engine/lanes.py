"""How kernels find their way in the arrays of :mod:`model.engine.state`, and steps they share.

Functions of the engine that are compiled are plain Python as well: those marked ``jit`` run as
they stand when called from Python, and are compiled into :func:`model.engine.kernel.run_cycles`.
Arguments: ``f`` Fabric, ``p`` Packets, ``s`` State, ``k`` Control; ``part``, with ``lead`` the
first part of its thread; ``flip``, the half of the lists that is this cycle's; ``c`` cycle, ``t``
tile; ``a`` address of a lane, ``b`` of an output VC.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba.extending import register_jitable

from model.engine import control as run
from model.engine import state as at
from model.engine.state import FIELD, FIRST, PACKET, SLACK

OPTIONS: Final[dict[str, Any]] = {"_nrt": False, "forceinline": True}
"""Nothing here allocates, so Numba's reference counts are switched off: counting every array of
every tuple up and down made the engine 25 times slower. All is inlined into one function, so that
a cycle passes no arguments."""

jit: Any = register_jitable(**OPTIONS)
Int: Any = np.int64
U: Any = np.uint64
"""As ``U``, an index is not looked at for being negative."""

LOCAL: Final = 4
AHEAD: Final = 12
"""How many entries of a list ahead memory is fetched."""


@jit
def lane_list(f: Any, k: Any, part: int, flip: int) -> int:
    """Where a part's list of lanes begins; ``asking`` is laid out as with flip 0."""
    each = 5 * len(f.vcs)
    whole = f.tiles * each + SLACK * (len(k.begin) - 1)
    return flip * whole + Int(k.begin[part]) * each + SLACK * part


@jit
def tile_list(f: Any, k: Any, part: int, flip: int, which: int) -> int:
    """Where a part's list of in queues (0), out queues (1) or sources (2) begins."""
    whole = f.tiles + SLACK * (len(k.begin) - 1)
    return (2 * which + flip) * whole + Int(k.begin[part]) + SLACK * part


@jit
def packet_of(f: Any, flit: int) -> int:
    """Packet of a flit."""
    return (flit >> PACKET) & ((1 << (f.place_shift - PACKET)) - 1)


@jit
def index_of(flit: int) -> int:
    """Index of a flit in its packet."""
    return 0 if (flit >> FIRST) & 1 else flit & FIELD


@jit
def push(f: Any, s: Any, a: int, flit: int) -> int:
    """Append a flit to the buffer at an address; what it held before."""
    V = len(f.vcs)
    lane = a & (8 * V - 1)
    row = (a >> (6 + (V >> 1))) * (5 * V + 1) + lane
    held = Int(s.line[U(a)])
    end = (Int(s.line[U(a + at.HEAD * 8 * V)]) + held) & ((1 << f.ring) - 1)
    s.slots[U((row << f.ring) + end)] = flit
    s.line[U(a)] = held + 1
    return held


@jit
def tally(s: Any, low: int, high: int) -> None:
    """Count one more in a byte of ``line``, and every 256 in ``counters``."""
    counted = (Int(s.line[U(low)]) + 1) & 0xFF
    s.line[U(low)] = counted
    if counted == 0:
        s.counters[U(high)] += 256


@jit
def note(k: Any, lead: int, c: int, t: int, kind: int, flit: int, packet: int) -> None:
    """Write an event down, unless the run keeps none; a thread does so for all its parts."""
    n = k.position[lead * run.POSITIONS + run.EVENTS]
    if n < k.position[lead * run.POSITIONS + run.EVENTS_END]:
        k.event_cycle[U(n)], k.event_tile[U(n)], k.event_kind[U(n)] = c, t, kind
        k.event_flit[U(n)] = packet << 16 | index_of(flit)
        k.position[lead * run.POSITIONS + run.EVENTS] = n + 1


@jit
def trace(f: Any, k: Any, c: int, a: int, output: int, flit: int) -> None:
    """Keep the movement of a flit, in the cycles asked for."""
    if k.trace_from <= c < k.trace_to:
        V = len(f.vcs)
        lane, n = a & (8 * V - 1), 7 * k.position[run.TRACED]
        k.trace[n], k.trace[n + 1] = c, a >> (6 + (V >> 1))
        k.trace[n + 2], k.trace[n + 3], k.trace[n + 4] = lane >> (V >> 1), output, lane & (V - 1)
        k.trace[n + 5], k.trace[n + 6] = packet_of(f, flit), index_of(flit)
        k.position[run.TRACED] += 1


@jit
def trace_is_full(k: Any) -> bool:
    """The trace has no room for a flit out of every lane that is not empty."""
    lanes = 0
    for part in range(len(k.begin) - 1):
        lanes += k.position[part * run.POSITIONS + run.LANES]
    return bool(len(k.trace) < 7 * (k.position[run.TRACED] + lanes))

"""Hand-worked cycle tables of flow control: stalls, several VCs, gaps inside a packet.

How to read a walk is said in :mod:`tests.hand_tables`.
"""

from __future__ import annotations

from model.runlog import Event
from model.schedule import StallPattern
from model.spec import Port
from tests.hand_table import HandTable, flits, row_of

_, EAST, _, WEST, LOCAL = Port
ACCEPT, _, DELIVER = Event

STALLED_16 = StallPattern(threshold=2**31, burst_log2=4, seed=7)
"""By STL-1: core 1 refuses cycles 0 … 15 and takes 16 … 31; core 2 takes 0 … 31."""


def receiver_stall(watchdog: int) -> HandTable:
    """Nine flits against a core that refuses until c16, depth 2: all fills, then all flows.

    c3   A0 granted in tile 1, A1 in c4: the out queue is full from c5 on. A2 stands at WEST's
         front from c5, A3 behind it from c6. A4 stands in tile 0's LOCAL input from c6, A5 behind
         it from c7, A6 and A7 in the NI's queue, which is full from c8 on: A8 is presented in c8
         and waits.
    c16  A0 delivered. c17 A1 delivered; one entry is free (registered): A2 granted. A3 in c18.
    c18  WEST holds one flit (registered): A4 leaves tile 0; A5 in c19. A6 enters LOCAL at the end
         of c19, when the buffer held one; so the NI's queue holds one in c20: A8 accepted in c20.
    c24  From c16 on one flit is delivered per cycle: A8 in c24.
    Stalled: WEST of tile 1 c5 … c16 and LOCAL of tile 0 c6 … c17, 12 cycles each: a watchdog of 12
    rises in both tiles, one of 13 in none (CFG-4).
    """
    return HandTable(
        name=f"receiver_stall_watchdog_{watchdog}",
        image=row_of(2, depth=2, watchdog=watchdog),
        packets=[(0, 1, 9, 0, 0)],
        rows=[
            *flits(0, ACCEPT, 0, 0, 1, 2, 3, 4, 5, 6, 7, 20),
            *flits(1, DELIVER, 0, *range(16, 25)),
        ],
        vcs=[0],
        moved={(0, EAST): 9, (1, LOCAL): 9},
        stalled={(0, LOCAL): 12, (1, WEST): 12},
        watchdog={0, 1} if watchdog <= 12 else set(),
        stalls=STALLED_16,
    )


def two_vcs_share_a_link() -> HandTable:
    """Flits of two VCs alternate on a link; each VC keeps its own owner (RTR-5, LNK-2, LNK-3).

    Tile 0 has a rule that sends to tile 2 in VC 1; B, from tile 1, travels in VC 0.
    A (0 to 2) accepted c0 … c2 is at tile 1's WEST VC 1: A0 c3, A1 c4, A2 c5. B (1 to 2) accepted
    c1 … c3 is in its LOCAL VC 0: B0 c3, B1 c4, B2 c5. Output EAST, q = 0:
    c3 B0 (q = 1)   c4 A0 (q = 0)   c5 B1   c6 A1   c7 B2   c8 A2
    Each is granted LOCAL in tile 2 one cycle later and delivered two cycles later.
    WEST stalls c3, c5, c7; LOCAL stalls c4, c6.
    """
    image = row_of(3, vcs=2)
    image.rules[0, 2] = (1, 2, 2, 0, 0, 1)
    return HandTable(
        name="two_vcs_share_a_link",
        image=image,
        packets=[(0, 2, 3, 0, 0), (1, 2, 3, 1, 0)],
        rows=[
            *flits(0, ACCEPT, 0, 0, 1, 2),
            *flits(1, ACCEPT, 1, 1, 2, 3),
            *flits(2, DELIVER, 1, 5, 7, 9),
            *flits(2, DELIVER, 0, 6, 8, 10),
        ],
        vcs=[1, 0],
        moved={(0, EAST): 3, (1, EAST): 6, (2, LOCAL): 6},
        stalled={(1, WEST): 3, (1, LOCAL): 2},
    )


def full_vc_blocks_no_other() -> HandTable:
    """A VC that is full does not block another VC of the link (LNK-2).

    Depth 2; ids 1 and 2 are reached in VC 0 and 1. Core 1 refuses until c16. A (0 to 1) fills the
    out queue with A0, A1 (c3, c4) and WEST VC 0 with A2 (from c5) and A3 (from c6); A4 stands in
    tile 0's LOCAL VC 0 from c6. B (0 to 2), accepted c5, is in LOCAL VC 1 in c7: VC 0 is not ready,
    VC 1 is: B leaves in c7, tile 1 in c8, granted in tile 2 in c9, delivered c10.
    c16 A0 delivered, c17 A1 delivered and A2 granted, c18 A3 granted and A4 leaves tile 0,
    c19 A4 granted; delivered c18, c19, c20.
    WEST of tile 1 stalls c5 … c16 but for c8; LOCAL of tile 0 stalls c6 … c17 but for c7.
    """
    image = row_of(3, vcs=2, depth=2)
    image.remap_vc[2] = 1
    return HandTable(
        name="full_vc_blocks_no_other",
        image=image,
        packets=[(0, 1, 5, 0, 0), (0, 2, 1, 5, 0)],
        rows=[
            *flits(0, ACCEPT, 0, 0, 1, 2, 3, 4),
            *flits(0, ACCEPT, 1, 5),
            *flits(2, DELIVER, 1, 10),
            *flits(1, DELIVER, 0, 16, 17, 18, 19, 20),
        ],
        vcs=[0, 1],
        moved={(0, EAST): 6, (1, EAST): 1, (1, LOCAL): 5, (2, LOCAL): 1},
        stalled={(1, WEST): 11, (0, LOCAL): 11},
        stalls=STALLED_16,
    )


def owner_with_bubbles(vcs: int) -> HandTable:
    """A packet with gaps keeps its output VC (RTR-4); another VC may use the gaps (LNK-2).

    A (0 to 1) with gap 2 is accepted c0, c3, c6, stands at tile 1's WEST front in c3, c6, c9 and is
    granted at once: owner WEST from c3 to c9. B (2 to 1), accepted c1, is at EAST's front in c4.
    One VC: B waits for the owner, c4 … c9 (6 stalls), and is granted in c10.
    Two VCs, B in VC 1 by a rule of tile 2: B is granted in c4.
    """
    image = row_of(3, vcs=vcs)
    if vcs == 2:
        image.rules[2, 0] = (1, 0, 1, 0, 0, 1)
    return HandTable(
        name=f"owner_with_bubbles_{vcs}_vc",
        image=image,
        packets=[(0, 1, 3, 0, 2), (2, 1, 1, 1, 0)],
        rows=[
            *flits(0, ACCEPT, 0, 0, 3, 6),
            *flits(2, ACCEPT, 1, 1),
            *flits(1, DELIVER, 0, 4, 7, 10),
            *flits(1, DELIVER, 1, 11 if vcs == 1 else 5),
        ],
        vcs=[0, vcs - 1],
        moved={(0, EAST): 3, (2, WEST): 1, (1, LOCAL): 4},
        stalled={(1, EAST): 6} if vcs == 1 else {},
    )

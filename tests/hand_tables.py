"""Cycle tables worked out by hand from docs/design.md (ENG-4), for the engine and for the RTL.

How to read a walk. ``A0`` is flit 0 of packet A. A flit accepted in cycle t stands in the NI's
queue in t + 1, in the LOCAL input VC from t + 2 on (NI-1), and may leave any input VC in the first
cycle it stands there (RTR-1); granted LOCAL in cycle g it stands in the out queue in g + 1 and is
delivered then, if the core takes it (NI-3). So one packet alone over h links: granted in tile 0 at
t + 2, in the last tile at t + 2 + h, delivered at t + 3 + h (RTR-3).

All fabrics are one row of two or three tiles, logical = physical, XY tables; what differs is said.
"""

from __future__ import annotations

from model.runlog import Event
from model.spec import Port
from tests.hand_table import HandTable, Row, flits, row_of
from tests.hand_tables_flow import (
    full_vc_blocks_no_other,
    owner_with_bubbles,
    receiver_stall,
    two_vcs_share_a_link,
)

__all__ = ["HAND_TABLES", "HandTable"]

NORTH, EAST, SOUTH, WEST, LOCAL = Port
ACCEPT, REFUSE, DELIVER = Event


def collision() -> HandTable:
    """Two packets meet at one output, twice; the pointer remembers (RTR-4, RTR-5).

    Tile 1, output LOCAL, p = N at reset.
    c3   A0 at the front of WEST, B0 at the front of EAST. From N: N no, E yes: B0. p = S, owner E.
    c4   The owner's B1 goes; it is the last, owner none. A0 waits (c3, c4: stalled 2).
    c5   From S: S no, W yes: A0, p = L; c6 A1.
    c13  C0 alone at EAST: p = S again.
    c23  D0 at WEST and E0 at EAST. From S: W first: D0, p = L. E0 waits once.
    c24  From L: L no, N no, E: E0.
    """
    packets = [
        (0, 1, 2, 0, 0),
        (2, 1, 2, 0, 0),
        (2, 1, 1, 10, 0),
        (0, 1, 1, 20, 0),
        (2, 1, 1, 20, 0),
    ]
    rows = [
        *flits(0, ACCEPT, 0, 0, 1),
        *flits(2, ACCEPT, 1, 0, 1),
        *flits(1, DELIVER, 1, 4, 5),
        *flits(1, DELIVER, 0, 6, 7),
        *flits(2, ACCEPT, 2, 10),
        *flits(1, DELIVER, 2, 14),
        *flits(0, ACCEPT, 3, 20),
        *flits(2, ACCEPT, 4, 20),
        *flits(1, DELIVER, 3, 24),
        *flits(1, DELIVER, 4, 25),
    ]
    return HandTable(
        name="collision",
        image=row_of(3),
        packets=packets,
        rows=rows,
        vcs=[0] * 5,
        moved={(0, EAST): 3, (2, WEST): 4, (1, LOCAL): 7},
        stalled={(1, WEST): 2, (1, EAST): 1},
    )


def offender_sink() -> HandTable:
    """An illegal turn's packet is sunk flit by flit and blocks nobody (TBL-3).

    Tile 1 may not turn WEST to LOCAL. A is accepted c0 … c2, crosses the link c2 … c4, stands at
    WEST's front c3 … c5 and is sunk there, one flit per cycle; counted once, in c3.
    B, tile 1 to itself, accepted c3: LOCAL input c5, granted in c5 while A2 is sunk, delivered c6.
    C is sunk in c13; the first offender remains A.
    """
    image = row_of(2)
    image.turns[1, WEST, LOCAL, 0] = False
    return HandTable(
        name="offender_sink",
        image=image,
        packets=[(0, 1, 3, 0, 0), (1, 1, 1, 3, 0), (0, 1, 1, 10, 0)],
        rows=[
            *flits(0, ACCEPT, 0, 0, 1, 2),
            *flits(1, ACCEPT, 1, 3),
            *flits(1, DELIVER, 1, 6),
            *flits(0, ACCEPT, 2, 10),
        ],
        vcs=[0] * 3,
        moved={(0, EAST): 4, (1, LOCAL): 1},
        offenders={1: 2},
        first_offender={1: (0, 1, 0)},
    )


def two_offenders_at_once() -> HandTable:
    """Two ports sink in one cycle; both count, the lower port is remembered (TBL-3).

    Tile 1 delivers to nobody. A (from 0) stands at WEST and B (from 2) at EAST, both in c3:
    EAST is port 1, WEST port 3, so B is the first offender: src 2.
    """
    image = row_of(3)
    image.turns[1, :, LOCAL, 0] = False
    return HandTable(
        name="two_offenders_at_once",
        image=image,
        packets=[(0, 1, 1, 0, 0), (2, 1, 1, 0, 0)],
        rows=[*flits(0, ACCEPT, 0, 0), *flits(2, ACCEPT, 1, 0)],
        vcs=[0, 0],
        moved={(0, EAST): 1, (2, WEST): 1},
        offenders={1: 2},
        first_offender={1: (2, 1, 0)},
    )


def dead_core_and_dead_link() -> HandTable:
    """A dead core's packets and a fused link's packets are offenders (FUS-2, FUS-4, RTR-7).

    Core 2 is dead, the link from 1 to 0 too. A, 1 to 2: sunk in tile 2 at its WEST front, c3.
    B, 1 to 0: offered c0, presented c1 and accepted; LOCAL input c3: WEST has no out_ok: sunk c3.
    """
    image = row_of(3)
    image.core_ok[2] = False
    image.out_ok[1, WEST] = image.in_ok[0, EAST] = False
    return HandTable(
        name="dead_core_and_dead_link",
        image=image,
        packets=[(1, 2, 1, 0, 0), (1, 0, 1, 0, 0)],
        rows=[*flits(1, ACCEPT, 0, 0), *flits(1, ACCEPT, 1, 1)],
        vcs=[0, 0],
        moved={(1, EAST): 1},
        offenders={1: 1, 2: 1},
        first_offender={1: (1, 0, 0), 2: (1, 2, 0)},
    )


def refused() -> HandTable:
    """Packets to unmapped ids are consumed in the NI; the next one follows at once (NI-2, RMP-1).

    Id 1 is lost; id 3 lies beyond the remap memory's three words. A (0 to 1) is accepted c0 … c2
    and consumed c1 … c3, refused in c1. B (0 to 0) is presented when A's last is in: accepted c3,
    LOCAL input c5, delivered c6 (h = 0, RTR-3). C (0 to 3) accepted c5, refused in c6.
    """
    image = row_of(3)
    image.remap_tile[1] = -1
    return HandTable(
        name="refused",
        image=image,
        packets=[(0, 1, 3, 0, 0), (0, 0, 1, 1, 0), (0, 3, 1, 5, 0)],
        rows=[
            *flits(0, ACCEPT, 0, 0, 1, 2),
            *flits(0, ACCEPT, 1, 3),
            *flits(0, ACCEPT, 2, 5),
            *flits(0, REFUSE, 0, 1),
            *flits(0, REFUSE, 2, 6),
            *flits(0, DELIVER, 1, 6),
        ],
        vcs=[0] * 3,
        moved={(0, LOCAL): 1},
        refused={0: 2},
    )


def loopback() -> HandTable:
    """A tile talks to itself through its router at full rate (RTR-3, h = 0).

    A0, A1, B0 accepted c0 … c2, in the LOCAL input c2 … c4, delivered c3 … c5.
    """
    return HandTable(
        name="loopback",
        image=row_of(2),
        packets=[(1, 1, 2, 0, 0), (1, 1, 1, 0, 0)],
        rows=[
            *flits(1, ACCEPT, 0, 0, 1),
            *flits(1, ACCEPT, 1, 2),
            *flits(1, DELIVER, 0, 3, 4),
            *flits(1, DELIVER, 1, 5),
        ],
        vcs=[0, 0],
        moved={(1, LOCAL): 3},
    )


def back_to_back() -> HandTable:
    """Depth 2 carries one flit per cycle, single-flit packets right behind tails (RTR-2).

    Lengths 1, 2, 1, 1 from 0 to 2, all offered in c0: accepted c0 … c4, each delivered 5 cycles
    later (h = 2); no input ever stalls.
    """
    lengths = (1, 2, 1, 1)
    starts = (0, 1, 3, 4)
    rows: list[Row] = []
    for packet, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        rows += flits(0, ACCEPT, packet, *range(start, start + length))
        rows += flits(2, DELIVER, packet, *range(start + 5, start + 5 + length))
    return HandTable(
        name="back_to_back",
        image=row_of(3, depth=2),
        packets=[(0, 2, length, 0, 0) for length in lengths],
        rows=rows,
        vcs=[0] * 4,
        moved={(0, EAST): 5, (1, EAST): 5, (2, LOCAL): 5},
    )


def table_says_local() -> HandTable:
    """A route entry may name LOCAL: the packet ends there, whoever it was for (RTR-7).

    Tile 1's first entry sends everything for tile 2 to LOCAL, the second names port 6. A (0 to 2)
    is granted LOCAL in tile 1 in c3 and delivered to core 1 in c4. B (1 to 0) meets port 6 in its
    own LOCAL input in c2: an offender.
    """
    image = row_of(3)
    image.routes[1, 0] = (1, 2, 2, 0, 0, 31, 1, LOCAL)
    image.routes[1, 1] = (1, 0, 2, 0, 0, 31, 1, 6)
    return HandTable(
        name="table_says_local",
        image=image,
        packets=[(0, 2, 1, 0, 0), (1, 0, 1, 0, 0)],
        rows=[
            *flits(0, ACCEPT, 0, 0),
            *flits(1, ACCEPT, 1, 0),
            *flits(1, DELIVER, 0, 4),
        ],
        vcs=[0, 0],
        moved={(0, EAST): 1, (1, LOCAL): 1},
        offenders={1: 1},
        first_offender={1: (1, 0, 0)},
    )


HAND_TABLES: list[HandTable] = [
    collision(),
    offender_sink(),
    two_offenders_at_once(),
    dead_core_and_dead_link(),
    receiver_stall(watchdog=12),
    receiver_stall(watchdog=13),
    two_vcs_share_a_link(),
    full_vc_blocks_no_other(),
    owner_with_bubbles(vcs=1),
    owner_with_bubbles(vcs=2),
    refused(),
    loopback(),
    back_to_back(),
    table_says_local(),
]

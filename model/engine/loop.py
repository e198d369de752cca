"""Closed loops: slots of requests, replies owed, and what sources present next (WIN-1 to WIN-4).

What ends in a cycle is heard of from the next one on, so neither the order of tiles nor that of
parts shows. Slots that rest and replies that are not due yet wait in two lists of each thread,
linked through the packets: both delays are constants, so what comes last is due last. Whether a
loop is closed is compiled in: without one, nothing here is left of the code. Arguments:
:mod:`model.engine.lanes`; ``w`` Loop.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from model.engine import control as run
from model.engine import state as at
from model.engine.check import accepting
from model.engine.lanes import Int, U, jit, packet_of, tile_list
from model.image import ConfigImage
from model.schedule import PacketSchedule
from model.spec import bits_for
from model.traffic.closed_loop import ClosedLoop

Ints = npt.NDArray[Any]


class Loop(NamedTuple):
    """A closed loop and where it stands; empty arrays without one."""

    closed: tuple[int, ...]  # one zero when there is a loop: its length is compiled in
    reply: int
    service: int
    think: int
    desk: Ints  # int64[tiles * 8]: a cache line of each tile, see below
    lists: Ints  # int64[parts * 8]: of the first part of each thread, see below
    link: Ints  # uint32[slots]: the next in the packet's list
    due: Ints  # int64[slots]: cycle of a reply's offer, or in which a slot will have rested; -1


FREE, CREATED, NEXT, OWED, _OWED_LAST, LISTED, PART, PLACE = range(8)
"""In ``desk``: slots that are free; requests created and not presented, and the first of them;
first and last reply owed; whether the source is on the list although it presents nothing; the part,
-1 where the tile can accept nothing; its place, as flits carry it. The first of an empty list is
-1."""

RESTING, READY, GIVEN_UP = 0, 2, 4
"""In ``lists``: first and last of the requests whose slots rest, and of the replies not due yet;
how many replies their tiles can never send."""

ONE: Final = 1 << at.INDEX_BITS
"""A packet, in BACKLOG."""

NOTHING: Final = -1


def pairs(image: ConfigImage, schedule: PacketSchedule, loop: ClosedLoop | None) -> PacketSchedule:
    """Requests with their replies: request i is packet 2 i, its reply 2 i + 1 (WIN-4).

    Slots come in such pairs, too. Replies have no cycle yet: ``offered`` is -1. The reply to a
    packet that nobody gets never exists; it stands there with the sender of the request.
    """
    if loop is None or not loop.reply:
        return schedule
    known = schedule.destination < image.logical
    place = image.remap_tile[np.where(known, schedule.destination, 0)]
    answers = np.where(known & (place >= 0), schedule.destination, schedule.source)
    columns: dict[str, tuple[Ints, Ints]] = {
        "source": (schedule.source, answers),
        "destination": (schedule.destination, schedule.source),
        "length": (schedule.length, np.full_like(schedule.length, loop.reply)),
        "offered": (schedule.offered, np.full_like(schedule.offered, NOTHING)),
        "gap": (schedule.gap, np.zeros_like(schedule.gap)),
    }
    both: dict[str, Ints] = {name: np.stack(two, 1).ravel() for name, two in columns.items()}
    return PacketSchedule(**both, silent_sources=schedule.silent_sources)


def make_loop(image: ConfigImage, loop: ClosedLoop | None, begin: Ints) -> Loop:
    """The loop at its beginning, without slots for packets.

    ``begin`` are the first tiles of the parts, and the number of tiles.
    """
    none, link = np.zeros(0, np.int64), np.zeros(0, np.uint32)
    if loop is None:
        return Loop((), 0, 0, 0, none, none, link, none)
    desk = np.zeros((image.spec.tiles, 8), np.int64)
    desk[:, FREE], desk[:, OWED] = loop.window, NOTHING
    part = np.searchsorted(begin, np.arange(image.spec.tiles), "right") - 1
    desk[:, PART] = np.where(accepting(image), part, NOTHING)
    y, x = np.divmod(np.arange(image.spec.tiles), image.spec.width)
    desk[:, PLACE] = y << bits_for(image.spec.width - 1) | x
    return Loop(
        closed=(0,),
        reply=loop.reply,
        service=loop.service,
        think=loop.think,
        desk=desk.ravel(),
        lists=np.tile(np.array([NOTHING] * 4 + [0] * 4), len(begin) - 1),
        link=link,
        due=none,
    )


def waiting(w: Loop) -> bool:
    """A slot rests, or a reply is not due yet."""
    return bool((w.lists.reshape(-1, 8)[:, [RESTING, READY]] != NOTHING).any())


def given_up(w: Loop) -> int:
    """Replies that their tiles can never send."""
    return int(w.lists.reshape(-1, 8)[:, GIVEN_UP].sum())


def still_there(w: Loop, slots: Ints, there: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which packets are needed, if those of ``there`` have not ended.

    So are requests whose slots of the window rest, and of a pair either both or none; a reply that
    was not offered when its request ended never is.
    """
    if not w.closed:
        return there
    step = 2 if w.reply else 1
    needed = there[::step] | (w.due[slots[::step]] != NOTHING)
    if w.reply:
        needed |= there[1::2] & (w.due[slots[1::2]] != NOTHING)
    return np.repeat(needed, step)


@jit
def append(w: Any, values: Any, first: int, packet: int) -> None:
    """Put a packet at the end of the list that begins at ``values[first]``."""
    if values[U(first)] == NOTHING:
        values[U(first)] = packet
    else:
        w.link[U(values[U(first + 1)])] = packet
    values[U(first + 1)] = packet


@jit
def take(w: Any, values: Any, first: int) -> int:
    """Remove the first packet of a list that is not empty."""
    packet = values[U(first)]
    more = packet != values[U(first + 1)]
    values[U(first)] = Int(w.link[U(packet)]) if more else NOTHING
    return Int(packet)


@jit
def joins(s: Any, w: Any, t: int, place: int) -> int:
    """A source that presents nothing joins the list of sources, unless it is on it: 1 or 0."""
    if s.node[U(8 * t + at.BACKLOG)] != 0 or w.desk[U(8 * t + LISTED)] != 0:
        return 0
    w.desk[U(8 * t + LISTED)] = 1
    s.tile_lists[U(place)] = t
    return 1


@jit
def created(s: Any, w: Any, t: int, packet: int, place: int) -> int:
    """A request is offered from this cycle on; 1 when its source joins the list of sources."""
    if w.desk[U(8 * t + CREATED)] == 0:
        w.desk[U(8 * t + NEXT)] = packet
    w.desk[U(8 * t + CREATED)] += 1
    return joins(s, w, t, place)


@jit
def come_due(f: Any, p: Any, s: Any, w: Any, k: Any, lead: int, flip: int, c: int) -> None:
    """Slots that have rested are free again, replies are offered (WIN-2, WIN-3)."""
    for first in (RESTING, READY):
        while next_due(w, 8 * lead + first) <= c:
            packet = take(w, w.lists, 8 * lead + first)
            t = Int(p.sender[U(packet)])
            if first == RESTING:
                w.due[U(packet)] = NOTHING
                w.desk[U(8 * t + FREE)] += 1
            else:
                append(w, w.desk, 8 * t + OWED, packet)
            part = w.desk[U(8 * t + PART)]
            q = part * run.POSITIONS + run.SOURCES
            k.position[q] += joins(s, w, t, tile_list(f, k, part, flip, 2) + k.position[q])


@jit
def next_due(w: Any, first: int) -> int:
    """Cycle in which the first of a thread's list is due."""
    packet = w.lists[U(first)]
    return run.LATEST if packet == NOTHING else Int(w.due[U(packet)])


@jit
def presents(p: Any, s: Any, w: Any, t: int) -> bool:
    """The stream of a tile is taken, perhaps by its next packet: replies first (WIN-1, WIN-3)."""
    if s.node[U(8 * t + at.BACKLOG)] != 0:
        return True
    w.desk[U(8 * t + LISTED)] = 0
    if w.desk[U(8 * t + OWED)] != NOTHING:
        packet = take(w, w.desk, 8 * t + OWED)
    elif w.desk[U(8 * t + FREE)] > 0 and w.desk[U(8 * t + CREATED)] > 0:
        packet = Int(w.desk[U(8 * t + NEXT)])
        w.desk[U(8 * t + FREE)] -= 1
        w.desk[U(8 * t + CREATED)] -= 1
        if w.desk[U(8 * t + CREATED)] > 0:
            w.desk[U(8 * t + NEXT)] = p.after[U(packet)]
    else:
        return False
    s.node[U(8 * t + at.PRESENTED)], s.node[U(8 * t + at.BACKLOG)] = packet, ONE
    return True


@jit
def give_back(w: Any, lead: int, c: int, request: int) -> None:
    """A request ended; its slot rests (WIN-2)."""
    w.due[U(request)] = c + 1 + w.think
    append(w, w.lists, 8 * lead + RESTING, request)


@jit
def arrived(
    f: Any, p: Any, w: Any, k: Any, lead: int, part: int, c: int, t: int, flit: int
) -> None:
    """The core of tile ``t`` was given a packet's last flit (WIN-2, WIN-3)."""
    packet = packet_of(f, flit)
    if flit >> f.place_shift != w.desk[U(8 * t + PLACE)]:
        return
    if w.reply == 0:
        give_back(w, lead, c, packet)
    elif packet & 1:
        give_back(w, lead, c, packet - 1)
    else:
        w.due[U(packet + 1)] = c + 1 + w.service
        if w.desk[U(8 * t + PART)] != NOTHING:
            append(w, w.lists, 8 * lead + READY, packet + 1)
            k.position[part * run.POSITIONS + run.TO_ACCEPT] += w.reply
        else:
            p.seen[U(at.SEEN * (packet + 1) + at.WHERE)] = at.GONE
            w.lists[U(8 * lead + GIVEN_UP)] += 1

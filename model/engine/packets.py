"""The packets of a run in slots: loaded, sent by the kernel, taken out when they have ended.

What is in memory are the packets from the oldest that has not been taken out to the newest loaded;
so it depends on what waits or flies, not on how long the run is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.engine.check import accepting
from model.engine.control import LATEST, OFFERED, POSITIONS, TO_ACCEPT, WOKEN, Control
from model.engine.first_flits import FirstFlits
from model.engine.loop import NOTHING, given_up, make_loop, pairs, still_there
from model.engine.state import (
    GONE,
    LAST,
    PACKET,
    SEEN,
    WHERE,
    Packets,
    place_shift,
)
from model.errors import InputError
from model.image import ConfigImage
from model.schedule import PacketSchedule
from model.traffic.closed_loop import ClosedLoop

Ints = npt.NDArray[Any]

LOOK: Final = 4096
"""Packets looked at together for whether they have ended."""


OWN: Final = ("source", "destination", "slot", "newest")
LOOP: Final = ("desk", "lists", "link", "due")
"""Arrays of :class:`PacketSlots` and of its loop that a checkpoint keeps."""


class PacketSlots:
    """Packets that are loaded, each in a slot; ids count all packets ever loaded.

    Parameters
    ----------
    image : ConfigImage
    begin : int64[parts + 1]
        First tiles of the parts, and the number of tiles.
    room : int
        Slots to begin with, an even number; more are made when they are needed.
    loop : ClosedLoop, optional
        What is loaded are requests; their replies get slots, too (WIN-4).

    Members
    -------
    packets : Packets
        What the kernel reads and writes.
    loop : Loop
        What it keeps of the closed loop, if there is one.
    source, destination : int32[slots]
        Logical ids.
    slot : uint32[slots]
        Slot of packet i is ``slot[i % slots]``.
    first_flits : FirstFlits
    newest : int64[tiles]
        Packet that each tile sends last, of those loaded; -1 without any.
    first, end : int
        Oldest packet that has a slot, and the next to be loaded.
    requests : int
        Packets loaded so far, without replies.
    mute : int
        Packets offered so far whose source can never accept any.
    """

    def __init__(
        self, image: ConfigImage, begin: Ints, room: int, loop: ClosedLoop | None = None
    ) -> None:
        spec = image.spec
        self._image, self._closed = image, loop
        self._able = accepting(image)
        self._part = (np.searchsorted(begin, np.arange(spec.tiles), "right") - 1).astype(np.uint16)
        self.first_flits = FirstFlits(image)
        self.packets = Packets(
            length=np.zeros(0, np.int32),
            offered=np.zeros(0, np.uint32),
            gap=np.zeros(0, np.int32),
            sender=np.zeros(0, np.int32),
            flit=np.zeros(0, np.int64),
            after=np.zeros(0, np.uint32),
            turn=np.zeros(0, np.uint32),
            seen=np.zeros(0, np.uint32),
        )
        self.source, self.destination = np.zeros(0, np.int32), np.zeros(0, np.int32)
        self.slot = np.zeros(0, np.uint32)
        self.newest = np.full(spec.tiles, -1, np.int64)
        self.first = self.end = self.requests = self._mute = 0
        self.loop = make_loop(image, loop, begin)
        self._extend(room)

    def __len__(self) -> int:
        return self.end - self.first

    @property
    def mute(self) -> int:
        """See the class."""
        return self._mute + given_up(self.loop)

    def able(self, block: PacketSchedule) -> npt.NDArray[np.bool_]:
        """Which packets have a source that can accept them (NI-1, FUS-4)."""
        return np.asarray(self._able[self._image.remap_tile[block.source]])

    def load(self, control: Control, block: PacketSchedule) -> None:
        """Give slots to the next packets, checked, and let their sources be woken.

        All that was loaded before must have been woken.
        """
        self.requests += len(block)
        block = pairs(self._image, block, self._closed)
        if len(self) + len(block) > len(self.slot):
            self._extend(max(2 * len(self.slot), len(self) + len(block)))
        packets = self.packets
        ids = np.arange(self.end, self.end + len(block))
        slots = self.slots(self.end, len(block))
        sender = self._image.remap_tile[block.source].astype(np.int32)
        flit = self.first_flits.make(sender, block.destination)
        flit |= slots.astype(np.int64) << PACKET
        flit |= (block.length == 1).astype(np.int64) << LAST
        self.source[slots], self.destination[slots] = block.source, block.destination
        packets.length[slots] = block.length
        packets.offered[slots] = block.offered
        packets.gap[slots] = block.gap
        packets.sender[slots] = sender
        packets.flit[slots] = flit
        if self._closed is not None:
            self.loop.due[slots] = NOTHING
        sent = block.offered >= 0  # replies are not yet
        able = self._able[sender] & sent
        seen = packets.seen.reshape(-1, SEEN)
        seen[slots] = 0
        seen[slots[sent & ~able], WHERE] = GONE
        self._mute += int(sent.sum() - able.sum())
        self._link(ids[able], slots[able], sender[able])
        self._wake(control, slots[able], self._part[sender[able]])
        self.end += len(block)

    def slots(self, first: int, count: int) -> Ints:
        """Slots of so many packets from ``first`` on."""
        at = first % max(1, len(self.slot))
        if at + count <= len(self.slot):
            return self.slot[at : at + count]
        return np.concatenate([self.slot[at:], self.slot[: at + count - len(self.slot)]])

    def ended(self) -> Ints:
        """Slots of the oldest packets, as far as all of them have ended."""
        seen, count = self.packets.seen.reshape(-1, SEEN), 0
        while count < len(self):
            some = self.slots(self.first + count, min(LOOK, len(self) - count))
            there = (seen[some, 2] == 0) & (seen[some, WHERE] & GONE == 0)
            there = still_there(self.loop, some, there)
            if there.any():
                count += int(np.argmax(there))
                break
            count += len(some)
        return self.slots(self.first, count)

    def drop(self, count: int) -> None:
        """Let the slots of the oldest packets be used again."""
        self.first += count

    def offered(self, slots: Ints) -> Ints:
        """Cycles in which packets were offered; -1 for replies that were not."""
        offered = self.packets.offered[slots].astype(np.int64)
        if self.loop.reply:
            offered[1::2] = self.loop.due[slots[1::2]]
        return offered

    def freeze(self) -> dict[str, Any]:
        """Arrays that hold all of it."""
        counts = np.array([self.first, self.end, self.requests, self._mute])
        own = {name: getattr(self, name) for name in OWN}
        packets = {f"packet_{name}": array for name, array in self.packets._asdict().items()}
        loop = {f"loop_{name}": getattr(self.loop, name) for name in LOOP}
        return own | packets | loop | {"counts": counts}

    def thaw(self, arrays: Mapping[str, Any]) -> None:
        """Become what was frozen."""
        self.first, self.end, self.requests, self._mute = arrays["counts"].tolist()
        for name in OWN:
            setattr(self, name, arrays[name])
        self.packets = Packets(*(arrays[f"packet_{name}"] for name in Packets._fields))
        self.loop = self.loop._replace(**{name: arrays[f"loop_{name}"] for name in LOOP})

    def _link(self, ids: Ints, slots: Ints, sender: Ints) -> None:
        """Put packets behind those that their sources send before."""
        order = _order(sender)
        ids, slots, sender = ids[order], slots[order], sender[order]
        after = self.packets.after
        after[slots[:-1]] = slots[1:]
        begins = np.diff(sender, prepend=-1) != 0
        before = self.newest[sender[begins]]
        waits = before >= self.first  # a packet without a slot is not asked for the next
        after[self.slot[before[waits] % len(self.slot)]] = slots[begins][waits]
        ends = np.append(begins[1:], True)[: len(ids)]
        self.newest[sender[ends]] = ids[ends]

    def _wake(self, control: Control, slots: Ints, part: Ints) -> None:
        """Tell the parts which packets are offered next."""
        position, packets = control.position.reshape(-1, POSITIONS), self.packets
        packets.turn[: len(slots)] = slots[np.argsort(part, kind="stable")]
        control.turn_end[:] = np.cumsum(np.bincount(part, minlength=len(position)))
        position[0, WOKEN], position[1:, WOKEN] = 0, control.turn_end[:-1]
        some = np.flatnonzero(position[:, WOKEN] < control.turn_end)
        position[:, OFFERED] = LATEST
        position[some, OFFERED] = packets.offered[packets.turn[position[some, WOKEN]]]
        flits = np.bincount(part, packets.length[slots], len(position))
        position[:, TO_ACCEPT] += flits.astype(np.int64)

    def _extend(self, room: int) -> None:
        """Make more slots; packets keep theirs."""
        most = 1 << (place_shift(self._image.spec) - PACKET)
        if room > most:
            raise InputError(f"packets waiting or in flight are {room}; allowed: at most {most}")
        ids, kept = np.arange(self.first, self.end), self.slots(self.first, len(self))
        slot, free = np.zeros(room, np.uint32), np.ones(room, np.bool_)
        free[kept] = False
        slot[np.arange(self.end, self.first + room) % room] = np.flatnonzero(free)
        slot[ids % room] = kept
        self.slot = slot
        self.source = _longer(self.source, room)
        self.destination = _longer(self.destination, room)
        columns = self.packets._replace(seen=self.packets.seen.reshape(-1, SEEN))
        more = Packets(*(_longer(column, room) for column in columns))
        self.packets = more._replace(seen=more.seen.ravel())
        if self._closed is not None:
            link, due = _longer(self.loop.link, room), _longer(self.loop.due, room)
            self.loop = self.loop._replace(link=link, due=due)


def _longer(column: Ints, room: int) -> Ints:
    more = np.zeros((room, *column.shape[1:]), column.dtype)
    more[: len(column)] = column
    return more


def _order(tile: Ints) -> Ints:
    """Stable order of tiles, by 16 bits at a time: NumPy sorts those by counting."""
    order = np.argsort(tile.astype(np.uint16), kind="stable")
    high = tile >> 16
    return order[np.argsort(high[order].astype(np.uint16), kind="stable")] if high.any() else order

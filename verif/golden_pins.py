"""What the golden engine says about the pins and registers of chosen tiles, by their RTL names."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.engine import accepting, payload, source_tiles
from model.engine.registers import NONE, Registers
from model.engine.state import NI_ENTRIES, remap
from model.graph import neighbours
from model.image import ConfigImage
from model.schedule import PacketSchedule, StallPattern
from model.spec import FabricSpec, Port, bits_for, total_width
from verif.bench.stimulus import refuses
from verif.words import pack

Array = npt.NDArray[Any]

UNKNOWN: Final = -1
"""A value that the contract leaves open: x in the file."""

MESH: Final = (Port.NORTH, Port.EAST, Port.SOUTH, Port.WEST)


@dataclass(frozen=True)
class Signal:
    """One signal of a tile.

    Parameters
    ----------
    tile : int
    scope : str
        Instances below the tile with dots between them; empty for pins.
    name : str
    width : int
        In bits.
    text : callable, optional
        Bits of a value as the file shows them, for flits; by default a value is a number.
    """

    tile: int
    scope: str
    name: str
    width: int
    text: Callable[[int], str] | None = None

    def bits(self, value: int) -> str:
        """A value as the file shows it."""
        if value == UNKNOWN:
            return "x" * self.width
        return self.text(value) if self.text else f"{value:0{self.width}b}"


class Words:
    """Words of the streams, for flits ``packet << 16 | index``.

    Parameters
    ----------
    image : ConfigImage
    schedule : PacketSchedule
    widths : FabricSpec
        Of the netlist; its header may be wider than the image's.
    """

    def __init__(self, image: ConfigImage, schedule: PacketSchedule, widths: FabricSpec) -> None:
        self._size, self._widths, self._schedule = image.spec, widths, schedule
        self.sender = source_tiles(image, schedule)
        self._place, self.vc = remap(image, self.sender, schedule.destination)
        self._src = image.identity[self.sender]
        # A flit is shown many times, at every link and buffer of its way.
        keep = functools.lru_cache(1 << 16)
        self.flit, self.core_in = keep(self._flit), keep(self._core_in)
        self.core_out = keep(self._core_out)

    def _flit(self, key: int) -> str:
        """On a mesh link."""
        packet = key >> 16
        y, x = divmod(int(self._place[packet]), self._size.width)
        fields = self._widths.flit_fields
        word = pack(fields, dst_x=x, dst_y=y, src=int(self._src[packet]), **self._tail(key))
        return f"{word:0{total_width(fields)}b}"

    def _core_in(self, key: int) -> str:
        """From the core; the ``dst`` of a body flit is anything (STM-1)."""
        fields, (_, header) = self._widths.core_in_fields, self._widths.core_in_fields[0]
        dst = int(self._schedule.destination[key >> 16])
        text = f"{pack(fields, dst=dst, **self._tail(key)):0{total_width(fields)}b}"
        return text if key & 0xFFFF == 0 else text[:-header] + "x" * header

    def _core_out(self, key: int) -> str:
        """To the core."""
        packet, fields = key >> 16, self._widths.core_out_fields
        src, vc = int(self._src[packet]), int(self.vc[packet])
        return f"{pack(fields, src=src, vc=vc, **self._tail(key)):0{total_width(fields)}b}"

    def _tail(self, key: int) -> dict[str, int]:
        last = (key & 0xFFFF) + 1 == self._schedule.length[key >> 16]
        word = payload(np.array([key]), self._widths.payload_width)[0]
        return {"last": int(last), "payload": int(word)}


class GoldenPins:
    """Signals of some tiles, and their values in blocks of cycles.

    Parameters
    ----------
    image, schedule, stalls
        Of the run.
    tiles : sequence of int
        Live ones.
    widths : FabricSpec
        Of the netlist.

    Members
    -------
    seen : int64[...]
        Tiles whose registers are needed: those chosen and what sends to them or takes from them.
    """

    def __init__(
        self,
        image: ConfigImage,
        schedule: PacketSchedule,
        stalls: StallPattern,
        tiles: list[int],
        widths: FabricSpec,
    ) -> None:
        self._image, self._stalls, self._widths = image, stalls, widths
        self._chosen = tiles
        self._words = Words(image, schedule, widths)
        self._near = neighbours(image.spec.width, image.spec.height)
        around = self._near[tiles]
        self.seen = np.unique(np.append(around[around >= 0], tiles)).astype(np.int64)
        self._able = accepting(image)
        flagged = np.zeros(image.spec.tiles, np.bool_)
        flagged[tiles] = True
        sender = self._words.sender
        theirs = np.flatnonzero(flagged[sender])
        self._packets = {tile: theirs[sender[theirs] == tile] for tile in tiles}
        self._offered = {tile: schedule.offered[own] for tile, own in self._packets.items()}

    def block(self, first: int, before: Registers) -> Iterator[tuple[Signal, Array]]:
        """Every signal with its values in cycles ``first`` and on, always in the same order.

        Parameters
        ----------
        first : int
        before : Registers
            Of :attr:`seen`, before each of these cycles and before the one after the last.

        Yields
        ------
        Signal, int64[cycles]
            Values are numbers, flits, or :data:`UNKNOWN`.
        """
        cycles = np.arange(first, first + len(before.begun) - 1)
        sent, vc = self._sent(before)
        for tile in self._chosen:
            n = int(np.searchsorted(self.seen, tile))
            yield from self._core(tile, n, cycles, before)
            for port in MESH:
                yield from self._link(tile, n, port, before, sent, vc)
            yield from self._inside(tile, n, before)

    def _sent(self, before: Registers) -> tuple[Array, Array]:
        """Flit that each mesh output sends in each cycle, and its VC: [cycles, seen, 4]."""
        sent = np.full((*before.moved[:-1].shape[:2], len(MESH)), NONE, np.int64)
        vcs = np.zeros(sent.shape, np.int64)
        V = self._image.spec.vcs
        for output in MESH:
            cycle, n = np.nonzero(before.moved[1:, :, output] != before.moved[:-1, :, output])
            # RTR-5: what was sent shows in the pointers after the edge.
            vc = (before.next_vc[cycle + 1, n, output].astype(np.int64) - 1) % V
            source = (before.pointer[cycle + 1, n, output, vc].astype(np.int64) - 1) % 5
            sent[cycle, n, output] = before.front[cycle, n, source, vc]
            vcs[cycle, n, output] = vc
        return sent, vcs

    def _core(
        self, tile: int, n: int, cycles: Array, before: Registers
    ) -> Iterator[tuple[Signal, Array]]:
        core_ok, words, widths = bool(self._image.core_ok[tile]), self._words, self._widths

        def pin(name: str, value: Array, width: int = 1, text: Any = None) -> tuple[Signal, Array]:
            return Signal(tile, "", name, width, text), value[: len(cycles)]

        shown = self._presented(tile, n, cycles, before)
        takes = ~refuses(self._stalls, np.uint64(tile), cycles)
        ready = self._able[tile] & (before.ni_in[:, n] < NI_ENTRIES)
        front = before.ni_out_front[:, n]
        if core_ok:
            yield pin("core_in_valid", np.not_equal(shown, NONE))
        else:  # the core drives anything (FUS-4)
            yield pin("core_in_valid", np.full(len(cycles), UNKNOWN))
            shown, takes = np.full(len(cycles), NONE), np.full(len(cycles), UNKNOWN)
        yield pin("core_in_ready", ready)
        yield pin("core_in_payload", shown, total_width(widths.core_in_fields), words.core_in)
        yield pin("core_out_valid", before.ni_out[:, n] > 0)
        yield pin("core_out_ready", takes)
        yield pin("core_out_payload", front, total_width(widths.core_out_fields), words.core_out)
        yield pin("core_refused", before.refuses[:, n])
        level = before.level[:, n].sum(axis=(1, 2)) + before.ni_in[:, n] + before.ni_out[:, n]
        midway = before.midway[:, n].any(axis=(1, 2)) | before.begun[:, n]
        yield pin("quiet", (level == 0) & ~midway)

    def _presented(self, tile: int, n: int, cycles: Array, before: Registers) -> Array:
        """Flit at the core's stream in each cycle (PacketSchedule's Timing)."""
        own, offered = self._packets[tile], self._offered[tile]
        if not len(own):
            return np.full(len(cycles), NONE)
        if not self._able[tile]:  # its first packet waits for ever
            return np.where(cycles >= offered[0], own[0] << 16, NONE)
        known, since = before.presented[:-1, n], before.presented_from[:-1, n]
        # With no packet left over, the next one is presented in the cycle that offers it.
        following = np.minimum(np.searchsorted(offered, cycles), len(own) - 1)
        fresh = np.where(offered[following] == cycles, own[following] << 16, NONE)
        return np.where(known == NONE, fresh, np.where(since <= cycles, known, NONE))

    def _link(
        self, tile: int, n: int, port: Port, before: Registers, sent: Array, vc: Array
    ) -> Iterator[tuple[Signal, Array]]:
        """Pins of a mesh port, unless it is at the edge of the wafer."""
        image, spec = self._image, self._widths
        beyond = int(self._near[tile, port])
        if beyond < 0:
            return
        other = int(np.searchsorted(self.seen, beyond))
        back = port.opposite
        ways = (
            ("in", image.in_ok[tile, port], other, back, n, port),
            ("out", image.out_ok[tile, port], n, port, other, back),
        )
        nothing = np.full(len(sent), UNKNOWN)
        for way, live, sender, output, receiver, entry in ways:
            name = f"{port.name.lower()}_{way}"
            flits = sent[:, sender, output] if live else nothing
            lane = np.where(flits == NONE, UNKNOWN, vc[:, sender, output])
            space = before.level[:-1, receiver, entry] < spec.depth
            ready = (space << np.arange(spec.vcs)).sum(axis=1) if live else nothing
            # A dead output presents nothing (FUS-2); what a dead input is shown is anything.
            valid = nothing if not live and way == "in" else np.not_equal(flits, NONE)
            yield Signal(tile, "", f"{name}_valid", 1), valid
            yield Signal(tile, "", f"{name}_ready", spec.vcs), ready
            yield Signal(tile, "", f"{name}_vc", spec.vc_width), lane
            width = total_width(spec.flit_fields)
            yield Signal(tile, "", f"{name}_flit", width, self._words.flit), flits

    def _inside(self, tile: int, n: int, before: Registers) -> Iterator[tuple[Signal, Array]]:
        """Registers, and what follows from them alone."""
        spec, V = self._widths, self._widths.vcs
        width = total_width(spec.flit_fields)
        opened = np.zeros(before.midway[:-1, n].shape, np.bool_)
        for output in range(5):
            owner = before.owner[:-1, n, output, None]
            opened |= owner >> np.arange(5)[:, None] & 1 == 1
        sinking = before.midway[:-1, n] & ~opened
        weight = 1 << (np.arange(5)[:, None] + 5 * np.arange(V))
        for name, flags in (("opened", opened), ("sinking", sinking)):
            yield Signal(tile, "router", name, 5 * V), (flags * weight).sum(axis=(1, 2))
        yield Signal(tile, "ni_in", "begun", 1), before.begun[:-1, n]
        for queue in ("ni_in", "ni_out"):
            level = getattr(before, queue)[:-1, n]
            yield Signal(tile, f"{queue}.queue", "level", bits_for(NI_ENTRIES)), level
        for port, v in itertools.product(Port, range(V)):
            scope = f"router.buffer_{port.name.lower()}_vc{v}"
            level, front = before.level[:-1, n, port, v], before.front[:-1, n, port, v]
            yield Signal(tile, scope, "level", bits_for(spec.depth)), level
            yield Signal(tile, scope, "o_payload", width, self._words.flit), front
        for port in Port:
            scope = f"router.arbiter_{port.name.lower()}"
            owners = before.owner[:-1, n, port].astype(np.int64) << 5 * np.arange(V)
            yield Signal(tile, scope, "owners", 5 * V), owners.sum(axis=1)
            for v in range(V):
                pointer = before.pointer[:-1, n, port, v].astype(np.int64)
                behind = np.where(pointer == 0, 0, 31 << pointer & 31)
                yield Signal(tile, scope, f"behind_vc{v}", 5), behind
            if V > 1:
                yield Signal(tile, scope, "pointer", bits_for(V - 1)), before.next_vc[:-1, n, port]

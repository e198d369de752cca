"""What the golden engine says about the pins and registers of chosen tiles, by their RTL names."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.engine import accepting
from model.engine.registers import NONE, Registers
from model.engine.state import NI_ENTRIES
from model.graph import neighbours
from model.image import ConfigImage
from model.schedule import PacketSchedule, StallPattern
from model.spec import FabricSpec, Port, bits_for, total_width
from verif.bench.stimulus import refuses
from verif.golden_words import Words

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
    registered : bool
        It follows from the tile's registers alone.
    """

    tile: int
    scope: str
    name: str
    width: int
    text: Callable[[int], str] | None = None
    registered: bool = False

    def bits(self, value: int) -> str:
        """A value as the file shows it."""
        if self.width == 1:
            return "01x"[value]
        if value == UNKNOWN:
            return "x" * self.width
        return self.text(value) if self.text else f"{value:0{self.width}b}"


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
        Signal, int64[cycles], of a registered one int64[cycles + 1]
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
        def pin(name: str, width: int = 1, text: Any = None, registered: bool = True) -> Signal:
            return Signal(tile, "", name, width, text, registered)

        words, widths = self._words, self._widths
        shown = self._presented(tile, n, cycles, before)
        valid, takes = shown != NONE, ~refuses(self._stalls, np.uint64(tile), cycles)
        if not self._image.core_ok[tile]:  # the core drives anything (FUS-4)
            shown = valid = takes = np.full(len(cycles), UNKNOWN)
        ready = self._able[tile] & (before.ni_in[:, n] < NI_ENTRIES)
        width = total_width(widths.core_in_fields)
        yield pin("core_in_valid", registered=False), valid
        yield pin("core_in_ready"), ready
        yield pin("core_in_payload", width, words.core_in, registered=False), shown
        width = total_width(widths.core_out_fields)
        yield pin("core_out_valid"), before.ni_out[:, n] > 0
        yield pin("core_out_ready", registered=False), takes
        yield pin("core_out_payload", width, words.core_out), before.ni_out_front[:, n]
        yield pin("core_refused"), before.refuses[:, n]
        level = before.level[:, n].sum(axis=(1, 2)) + before.ni_in[:, n] + before.ni_out[:, n]
        midway = before.midway[:, n].any(axis=(1, 2)) | before.begun[:, n]
        yield pin("quiet"), (level == 0) & ~midway

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
        nothing = np.full(len(before.begun), UNKNOWN)
        for way, live, sender, output, receiver, entry in ways:
            name = f"{port.name.lower()}_{way}"
            flits = sent[:, sender, output] if live else nothing[:-1]
            # With one VC a sender drives 0 (design.md §4); what comes in is heeded with valid only.
            open_vc = (flits == NONE) & (spec.vcs > 1 or not live or way == "in")
            lane = np.where(open_vc, UNKNOWN, vc[:, sender, output])
            space = before.level[:, receiver, entry] < spec.depth
            ready = (space << np.arange(spec.vcs)).sum(axis=1) if live else nothing
            # A dead output presents nothing (FUS-2); what a dead input is shown is anything.
            valid = nothing[:-1] if not live and way == "in" else flits != NONE
            own = way == "in"
            yield Signal(tile, "", f"{name}_valid", 1), valid
            signal = Signal(tile, "", f"{name}_ready", spec.vcs, registered=own)
            yield signal, ready if own else ready[:-1]
            yield Signal(tile, "", f"{name}_vc", spec.vc_width), lane
            width = total_width(spec.flit_fields)
            yield Signal(tile, "", f"{name}_flit", width, self._words.flit), flits

    def _inside(self, tile: int, n: int, before: Registers) -> Iterator[tuple[Signal, Array]]:
        """Registers, and what follows from them alone."""
        spec, V = self._widths, self._widths.vcs

        def register(scope: str, name: str, width: int, text: Any = None) -> Signal:
            return Signal(tile, scope, name, width, text, registered=True)

        opened = np.zeros(before.midway[:, n].shape, np.bool_)
        for output in Port:
            opened |= before.owner[:, n, output, None] >> np.arange(5)[:, None] & 1 == 1
        sinking = before.midway[:, n] & ~opened
        weight = 1 << (np.arange(5)[:, None] + 5 * np.arange(V))
        for name, flags in (("opened", opened), ("sinking", sinking)):
            yield register("router", name, 5 * V), (flags * weight).sum(axis=(1, 2))
        yield register("ni_in", "begun", 1), before.begun[:, n]
        yield register("ni_in.queue", "level", bits_for(NI_ENTRIES)), before.ni_in[:, n]
        yield register("ni_out.queue", "level", bits_for(NI_ENTRIES)), before.ni_out[:, n]
        width = total_width(spec.flit_fields)
        for port, v in itertools.product(Port, range(V)):
            scope = f"router.buffer_{port.name.lower()}_vc{v}"
            yield register(scope, "level", bits_for(spec.depth)), before.level[:, n, port, v]
            front = before.front[:, n, port, v]
            yield register(scope, "o_payload", width, self._words.flit), front
        for port in Port:
            scope = f"router.arbiter_{port.name.lower()}"
            owners = before.owner[:, n, port].astype(np.int64) << 5 * np.arange(V)
            yield register(scope, "owners", 5 * V), owners.sum(axis=1)
            for v in range(V):
                pointer = before.pointer[:, n, port, v].astype(np.int64)
                behind = np.where(pointer == 0, 0, 31 << pointer & 31)
                yield register(scope, f"behind_vc{v}", 5), behind
            if V > 1:
                yield register(scope, "pointer", bits_for(V - 1)), before.next_vc[:, n, port]

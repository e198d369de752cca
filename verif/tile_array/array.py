"""Run RTL fabrics of any size: one verilated tile, width x height times (design.md §8b)."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from ctypes import byref
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.errors import InputError
from model.image import ConfigImage
from model.runlog import EVENT_DTYPE, Counters, RunLog
from model.schedule import NO_STALLS, PacketSchedule, StallPattern
from model.spec import FabricSpec, Port, Status, Table
from rtl.bugs import Bug
from verif.compare import Mismatch
from verif.config_stream import BusWrite, back_door, config_writes, decode
from verif.tile_array.build import BuildOptions, array_spec, build, tile_text
from verif.tile_array.library import Bus, Pinned, Setup, Stalls, Traffic, Violation, load, view

RESET_CYCLES: Final = 3
IDLE_LIMIT: Final = 8
"""Cycles after reset within which an empty fabric must be idle."""


@dataclass(frozen=True, kw_only=True)
class Waves:
    """Which tiles and cycles to dump (SIM-3).

    Parameters
    ----------
    path : Path
        ``.vcd`` or ``.fst``. Cycle c begins at time 10 c with settled inputs; its clock edge is
        at 10 c + 5.
    tiles : sequence of int, optional
        Tile ids; all live tiles by default.
    begin, end : int
        Cycles begin ... end - 1.
    """

    path: Path
    tiles: Sequence[int] | None = None
    begin: int = 0
    end: int = 2**62


class ProtocolError(AssertionError):
    """The RTL broke a rule that no event shows: FUS-2 at a dead output, or a stray remap write.

    Members
    -------
    mismatch : Mismatch or None
        Where that was first; None for a fabric that does not become idle.
    """

    def __init__(self, found: Mismatch | str) -> None:
        super().__init__(str(found))
        self.mismatch = None if isinstance(found, str) else found


class TileArray:
    """A fabric of verilated tiles, in reset after construction.

    Parameters
    ----------
    image : ConfigImage
        Gives size, live tiles and fuses; :meth:`configure` loads its tables.
    threads : int
        Workers; results do not depend on it. At most one per row is used.
    bug : Bug, optional
        Build the tile wrongly.
    netlist : FabricSpec, optional
        What the tile is generated from, by default :func:`array_spec` of the image's. Its header
        must be as wide as the image's or wider, all else equal.
    waves : Waves, optional
        Dump while :meth:`run` runs; needs a library of its own and runs on one thread.
    seed : int
        Of the garbage from dead parts and of registers that reset leaves alone.
    quick : bool
        Compile fast, run slowly.

    Notes
    -----
    Dead tiles are not simulated; they drive noise on every wire of their neighbours, as dead
    links and the cores behind a blown ``core_ok`` do (FUS-3). Use it as a context manager.
    """

    def __init__(
        self,
        image: ConfigImage,
        *,
        threads: int = 1,
        bug: Bug | None = None,
        netlist: FabricSpec | None = None,
        waves: Waves | None = None,
        seed: int = 1,
        quick: bool = False,
    ) -> None:
        if waves and not waves.path.absolute().parent.is_dir():
            raise InputError(f"waves is {waves.path}; allowed: a file in a folder that exists")
        self.image = image
        self.spec = netlist or array_spec(image.spec)
        trace = waves.path.suffix[1:] if waves else ""
        options = BuildOptions(trace=trace, quick=quick)
        library = build(tile_text(self.spec, bug), self.spec, options)
        self._lib = load(library, bool(trace))
        pin = Pinned()
        setup = Setup(
            image.spec.width,
            image.spec.height,
            1 if waves else threads,
            pin(image.live, np.uint8),
            pin(image.core_ok, np.uint8),
            pin(image.in_ok, np.uint8),
            pin(image.out_ok, np.uint8),
            pin(self._traced(waves), np.uint8),
            seed,
        )
        self._array = self._lib.wm_new(byref(setup))
        self._waves = waves
        self._unfinished: Path | None = None
        self._cycle = 0
        self._traffic = Pinned()
        self.idle = False
        for _ in range(RESET_CYCLES):
            self.step(reset=True, hold=True)

    def __enter__(self) -> TileArray:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Finish the waves and free the tiles."""
        if self._array:
            if self._unfinished is not None and self._waves:
                self._lib.wm_close_trace(self._array)
                self._unfinished.replace(self._waves.path)
            self._lib.wm_free(self._array)
            self._array = None

    # Pins ------------------------------------------------------------------------------------

    def step(
        self,
        *,
        reset: bool = False,
        hold: bool = True,
        write: BusWrite | None = None,
        traffic: bool = False,
    ) -> None:
        """One cycle on one thread with the given pins; ``idle`` is then what the next one sees.

        With ``traffic`` the sources run and the cycle is counted and recorded.
        """
        bus = Bus(data=0)
        words = Pinned()
        if write is None:
            bus.data = words([0], np.uint64)
        else:
            bus = Bus(1, 1, write.x is None, write.y is None, write.table)
            bus.x, bus.y, bus.index = write.x or 0, write.y or 0, write.index
            bus.data = words([write.data], np.uint64)
        self._step(bus, reset, hold, traffic)

    def _step(self, bus: Bus, reset: bool, hold: bool, traffic: bool) -> None:
        self.idle = bool(self._lib.wm_step(self._array, reset, hold, byref(bus), traffic))
        self._cycle += traffic

    def configure(self, *, via_bus: bool = False) -> None:
        """Load all tables through every tile's own pins, or by the broadcast bus (SIM-4).

        Raises
        ------
        ProtocolError
            When the empty fabric does not become idle.
        """
        for _ in range(IDLE_LIMIT):
            if self.idle:
                break
            self.step()
        else:
            raise ProtocolError("an empty fabric on hold is not idle (CFG-2)")
        if via_bus:
            for write in config_writes(self.image, self.spec):
                self.step(write=write)
        else:
            door = back_door(self.image, self.spec)
            words = Pinned()
            for table, index, data in zip(door.table, door.index, door.data, strict=True):
                bus = Bus(1, 1, 1, 1, int(table), 0, 0, int(index))
                bus.data, bus.stride = words(data, np.uint64), 1
                self._step(bus, False, True, False)
            self.remap[:] = door.remap
        self.step()

    @property
    def remap(self) -> npt.NDArray[np.uint64]:
        """The shared remap memory, uint64[tiles]; writable."""
        tiles = self.image.spec.tiles
        words: npt.NDArray[np.uint64] = view(self._lib.wm_remap(self._array), tiles, np.uint64)
        return words

    def read(self, table: Table, index: int) -> npt.NDArray[np.uint64]:
        """What a bus read in the present cycle returns, uint64[tiles]; 0 where a tile is dead.

        The clock of every tile is advanced in a copy of its state, so the fabric does not move.
        """
        words = np.zeros(self.image.spec.tiles, np.uint64)
        self._lib.wm_read(self._array, table, index, words.ctypes.data)
        return words

    def quiet(self) -> npt.NDArray[np.bool_]:
        """The ``quiet`` pin of every tile, bool[tiles]; true where a tile is dead."""
        pins = np.zeros(self.image.spec.tiles, np.uint8)
        self._lib.wm_quiet(self._array, pins.ctypes.data)
        return pins.astype(np.bool_)

    # Traffic -------------------------------------------------------------------------------------

    def start(self, schedule: PacketSchedule, stalls: StallPattern = NO_STALLS) -> None:
        """Give the sources their packets; the next cycle that runs is cycle 0."""
        tile = self.image.remap_tile[schedule.source]
        if np.any(tile < 0):
            raise InputError("schedule.source is a lost tile; allowed: hosted logical ids")
        order = np.argsort(tile, kind="stable")
        first = np.searchsorted(tile[order], np.arange(self.image.spec.tiles + 1))
        pin = self._traffic = Pinned()
        traffic = Traffic(
            pin(first, np.uint64),
            pin(order, np.uint32),
            pin(schedule.destination[order], np.uint32),
            pin(schedule.length[order], np.uint32),
            pin(schedule.offered[order], np.int64),
            pin(schedule.gap[order], np.uint32),
        )
        pattern = Stalls(stalls.threshold, stalls.burst_log2, stalls.seed)
        self._lib.wm_traffic(self._array, byref(traffic), byref(pattern))
        self._cycle = 0
        if self._waves and self._unfinished is None:
            self._open_waves(self._waves)

    def _traced(self, waves: Waves | None) -> npt.NDArray[np.bool_]:
        tiles = np.arange(self.image.spec.tiles)
        if waves is None:
            return np.zeros(len(tiles), np.bool_)
        traced = self.image.live & (waves.tiles is None or np.isin(tiles, list(waves.tiles)))
        if not traced.any():
            raise InputError(f"waves.tiles is {waves.tiles}; allowed: at least one live tile")
        return traced

    def _open_waves(self, waves: Waves) -> None:
        """Begin the dump under a temporary name; :meth:`close` gives it its own."""
        self._unfinished = waves.path.with_name(f".{waves.path.name}.part")
        path = str(self._unfinished).encode()
        self._lib.wm_trace(self._array, path, waves.begin, waves.end)

    def run(self, cycles: int) -> None:
        """Run so many cycles with ``hold`` low."""
        self._lib.wm_run(self._array, cycles)
        self._cycle += cycles

    def log(self) -> RunLog:
        """Everything observed since :meth:`start`.

        Raises
        ------
        ProtocolError
            When the RTL drove a flit out of a dead port, or wrote a remap word out of turn.
        """
        first = Violation()
        if self._lib.wm_violation(self._array, byref(first)):
            raise ProtocolError(self._told(first))
        quiet = bool(self.quiet().all() and self._lib.wm_sent(self._array))
        return RunLog(
            cycles=self._cycle, events=self._events(), counters=self._counters(), quiet=quiet
        )

    def _told(self, first: Violation) -> Mismatch:
        y, x = divmod(first.tile, self.image.spec.width)
        port, expected = "remap_we", "no write of the remap memory (CFG-2)"
        if dead := [p for p in list(Port)[:4] if first.what >> p & 1]:
            port, expected = f"{dead[0].name.lower()}_out", "no flit at a dead output (FUS-2)"
        return Mismatch(first.cycle, first.tile, x, y, port, expected, "one")

    def _events(self) -> npt.NDArray[np.void]:
        parts = []
        for band in range(self._lib.wm_bands(self._array)):
            start = ctypes.c_void_p()
            count = self._lib.wm_events(self._array, band, byref(start))
            parts.append(view(start.value, count, EVENT_DTYPE))
        events = np.concatenate(parts)
        key = events["cycle"].astype(np.uint64) << np.uint64(32)
        key |= events["tile"].astype(np.uint64) << np.uint64(2) | events["kind"]
        return events[np.argsort(key, kind="stable")]

    def _counters(self) -> Counters:
        counters = Counters.zeros(self.image.spec.tiles)
        for port in range(5):
            counters.moved[:, port] = self.read(Table.STATUS, Status.MOVED + port)
            counters.stalled[:, port] = self.read(Table.STATUS, Status.STALLED + port)
        counters.refused[:] = self.read(Table.STATUS, Status.REFUSED)
        counters.offenders[:] = self.read(Table.STATUS, Status.OFFENDERS)
        first = self._status(Status.FIRST_OFFENDER)
        valid = first["valid"]
        for column, name in enumerate(("valid", "src", "dst_x", "dst_y")):
            counters.first_offender[:, column] = valid * first[name]
        counters.watchdog[:] = self._status(Status.FLAGS)["watchdog"]
        return counters

    def _status(self, word: Status) -> dict[str, Any]:
        return decode(self.spec.status_fields(word), self.read(Table.STATUS, word))


def simulate(
    image: ConfigImage,
    schedule: PacketSchedule,
    *,
    cycles: int,
    stalls: StallPattern = NO_STALLS,
    via_bus: bool = False,
    **options: Any,
) -> RunLog:
    """Configure an array, run it for ``cycles`` cycles and return what was observed.

    ``options`` are those of :class:`TileArray`.
    """
    with TileArray(image, **options) as array:
        array.configure(via_bus=via_bus)
        array.start(schedule, stalls)
        array.run(cycles)
        return array.log()

"""The fabric bench: one object that resets, configures, drives, watches and reads out a fabric."""

from __future__ import annotations

import random
from typing import Any, Final

import numpy as np
from cocotb.triggers import RisingEdge
from cocotb.utils import get_sim_time

from model.image import ConfigImage
from model.runlog import EVENT_DTYPE, Counters, RunLog
from model.spec import Status, Table
from verif.bench.bus import ConfigBus
from verif.bench.case import Case, Outcome
from verif.bench.drivers import Babble, Receivers, Sources
from verif.bench.monitors import Complaints, InputMonitor, OutputMonitor, Sample
from verif.bench.pins import Output, read
from verif.config_stream import TILE_TABLES, BusWrite, config_writes, remap_words, tile_words
from verif.words import unpack

BEFORE: Final = -1_000_000
"""Cycle number at reset; cycle 0 is the first with ``hold`` low after configuration."""

PATIENCE: Final = 64
"""Cycles to wait for ``idle`` in a fabric that carries no packet."""


def mask_of(flags: Any) -> int:
    """Packed vector of a flat boolean array, element 0 lowest."""
    packed = np.packbits(np.asarray(flags, np.bool_).reshape(-1), bitorder="little")
    return int.from_bytes(packed.tobytes(), "little")


class FabricBench:
    """Drive and watch one fabric, cycle by cycle.

    Parameters
    ----------
    dut : handle
        Module ``fabric`` made with ``defects=True``.
    image : ConfigImage
    seed : int
    noise : {"random", "x", "zero"}

    Members
    -------
    cycle : int
        The cycle whose inputs the next :meth:`step` drives.
    complaints : Complaints

    Timing
    ------
    Inputs change at the rising edge that begins a cycle; everything is sampled at the edge that
    ends it, before registers change.
    """

    def __init__(self, dut: Any, image: ConfigImage, seed: int, noise: str) -> None:
        self.cycle = BEFORE
        self.complaints = Complaints()
        self.idle_changes: list[tuple[int, int]] = []
        self._dut, self._image, self._seed, self._noise = dut, image, seed, noise
        self._bus = ConfigBus(dut, latency=2)
        self._data: list[int] = []
        names = ("rst", "hold", "noise", "core_in_valid", "core_in_payload", "core_out_ready")
        self._pins = {name: Output(getattr(dut, name)) for name in names}
        self._live = np.flatnonzero(image.live).tolist()
        self._watching = False
        self._idle = 0
        self._fresh_parts()

    def _fresh_parts(self) -> None:
        rng = random.Random(self._seed)
        image = self._image
        self._babble = Babble(image, self._noise, rng)
        self._sources: Sources | None = None
        self._receivers: Receivers | None = None
        self.inputs = InputMonitor(image, self.complaints)
        self.outputs = OutputMonitor(image, self.complaints)

    # One cycle -----------------------------------------------------------------------------------

    async def step(self, cycles: int = 1) -> None:
        """Drive the coming cycles and watch them end."""
        for _ in range(cycles):
            self._drive()
            await RisingEdge(self._dut.clk)
            if self._watching:
                self._watch()
            self.cycle += 1

    def _drive(self) -> None:
        babble = self._babble
        valid, payload, ready = babble.valid(), babble.payload(), 0
        if self._receivers is not None:
            self._receivers.drive(self.cycle)
            ready = self._receivers.ready
        if self._sources is not None:
            self._sources.drive(self.cycle)
            valid |= self._sources.valid
            # Only lanes without a source carry garbage, so the two never overlap.
            payload |= self._sources.payload
        pins = self._pins
        pins["core_in_valid"].set(valid & ~babble.unknown, babble.unknown)
        pins["core_in_payload"].set(payload & ~babble.unknown_payload, babble.unknown_payload)
        ready = (ready & ~babble.lanes) | babble.bit()
        pins["core_out_ready"].set(ready & ~babble.unknown, babble.unknown)
        pins["noise"].set(*babble.noise(pins["noise"].width))

    def _watch(self) -> None:
        dut = self._dut
        in_valid, in_ready = read(dut.core_in_valid), read(dut.core_in_ready)
        out_valid = read(dut.core_out_valid)
        nothing = (0, 0)
        sample = Sample(
            cycle=self.cycle,
            in_valid=in_valid,
            in_ready=in_ready,
            in_payload=read(dut.core_in_payload) if in_valid[0] & in_ready[0] else nothing,
            out_valid=out_valid,
            out_ready=read(dut.core_out_ready),
            out_payload=read(dut.core_out_payload) if out_valid[0] else nothing,
            refused=read(dut.core_refused),
        )
        self.inputs.observe(sample)
        self.outputs.observe(sample)
        if self._sources is not None:
            self._sources.transferred(self.cycle, in_ready[0])
        self._watch_bus()

    def _watch_bus(self) -> None:
        idle, rvalid = read(self._dut.idle), read(self._dut.cfg_rvalid)
        if idle[1] or rvalid[1]:
            self.complaints.add(self.cycle, -1, "idle or cfg_rvalid is X")
        if idle[0] != self._idle:
            self._idle = idle[0]
            self.idle_changes.append((self.cycle, idle[0]))
        if self._bus.expects_data(self.cycle) != bool(rvalid[0]):
            self.complaints.add(self.cycle, -1, f"cfg_rvalid is {rvalid[0]} (CFG-1)")
        if rvalid[0]:
            data = read(self._dut.cfg_rdata)
            if data[1]:
                self.complaints.add(self.cycle, -1, "cfg_rdata has X bits")
            self._data.append(data[0])

    # Phases --------------------------------------------------------------------------------------

    async def reset(self) -> None:
        """Drive the straps of the image and two cycles of reset, then wait for ``idle``."""
        image, dut = self._image, self._dut
        self._watching = False
        self._fresh_parts()
        self._bus.idle()
        self.cycle = BEFORE
        dead_links = np.zeros((image.spec.tiles, 4), np.bool_) | ~image.out_ok
        straps = {"tile_ok": image.live, "core_ok": image.core_ok, "in_ok": image.in_ok}
        straps |= {"out_ok": image.out_ok, "dead_tiles": ~image.live, "dead_links": dead_links}
        for name, flags in straps.items():
            getattr(dut, name).value = mask_of(flags)
        self._pins["rst"].set(1)
        self._pins["hold"].set(1)
        await self.step(2)
        self._pins["rst"].set(0)
        self._watching = True
        await self.wait_idle()

    async def wait_idle(self) -> bool:
        """Step until ``idle`` was seen high; complain and return False after a while."""
        for _ in range(PATIENCE):
            if self._idle:
                return True
            await self.step()
        self.complaints.add(self.cycle, -1, f"idle did not rise within {PATIENCE} cycles (CFG-2)")
        return False

    async def write(self, write: BusWrite) -> None:
        """One cycle with a write on the bus."""
        self._bus.write(write)
        await self.step()
        self._bus.idle()

    async def configure(self) -> None:
        """Write every table over the bus."""
        for write in config_writes(self._image):
            self._bus.write(write)
            await self.step()
        self._bus.idle()

    async def read(self, words: list[tuple[int, Table, int]]) -> list[int]:
        """Read (tile, table, index) words, one a cycle, and return them in order."""
        self._data = []
        for tile, table, index in words:
            await self._read(tile, table, index)
        self._bus.idle()
        await self.step(2)
        missing = len(words) - len(self._data)
        return self._data + [0] * missing

    async def _read(self, tile: int, table: Table, index: int) -> None:
        y, x = divmod(tile, self._image.spec.width)
        self._bus.read(self.cycle, table, index, x, y)
        await self.step()

    async def poll(self, tile: int, word: int) -> None:
        """One cycle with a read of a status word; :meth:`finish` returns what was read."""
        await self._read(tile, Table.STATUS, word)

    async def check_tables(self) -> None:
        """Read every word of every live tile back and complain about differences."""
        image = self._image
        expected: dict[tuple[int, Table, int], int] = {}
        tables = {table: tile_words(image, table) for table in TILE_TABLES}
        for tile in self._live:
            for table, content in tables.items():
                for index, word in enumerate(content[:, tile].tolist()):
                    expected[tile, table, index] = word
            for index, word in enumerate(remap_words(image).tolist()):
                expected[tile, Table.REMAP, index] = word
        for (key, word), seen in zip(
            expected.items(), await self.read(list(expected)), strict=True
        ):
            if seen != word:
                text = f"{key[1].name}[{key[2]}] reads {seen:#x}, written {word:#x} (CFG-1)"
                self.complaints.add(self.cycle, key[0], text)

    def start(self, case: Case) -> int:
        """Begin cycle 0: lower ``hold`` and let the traffic of ``case`` begin; return its time."""
        self.cycle = 0
        self._data = []
        self._pins["hold"].set(0)
        self._sources = Sources(self._image, case.schedule, random.Random(~self._seed))
        self._receivers = Receivers(self._image, case.stalls)
        return round(get_sim_time("ns"))

    def hold(self, level: int) -> None:
        """Drive ``hold`` from the coming cycle on."""
        self._pins["hold"].set(level)

    async def finish(self, case: Case, cycle0_ns: int) -> Outcome:
        """Raise ``hold`` after the last cycle, read the counters, and put the log together."""
        assert self._sources is not None
        finished = self._sources.finished
        self.hold(1)
        self._bus.idle()
        await self.step(2)
        polled = self._data
        drained = self._idle == 1
        counters, flags = await self._counters()
        rows = np.array(sorted(self.outputs.rows + self._accepts()), EVENT_DTYPE)
        outside = rows["cycle"] >= case.cycles
        for row in rows[outside][:3].tolist():
            self.complaints.add(row[0], row[1], "event outside the run")
        return Outcome(
            log=RunLog(
                cycles=case.cycles,
                events=rows[~outside],
                counters=counters,
                quiet=finished and drained,
            ),
            taken=self.inputs.taken,
            complaints=self.complaints.found,
            drained=drained,
            cycle0_ns=cycle0_ns,
            idle=self.idle_changes,
            flags=flags,
            polled=polled,
        )

    def _accepts(self) -> list[tuple[int, int, int, int, int, int, int]]:
        return [(t.cycle, t.tile, 0, 0, t.last, 0, t.payload) for t in self.inputs.taken]

    async def _counters(self) -> tuple[Counters, dict[int, int]]:
        spec = self._image.spec
        counters = Counters.zeros(spec.tiles)
        asked = [(tile, Table.STATUS, word) for tile in self._live for word in range(Status.FUSES)]
        answers = await self.read(asked)
        flags = {}
        for (tile, _, word), value in zip(asked, answers, strict=True):
            if word < Status.STALLED:
                counters.moved[tile, word] = value
            elif word < Status.REFUSED:
                counters.stalled[tile, word - Status.STALLED] = value
            elif word == Status.REFUSED:
                counters.refused[tile] = value
            elif word == Status.OFFENDERS:
                counters.offenders[tile] = value
            elif word == Status.FIRST_OFFENDER:
                first = unpack(spec.status_fields(Status.FIRST_OFFENDER), value)
                if first["valid"]:
                    counters.first_offender[tile] = list(first.values())
            else:
                counters.watchdog[tile] = value & 1
                flags[tile] = value
        return counters, flags

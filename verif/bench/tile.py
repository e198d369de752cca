"""The tile bench: a lone tile among random neighbours, a random core and a remap memory."""

from __future__ import annotations

import random
from typing import Any, Final

from cocotb.triggers import FallingEdge, RisingEdge

from model.image import ConfigImage
from model.spec import Status, Table
from verif.bench.bus import ConfigBus
from verif.bench.pins import Output, read
from verif.bench.protocol import LinkChecker, StreamChecker
from verif.bench.tile_model import Flit, TileModel
from verif.bench.tile_sides import MESH, Core, Mood, Neighbour, RemapMemory, Surroundings
from verif.config_stream import config_writes, remap_words
from verif.words import unpack

DRAIN: Final = 600
"""Cycles of calm after the traffic, in which everything must leave the tile."""


class TileBench:
    """Surround module ``tile`` and keep the books.

    Parameters
    ----------
    dut : handle
    image : ConfigImage
        One live tile (:func:`~verif.bench.tile_model.random_image`).
    seed : int
    mood : Mood

    Members
    -------
    model : TileModel
    links : dict of str to LinkChecker
        One per live direction of the four links.
    streams : dict of str to StreamChecker
        ``core_in`` and ``core_out``.

    Timing
    ------
    Ready inputs, the core side and the remap data change at the rising edge; mesh inputs follow
    at the falling edge, when ``ready`` has settled. That ``ready`` is the same at both edges
    shows that it depends on registers alone (LNK-1).
    """

    def __init__(self, dut: Any, image: ConfigImage, seed: int, mood: Mood) -> None:
        self.cycle = 0
        self.tile = int(image.live.argmax())
        self.model = TileModel(image, self.tile)
        self.links = {
            f"{name}_{way}": LinkChecker(image.spec, f"{name}_{way}", check_ready=way == "in")
            for way, fuses in (("in", image.in_ok), ("out", image.out_ok))
            for port, name in enumerate(MESH)
            if fuses[self.tile, port]
        }
        self.streams = {name: StreamChecker(name) for name in ("core_in", "core_out")}
        self._dut, self._image, self._spec = dut, image, image.spec
        self._around = Surroundings(image, self.tile, mood, random.Random(seed))
        self._neighbours = [Neighbour(dut, self._around, port) for port in range(4)]
        self._core = Core(dut, self._around)
        self._remap = RemapMemory(dut, image.spec.tiles)
        self._bus = ConfigBus(dut, latency=1)
        self._mesh_ready = [Output(getattr(dut, f"{name}_out_ready")) for name in MESH]
        names = ("rst", "hold", "idle", "core_out_ready")
        self._pins = {name: Output(getattr(dut, name)) for name in names}
        self._hold = self._quiet = self._refused = 0
        self._data: list[int] = []
        self._findings: list[str] = []

    # One cycle -----------------------------------------------------------------------------------

    async def step(self) -> None:
        """One cycle: drive at its beginning and middle, watch at its end."""
        rng, accept = self._around.rng, self._around.mood.accept
        for pin in self._mesh_ready:
            pin.set(sum((rng.random() < accept) << vc for vc in range(pin.width)))
        self._pins["core_out_ready"].set(int(rng.random() < accept))
        self._core.drive()
        await FallingEdge(self._dut.clk)
        settled = [neighbour.send() for neighbour in self._neighbours]
        await RisingEdge(self._dut.clk)
        for port, ready in enumerate(settled):
            self._watch_input(port, ready)
            self._watch_output(port)
        self._watch_core()
        self._remap.clock()
        if self._bus.expects_data(self.cycle):
            self._data.append(read(self._dut.cfg_rdata)[0])
        # ``idle`` is registered outside the tile: next cycle it says what this one ended with.
        self._quiet = read(self._dut.quiet)[0]
        self._pins["idle"].set(self._quiet & self._hold)
        self.cycle += 1

    def _find(self, text: str) -> None:
        self._findings.append(f"cycle {self.cycle}: {text}")

    def _link(self, name: str) -> tuple[int, int, int, int]:
        """(valid, vc, flit, ready) at one direction of a mesh port."""
        pins = (getattr(self._dut, f"{name}_{pin}") for pin in ("valid", "vc", "flit", "ready"))
        valid, vc, flit, ready = (read(pin)[0] for pin in pins)
        return valid, vc, flit, ready

    def _watch_input(self, port: int, settled: int) -> None:
        name = f"{MESH[port]}_in"
        if name not in self.links:
            return
        valid, vc, flit, ready = self._link(name)
        if ready != settled:
            self._find(f"{name}_ready changed within a cycle (LNK-1)")
        self.links[name].observe(self.cycle, valid, vc, flit, ready)
        if valid and ready >> vc & 1:
            self.model.enter(port, vc, Flit(**unpack(self._spec.flit_fields, flit)))

    def _watch_output(self, port: int) -> None:
        name = f"{MESH[port]}_out"
        valid, vc, flit, ready = self._link(name)
        if name not in self.links:
            if valid:
                self._find(f"{name} sends although it is fused off (FUS-2)")
            return
        self.links[name].observe(self.cycle, valid, vc, flit, ready)
        if valid and ready >> vc & 1:
            self.model.leave(self.cycle, port, vc, Flit(**unpack(self._spec.flit_fields, flit)))

    def _watch_core(self) -> None:
        words = {}
        for name, stream in self.streams.items():
            pins = (getattr(self._dut, f"{name}_{pin}") for pin in ("valid", "payload", "ready"))
            valid, payload, ready = (read(pin)[0] for pin in pins)
            stream.observe(self.cycle, valid, payload, ready)
            if valid & ready:
                words[name] = payload
        if "core_in" in words:
            self._core.taken()
            if not self._image.core_ok[self.tile]:
                self._find("a dead core's flit was accepted (FUS-4)")
            self.model.accept(unpack(self._spec.core_in_fields, words["core_in"]))
        if "core_out" in words:
            fields = self._spec.core_out_fields
            self.model.deliver(self.cycle, unpack(fields, words["core_out"]))
        self._refused += read(self._dut.core_refused)[0]

    # Phases --------------------------------------------------------------------------------------

    async def reset(self) -> None:
        """Strap position and fuses, reset, and let ``idle`` rise."""
        y, x = divmod(self.tile, self._spec.width)
        image, dut = self._image, self._dut
        dut.pos_x.value, dut.pos_y.value = x, y
        dut.fuse_core_ok.value = int(image.core_ok[self.tile])
        for name, fuses in (("in_ok", image.in_ok), ("out_ok", image.out_ok)):
            word = sum(int(ok) << port for port, ok in enumerate(fuses[self.tile]))
            getattr(dut, f"fuse_{name}").value = word
        self._hold = 1
        for name, level in (("rst", 1), ("hold", 1), ("idle", 0), ("core_out_ready", 0)):
            self._pins[name].set(level)
        for _ in range(2):
            await RisingEdge(dut.clk)
        self._pins["rst"].set(0)
        for _ in range(2):
            await self.step()

    async def configure(self) -> None:
        """Write the tables over the bus, and check what the remap memory was told."""
        for write in config_writes(self._image):
            self._bus.write(write)
            await self.step()
        self._bus.idle()
        await self.step()
        if self._remap.words != remap_words(self._image).tolist():
            self._find("the remap memory was not written as told (RMP-1)")

    async def run(self, cycles: int) -> None:
        """Random traffic from all sides, then calm until everything has left."""
        self._hold, self._around.sending = 0, True
        self._pins["hold"].set(0)
        for _ in range(cycles):
            await self.step()
        self._around.sending, self._around.mood = False, Mood(send=0.9, accept=0.9)
        for _ in range(DRAIN):
            await self.step()
        if self.model.inside or not self._quiet:
            self._find(f"{self.model.inside} flits never left, quiet is {self._quiet} (CFG-2)")

    async def finish(self) -> list[str]:
        """Read the status over the bus and return everything that was found wrong."""
        status = await self._status()
        model = self.model
        counted = {
            "moved": (status[Status.MOVED : Status.MOVED + 5], model.moved),
            "refused": (status[Status.REFUSED], model.refused),
            "core_refused": (self._refused, model.refused),
            "offenders": (status[Status.OFFENDERS], model.offenders),
        }
        for name, (seen, expected) in counted.items():
            if seen != expected:
                self._find(f"{name} is {seen}, expected {expected} (CFG-4)")
        lists = [link.findings for link in self.links.values()]
        lists += [stream.findings for stream in self.streams.values()]
        return sum([*lists, model.findings], self._findings)

    async def _status(self) -> list[int]:
        y, x = divmod(self.tile, self._spec.width)
        self._data = []
        for index in range(self._spec.table_size(Table.STATUS)):
            self._bus.read(self.cycle, Table.STATUS, index, x, y)
            await self.step()
        self._bus.idle()
        await self.step()
        return self._data

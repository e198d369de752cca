"""Drive a whole fabric on Amaranth's simulator: reset, configuration bus, core ports."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from amaranth import ClockDomain, Module
from amaranth.sim import Simulator

from model.spec import PORT_DX, PORT_DY, FabricSpec, Port, Status, Table
from rtl.bugs import Bug
from rtl.fabric import Fabric
from tests.rtl.words import pack, route, unpack


@dataclass
class Flit:
    """A flit that a core received, and the cycle in which it moved."""

    cycle: int
    tile: int
    src: int
    vc: int
    last: int
    payload: int


@dataclass
class FabricBench:
    """A healthy fabric with XY routes, all turns legal but U-turns, identity = tile id."""

    spec: FabricSpec
    bug: Bug | None = None
    cycle: int = 0
    received: list[Flit] = field(default_factory=list)
    refused: list[tuple[int, int]] = field(default_factory=list)
    stalled: Callable[[int, int], bool] = lambda tile, cycle: False
    sim: Any = None

    def run(self, body: Callable[[FabricBench], Awaitable[None]]) -> None:
        """Simulate ``body``, which is handed this bench."""
        m = Module()
        m.domains.sync = domain = ClockDomain()
        m.submodules.fabric = self.fabric = Fabric(self.spec, bug=self.bug)
        self.rst = domain.rst
        sim = Simulator(m)
        sim.add_clock(1e-9)

        async def testbench(ctx: Any) -> None:
            self.sim = ctx
            await body(self)

        sim.add_testbench(testbench)
        sim.run()

    async def step(self, cycles: int = 1) -> None:
        """End the current cycle after noting what happens in it."""
        for _ in range(cycles):
            self._observe()
            await self.sim.tick()
            self.cycle += 1
            self._stall()

    def _stall(self) -> None:
        mask = sum(1 << t for t in range(self.spec.tiles) if not self.stalled(t, self.cycle))
        self.sim.set(self.fabric.core_out_ready, mask)

    def _observe(self) -> None:
        get, fabric = self.sim.get, self.fabric
        valid = get(fabric.core_out_valid) & get(fabric.core_out_ready)
        payload, refused = get(fabric.core_out_payload), get(fabric.core_refused)
        fields = self.spec.core_out_fields
        width = sum(w for _, w in fields)
        for t in range(self.spec.tiles):
            if valid >> t & 1:
                word = unpack(fields, payload >> t * width & (1 << width) - 1)
                self.received.append(Flit(cycle=self.cycle, tile=t, **word))
            if refused >> t & 1:
                self.refused.append((self.cycle, t))

    async def start(self, core_ok: int = -1, dead_links: Sequence[tuple[int, Port]] = ()) -> None:
        """Strap, reset and load the fabric, and let cycle 0 begin."""
        n = self.spec.tiles
        out_ok = 0
        for t in range(n):
            for port in Port.NORTH, Port.EAST, Port.SOUTH, Port.WEST:
                alive = self.neighbour(t, port) is not None and (t, port) not in dead_links
                out_ok |= alive << 4 * t + port
        in_ok = 0
        for t in range(n):
            for port in Port.NORTH, Port.EAST, Port.SOUTH, Port.WEST:
                sender = self.neighbour(t, port)
                if sender is not None:
                    in_ok |= (out_ok >> 4 * sender + port.opposite & 1) << 4 * t + port
        everything = (1 << n) - 1
        self.set(tile_ok=everything, core_ok=core_ok & everything, in_ok=in_ok, out_ok=out_ok)
        self.set(core_out_ready=everything, hold=1)
        await self.reset()
        await self.step(2)
        await self.load()
        await self.go()

    def neighbour(self, tile: int, port: Port) -> int | None:
        """Tile behind a port, or None at the edge."""
        x, y = tile % self.spec.width + PORT_DX[port], tile // self.spec.width + PORT_DY[port]
        inside = 0 <= x < self.spec.width and 0 <= y < self.spec.height
        return y * self.spec.width + x if inside else None

    def set(self, **inputs: int) -> None:
        """Drive inputs of the fabric."""
        for name, value in inputs.items():
            self.sim.set(getattr(self.fabric, name), value)

    async def reset(self) -> None:
        """One cycle of reset."""
        self.sim.set(self.rst, 1)
        await self.step()
        self.sim.set(self.rst, 0)

    async def load(self) -> None:
        """Write the tables of :func:`healthy_words`."""
        for table, index, word, tile in healthy_words(self.spec):
            await self.write(table, index, word, tile)

    async def go(self) -> None:
        """Release ``hold``; cycle 0 is the next one."""
        self.set(hold=0)
        self.cycle = 0
        self.received.clear()
        self.refused.clear()
        self._stall()

    async def hold(self) -> None:
        """Raise ``hold`` and wait until the fabric is idle."""
        self.set(hold=1)
        for _ in range(20):
            await self.step()
            if self.sim.get(self.fabric.idle):
                return
        raise AssertionError("CFG-2: the fabric does not become idle")

    def _address(self, table: int, index: int, tile: int | None, **more: int) -> None:
        cfg = self.fabric.cfg
        x, y = (0, 0) if tile is None else (tile % self.spec.width, tile // self.spec.width)
        values = {"valid": 1, "any_x": tile is None, "any_y": tile is None, "x": x, "y": y}
        for name, value in (values | more | {"table": table, "index": index}).items():
            self.sim.set(getattr(cfg, name), int(value))

    async def write(self, table: int, index: int, word: int, tile: int | None = None) -> None:
        """One write on the bus, to one tile or to all."""
        self._address(table, index, tile, write=1, wdata=word)
        await self.step()
        self.sim.set(self.fabric.cfg.valid, 0)

    async def read(self, table: int, index: int, tile: int | None = None) -> int:
        """One read on the bus; takes two cycles."""
        self._address(table, index, tile, write=0)
        await self.step()
        self.sim.set(self.fabric.cfg.valid, 0)
        await self.step()
        assert self.sim.get(self.fabric.cfg_rvalid), "CFG-1: read data come in t + 2"
        word: int = self.sim.get(self.fabric.cfg.rdata)
        return word

    async def status(self, word: Status, tile: int, port: int = 0) -> dict[str, int]:
        """Fields of a status word."""
        value = await self.read(Table.STATUS, word + port, tile)
        return unpack(self.spec.status_fields(word), value)

    async def offer(self, tile: int, dst: int, last: int = 1, payload: int = 0) -> int:
        """Present a flit until it is taken; returns the cycle in which it moved."""
        fields = self.spec.core_in_fields
        width = sum(w for _, w in fields)
        word = pack(fields, dst=dst, last=last, payload=payload)
        self.set(core_in_valid=1 << tile, core_in_payload=word << tile * width)
        while not self.sim.get(self.fabric.core_in_ready) >> tile & 1:
            await self.step()
        moved = self.cycle
        await self.step()
        self.set(core_in_valid=0)
        return moved

    async def send(self, tile: int, dst: int, length: int = 1, gap: int = 0) -> int:
        """Send a packet; payload k is dst * 16 + k. Returns the first flit's cycle."""
        first = await self.offer(tile, dst, int(length == 1), dst * 16)
        for k in range(1, length):
            await self.step(gap)
            await self.offer(tile, 0, int(k == length - 1), dst * 16 + k)
        return first


def healthy_words(spec: FabricSpec) -> Iterator[tuple[Table, int, int, int | None]]:
    """XY routes, all turns legal, identity = tile id, remap = identity, VC = id mod vcs.

    Yields (table, index, word, tile), with tile None for a write to all.
    """
    for t in range(spec.tiles):
        x, y = t % spec.width, t // spec.width
        entries = [
            (Port.EAST, {"x_lo": x + 1}, x + 1 < spec.width),
            (Port.WEST, {"x_hi": x - 1}, x > 0),
            (Port.SOUTH, {"y_lo": y + 1}, y + 1 < spec.height),
            (Port.NORTH, {"y_hi": y - 1}, y > 0),
        ]
        for k, (port, limits, exists) in enumerate(entries):
            if exists:
                yield Table.ROUTE, k, route(spec, port, **limits), t
        yield Table.IDENTITY, 0, pack(spec.table_fields(Table.IDENTITY), valid=1, id=t), t
        place = pack(spec.table_fields(Table.REMAP), mapped=1, x=x, y=y, vc=t % spec.vcs)
        yield Table.REMAP, t, place, None
    for k in range(5 * spec.vcs):
        yield Table.TURN, k, 31, None

"""Remap memory: where a logical id lives (RMP-1)."""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from model.spec import FabricSpec
from rtl.layouts import place_layout
from rtl.place import name_ports


class RemapMemory(wiring.Component):
    """``spec.tiles`` words; beside the tile netlist, so that a simulator may share one.

    Members
    -------
    addr : In(id_width)
        Logical id.
    data : Out(place_layout(spec))
        Its word; one that says unmapped when ``addr`` is beyond the memory.
    we : In(1)
    waddr : In(id_width)
    wdata : In(place_layout(spec))
        Written at the end of a cycle in which ``we`` is high; ``waddr`` must exist.

    Timing
    ------
    Synchronous read: ``data`` belongs to the ``addr`` of the cycle before. Not reset.
    """

    module = "remap"

    addr: Any
    data: Any
    we: Any
    waddr: Any
    wdata: Any

    def __init__(self, spec: FabricSpec):
        self._tiles = spec.tiles
        word = place_layout(spec)
        super().__init__(
            {
                "addr": In(spec.id_width),
                "data": Out(word),
                "we": In(1),
                "waddr": In(spec.id_width),
                "wdata": In(word),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        depth = max(2, self._tiles)
        m.submodules.words = words = memory.Memory(shape=self.data.shape(), depth=depth, init=[])
        read, write = words.read_port(), words.write_port()
        name_ports(read, "read_")
        name_ports(write, "write_")
        exists = Signal()
        m.d.sync += exists.eq(self.addr < self._tiles)
        m.d.comb += [
            read.addr.eq(self.addr),
            self.data.eq(Mux(exists, read.data, 0)),
            write.en.eq(self.we),
            write.addr.eq(self.waddr),
            write.data.eq(self.wdata),
        ]
        return m

"""Slave of the configuration bus in one tile (CFG-1, CFG-2)."""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from model.spec import FabricSpec, Table
from rtl.bugs import Bug
from rtl.layouts import cfg_signature, place_layout, point_layout, table_signature

TABLES = (Table.ROUTE, Table.TURN, Table.RULE, Table.IDENTITY)
"""Tables inside the tile that can be written."""


class ConfigBus(wiring.Component):
    """Decode the bus, guard writes, collect read data.

    Parameters
    ----------
    spec : FabricSpec
    bug : Bug, optional
        ``WRITE_WHILE_BUSY``.

    Members
    -------
    bus : In(cfg_signature(spec))
    here : In(point_layout(spec))
    hold, idle : In(1)
    route, turn, rule, identity : Out(table_signature(spec, …))
    status : In(cfg_data_width)
        Word of the status table at ``bus.index``, in the same cycle.
    remap_read : Out(1)
        ``remap_addr`` is wanted at the remap memory.
    remap_addr : Out(id_width)
    remap_data : In(place_layout(spec))
        One cycle later.
    remap_we, remap_waddr, remap_wdata : Out
        Write port of the remap memory.
    refused : Out(1)
        A write to this tile does not happen (sets the sticky flag).

    Timing
    ------
    ``bus.rdata`` belongs to the read of the cycle before, 0 when there was none.
    """

    module = "config_bus"

    bus: Any
    here: Any
    hold: Any
    idle: Any
    status: Any
    remap_addr: Any
    remap_data: Any
    remap_we: Any
    remap_waddr: Any
    remap_wdata: Any
    refused: Any

    def __init__(self, spec: FabricSpec, *, bug: Bug | None = None):
        self._spec, self._bug = spec, bug
        ports = {table.name.lower(): Out(table_signature(spec, table)) for table in TABLES}
        super().__init__(
            {
                "bus": In(cfg_signature(spec)),
                "here": In(point_layout(spec)),
                "hold": In(1),
                "idle": In(1),
                **ports,
                "status": In(spec.cfg_data_width),
                "remap_addr": Out(spec.id_width),
                "remap_data": In(place_layout(spec)),
                "remap_we": Out(1),
                "remap_waddr": Out(spec.id_width),
                "remap_wdata": Out(place_layout(spec)),
                "refused": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bus, spec = self.bus, self._spec
        addressed = Signal()
        read = Signal()
        write = Signal()
        opened = Signal()
        done = Signal()
        m.d.comb += [
            addressed.eq(
                bus.valid
                & (bus.any_x | (bus.x == self.here.x))
                & (bus.any_y | (bus.y == self.here.y))
            ),
            read.eq(addressed & ~bus.write),
            write.eq(addressed & bus.write & (opened | (self._bug is Bug.WRITE_WHILE_BUSY))),
            opened.eq(self.hold & self.idle),
            self.refused.eq(addressed & bus.write & ~done),
        ]

        def selects(table: Table) -> Any:
            """The bus names an existing word of ``table``."""
            return (bus.table == table.value) & (bus.index < spec.table_size(table))

        word: Any = Mux(selects(Table.STATUS), self.status, 0)
        happened: Any = self.remap_we
        for table in TABLES:
            port = getattr(self, table.name.lower())
            m.d.comb += [
                port.index.eq(bus.index),
                port.wdata.as_value().eq(bus.wdata),
                port.write.eq(write & selects(table)),
            ]
            word = Mux(selects(table), port.rdata.as_value(), word)
            happened = happened | port.write
        rdata = Signal(spec.cfg_data_width)
        remap_read = Signal()
        remap_answers = Signal()
        m.d.comb += [
            done.eq(happened),
            remap_read.eq(read & opened & selects(Table.REMAP)),
            # 0 in every other cycle, so that the network interface can use the memory.
            self.remap_addr.eq(Mux(remap_read, bus.index, 0)),
            self.remap_we.eq(write & selects(Table.REMAP)),
            self.remap_waddr.eq(bus.index),
            self.remap_wdata.as_value().eq(bus.wdata),
            bus.rdata.eq(rdata | Mux(remap_answers, self.remap_data, 0)),
        ]
        m.d.sync += [rdata.eq(Mux(read, word, 0)), remap_answers.eq(remap_read)]
        return m

"""Turn mask of one tile: the turns that its router may execute (TBL-2)."""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from model.spec import FabricSpec, Table
from rtl.layouts import INPUTS, input_vcs, table_signature


class TurnMask(wiring.Component):
    """One bit per (input, output, VC); all 0 after reset.

    Members
    -------
    table : In(table_signature(spec, Table.TURN))
        Word vc * 5 + input holds the bits of the outputs.
    turns : Out(5).array(5 * vcs)
        Bit o of element vc * 5 + input: that input VC may turn to output o.

    Timing
    ------
    Registers; a write counts from the next cycle on.
    """

    module = "turn_mask"

    table: Any
    turns: Any

    def __init__(self, spec: FabricSpec):
        self._input_vcs = input_vcs(spec)
        super().__init__(
            {
                "table": In(table_signature(spec, Table.TURN)),
                "turns": Out(INPUTS).array(len(self._input_vcs)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        read: Any = 0
        for k, (i, v) in enumerate(self._input_vcs):
            word = Signal(INPUTS, name=f"turns_in{i}_vc{v}")
            here = self.table.index == k
            with m.If(self.table.write & here):
                m.d.sync += word.eq(self.table.wdata.outputs)
            m.d.comb += self.turns[k].eq(word)
            read = Mux(here, word, read)
        m.d.comb += self.table.rdata.outputs.eq(read)
        return m

"""Fuses of one tile: which of its parts, and of its neighbours' links, may be used (FUS-1)."""

from __future__ import annotations

from typing import Any

from amaranth import Module, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from model.spec import FabricSpec
from rtl.layouts import fuse_layout


class Fuses(wiring.Component):
    """Registers that follow the strap pins while reset is high, and keep them afterwards.

    Members
    -------
    straps : In(fuse_layout(spec))
    sampled : Out(fuse_layout(spec))

    Timing
    ------
    ``sampled`` shows the pins of the last cycle in which reset was high.
    """

    module = "fuses"

    straps: Any
    sampled: Any

    def __init__(self, spec: FabricSpec):
        fuses = fuse_layout(spec)
        super().__init__({"straps": In(fuses), "sampled": Out(fuses)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        kept = Signal(self.straps.shape(), reset_less=True)
        with m.If(ResetSignal()):
            m.d.sync += kept.eq(self.straps)
        m.d.comb += self.sampled.eq(kept)
        return m

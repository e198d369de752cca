"""Counters and flags of one tile (CFG-4)."""

from __future__ import annotations

from typing import Any

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from model.spec import FabricSpec, Status
from rtl.bugs import Bug
from rtl.layouts import INPUTS, fuse_layout, offender_layout, point_layout


class StatusTable(wiring.Component):
    """Everything a tile counts and remembers until reset.

    Vectors with 5 * vcs bits have bit vc * 5 + input.

    Parameters
    ----------
    spec : FabricSpec
    bug : Bug, optional
        ``WATCHDOG_LATE``.

    Members
    -------
    moved : In(5)
    filled, left, offends : In(5 * vcs)
    offender : In(offender_layout(spec))
        As the router's outputs of these names.
    refused_packet, refused_write : In(1)
    fuses : In(fuse_layout(spec))
    here : In(point_layout(spec))
    index : In(4)
        Word to read.
    word : Out(cfg_data_width)
        That word, in the same cycle; the layout is ``spec.status_fields``.

    Timing
    ------
    Counters have 32 bits, wrap, and update at the edge that ends the cycle of the event.
    """

    module = "status_table"

    moved: Any
    filled: Any
    left: Any
    offends: Any
    offender: Any
    refused_packet: Any
    refused_write: Any
    fuses: Any
    here: Any
    index: Any
    word: Any

    def __init__(self, spec: FabricSpec, *, bug: Bug | None = None):
        self._spec, self._bug = spec, bug
        bits = INPUTS * spec.vcs
        super().__init__(
            {
                "moved": In(INPUTS),
                "filled": In(bits),
                "left": In(bits),
                "offends": In(bits),
                "offender": In(offender_layout(spec)),
                "refused_packet": In(1),
                "refused_write": In(1),
                "fuses": In(fuse_layout(spec)),
                "here": In(point_layout(spec)),
                "index": In(4),
                "word": Out(spec.cfg_data_width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()

        def counter(name: str, amount: Any) -> Signal:
            count = Signal(32, name=name)
            m.d.sync += count.eq(count + amount)
            return count

        offended = self.offends.any()
        first_offender = Signal(offender_layout(self._spec))
        with m.If(offended & ~first_offender.valid):
            m.d.sync += first_offender.eq(self.offender)
        refused_write = Signal()
        with m.If(self.refused_write):
            m.d.sync += refused_write.eq(1)

        words: dict[int, Any] = {
            Status.REFUSED: counter("refused", self.refused_packet),
            Status.OFFENDERS: counter("offenders", sum(iter(self.offends), start=0)),
            Status.FIRST_OFFENDER: first_offender.as_value(),
            Status.FLAGS: Cat(self._watchdog(m), refused_write),
            Status.FUSES: self.fuses.as_value(),
            Status.POSITION: self.here.as_value(),
        }
        for k in range(INPUTS):
            any_filled = self.filled[k::INPUTS].any()
            any_left = self.left[k::INPUTS].any()
            words[Status.MOVED + k] = counter(f"moved{k}", self.moved[k])
            words[Status.STALLED + k] = counter(f"stalled{k}", any_filled & ~any_left)
        word: Any = 0
        for index, value in words.items():
            word = Mux(self.index == index, value, word)
        m.d.comb += self.word.eq(word)
        return m

    def _watchdog(self, m: Module) -> Signal:
        """Sticky flag: some front flit did not move for ``spec.watchdog`` cycles in a row."""
        limit = self._spec.watchdog - (0 if self._bug is Bug.WATCHDOG_LATE else 1)
        waiting = Signal.like(self.filled, name="waiting")
        m.d.comb += waiting.eq(self.filled & ~self.left)
        barked = Signal()
        barks = []
        for k in range(len(self.filled)):
            waited = Signal(range(limit + 1), name=f"waited{k}")
            with m.If(~waiting[k]):
                m.d.sync += waited.eq(0)
            with m.Elif(waited != limit):
                m.d.sync += waited.eq(waited + 1)
            barks.append(waiting[k] & (waited == limit))
        with m.If(Cat(barks).any()):
            m.d.sync += barked.eq(1)
        return barked

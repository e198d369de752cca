"""Network interface between a core and its router (NI-1 … NI-3)."""

from __future__ import annotations

from typing import Any

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from model.spec import VC_RULES, FabricSpec, Table
from rtl.buffer import Buffer
from rtl.bugs import Bug
from rtl.layouts import (
    layout,
    link_signature,
    place_layout,
    table_layout,
    table_signature,
)
from rtl.place import place
from rtl.table import add_table, inside


class NetworkInput(wiring.Component):
    """From the core into the router: remap, VC rules, refusal (NI-1, NI-2).

    Parameters
    ----------
    spec : FabricSpec
    bug : Bug, optional
        ``REMAP_VC_IGNORED``, ``BODY_LOOKUP``, ``SOURCE_FROM_PAYLOAD`` or ``HOLD_IGNORED``.

    Members
    -------
    core : In(stream.Signature(layout(spec.core_in_fields)))
    link : Out(link_signature(spec))
        To the router's LOCAL input.
    core_ok, hold : In(1)
    remap_addr : Out(id_width)
        ``dst`` in the acceptance cycle of a first flit, 0 in any other, so that whatever a dead
        core drives goes nowhere (FUS-4).
    remap_data : In(place_layout(spec))
        Answer of the remap memory, one cycle later.
    rules, identity : In(table_signature(spec, …))
    refused : Out(1)
        The first flit of a packet to an unmapped destination is consumed.
    quiet : Out(1)
        No flit is queued and no packet is begun; registers only.

    Timing
    ------
    A first flit accepted in cycle t can be on ``link`` in t + 1.
    """

    module = "network_input"

    core: Any
    link: Any
    core_ok: Any
    hold: Any
    remap_addr: Any
    remap_data: Any
    rules: Any
    identity: Any
    refused: Any
    quiet: Any

    def __init__(self, spec: FabricSpec, *, bug: Bug | None = None):
        self._spec, self._bug = spec, bug
        super().__init__(
            {
                "core": In(stream.Signature(layout(spec.core_in_fields))),
                "link": Out(link_signature(spec)),
                "core_ok": In(1),
                "hold": In(1),
                "remap_addr": Out(spec.id_width),
                "remap_data": In(place_layout(spec)),
                "rules": In(table_signature(spec, Table.RULE)),
                "identity": In(table_signature(spec, Table.IDENTITY)),
                "refused": Out(1),
                "quiet": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        queue = self._queue(m, platform)
        identity = Signal(table_layout(self._spec, Table.IDENTITY))
        begun = Signal()
        accept = Signal()
        asks = Signal()
        open_to_first = Const(1) if self._bug is Bug.HOLD_IGNORED else begun | ~self.hold
        m.d.comb += [
            self.core.ready.eq(queue.i.ready & identity.valid & self.core_ok & open_to_first),
            accept.eq(self.core.valid & self.core.ready),
            asks.eq(accept if self._bug is Bug.BODY_LOOKUP else accept & ~begun),
            queue.i.valid.eq(accept),
            queue.i.payload.first.eq(~begun),
            queue.i.payload.last.eq(self.core.payload.last),
            queue.i.payload.payload.eq(self.core.payload.payload),
            self.remap_addr.eq(Mux(asks, self.core.payload.dst, 0)),
            self.identity.rdata.eq(identity),
            self.quiet.eq(~(queue.o.valid | begun)),
        ]
        with m.If(accept):
            m.d.sync += begun.eq(~self.core.payload.last)
        with m.If(self.identity.write):
            m.d.sync += identity.eq(self.identity.wdata)
        self._send(m, queue, self._place(m, queue, asks), identity)
        return m

    def _queue(self, m: Module, platform: object) -> Buffer:
        """Two flits; a dst is not kept, it went to the remap memory."""
        flit = data.StructLayout({"first": 1, "last": 1, "payload": self._spec.payload_width})
        queue: Buffer = place(m, platform, "queue", Buffer(flit, 2, module="core_in_queue"))
        return queue

    def _place(self, m: Module, queue: Buffer, asks: Signal) -> Any:
        """Destination and VC of the packet at the queue's front.

        The queue can hold flits of two packets: the tail of one and the first flit of the next.
        ``newest`` belongs to the packet accepted last, ``older`` to the one before it.
        """
        shape = self.remap_data.shape()
        answer = Signal(shape)
        kept = Signal(shape)
        older = Signal(shape)
        newest = Signal(shape)
        place = Signal(shape)
        fresh = Signal()
        two_packets = Signal()
        vc: Any = Const(0) if self._bug is Bug.REMAP_VC_IGNORED else self.remap_data.vc
        for valid, rule in reversed(add_table(m, self.rules, VC_RULES)):
            vc = Mux(valid & inside(rule, self.remap_data), rule.vc, vc)
        m.d.comb += [
            answer.eq(self.remap_data),
            answer.vc.eq(vc),
            newest.eq(Mux(fresh, answer, kept)),
            place.eq(Mux(two_packets, older, newest)),
        ]
        m.d.sync += fresh.eq(asks)
        with m.If(fresh):
            m.d.sync += kept.eq(answer)
        with m.If(asks):
            m.d.sync += [older.eq(newest), two_packets.eq(queue.o.valid & ~queue.o.ready)]
        with m.Elif(queue.o.ready):
            m.d.sync += two_packets.eq(0)
        return place

    def _send(self, m: Module, queue: Buffer, place: Any, identity: Any) -> None:
        """Hand the front flit to the router, or consume it when its destination is unmapped."""
        refuse = Signal()
        send = Signal()
        space = Signal()
        front = queue.o.payload
        vc = place.vc if self._spec.vcs > 1 else Const(0, 1)
        source = front.payload if self._bug is Bug.SOURCE_FROM_PAYLOAD else identity.id
        m.d.comb += [
            space.eq((self.link.ready & (1 << vc)).any()),
            refuse.eq(queue.o.valid & ~place.mapped),
            send.eq(queue.o.valid & place.mapped & space),
            queue.o.ready.eq(refuse | send),
            self.refused.eq(refuse & front.first),
            self.link.valid.eq(send),
            self.link.vc.eq(vc),
            self.link.flit.dst_x.eq(place.x),
            self.link.flit.dst_y.eq(place.y),
            self.link.flit.src.eq(source),
            self.link.flit.last.eq(front.last),
            self.link.flit.payload.eq(front.payload),
        ]


class NetworkOutput(wiring.Component):
    """From the router to the core: one two-entry queue for all VCs (NI-3).

    Parameters
    ----------
    spec : FabricSpec
    bug : Bug, optional
        ``IMPATIENT``.

    Members
    -------
    link : In(link_signature(spec))
        From the router's LOCAL output; all bits of ``ready`` are the same.
    core : Out(stream.Signature(layout(spec.core_out_fields)))
    quiet : Out(1)
        The queue is empty.

    Timing
    ------
    A flit that enters at a clock edge is offered to the core in the next cycle.
    """

    module = "network_output"

    link: Any
    core: Any
    quiet: Any

    def __init__(self, spec: FabricSpec, *, bug: Bug | None = None):
        self._spec, self._bug = spec, bug
        super().__init__(
            {
                "link": In(link_signature(spec)),
                "core": Out(stream.Signature(layout(spec.core_out_fields))),
                "quiet": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        word = layout(self._spec.core_out_fields)
        queue = place(m, platform, "queue", Buffer(word, 2, module="core_out_queue"))
        flit = self.link.flit
        leaves = self.core.ready
        if self._bug is Bug.IMPATIENT:
            refusals = Signal(range(33))
            m.d.sync += refusals.eq(Mux(queue.o.valid & ~leaves, refusals + 1, 0))
            leaves = leaves | (refusals == 32)
        m.d.comb += [
            queue.i.valid.eq(self.link.valid),
            queue.i.payload.as_value().eq(Cat(flit.src, self.link.vc, flit.last, flit.payload)),
            self.link.ready.eq(queue.i.ready.replicate(self._spec.vcs)),
            self.core.valid.eq(queue.o.valid),
            self.core.payload.eq(queue.o.payload),
            queue.o.ready.eq(leaves),
            self.quiet.eq(~queue.o.valid),
        ]
        return m

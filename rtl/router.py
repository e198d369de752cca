"""The five-port switch: input buffers, route lookup, sinks, arbiters and crossbar."""

from __future__ import annotations

from typing import Any

from amaranth import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from model.spec import FabricSpec, Port, Table
from rtl.arbiter import Arbiter
from rtl.buffer import Buffer
from rtl.bugs import Bug
from rtl.layouts import (
    INPUTS,
    flit_layout,
    fuse_layout,
    input_vcs,
    link_signature,
    offender_layout,
    point_layout,
    table_signature,
    union,
)
from rtl.place import place
from rtl.route_table import RouteTable
from rtl.turn_mask import TurnMask


class Router(wiring.Component):
    """Router of one tile (RTR-1 … RTR-7, TBL-3).

    Vectors with 5 * vcs bits have bit vc * 5 + input.

    Parameters
    ----------
    spec : FabricSpec
    bug : Bug, optional
        One of its own (``SINGLE_AFTER_TAIL``, ``ONE_WAY_LINK``, ``CORE_GATES_ROUTER``,
        ``TURN_IGNORED``, ``SINK_FORGETS``, ``OFFENDER_PER_FLIT``, ``BABBLE_ENTERS``,
        ``EARLY_QUIET``) or of its parts.

    Members
    -------
    north_in, east_in, south_in, west_in, local_in : In(link_signature(spec))
    north_out, east_out, south_out, west_out, local_out : Out(link_signature(spec))
    here : In(point_layout(spec))
        Position of the tile.
    fuses : In(fuse_layout(spec))
    routes, turns : In(table_signature(spec, …))
    moved : Out(5)
        Bit o: a flit leaves through output o.
    filled, left, offends : Out(5 * vcs)
        The buffer is not empty; its front flit moves or sinks; that flit is an offender's first.
    offender : Out(offender_layout(spec))
        The offender of this cycle at the lowest port, then lowest VC (TBL-3).
    quiet : Out(1)
        Nothing is buffered, owned or being sunk (CFG-2); registers only.

    Timing
    ------
    A flit that enters at a clock edge can leave in the next cycle. ``valid`` of an output depends
    on registers and its own ``ready``; ``ready`` of an input on registers only (LNK-1).
    """

    module = "router"

    here: Any
    fuses: Any
    routes: Any
    turns: Any
    moved: Any
    filled: Any
    left: Any
    offends: Any
    offender: Any
    quiet: Any

    def __init__(self, spec: FabricSpec, *, bug: Bug | None = None):
        self._spec, self._bug = spec, bug
        link, bits = link_signature(spec), INPUTS * spec.vcs
        super().__init__(
            {f"{port.name.lower()}_in": In(link) for port in Port}
            | {f"{port.name.lower()}_out": Out(link) for port in Port}
            | {
                "here": In(point_layout(spec)),
                "fuses": In(fuse_layout(spec)),
                "routes": In(table_signature(spec, Table.ROUTE)),
                "turns": In(table_signature(spec, Table.TURN)),
                "moved": Out(INPUTS),
                "filled": Out(bits),
                "left": Out(bits),
                "offends": Out(bits),
                "offender": Out(offender_layout(spec)),
                "quiet": Out(1),
            }
        )

    def link_in(self, port: Port) -> Any:
        """The link that arrives at ``port``."""
        return getattr(self, f"{port.name.lower()}_in")

    def link_out(self, port: Port) -> Any:
        """The link that leaves through ``port``."""
        return getattr(self, f"{port.name.lower()}_out")

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bits = INPUTS * self._spec.vcs
        lasts = Signal(bits)
        opened = Signal(bits)
        sinking = Signal(bits)
        fronts = self._buffers(m, platform, lasts)
        first = Signal(bits)
        offends = Signal(bits)
        lost = Signal(bits) if self._bug is Bug.SINGLE_AFTER_TAIL else Const(0, bits)
        m.d.comb += first.eq(self.filled & ~opened & ~sinking & ~lost)
        wants = self._routes(m, platform, fronts, first, offends)

        grants, owners = [], []
        for port in Port:
            arbiter = place(m, platform, f"arbiter_{port.name.lower()}", self._arbiter())
            link = self.link_out(port)
            ready = link.ready
            if self._bug is Bug.CORE_GATES_ROUTER:
                ready = ready & self.fuses.core_ok.replicate(self._spec.vcs)
            m.d.comb += [
                arbiter.requests.eq(Cat(want[port] for want in wants)),
                arbiter.filled.eq(self.filled),
                arbiter.lasts.eq(lasts),
                arbiter.ready.eq(ready),
                link.valid.eq(arbiter.valid),
                link.vc.eq(arbiter.vc),
                link.flit.eq(self._select(fronts, arbiter)),
                self.moved[port].eq(arbiter.valid),
            ]
            grants.append(arbiter.grants)
            owners.append(arbiter.owners)
        m.d.comb += opened.eq(union(owners))
        granted = union(grants)
        sinks = self._sinks(m, offends, lasts, sinking)
        per_flit = self._bug is Bug.OFFENDER_PER_FLIT
        m.d.comb += [
            self.left.eq(granted | sinks | lost),
            self.offends.eq(sinks if per_flit else offends),
        ]
        if self._bug is Bug.SINGLE_AFTER_TAIL:
            tail_left = Signal(bits)
            m.d.sync += tail_left.eq(granted & lasts)
            m.d.comb += lost.eq(tail_left & self.filled & ~opened & ~sinking & lasts)
        self._report(m, fronts, opened, sinking)
        return m

    def _arbiter(self) -> Arbiter:
        return Arbiter(self._spec, bug=self._bug)

    def _buffers(self, m: Module, platform: object, lasts: Signal) -> list[Any]:
        """One buffer per input VC, behind the input fuses (FUS-2); returns the front flits."""
        fronts = []
        for k, (i, v) in enumerate(input_vcs(self._spec)):
            port = Port(i)
            link = self.link_in(port)
            buffer = Buffer(
                flit_layout(self._spec), self._spec.depth, module="input_buffer", bug=self._bug
            )
            place(m, platform, f"buffer_{port.name.lower()}_vc{v}", buffer)
            trusted = port is Port.LOCAL or self._bug is Bug.BABBLE_ENTERS
            fuse = Const(1) if trusted else self.fuses.in_ok[i]
            same_vc = link.vc == v if self._spec.vcs > 1 else Const(1)
            m.d.comb += [
                buffer.i.valid.eq(fuse & link.valid & same_vc),
                buffer.i.payload.eq(link.flit),
                link.ready[v].eq(buffer.i.ready),
                buffer.o.ready.eq(self.left[k]),
                self.filled[k].eq(buffer.o.valid),
                lasts[k].eq(buffer.o.payload.last),
            ]
            fronts.append(buffer.o.payload)
        return fronts

    def _routes(
        self, m: Module, platform: object, fronts: list[Any], first: Signal, offends: Signal
    ) -> list[Signal]:
        """Outputs that first flits want, one-hot, 0 for an offender (RTR-7)."""
        table = place(m, platform, "route_table", RouteTable(self._spec, bug=self._bug))
        mask = place(m, platform, "turn_mask", TurnMask(self._spec))
        for mine, theirs in ((self.routes, table.table), (self.turns, mask.table)):
            wiring.connect(m, wiring.flipped(mine), theirs)
        out_ok = self.fuses.in_ok if self._bug is Bug.ONE_WAY_LINK else self.fuses.out_ok
        usable = Cat(out_ok, self.fuses.core_ok)
        wants = []
        for k, (i, v) in enumerate(input_vcs(self._spec)):
            dst = fronts[k]
            want = Signal(INPUTS, name=f"want_in{i}_vc{v}")
            here = (dst.dst_x == self.here.x) & (dst.dst_y == self.here.y)
            to = Mux(here, Port.LOCAL.value, table.lookup[k].to)
            legal = usable if self._bug is Bug.TURN_IGNORED else usable & mask.turns[k]
            m.d.comb += [
                table.lookup[k].dst.x.eq(dst.dst_x),
                table.lookup[k].dst.y.eq(dst.dst_y),
                want.eq(Mux(first[k], legal & (1 << to), 0)),
                offends[k].eq(first[k] & ~want.any()),
            ]
            wants.append(want)
        return wants

    def _select(self, fronts: list[Any], arbiter: Arbiter) -> Any:
        """Crossbar of one output: the candidate's flit of the chosen VC."""
        flit: Any = None
        for v in reversed(range(self._spec.vcs)):
            ours = range(v * INPUTS, (v + 1) * INPUTS)
            of_vc = fronts[ours[-1]].as_value()
            for k in reversed(ours[:-1]):
                of_vc = Mux(arbiter.candidates[k], fronts[k].as_value(), of_vc)
            flit = of_vc if flit is None else Mux(arbiter.vc == v, of_vc, flit)
        return flit

    def _sinks(self, m: Module, offends: Signal, lasts: Signal, sinking: Signal) -> Signal:
        """Take offenders off the network, each input VC by itself (TBL-3)."""
        sinks = Signal.like(sinking, name="sinks")
        m.d.comb += sinks.eq(offends | (sinking & self.filled))
        kept = Const(0) if self._bug is Bug.SINK_FORGETS else sinking & ~sinks
        m.d.sync += sinking.eq((sinks & ~lasts) | kept)
        return sinks

    def _report(self, m: Module, fronts: list[Any], opened: Signal, sinking: Signal) -> None:
        """First offender of the cycle, and whether the router is quiet."""
        order = sorted(range(len(fronts)), key=lambda k: (k % INPUTS, k // INPUTS), reverse=True)
        offender: Any = Const(0, self.offender.shape().size)
        for k in order:
            front = fronts[k]
            word = Cat(Const(1), front.src, front.dst_x, front.dst_y)
            offender = Mux(self.offends[k], word, offender)
        owned = Const(0) if self._bug is Bug.EARLY_QUIET else opened.any()
        m.d.comb += [
            self.offender.as_value().eq(offender),
            self.quiet.eq(~(self.filled.any() | owned | sinking.any())),
        ]

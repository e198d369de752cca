"""One tile: router, network interface, fuses, tables and status; the netlist of every position."""

from __future__ import annotations

from typing import Any

from amaranth import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from model.spec import FabricSpec, Port
from rtl.bugs import Bug
from rtl.config import ConfigBus
from rtl.fuses import Fuses
from rtl.layouts import MESH_PORTS, cfg_signature, layout, link_signature, place_layout
from rtl.network_interface import NetworkInput, NetworkOutput
from rtl.place import place
from rtl.router import Router
from rtl.status import StatusTable


class Tile(wiring.Component):
    """A tile of the fabric (design.md §3–§7).

    Parameters
    ----------
    spec : FabricSpec
    bug : Bug, optional
        Build one of its parts wrongly.

    Members
    -------
    pos_x, pos_y : In
        Position on the wafer; straps.
    fuse_core_ok, fuse_in_ok, fuse_out_ok : In(1), In(4), In(4)
        Fuses, sampled while reset is high (FUS-1).
    hold, idle : In(1)
        Broadcast from the fabric (CFG-2).
    quiet : Out(1)
        This tile holds nothing; registers only.
    cfg : In(cfg_signature(spec))
        ``cfg.rdata`` answers one cycle after the read, 0 when the tile was not addressed.
    north_in … west_in, north_out … west_out : In and Out(link_signature(spec))
    core_in : In(stream.Signature(layout(spec.core_in_fields)))
    core_out : Out(stream.Signature(layout(spec.core_out_fields)))
    core_refused : Out(1)
        The first flit of a packet to an unmapped destination is consumed (NI-2).
    remap_addr, remap_data, remap_we, remap_waddr, remap_wdata
        Towards the remap memory: :class:`rtl.remap.RemapMemory`'s ports, mirrored.

    Timing
    ------
    No path leads from a link's ``valid`` or flit to any output, nor from a ``ready`` input to a
    ``ready`` output (LNK-1).
    """

    module = "tile"

    pos_x: Any
    pos_y: Any
    fuse_core_ok: Any
    fuse_in_ok: Any
    fuse_out_ok: Any
    hold: Any
    idle: Any
    quiet: Any
    cfg: Any
    core_in: Any
    core_out: Any
    core_refused: Any
    remap_addr: Any
    remap_data: Any
    remap_we: Any
    remap_waddr: Any
    remap_wdata: Any

    def __init__(self, spec: FabricSpec, *, bug: Bug | None = None):
        self._spec, self._bug = spec, bug
        link, word = link_signature(spec), place_layout(spec)
        links: dict[str, Any] = {}
        for port in MESH_PORTS:
            links[f"{port.name.lower()}_in"] = In(link)
            links[f"{port.name.lower()}_out"] = Out(link)
        super().__init__(
            {
                "pos_x": In(spec.x_width),
                "pos_y": In(spec.y_width),
                "fuse_core_ok": In(1),
                "fuse_in_ok": In(4),
                "fuse_out_ok": In(4),
                "hold": In(1),
                "idle": In(1),
                "quiet": Out(1),
                "cfg": In(cfg_signature(spec)),
                **links,
                "core_in": In(stream.Signature(layout(spec.core_in_fields))),
                "core_out": Out(stream.Signature(layout(spec.core_out_fields))),
                "core_refused": Out(1),
                "remap_addr": Out(spec.id_width),
                "remap_data": In(word),
                "remap_we": Out(1),
                "remap_waddr": Out(spec.id_width),
                "remap_wdata": Out(word),
            }
        )

    def link_in(self, port: Port) -> Any:
        """The link that arrives at mesh port ``port``."""
        return getattr(self, f"{port.name.lower()}_in")

    def link_out(self, port: Port) -> Any:
        """The link that leaves through mesh port ``port``."""
        return getattr(self, f"{port.name.lower()}_out")

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec, bug = self._spec, self._bug
        router = place(m, platform, "router", Router(spec, bug=bug))
        ni_in = place(m, platform, "ni_in", NetworkInput(spec, bug=bug))
        ni_out = place(m, platform, "ni_out", NetworkOutput(spec, bug=bug))
        fuses = place(m, platform, "fuses", Fuses(spec))
        config = place(m, platform, "config", ConfigBus(spec, bug=bug))
        status = place(m, platform, "status", StatusTable(spec, bug=bug))

        self._links(m, router, ni_in, ni_out)
        wiring.connect(m, config.route, router.routes)
        wiring.connect(m, config.turn, router.turns)
        wiring.connect(m, config.rule, ni_in.rules)
        wiring.connect(m, config.identity, ni_in.identity)
        wiring.connect(m, wiring.flipped(self.cfg), config.bus)
        for component in (router, config, status):
            m.d.comb += [component.here.x.eq(self.pos_x), component.here.y.eq(self.pos_y)]
        m.d.comb += [
            fuses.straps.core_ok.eq(self.fuse_core_ok),
            fuses.straps.in_ok.eq(self.fuse_in_ok),
            fuses.straps.out_ok.eq(self.fuse_out_ok),
            router.fuses.eq(fuses.sampled),
            ni_in.core_ok.eq(fuses.sampled.core_ok),
            ni_in.hold.eq(self.hold),
            self.quiet.eq(router.quiet & ni_in.quiet & ni_out.quiet),
            self.core_refused.eq(ni_in.refused),
            config.hold.eq(self.hold),
            config.idle.eq(self.idle),
            config.status.eq(status.word),
            # At most one of the two is not 0: no first flit is accepted while idle (CFG-2).
            self.remap_addr.eq(ni_in.remap_addr | config.remap_addr),
            ni_in.remap_data.eq(self.remap_data),
            config.remap_data.eq(self.remap_data),
            self.remap_we.eq(config.remap_we),
            self.remap_waddr.eq(config.remap_waddr),
            self.remap_wdata.eq(config.remap_wdata),
            status.moved.eq(router.moved),
            status.filled.eq(router.filled),
            status.left.eq(router.left),
            status.offends.eq(router.offends),
            status.offender.eq(router.offender),
            status.refused_packet.eq(ni_in.refused),
            status.refused_write.eq(config.refused),
            status.fuses.eq(fuses.sampled),
            status.index.eq(self.cfg.index),
        ]
        return m

    def _links(self, m: Module, router: Router, ni_in: Any, ni_out: Any) -> None:
        """Connect the router to its neighbours and to the network interface."""
        for port in MESH_PORTS:
            wiring.connect(m, wiring.flipped(self.link_in(port)), router.link_in(port))
            wiring.connect(m, router.link_out(port), wiring.flipped(self.link_out(port)))
        wiring.connect(m, ni_in.link, router.link_in(Port.LOCAL))
        wiring.connect(m, router.link_out(Port.LOCAL), ni_out.link)
        wiring.connect(m, wiring.flipped(self.core_in), ni_in.core)
        wiring.connect(m, ni_out.core, wiring.flipped(self.core_out))

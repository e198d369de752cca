"""The whole fabric: a tile and a remap memory at every position, and the links between them."""

from __future__ import annotations

from typing import Any

from amaranth import Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from model.spec import PORT_DX, PORT_DY, FabricSpec, Port, total_width
from rtl.bugs import Bug
from rtl.layouts import MESH_PORTS, cfg_signature
from rtl.place import place
from rtl.remap import RemapMemory
from rtl.tile import Tile


def noise_width(spec: FabricSpec) -> int:
    """Bits of ``noise``: the widest thing that one dead part drives, at least 64."""
    return max(64, total_width(spec.flit_fields), spec.cfg_data_width)


class Fabric(wiring.Component):
    """``spec.width`` x ``spec.height`` tiles (design.md, "Names").

    Parameters
    ----------
    spec : FabricSpec
    defects : bool
        Add ``dead_links``, ``dead_tiles`` and ``noise`` (benches only).
    bug : Bug, optional
        Build the fabric or every tile wrongly.

    Members
    -------
    tile_ok, core_ok : In(n)
    in_ok, out_ok : In(4 * n)
        Straps; bit tile * 4 + port. ``tile_ok`` gates ``quiet`` and read data (FUS-5), the others
        are the tiles' fuses.
    hold : In(1)
    idle : Out(1)
        Register: ``hold`` was high and every tile with ``tile_ok`` was quiet.
    cfg : In(cfg_signature(spec))
    cfg_rvalid : Out(1)
        ``cfg.rdata`` belongs to a read.
    core_in_valid, core_in_payload, core_in_ready : In, In, Out
    core_out_valid, core_out_payload, core_out_ready : Out, Out, In
    core_refused : Out(n)
        Core side of all tiles, packed, tile 0 lowest.
    dead_links : In(4 * n)
        Bit tile * 4 + port of the tile that the link leaves: what the receiver sees of it, and the
        ``ready`` that its sender sees, is noise.
    dead_tiles : In(n)
        All outputs of the tile are noise.
    noise : In(noise_width(spec))
        Rotated by an amount that differs from place to place.

    Timing
    ------
    A read in cycle t answers in t + 2. Everything else is the tile's.
    """

    module = "fabric"

    tile_ok: Any
    core_ok: Any
    in_ok: Any
    out_ok: Any
    hold: Any
    idle: Any
    cfg: Any
    cfg_rvalid: Any
    dead_links: Any
    dead_tiles: Any
    noise: Any

    def __init__(self, spec: FabricSpec, *, defects: bool = False, bug: Bug | None = None):
        self._spec, self._defects, self._bug = spec, defects, bug
        n = spec.tiles
        members = {
            "tile_ok": In(n),
            "core_ok": In(n),
            "in_ok": In(4 * n),
            "out_ok": In(4 * n),
            "hold": In(1),
            "idle": Out(1),
            "cfg": In(cfg_signature(spec)),
            "cfg_rvalid": Out(1),
            "core_in_valid": In(n),
            "core_in_payload": In(n * total_width(spec.core_in_fields)),
            "core_in_ready": Out(n),
            "core_out_valid": Out(n),
            "core_out_payload": Out(n * total_width(spec.core_out_fields)),
            "core_out_ready": In(n),
            "core_refused": Out(n),
        }
        if defects:
            members |= {
                "dead_links": In(4 * n),
                "dead_tiles": In(n),
                "noise": In(noise_width(spec)),
            }
        super().__init__(members)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec = self._spec
        tiles = []
        for t in range(spec.tiles):
            name = f"x{t % spec.width}_y{t // spec.width}"
            tile = place(m, platform, f"tile_{name}", Tile(spec, bug=self._bug))
            remap = place(m, platform, f"remap_{name}", RemapMemory(spec))
            m.d.comb += [
                remap.addr.eq(tile.remap_addr),
                tile.remap_data.eq(remap.data),
                remap.we.eq(tile.remap_we),
                remap.waddr.eq(tile.remap_waddr),
                remap.wdata.eq(tile.remap_wdata),
            ]
            tiles.append(tile)
        for t, tile in enumerate(tiles):
            self._straps(m, t, tile)
            self._core(m, t, tile)
            for port in MESH_PORTS:
                self._link(m, tiles, t, port)
        self._collect(m, tiles)
        return m

    def _straps(self, m: Module, t: int, tile: Tile) -> None:
        """Position, fuses and broadcast wires of one tile."""
        m.d.comb += [
            tile.pos_x.eq(t % self._spec.width),
            tile.pos_y.eq(t // self._spec.width),
            tile.fuse_core_ok.eq(self.core_ok[t]),
            tile.fuse_in_ok.eq(self.in_ok.word_select(t, 4)),
            tile.fuse_out_ok.eq(self.out_ok.word_select(t, 4)),
            tile.hold.eq(self.hold),
            tile.idle.eq(self.idle),
        ]
        for name, member in cfg_signature(self._spec).members.items():
            if member.flow == Out:
                m.d.comb += getattr(tile.cfg, name).eq(getattr(self.cfg, name))

    def _core(self, m: Module, t: int, tile: Tile) -> None:
        """This tile's part of the packed core ports."""
        inputs = {
            "core_in_valid": tile.core_in.valid,
            "core_in_payload": tile.core_in.payload,
            "core_out_ready": tile.core_out.ready,
        }
        outputs = {
            "core_in_ready": tile.core_in.ready,
            "core_out_valid": tile.core_out.valid,
            "core_out_payload": tile.core_out.payload,
            "core_refused": tile.core_refused,
        }
        for name, value in inputs.items():
            wires = Value.cast(value)
            m.d.comb += wires.eq(getattr(self, name).word_select(t, len(wires)))
        for k, (name, value) in enumerate(outputs.items()):
            wires = self._unless(self._dead_tile(t), Value.cast(value), 8 * t + k)
            m.d.comb += getattr(self, name).word_select(t, len(wires)).eq(wires)

    def _link(self, m: Module, tiles: list[Any], t: int, port: Port) -> None:
        """Connect the link that leaves tile ``t`` through ``port``; off the edge there is none."""
        spec = self._spec
        x, y = t % spec.width + PORT_DX[port], t // spec.width + PORT_DY[port]
        if not (0 <= x < spec.width and 0 <= y < spec.height):
            return
        to = y * spec.width + x
        sender, receiver = tiles[t].link_out(port), tiles[to].link_in(port.opposite)
        dead_link = self.dead_links[4 * t + port] if self._defects else None
        place = 8 * t + 2 * port
        forward = _either(dead_link, self._dead_tile(t))
        backward = _either(dead_link, self._dead_tile(to))
        m.d.comb += [
            receiver.valid.eq(self._unless(forward, sender.valid, place)),
            receiver.vc.eq(self._unless(forward, sender.vc, place + 1)),
            receiver.flit.eq(self._unless(forward, sender.flit.as_value(), place + 3)),
            sender.ready.eq(self._unless(backward, receiver.ready, place + 5)),
        ]

    def _dead_tile(self, t: int) -> Any:
        return self.dead_tiles[t] if self._defects else None

    def _unless(self, dead: Any, wires: Value, place: int) -> Any:
        """The wires, or noise when the part that drives them is dead."""
        if dead is None:
            return wires
        rotated = self.noise.rotate_right((7 * place) % len(self.noise))
        return Mux(dead, rotated[: len(wires)], wires)

    def _collect(self, m: Module, tiles: list[Any]) -> None:
        """``idle`` and read data: registers behind the gates of dead positions (FUS-5)."""
        quiet, rdata = Signal(len(tiles)), Signal.like(self.cfg.rdata)
        word: Any = 0
        for t, tile in enumerate(tiles):
            tile_quiet = self._unless(self._dead_tile(t), tile.quiet, 8 * t + 1)
            tile_rdata = self._unless(self._dead_tile(t), tile.cfg.rdata, 8 * t + 3)
            heard = Const(1) if self._bug is Bug.QUIET_UNGATED else self.tile_ok[t]
            read_from = Const(1) if self._bug is Bug.READ_UNGATED else self.tile_ok[t]
            m.d.comb += quiet[t].eq(tile_quiet | ~heard)
            word = word | (tile_rdata & read_from.replicate(len(tile_rdata)))
        read = Signal()
        answered = Signal()
        m.d.sync += [
            self.idle.eq(self.hold & quiet.all()),
            rdata.eq(word),
            read.eq(self.cfg.valid & ~self.cfg.write),
            answered.eq(read),
        ]
        m.d.comb += [self.cfg.rdata.eq(rdata), self.cfg_rvalid.eq(answered)]


def _either(one: Any, other: Any) -> Any:
    return None if one is None else one | other

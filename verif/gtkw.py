"""GTKWave save files: signals grouped per tile and port, with the fields of flits decoded."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, Final

from vcd.gtkw import GTKWColor, GTKWSave

from model.atomic import atomic_open
from model.spec import PORT_DX, PORT_DY, FabricSpec, Fields, Port, total_width
from verif.waves import tile_scope

_PORT_COLOURS: Final = {
    Port.NORTH: GTKWColor.green,
    Port.EAST: GTKWColor.yellow,
    Port.SOUTH: GTKWColor.orange,
    Port.WEST: GTKWColor.indigo,
    Port.LOCAL: GTKWColor.red,
}


class _SaveFile:
    """Groups of one fabric's signals in a GTKWave save file."""

    def __init__(self, out: IO[Any], spec: FabricSpec, top: str) -> None:
        self._save = GTKWSave(out)
        self._spec, self._top = spec, f"{top}." if top else ""

    def begin(self, wave_file: Path, first_ns: int) -> None:
        self._save.dumpfile(str(wave_file))
        self._save.timestart(first_ns)
        self._save.size(1600, 900)
        self._save.signals_width(260)
        self._save.sst_expanded(False)
        self._save.zoom_markers(-5.0, first_ns)

    def common(self) -> None:
        if self._top:
            with self._save.group("fabric"):
                for name in ("clk", "rst", "hold", "idle"):
                    self._save.trace(f"{self._top}{name}")

    def tile(self, tile: int) -> None:
        spec, scope = self._spec, f"{self._top}{tile_scope(self._spec, tile)}"
        x, y = tile % spec.width, tile // spec.width
        with self._save.group(f"tile x{x} y{y}"):
            self._stream(scope, "core_in", "payload", spec.core_in_fields, Port.LOCAL)
            self._stream(scope, "core_out", "payload", spec.core_out_fields, Port.LOCAL)
            for port in (Port.NORTH, Port.EAST, Port.SOUTH, Port.WEST):
                inside = 0 <= x + PORT_DX[port] < spec.width
                if inside and 0 <= y + PORT_DY[port] < spec.height:
                    for way in ("in", "out"):
                        name = f"{port.name.lower()}_{way}"
                        self._stream(scope, name, "flit", spec.flit_fields, port)
            self._save.trace(f"{scope}.core_refused", "refused", GTKWColor.violet)
            self._save.trace(f"{scope}.quiet", "quiet", GTKWColor.violet)

    def _stream(self, scope: str, name: str, word: str, fields: Fields, port: Port) -> None:
        colour, mesh = _PORT_COLOURS[port], port != Port.LOCAL
        with self._save.group(name.replace("_", " "), closed=mesh):
            self._save.trace(f"{scope}.{name}_valid", "valid", colour)
            lanes = f"[{self._spec.vcs - 1}:0]" if mesh and self._spec.vcs > 1 else ""
            self._save.trace(f"{scope}.{name}_ready{lanes}", "ready", colour, datafmt="bin")
            if mesh:
                width = self._spec.vc_width
                lanes = f"[{width - 1}:0]" if width > 1 else ""
                self._save.trace(f"{scope}.{name}_vc{lanes}", "vc", colour, datafmt="dec")
            self._fields(f"{scope}.{name}_{word}", fields)

    def _fields(self, name: str, fields: Fields) -> None:
        """Each field of a word as a vector of its bits; GTKWave counts bits from the left."""
        width = total_width(fields)
        low = 0
        for field, bits in fields:
            picked = " ".join(
                f"({width - 1 - bit}){name}[{width - 1}:0]"
                for bit in range(low + bits - 1, low - 1, -1)
            )
            style = "hex" if field == "payload" else "dec"
            self._save.trace(f"#{{{field}}} {picked}", datafmt=style)
            low += bits


def write_save_file(
    path: Path,
    wave_file: Path,
    spec: FabricSpec,
    tiles: Iterable[int],
    *,
    first_ns: int = 0,
    top: str = "fabric",
) -> None:
    """Write a ``.gtkw`` that groups signals per tile and port, with decoded flit fields.

    Parameters
    ----------
    path : Path
        The save file.
    wave_file : Path
        VCD or FST that it opens.
    spec : FabricSpec
    tiles : iterable of int
        Tile ids in the order to show them.
    first_ns : int
        Where the view and the marker start.
    top : str
        Scope that holds the tiles; empty where they are at the root, as in the tile array's waves.
    """
    with atomic_open(path, "w") as out:
        save = _SaveFile(out, spec, top)
        save.begin(wave_file, first_ns)
        save.common()
        for tile in tiles:
            save.tile(tile)

"""Waves of the golden engine, with the names and in the places of the RTL's (SIM-5).

A value that the contract leaves open is x: ``vc``, flits and payloads while ``valid`` is low, the
``dst`` of a body flit from a core, and what dead parts drive.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from vcd import VCDWriter

from model.atomic import atomic_path
from model.engine.registers import Registers
from model.engine.run import MARGIN, Simulation
from model.engine.whole import CHUNK, MAX_CYCLES
from model.errors import InputError
from model.image import ConfigImage
from model.schedule import NO_STALLS, PacketSchedule, StallPattern
from model.spec import FabricSpec
from verif.golden_pins import GoldenPins, Signal
from verif.gtkw import write_save_file
from verif.runner import CLOCK_NS
from verif.waves import tile_scope

BLOCK: Final = 1 << 17
"""Tile-cycles whose registers are held at a time."""

NEVER: Final = -2
"""No value of a signal."""


@dataclass(frozen=True, kw_only=True)
class WaveLayout:
    """Where an RTL run puts tiles and cycles in its wave file.

    Parameters
    ----------
    top : str
        Instance that holds the tiles; empty where they are at the root.
    inside : str
        Instance in which a tile's own parts are; empty where they are in the tile.
    cycle0_ns : int
        When cycle 0 begins.
    rises_ns : int
        When the clock rises in a cycle; 0 is the edge that begins it, otherwise it ends it, and
        registers show early what they hold in the next cycle.
    timescale : str
        What the file calls one of these nanoseconds.
    """

    top: str
    inside: str
    cycle0_ns: int
    rises_ns: int
    timescale: str

    def time(self, cycle: int) -> int:
        """When a cycle begins, in ns."""
        return self.cycle0_ns + CLOCK_NS * cycle

    def scope(self, tile: str, inner: str) -> str:
        """Instance of a tile's pins, or of a part of it."""
        parts = (self.top, tile, self.inside if inner else "", inner)
        return ".".join(part for part in parts if part)


TILE_ARRAY: Final = WaveLayout(
    top="", inside="tile", cycle0_ns=0, rises_ns=CLOCK_NS // 2, timescale="1 ps"
)
"""Of :class:`verif.tile_array.Waves`."""


def fabric_layout(cycle0_ns: int) -> WaveLayout:
    """Of a fabric under cocotb (:mod:`verif.bench`), whose outcome says when cycle 0 begins."""
    return WaveLayout(top="fabric", inside="", cycle0_ns=cycle0_ns, rises_ns=0, timescale="1 ns")


def golden_beside(path: Path) -> Path:
    """Where the engine's waves go that belong to the RTL's."""
    return path.with_suffix(".golden.vcd")


def check_format(field: str, path: Path) -> None:
    """Refuse, before a long run, a file that cannot be written here (InputError)."""
    allowed = ""
    if path.suffix not in (".vcd", ".fst"):
        allowed = "a name that ends in .vcd or .fst"
    elif path.suffix == ".fst" and shutil.which("vcd2fst") is None:
        allowed = ".vcd, or .fst after `apt-get install gtkwave`"
    if allowed:
        raise InputError(f"{field} is {path}; allowed: {allowed}")


def write_golden_waves(
    path: Path,
    image: ConfigImage,
    schedule: PacketSchedule,
    *,
    tiles: Sequence[int] | None = None,
    begin: int = 0,
    end: int = MAX_CYCLES,
    stalls: StallPattern = NO_STALLS,
    widths: FabricSpec | None = None,
    layout: WaveLayout = TILE_ARRAY,
    threads: int = 1,
    progress: Callable[[int], None] | None = None,
) -> range:
    """Run the engine and write what chosen tiles show in a window of cycles.

    A ``.gtkw`` save file appears beside the waves. Memory goes with the tiles chosen, not with the
    window or the fabric.

    Parameters
    ----------
    path : Path
        ``.vcd``, or ``.fst`` where ``vcd2fst`` is installed.
    image, schedule, stalls
        As for :func:`model.engine.simulate`.
    tiles : sequence of int, optional
        In the order to show them, all by default; dead ones are left out.
    begin, end : int
        Cycles begin … end - 1, or to where the run ends.
    widths : FabricSpec, optional
        Of the RTL's netlist, by default the image's: its header may be wider.
    layout : WaveLayout
    threads : int
    progress : callable, optional
        Called with the current cycle now and then.

    Returns
    -------
    range
        The cycles written.

    Raises
    ------
    InputError
        When the run ends before the window begins, or this format cannot be written here.
    """
    check_format("waves", path)
    widths = widths or image.spec
    named = range(image.spec.tiles) if tiles is None else tiles
    chosen = [tile for tile in named if image.live[tile]]
    run = Simulation(image, schedule, stalls=stalls, record_events=False, threads=threads)
    while run.cycle < begin and not run.finished:
        run.advance(min(begin, run.cycle + CHUNK), begin)
        if progress is not None:
            progress(run.cycle)
    if run.finished:
        end = min(end, run.cycle + MARGIN)
    if begin >= end:
        raise InputError(f"waves begin in cycle {begin}; allowed: below {end}, where the run ends")
    pins = GoldenPins(image, schedule, stalls, chosen, widths)
    blocks = _blocks(run, pins, begin, end)
    with atomic_path(path) as temporary, tempfile.TemporaryDirectory(dir=path.parent) as folder:
        plain = temporary if path.suffix == ".vcd" else Path(folder) / "waves.vcd"
        with plain.open("w", encoding="utf-8") as file:
            end = _Dump(file, image.spec, layout, begin).write(chosen, pins, blocks)
        if plain != temporary:
            subprocess.run(["vcd2fst", plain, temporary], check=True, capture_output=True)
    spec = replace(widths, width=image.spec.width, height=image.spec.height)
    save, first = path.with_suffix(".gtkw"), layout.time(begin)
    write_save_file(save, path, spec, chosen, first_ns=first, top=layout.top)
    return range(begin, end)


def _blocks(
    run: Simulation, pins: GoldenPins, begin: int, end: int
) -> Iterator[tuple[int, Registers]]:
    """First cycle of each block, and registers before its cycles and before the one after it."""
    room, cycle = max(1, BLOCK // len(pins.seen)), begin
    while cycle < end:
        first, looked = cycle, [run.registers(pins.seen)]
        while cycle < end and len(looked) <= room:
            cycle += 1
            if not run.finished:
                run.advance(cycle, cycle)
                if run.finished:  # as simulate ends a run of open length
                    end = min(end, cycle + MARGIN)
            looked.append(run.registers(pins.seen))
        yield first, Registers.stack(looked)


_Changes = defaultdict[int, list[tuple[Any, str]]]
"""Signals that change, and to what, by time."""


class _Dump:
    """The signals of a run in a VCD."""

    def __init__(self, out: IO[str], spec: FabricSpec, layout: WaveLayout, begin: int) -> None:
        self._spec, self._layout, self._begin = spec, layout, begin
        self._writer = VCDWriter(
            out,
            timescale=layout.timescale,
            date="",  # equal runs give equal files
            version="wafermesh golden engine",
            init_timestamp=layout.time(begin),
            check_values=False,
        )
        self._variables: list[Any] = []
        self._held: list[int] = []

    def write(self, tiles: Sequence[int], pins: GoldenPins, blocks: Any) -> int:
        """Write all blocks; returns the cycle after the last."""
        common = self._common(tiles)
        cycle = self._begin
        for first, before in blocks:
            cycle = first + len(before.begun) - 1
            changes = self._beats(common, range(first, cycle))
            for place, (signal, values) in enumerate(pins.block(first, before)):
                self._collect(place, signal, first, values.astype(np.int64), changes)
            for time in sorted(changes):
                for variable, bits in changes[time]:
                    self._writer.change(variable, time, bits)
        self._writer.close(self._layout.time(cycle))
        return cycle

    def _common(self, tiles: Sequence[int]) -> dict[str, Any]:
        """Signals that the fabric and all tiles share."""
        scopes = [self._layout.scope(tile_scope(self._spec, tile), "") for tile in tiles]
        first, *others = [self._layout.top, *scopes] if self._layout.top else scopes
        common = {}
        for name in ("clk", "rst", "hold", "idle"):
            common[name] = self._writer.register_var(first, name, "wire", 1)
            for scope in others:
                self._writer.register_alias(scope, name, common[name])
        return common

    def _beats(self, common: dict[str, Any], cycles: range) -> _Changes:
        """The clock; and `idle`, which follows `hold` by a cycle (CFG-2)."""
        changes: _Changes = defaultdict(list)
        late = self._layout.rises_ns > 0
        for cycle in cycles:
            time = self._layout.time(cycle)
            changes[time].append((common["clk"], "10"[late]))
            changes[time + CLOCK_NS // 2].append((common["clk"], "01"[late]))
            if cycle == self._begin:
                changes[time] += [(common["rst"], "0"), (common["hold"], "0")]
            changes[time].append((common["idle"], "01"[cycle == 0]))
        return changes

    def _collect(
        self, place: int, signal: Signal, first: int, values: Any, changes: _Changes
    ) -> None:
        """Note where a signal changes."""
        if place == len(self._variables):
            scope = self._layout.scope(tile_scope(self._spec, signal.tile), signal.scope)
            name = signal.name + (f" [{signal.width - 1}:0]" if signal.width > 1 else "")
            self._variables.append(self._writer.register_var(scope, name, "wire", signal.width))
            self._held.append(NEVER)
        variable, bits = self._variables[place], signal.bits
        changed = (np.flatnonzero(values[1:] != values[:-1]) + 1).tolist()
        if values[0] != self._held[place]:
            changed = [0, *changed]
        self._held[place] = int(values[-1])
        early = -self._layout.rises_ns % CLOCK_NS if signal.registered else 0
        start = self._layout.time(self._begin)
        for at, value in zip(changed, values[changed].tolist(), strict=True):
            time = self._layout.time(first + at) - early
            changes[max(time, start)].append((variable, bits(value)))

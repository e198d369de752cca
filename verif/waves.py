"""Wave files: cut them to tiles and cycles, and read them back.

In every fabric run cycle c spans ``cycle0_ns + 10 c`` to ``+ 10`` ns: registers and inputs change
at its beginning, and everything has settled at once.
"""

from __future__ import annotations

import bisect
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from vcdvcd import VCDVCD

from model.atomic import atomic_open
from model.spec import FabricSpec
from verif.runner import CLOCK_NS
from verif.words import unpack

COMMON: Final = ("clk", "rst", "hold", "idle", "cfg_valid", "cfg_write", "cfg_rvalid")
"""Signals of the top module that every cut keeps."""


def tile_scope(spec: FabricSpec, tile: int) -> str:
    """Instance name of a tile (design.md "Names")."""
    return f"tile_x{tile % spec.width}_y{tile // spec.width}"


def scopes_of(spec: FabricSpec, tiles: Iterable[int]) -> tuple[str, ...]:
    """Instances of these tiles and of their remap memories."""
    names = [tile_scope(spec, tile) for tile in tiles]
    return tuple(names + [name.replace("tile", "remap") for name in names])


# Cutting ------------------------------------------------------------------------------------------


@dataclass
class _Header:
    """Definitions of a VCD while they are copied: scopes are written when something is in them."""

    scopes: Collection[str]
    kept: set[str]
    path: list[str]
    written: int = 0

    def copy(self, line: str, out: IO[Any]) -> None:
        words = line.split()
        if words[0] == "$scope":
            self.path.append(words[2])
        elif words[0] == "$upscope":
            self.path.pop()
            if self.written > len(self.path):
                self.written -= 1
                out.write("$upscope $end\n")
        elif words[0] == "$var":
            if self._wanted(words[4]):
                self.kept.add(words[3])
                for name in self.path[self.written :]:
                    out.write(f"$scope module {name} $end\n")
                self.written = len(self.path)
                out.write(line.lstrip())
        else:
            out.write(line)

    def _wanted(self, name: str) -> bool:
        inside = any(scope in self.scopes for scope in self.path)
        return inside or (len(self.path) == 1 and name in COMMON)


def cut_vcd(
    source: Path,
    target: Path,
    scopes: Collection[str],
    first_ns: int = 0,
    last_ns: int | None = None,
) -> None:
    """Copy a part of a VCD, line by line, so that any size will do.

    Parameters
    ----------
    source, target : Path
        May be the same file.
    scopes : collection of str
        Instances to keep whole (:func:`scopes_of`); of the top module :data:`COMMON` stays.
    first_ns, last_ns : int
        Time window; values at its beginning are those that held there.
    """
    with source.open(encoding="utf-8") as lines, atomic_open(target, "w") as out:
        header = _Header(scopes, set(), [])
        for line in lines:
            if line.strip():
                header.copy(line, out)
            if line.lstrip().startswith("$enddefinitions"):
                break
        _copy_changes(lines, out, header.kept, first_ns, last_ns)


def _copy_changes(
    lines: Iterator[str], out: IO[Any], kept: set[str], first_ns: int, last_ns: int | None
) -> None:
    held: dict[str, str] = {}
    begun = False
    time: str | None = None
    for line in lines:
        kind = line[0]
        if kind == "#":
            now = int(line[1:])
            if last_ns is not None and now > last_ns:
                break
            if not begun and now >= first_ns:
                begun = True
                out.write(f"#{first_ns}\n$dumpvars\n{''.join(held.values())}$end\n")
            time = line if now > first_ns else None
            continue
        if kind not in "01xXzZbBrRs":
            continue
        name = line.split()[1] if kind in "bBrRs" else line[1:].strip()
        if name not in kept:
            continue
        if not begun:
            held[name] = line
            continue
        if time is not None:
            out.write(time)
            time = None
        out.write(line)
    if not begun:
        out.write(f"#{first_ns}\n$dumpvars\n{''.join(held.values())}$end\n")
    if last_ns is not None:
        out.write(f"#{last_ns}\n")


# Reading ------------------------------------------------------------------------------------------


class WaveReader:
    """Values of chosen signals of a VCD by cycle.

    Parameters
    ----------
    path : Path
    names : collection of str
        Full names without bit ranges, such as ``fabric.tile_x0_y0.core_out_valid``.
    cycle0_ns : int
        When cycle 0 begins (:class:`~verif.bench.case.Outcome`).

    Raises
    ------
    KeyError
        When a signal is not in the file.
    """

    def __init__(self, path: Path, names: Collection[str], cycle0_ns: int) -> None:
        header = VCDVCD(str(path), only_sigs=True)
        full = {name.split("[")[0]: name for name in header.signals}
        wanted = {name: full[name] for name in names}
        waves = VCDVCD(str(path), signals=list(wanted.values()), store_tvs=True)
        self._changes = {name: waves[long].tv for name, long in wanted.items()}
        self._widths = {name: int(waves[long].size) for name, long in wanted.items()}
        self._cycle0_ns = cycle0_ns

    def bits(self, name: str, cycle: int) -> str:
        """All bits of a signal in a cycle, those left out in the file too."""
        text, width = self.text(name, cycle).lower(), self._widths[name]
        return text.rjust(width, "0" if text[0] == "1" else text[0])

    def text(self, name: str, cycle: int) -> str:
        """Bits of a signal in a cycle as the file shows them, or "x" before its first change."""
        changes = self._changes[name]
        moment = self._cycle0_ns + cycle * CLOCK_NS
        index = bisect.bisect_right(changes, moment, key=lambda change: change[0]) - 1
        return str(changes[index][1]) if index >= 0 else "x"

    def value(self, name: str, cycle: int) -> int | None:
        """Value of a signal in a cycle, or None when a bit of it is unknown."""
        text = self.text(name, cycle)
        return int(text, 2) if set(text) <= {"0", "1"} else None


def signals_of(path: Path) -> list[str]:
    """Full names of all signals of a VCD, without bit ranges."""
    return [name.split("[")[0] for name in VCDVCD(str(path), only_sigs=True).signals]


@dataclass(frozen=True)
class Delivery:
    """A flit that a core took, decoded from a wave file."""

    cycle: int
    tile: int
    src: int
    vc: int
    last: int
    payload: int


def deliveries(
    path: Path, spec: FabricSpec, tiles: Collection[int], cycle0_ns: int, cycles: range
) -> list[Delivery]:
    """Decode what the cores of ``tiles`` took in ``cycles``, in (cycle, tile) order."""
    ports = {tile: f"fabric.{tile_scope(spec, tile)}.core_out" for tile in sorted(tiles)}
    pins = ("valid", "ready", "payload")
    reader = WaveReader(path, [f"{p}_{pin}" for p in ports.values() for pin in pins], cycle0_ns)
    found = []
    for cycle in cycles:
        for tile, port in ports.items():
            valid, ready = (reader.value(f"{port}_{pin}", cycle) for pin in pins[:2])
            word = reader.value(f"{port}_payload", cycle)
            if valid and ready and word is not None:
                found.append(Delivery(cycle, tile, **unpack(spec.core_out_fields, word)))
    return found

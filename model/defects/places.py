"""Parts of a model that depend on the place only: edge, seams, protected lines, maps (DEF-5)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from model.defects.canvas import BITS, Canvas, Mask
from model.described import Choice, Described, Number, Row, Rows, Text, field, number
from model.errors import InputError
from model.files import read_bytes
from model.random import U64
from model.spec import MAX_SIDE, Port
from model.wafer import TileState, parse_wafer

_LINK, _PAIR, _SEAM = 0, 1, 2
_WHERE = Number(0, MAX_SIDE - 1, whole=True)
_TILES = Rows(Row((_WHERE, _WHERE), "[x, y]"), "a list of [x, y]")
_PORTS = Choice(tuple(port.name for port in Port if port is not Port.LOCAL))
_LINKS = Rows(Row((_WHERE, _WHERE, _PORTS), '[x, y, "EAST"]'), 'a list of [x, y, "EAST"]')
_LINES = Rows(_WHERE, "a list of integers")
_CELLS = Row((Number(1, MAX_SIDE, whole=True),) * 2, "two integers, [across, down]")


def chance(probability: float) -> U64:
    """A probability times 2**53."""
    return np.full((1, 1, 1), int(probability * 2.0**BITS), np.uint64)


@dataclass(frozen=True, kw_only=True)
class Edge(Described):
    """Tiles whose middle lies in the ring at the wafer's edge are dead."""

    kind: ClassVar[str] = "edge"
    about: ClassVar[str] = "tiles in the ring at the wafer's edge are dead"

    exclusion: float | None = number(0, 500, "width of the ring, mm; geometry's", None)

    def draw(self, canvas: Canvas) -> None:
        """Add this part's defects."""
        geometry = canvas.places.geometry
        ring = geometry.edge_exclusion if self.exclusion is None else self.exclusion
        canvas.tile |= canvas.places.radius() > geometry.diameter * 0.5 - ring


@dataclass(frozen=True, kw_only=True)
class Stitching(Described):
    """Links across the borders of dies, or reticle fields, break with rates of their own."""

    kind: ClassVar[str] = "stitching"
    about: ClassVar[str] = "links across die or reticle borders have rates of their own"

    link_rate: float = number(0, 1, "share of directed links across borders", 0)
    pair_rate: float = number(0, 1, "share of wire pairs across borders, dead both ways", 0)
    seam_rate: float = number(0, 1, "share of sides between two cells of which all links die", 0)
    cells: tuple[int, int] | None = field(_CELLS, "dies or fields [across, down]; geometry's", None)

    def draw(self, canvas: Canvas) -> None:
        """Add this part's defects."""
        across, down = (min(pair) for pair in zip(
            self.cells or canvas.places.geometry.dies, (canvas.width, canvas.height), strict=True
        ))  # fmt: skip
        column = np.arange(canvas.width) * across // canvas.width
        row = np.arange(canvas.height) * down // canvas.height
        crosses = np.zeros((canvas.height, canvas.width, 2), np.bool_)  # to the east, to the south
        crosses[:, :-1, 0] = np.diff(column) > 0
        crosses[:-1, :, 1] = (np.diff(row) > 0)[:, None]
        single = canvas.happens(_LINK, chance(self.link_rate), 4)
        canvas.link |= single & _all_ports(crosses)
        canvas.add_pairs(crosses & canvas.happens(_PAIR, chance(self.pair_rate), 2))
        numbers = canvas.numbers(_SEAM, across * down * 2) >> np.uint64(64 - BITS)
        torn = (numbers < chance(self.seam_rate).ravel()).reshape(down, across, 2)
        canvas.add_pairs(crosses & torn[row][:, column])


def _all_ports(pairs: Mask) -> Mask:
    """bool[height, width, 4]: the links, both ways, of pairs to the east and to the south."""
    ports = np.zeros((*pairs.shape[:2], 4), np.bool_)
    ports[:, :, Port.EAST], ports[:, :, Port.SOUTH] = pairs[:, :, 0], pairs[:, :, 1]
    ports[:, 1:, Port.WEST], ports[1:, :, Port.NORTH] = pairs[:, :-1, 0], pairs[:-1, :, 1]
    return ports


@dataclass(frozen=True, kw_only=True)
class Protect(Described):
    """Tiles and cores of some columns and rows never break: takes back what came before."""

    kind: ClassVar[str] = "protect"
    about: ClassVar[str] = "tiles of these columns and rows never break (links may)"

    columns: tuple[int, ...] = field(_LINES, "x of whole columns", ())
    rows: tuple[int, ...] = field(_LINES, "y of whole rows", ())

    def draw(self, canvas: Canvas) -> None:
        """Take defects back."""
        for name, lines, end in (
            ("columns", self.columns, canvas.width),
            ("rows", self.rows, canvas.height),
        ):
            if lines and max(lines) >= end:
                raise InputError(f"protect.{name} holds {max(lines)}; allowed: below {end}")
        for mask in (canvas.tile, canvas.core):
            mask[:, list(self.columns)] = mask[list(self.rows), :] = False


@dataclass(frozen=True, kw_only=True)
class Map(Described):
    """Defects given one by one, in lists or as a wafer map's file."""

    kind: ClassVar[str] = "map"
    about: ClassVar[str] = "defects given one by one, or by a wafer map's file"

    tiles: tuple[tuple[int, int], ...] = field(_TILES, "dead tiles, [x, y]", ())
    cores: tuple[tuple[int, int], ...] = field(_TILES, "dead cores, [x, y]", ())
    links: tuple[tuple[int, int, str], ...] = field(_LINKS, 'dead links, [x, y, "EAST"]', ())
    file: str | None = field(Text("a file's name"), "a wafer map, .json or .npz", None)
    sha256: str | None = field(Text("64 hex digits"), "that the file must have", None)

    def draw(self, canvas: Canvas) -> None:
        """Add this part's defects."""
        for name in ("tiles", "cores", "links"):
            for x, y, *_ in getattr(self, name):
                if x >= canvas.width or y >= canvas.height:
                    raise InputError(
                        f"map.{name} holds [{x}, {y}]; allowed: tiles of the "
                        f"{canvas.width}x{canvas.height} wafer"
                    )
        for x, y in self.tiles:
            canvas.tile[y, x] = True
        for x, y in self.cores:
            canvas.core[y, x] = True
        for x, y, port in self.links:
            canvas.link[y, x, Port[port]] = True
        if self.file is not None:
            self._draw_file(canvas, self.file)

    def _draw_file(self, canvas: Canvas, name: str) -> None:
        wafer = parse_wafer(checked_bytes(name, self.sha256, canvas.notes), name)
        if (wafer.width, wafer.height) != (canvas.width, canvas.height):
            raise InputError(
                f"{name} is {wafer.width}x{wafer.height}; allowed: {canvas.width}x{canvas.height}"
            )
        state = wafer.state.reshape(canvas.height, canvas.width)
        canvas.tile |= state == TileState.TILE_DEFECT
        canvas.core |= state == TileState.CORE_DEFECT
        canvas.link |= wafer.dead_link.reshape(canvas.link.shape)


def checked_bytes(name: str | Path, sha256: str | None, notes: dict[str, Any]) -> bytes:
    """A file's bytes; its hash is noted, and another one than the given one refused."""
    data = read_bytes(name)
    found = hashlib.sha256(data).hexdigest()
    if sha256 is not None and found != sha256:
        raise InputError(f"{name} has sha256 {found}; allowed: {sha256}")
    notes["sha256"] = found
    return data

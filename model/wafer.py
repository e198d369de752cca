"""Wafer maps: which tiles, cores and links are dead (design.md §3, §9).

A map is a person's file (JSON, one string per row) with a compressed binary twin (``.npz``).
Both are byte-stable: equal maps make equal files.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.atomic import atomic_open
from model.errors import InputError, require_int
from model.files import ZIP_MAGIC, decode, read_bytes, read_npz, require_array, write_npz
from model.schema import check, parse_json, shown
from model.spec import MAX_SIDE, PORT_DX, PORT_DY, Port

FORMAT: Final = "wafermesh-wafer/1"
LETTERS: Final = ".cX"
"""Map letters in the order of :class:`TileState`."""


class TileState(IntEnum):
    """What is left of a tile."""

    HEALTHY = 0
    CORE_DEFECT = 1
    TILE_DEFECT = 2


@dataclass(eq=False, kw_only=True)
class WaferMap:
    """Defects of one wafer.

    Members
    -------
    width, height : int
        Tiles per row and column, 1 to 2048.
    state : uint8[tiles]
        :class:`TileState` by tile id.
    dead_link : bool[tiles, 4]
        The link that leaves this tile through this port is dead; false at the wafer's edge.
    origin : dict
        How the map came about, JSON-serialisable.
    """

    width: int
    height: int
    state: npt.NDArray[np.uint8]
    dead_link: npt.NDArray[np.bool_]
    origin: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def perfect(cls, width: int, height: int) -> WaferMap:
        """A wafer without any defect.

        Raises
        ------
        InputError
            When a side is outside 1 to 2048.
        """
        require_int("wafer.width", width, 1, MAX_SIDE)
        require_int("wafer.height", height, 1, MAX_SIDE)
        n = width * height
        return cls(
            width=width,
            height=height,
            state=np.zeros(n, np.uint8),
            dead_link=np.zeros((n, 4), np.bool_),
        )

    @property
    def live(self) -> npt.NDArray[np.bool_]:
        """bool[tiles]: the router works."""
        return self.state != TileState.TILE_DEFECT

    @property
    def core_ok(self) -> npt.NDArray[np.bool_]:
        """bool[tiles]: router and core work."""
        return self.state == TileState.HEALTHY

    def window(self, x: int, y: int, width: int, height: int) -> WaferMap:
        """Cut out a rectangle as a map of its own; links across its border are gone.

        Raises
        ------
        InputError
            When the rectangle is empty or not inside the map.
        """
        require_int("window.x", x, 0, self.width - 1)
        require_int("window.y", y, 0, self.height - 1)
        require_int("window.width", width, 1, self.width - x)
        require_int("window.height", height, 1, self.height - y)
        grid = np.s_[y : y + height, x : x + width]
        dead = self.dead_link.reshape(self.height, self.width, 4)[grid].reshape(-1, 4)
        return WaferMap(
            width=width,
            height=height,
            state=self.state.reshape(self.height, self.width)[grid].ravel(),
            dead_link=dead & inside(width, height),
            origin={**self.origin, "window": [x, y, width, height]},
        )

    def to_text(self) -> str:
        """Draw the map: tiles as letters, ``-``/``|`` for good link pairs, arrows for one-way ones.

        An arrow shows the direction that still works; a gap means that none does.
        """
        rows = []
        good = self.live_links()
        for y in range(self.height):
            here, below = [], []
            for x in range(self.width):
                t = y * self.width + x
                here.append(LETTERS[self.state[t]])
                if x + 1 < self.width:
                    here.append(" <>-"[2 * good[t, Port.EAST] + good[t + 1, Port.WEST]])
                if y + 1 < self.height:
                    down = t + self.width
                    below.append(" ^v|"[2 * good[t, Port.SOUTH] + good[down, Port.NORTH]])
            rows.append("".join(here))
            rows.append(" ".join(below))
        return "\n".join(row.rstrip() for row in rows[: 2 * self.height - 1]) + "\n"

    def live_links(self) -> npt.NDArray[np.bool_]:
        """bool[tiles, 4]: the link that leaves here works and joins two live tiles."""
        ok = inside(self.width, self.height) & ~self.dead_link & self.live[:, None]
        ids = np.arange(self.width * self.height)
        for port in range(4):
            target = ids + PORT_DX[port] + PORT_DY[port] * self.width
            ok[:, port] &= self.live[np.where(ok[:, port], target, 0)]
        return ok


def inside(width: int, height: int) -> npt.NDArray[np.bool_]:
    """bool[tiles, 4]: the port of this tile faces another tile, not the wafer's edge."""
    ok = np.ones((height, width, 4), np.bool_)
    ok[0, :, Port.NORTH] = ok[:, -1, Port.EAST] = False
    ok[-1, :, Port.SOUTH] = ok[:, 0, Port.WEST] = False
    return ok.reshape(-1, 4)


# Files --------------------------------------------------------------------------------------------


def wafer_to_json(wafer: WaferMap) -> str:
    """The map as JSON text, one row of tiles per line."""
    rows = wafer.state.reshape(wafer.height, wafer.width)
    letters = np.array(list(LETTERS))
    tiles = [json.dumps("".join(letters[row])) for row in rows]
    links = [
        json.dumps([int(t % wafer.width), int(t // wafer.width), Port(p).name])
        for t, p in np.argwhere(wafer.dead_link)
    ]

    def lines(items: list[str]) -> str:
        return "[" + ",".join(f"\n  {item}" for item in items) + "\n ]" if items else "[]"

    return (
        f'{{"format": "{FORMAT}", "width": {wafer.width}, "height": {wafer.height},\n'
        f' "tiles": {lines(tiles)},\n "dead_links": {lines(links)},\n'
        f' "origin": {json.dumps(wafer.origin, ensure_ascii=False)}}}\n'
    )


def wafer_from_json(text: str, name: str = "wafer") -> WaferMap:
    """Read a map from JSON text; ``name`` is the file's name, for syntax errors.

    Raises
    ------
    InputError
        One line that names the field, its value and what is allowed.
    """
    data = check("wafer", parse_json(text, name), "wafer")
    wafer = WaferMap.perfect(data["width"], data["height"])
    rows = data["tiles"]
    if len(rows) != wafer.height:
        raise InputError(f"wafer.tiles has {len(rows)} rows; allowed: {wafer.height}")
    for y, row in enumerate(rows):
        if len(row) != wafer.width:
            raise InputError(f"wafer.tiles[{y}] has length {len(row)}; allowed: {wafer.width}")
        if strange := row.strip(LETTERS):
            x = row.index(strange[0])
            raise InputError(f"wafer.tiles[{y}][{x}] is {shown(strange[0])}; allowed: . c X")
        wafer.state[y * wafer.width : (y + 1) * wafer.width] = [LETTERS.index(c) for c in row]
    mesh = inside(wafer.width, wafer.height)
    for i, (x, y, direction) in enumerate(data.get("dead_links", [])):
        where = f"wafer.dead_links[{i}] is {shown([x, y, direction])}; allowed:"
        if x >= wafer.width or y >= wafer.height:
            raise InputError(f"{where} a tile of the {wafer.width}x{wafer.height} wafer")
        t, port = y * wafer.width + x, Port[direction]
        if not mesh[t, port]:
            raise InputError(f"{where} a link that does not leave the wafer")
        if wafer.dead_link[t, port]:
            raise InputError(f"{where} each link once")
        wafer.dead_link[t, port] = True
    wafer.origin = data.get("origin", {})
    return wafer


def wafer_to_npz(wafer: WaferMap) -> bytes:
    """The map as a compressed NumPy archive."""
    meta = {"format": FORMAT, "width": wafer.width, "height": wafer.height, "origin": wafer.origin}
    return write_npz(meta, state=wafer.state, dead_link=np.packbits(wafer.dead_link))


def wafer_from_npz(data: bytes, name: str = "wafer") -> WaferMap:
    """Read a map from a NumPy archive; the same checks as for JSON."""
    arrays, meta = read_npz(data, name, ("state", "dead_link"))
    meta = check("wafer", {"tiles": [], **meta}, "wafer")
    wafer = WaferMap.perfect(meta["width"], meta["height"])
    n = wafer.width * wafer.height
    wafer.state = require_array("wafer.state", arrays["state"], np.uint8, (n,), len(LETTERS) - 1)
    packed = require_array("wafer.dead_link", arrays["dead_link"], np.uint8, ((n + 1) // 2,), 255)
    wafer.dead_link = np.unpackbits(packed, count=4 * n).reshape(n, 4).astype(np.bool_)
    off = np.argwhere(wafer.dead_link & ~inside(wafer.width, wafer.height))
    if len(off):
        t, p = off[0]
        link = shown([int(t % wafer.width), int(t // wafer.width), Port(p).name])
        raise InputError(
            f"wafer.dead_link is {link}; allowed: a link that does not leave the wafer"
        )
    wafer.origin = meta.get("origin", {})
    return wafer


def parse_wafer(data: bytes, name: str = "wafer") -> WaferMap:
    """Read a map from a file's bytes, JSON or ``.npz``.

    Raises
    ------
    InputError
        One line; nothing is returned for a file that breaks any rule.
    """
    if data.startswith(ZIP_MAGIC):
        return wafer_from_npz(data, name)
    return wafer_from_json(decode(data, name), name)


def load_wafer(path: str | Path) -> WaferMap:
    """Read a map from a file; errors as :func:`parse_wafer`'s."""
    return parse_wafer(read_bytes(path), str(path))


def save_wafer(wafer: WaferMap, path: str | Path) -> None:
    """Write a map; the suffix chooses the form, the file appears whole or not at all."""
    binary = str(path).endswith(".npz")
    with atomic_open(path) as file:
        file.write(wafer_to_npz(wafer) if binary else wafer_to_json(wafer).encode())

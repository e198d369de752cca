"""Defects drawn by hand, and whole maps, as short text: what a link to the page carries."""

from __future__ import annotations

import base64
import binascii
import re
import struct
import zlib
from collections.abc import Iterable
from typing import Final

import numpy as np

from model.errors import InputError
from model.spec import Port
from model.wafer import LETTERS, TileState, WaferMap, inside

Edits = tuple[str, ...]
"""Each ``<tile><sign>``: a tile becomes ``.`` healthy, ``c`` without core, ``X`` dead; the link
that leaves it through N, E, S, W dies, and through n, e, s, w works again."""

MOST: Final = 4000
"""Edits that a session keeps."""

MAP_SIDE: Final = 128
"""Longest side of a map that travels in a link."""

_EDIT: Final = re.compile(r"(\d{1,7})([.cXNESWnesw])")
_SIZE: Final = struct.Struct("<HH")


def parse_edits(text: str) -> Edits:
    """Edits of a link, ``-`` between them.

    Raises
    ------
    InputError
        When one is no edit, or there are more than :data:`MOST`.
    """
    words = tuple(text.split("-")) if text else ()
    if len(words) > MOST:
        raise InputError(f"edits has {len(words)} entries; allowed: at most {MOST}")
    for word in words:
        if not _EDIT.fullmatch(word):
            raise InputError(
                f"edits holds {word[:20]!r}; allowed: a tile id and one of .cXNESWnesw"
            )
    return words


def add_edits(edits: Edits, new: Iterable[str]) -> Edits:
    """Append edits; of those of one place the last is kept."""
    kept = {_place(edit): edit for edit in edits}
    for edit in new:
        kept.pop(_place(edit), None)
        kept[_place(edit)] = edit
    return parse_edits("-".join(kept.values()))


def _place(edit: str) -> tuple[int, str]:
    """Tile id and which of its five parts is meant."""
    sign = edit[-1]
    return int(edit[:-1]), "tile" if sign in LETTERS else sign.upper()


def apply_edits(wafer: WaferMap, edits: Edits) -> WaferMap:
    """A copy of the map with these edits.

    Raises
    ------
    InputError
        When a tile is not on the wafer, or a link leaves it.
    """
    if not edits:
        return wafer
    state, dead = wafer.state.copy(), wafer.dead_link.copy()
    mesh = inside(wafer.width, wafer.height)
    for edit in edits:
        tile, sign = int(edit[:-1]), edit[-1]
        if tile >= len(state):
            raise InputError(f"edits holds {edit!r}; allowed: tiles 0 to {len(state) - 1}")
        if sign in LETTERS:
            state[tile] = LETTERS.index(sign)
            continue
        port = "NESW".index(sign.upper())
        if not mesh[tile, port]:
            raise InputError(f"edits holds {edit!r}; allowed: a link that does not leave the wafer")
        dead[tile, port] = sign.isupper()
    return WaferMap(
        width=wafer.width,
        height=wafer.height,
        state=state,
        dead_link=dead,
        origin={**wafer.origin, "edits": list(edits)},
    )


def link_edit(tile: int, port: Port, *, dead: bool) -> str:
    """The edit that breaks or heals a link."""
    sign = port.name[0]
    return f"{tile}{sign if dead else sign.lower()}"


def pack_map(wafer: WaferMap) -> str:
    """A map as text for a link: URL-safe base64 of its compressed states and links.

    Raises
    ------
    InputError
        When a side is longer than :data:`MAP_SIDE`.
    """
    if max(wafer.width, wafer.height) > MAP_SIDE:
        raise InputError(
            f"map is {wafer.width}x{wafer.height}; allowed in a link: up to {MAP_SIDE} a side"
        )
    states = np.packbits((wafer.state[:, None] >> np.array([1, 0], np.uint8)) & 1)
    raw = _SIZE.pack(wafer.width, wafer.height) + states.tobytes()
    raw += np.packbits(wafer.dead_link).tobytes()
    return base64.urlsafe_b64encode(zlib.compress(raw, 9)).decode().rstrip("=")


def unpack_map(text: str) -> WaferMap:
    """The map of :func:`pack_map`.

    Raises
    ------
    InputError
        When it is damaged or too large.
    """
    most = _SIZE.size + MAP_SIDE * MAP_SIDE + 1  # it may end no sooner than the output is full
    try:
        packed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        unpacker = zlib.decompressobj()
        raw = unpacker.decompress(packed, most)
        if not unpacker.eof:
            raise zlib.error("it does not end")
        width, height = _SIZE.unpack_from(raw)
    except (binascii.Error, ValueError, zlib.error, struct.error) as error:
        raise InputError(f"map is damaged ({error}); allowed: a map of this page") from error
    tiles = width * height
    cut = _SIZE.size + (tiles + 3) // 4
    if not 1 <= min(width, height) <= max(width, height) <= MAP_SIDE:
        raise InputError(f"map is {width}x{height}; allowed: sides from 1 to {MAP_SIDE}")
    if len(raw) != cut + (tiles + 1) // 2:
        raise InputError(f"map has {len(raw)} bytes; allowed: what {width}x{height} tiles take")
    bits = np.unpackbits(np.frombuffer(raw, np.uint8, cut - _SIZE.size, _SIZE.size))
    state = (bits.reshape(-1, 2) @ np.array([2, 1], np.uint8))[:tiles].astype(np.uint8)
    dead = np.unpackbits(np.frombuffer(raw, np.uint8, offset=cut), count=4 * tiles)
    wafer = WaferMap.perfect(width, height)
    wafer.state, wafer.dead_link = state, dead.reshape(-1, 4).astype(np.bool_)
    if state.max() > max(TileState) or (wafer.dead_link & ~inside(width, height)).any():
        raise InputError(
            "map is damaged (a state or a link that cannot be); allowed: a map of this page"
        )
    wafer.origin = {"generator": "link"}
    return wafer

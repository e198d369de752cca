"""Turn a configuration image into writes on the configuration bus (CFG-1).

Two forms of the same words: :func:`config_writes` is the broadcast bus, one write a cycle;
:func:`back_door` gives every tile its own word in every cycle, for the tile array (SIM-4).
Both start from a fabric in reset: words that reset already left right are not written.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from model.image import ConfigImage
from model.spec import FabricSpec, Fields, Table

Words = npt.NDArray[np.uint64]

TILE_TABLES: Final = (Table.IDENTITY, Table.TURN, Table.ROUTE, Table.RULE)
"""Tables that live in the tile netlist and differ from tile to tile."""


@dataclass(frozen=True)
class BusWrite:
    """One write on the configuration bus; ``x`` or ``y`` None stands for ``any_x`` or ``any_y``."""

    table: Table
    index: int
    data: int
    x: int | None
    y: int | None


@dataclass(frozen=True, eq=False)
class BackDoor:
    """Writes through every tile's own bus pins, one step a cycle.

    Members
    -------
    table : uint8[steps]
    index : uint32[steps]
    data : uint64[steps, tiles]
        Word for each tile; tiles that are not live get 0.
    remap : uint64[tiles]
        Content of the remap memory that all tiles share (RMP-1).
    """

    table: npt.NDArray[np.uint8]
    index: npt.NDArray[np.uint32]
    data: Words
    remap: Words


def encode(fields: Fields, **values: npt.ArrayLike) -> Words:
    """Pack field values into words, least significant field first.

    Parameters
    ----------
    fields : Fields
        Order and widths (:class:`~model.spec.FabricSpec`); at most 64 bits in total.
    **values : array_like
        One value or array per field; they broadcast against each other.

    Raises
    ------
    ValueError
        When names differ from the layout or a value does not fit its field.
    """
    if set(values) != {name for name, _ in fields}:
        raise ValueError(f"fields {sorted(values)} do not match the layout {fields}")
    word: Words = np.zeros((), np.uint64)
    shift = 0
    for name, width in fields:
        value = np.asarray(values[name]).astype(np.uint64)
        if np.any(value >> np.uint64(width)):
            raise ValueError(f"{name} does not fit {width} bits")
        word = word | (value << np.uint64(shift))
        shift += width
    return word


def decode(fields: Fields, word: npt.ArrayLike) -> dict[str, Words]:
    """Unpack words into a dict of fields; the inverse of :func:`encode`."""
    rest = np.asarray(word).astype(np.uint64)
    values = {}
    for name, width in fields:
        values[name] = rest & np.uint64((1 << width) - 1)
        rest = rest >> np.uint64(width)
    return values


def remap_words(image: ConfigImage, spec: FabricSpec | None = None) -> Words:
    """Every word of the remap memory, uint64[image.spec.tiles]; lost and absent ids are 0."""
    fields = (spec or image.spec).table_fields(Table.REMAP)
    words = np.zeros(image.spec.tiles, np.uint64)
    hosted = np.flatnonzero(image.remap_tile >= 0)
    tile = image.remap_tile[hosted]
    x, y = tile % image.spec.width, tile // image.spec.width
    words[hosted] = encode(fields, mapped=1, x=x, y=y, vc=image.remap_vc[hosted])
    return words


def tile_words(image: ConfigImage, table: Table, spec: FabricSpec | None = None) -> Words:
    """Words of one of :data:`TILE_TABLES`, uint64[index, tile].

    Parameters
    ----------
    image : ConfigImage
    table : Table
    spec : FabricSpec, optional
        Layout of the netlist, whose header may be wider than the image's.
    """
    spec = spec or image.spec
    fields = spec.table_fields(table)
    match table:
        case Table.IDENTITY:
            hosts = image.identity >= 0
            ident = np.where(hosts, image.identity, 0)
            return encode(fields, valid=hosts, id=ident)[np.newaxis]
        case Table.TURN:
            outputs = (image.turns << np.arange(5)[:, np.newaxis]).sum(axis=2)  # [tile, in, vc]
            by_index = outputs.transpose(2, 1, 0).reshape(5 * spec.vcs, -1)
            return encode(fields, outputs=by_index)
        case Table.ROUTE | Table.RULE:
            rows = image.routes if table is Table.ROUTE else image.rules
            names = rows.dtype.names or ()
            words = encode(fields, **{name: rows[name] for name in names})
            return np.ascontiguousarray(np.where(rows["valid"] != 0, words, 0).T)
        case _:
            raise ValueError(f"{table.name} is not a table of the tile")


def config_writes(image: ConfigImage, spec: FabricSpec | None = None) -> Iterator[BusWrite]:
    """Broadcast-bus writes that configure a fabric in reset state.

    The remap memory comes first, every word, broadcast to all tiles (reset does not clear it,
    CFG-3); then, tile by tile in id order, identity, turns, routes and rules of the live tiles.

    Yields
    ------
    BusWrite
        To be written while ``hold`` and ``idle`` are high (CFG-2).
    """
    for index, word in enumerate(remap_words(image, spec).tolist()):
        yield BusWrite(Table.REMAP, index, word, None, None)
    tables = {table: tile_words(image, table, spec) for table in TILE_TABLES}
    for tile in np.flatnonzero(image.live).tolist():
        y, x = divmod(tile, image.spec.width)
        for table, words in tables.items():
            for index in np.flatnonzero(words[:, tile]).tolist():
                yield BusWrite(table, index, int(words[index, tile]), x, y)


def back_door(image: ConfigImage, spec: FabricSpec | None = None) -> BackDoor:
    """The same configuration as per-tile words (SIM-4), all tiles in each step."""
    table: list[int] = []
    index: list[int] = []
    data: list[Words] = []
    for which in TILE_TABLES:
        words = np.where(image.live, tile_words(image, which, spec), np.uint64(0))
        used = np.flatnonzero(words.any(axis=1))
        table += [int(which)] * len(used)
        index += used.tolist()
        data.append(words[used])
    return BackDoor(
        np.array(table, np.uint8),
        np.array(index, np.uint32),
        np.ascontiguousarray(np.concatenate(data)),
        remap_words(image, spec),
    )

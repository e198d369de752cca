"""The one specification object that RTL, engine, benches and tools share.

It holds sizes, field orders and widths as data. Encoders, decoders and behaviour are written
on each side: hardware in :mod:`rtl`, software in :mod:`model` and :mod:`verif`.
"""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any, Final

from model.errors import InputError, require_int
from model.files import decode, read_bytes
from model.schema import parse_json

MAX_SIDE: Final = 2048
"""Largest width or height in tiles; the whole wafer of facts.md §2 is 816 x 1190."""

VC_RULES: Final = 4
"""VC rules a tile carries (RMP-2)."""

Fields = tuple[tuple[str, int], ...]


class Port(IntEnum):
    """Router ports in the order used everywhere; x grows east, y grows south."""

    NORTH = 0
    EAST = 1
    SOUTH = 2
    WEST = 3
    LOCAL = 4

    @property
    def opposite(self) -> Port:
        """Port of the neighbour at the other end of the link (mesh ports only)."""
        return Port((self + 2) % 4)


PORT_DX: Final = (0, 1, 0, -1)
PORT_DY: Final = (-1, 0, 1, 0)


class Table(IntEnum):
    """Tables on the configuration bus (CFG-1)."""

    ROUTE = 0
    TURN = 1
    RULE = 2
    IDENTITY = 3
    REMAP = 4
    STATUS = 5


class Status(IntEnum):
    """Word index within ``Table.STATUS`` (CFG-4); read only."""

    MOVED = 0
    STALLED = 5
    REFUSED = 10
    OFFENDERS = 11
    FIRST_OFFENDER = 12
    FLAGS = 13
    FUSES = 14
    POSITION = 15


def bits_for(largest: int) -> int:
    """Width in bits of a field that holds 0 … ``largest``; at least 1."""
    return max(1, largest.bit_length())


@dataclass(frozen=True, kw_only=True)
class FabricSpec:
    """Sizes of one fabric.

    Parameters
    ----------
    width, height : int
        Tiles per row and column, 1 to 2048.
    vcs : int
        Virtual channels per link: 1, 2 or 4.
    depth : int
        Flits per input VC buffer, 2 to 64.
    payload_width : int
        Payload bits per flit, 1 to 64.
    route_entries : int
        Route table entries per tile, 1 to 64.
    max_packet : int
        Longest packet in flits, 1 to 1024.
    watchdog : int
        Cycles a front flit may stay unmoved before the flag rises (CFG-4), 2 to 65535.
    x_width, y_width, id_width : int
        Header bits for coordinates (at most 11) and logical ids (at most 22); 0, the default,
        means the least that the size needs. One netlist with wide headers serves many sizes.

    Raises
    ------
    InputError
        When a field is outside its range or a header field cannot hold the fabric's size.
    """

    width: int
    height: int
    vcs: int = 1
    depth: int = 4
    payload_width: int = 32
    route_entries: int = 16
    max_packet: int = 64
    watchdog: int = 1024
    x_width: int = 0
    y_width: int = 0
    id_width: int = 0

    def __post_init__(self) -> None:
        require_int("spec.width", self.width, 1, MAX_SIDE)
        require_int("spec.height", self.height, 1, MAX_SIDE)
        if type(self.vcs) is not int or self.vcs not in (1, 2, 4):
            raise InputError(f"spec.vcs is {self.vcs!r}; allowed: 1, 2 or 4")
        require_int("spec.depth", self.depth, 2, 64)
        require_int("spec.payload_width", self.payload_width, 1, 64)
        require_int("spec.route_entries", self.route_entries, 1, 64)
        require_int("spec.max_packet", self.max_packet, 1, 1024)
        require_int("spec.watchdog", self.watchdog, 2, 65535)
        self._header("x_width", self.width - 1, 11)
        self._header("y_width", self.height - 1, 11)
        self._header("id_width", self.tiles - 1, 22)

    def _header(self, field: str, largest: int, most: int) -> None:
        need = bits_for(largest)
        value = require_int(f"spec.{field}", getattr(self, field), 0, most)
        if value == 0:
            object.__setattr__(self, field, need)
        elif value < need:
            raise InputError(
                f"spec.{field} is {value}; allowed: {need} to {most} for a "
                f"{self.width}x{self.height} fabric"
            )

    # Sizes -----------------------------------------------------------------------------------

    @property
    def tiles(self) -> int:
        """Number of tiles; tile id = y * width + x."""
        return self.width * self.height

    @property
    def vc_width(self) -> int:
        """Bits of a VC number on a link; 1 (always zero) with one VC."""
        return bits_for(self.vcs - 1)

    # Field orders, least significant field first ------------------------------------------------

    @property
    def flit_fields(self) -> Fields:
        """A flit on a mesh link, header beside payload (design.md §4)."""
        return (
            ("dst_x", self.x_width),
            ("dst_y", self.y_width),
            ("src", self.id_width),
            ("last", 1),
            ("payload", self.payload_width),
        )

    @property
    def core_in_fields(self) -> Fields:
        """A flit from the core; ``dst`` is a logical id and matters on a first flit only."""
        return (("dst", self.id_width), ("last", 1), ("payload", self.payload_width))

    @property
    def core_out_fields(self) -> Fields:
        """A flit to the core; ``src`` is the sender's logical id."""
        return (
            ("src", self.id_width),
            ("vc", self.vc_width),
            ("last", 1),
            ("payload", self.payload_width),
        )

    @property
    def _rectangle(self) -> Fields:
        return (
            ("x_lo", self.x_width),
            ("x_hi", self.x_width),
            ("y_lo", self.y_width),
            ("y_hi", self.y_width),
        )

    def table_fields(self, table: Table) -> Fields:
        """Fields of one word of a writable table, least significant first."""
        match table:
            case Table.ROUTE:
                ports = (("from_ports", 5), ("vcs", self.vcs), ("to", 3))
                return (("valid", 1), *self._rectangle, *ports)
            case Table.TURN:
                return (("outputs", 5),)
            case Table.RULE:
                return (("valid", 1), *self._rectangle, ("vc", self.vc_width))
            case Table.IDENTITY:
                return (("valid", 1), ("id", self.id_width))
            case Table.REMAP:
                place = (("x", self.x_width), ("y", self.y_width))
                return (("mapped", 1), *place, ("vc", self.vc_width))
            case Table.STATUS:
                raise ValueError("the status table has one layout per word: see status_fields")

    def table_size(self, table: Table) -> int:
        """Words in a table; a TURN word's index is vc * 5 + input port."""
        return {
            Table.ROUTE: self.route_entries,
            Table.TURN: 5 * self.vcs,
            Table.RULE: VC_RULES,
            Table.IDENTITY: 1,
            Table.REMAP: self.tiles,
            Table.STATUS: 16,
        }[table]

    def status_fields(self, word: Status) -> Fields:
        """Fields of a status word, least significant first; plain counters have 32 bits."""
        match word:
            case Status.FIRST_OFFENDER:
                dst = (("dst_x", self.x_width), ("dst_y", self.y_width))
                return (("valid", 1), ("src", self.id_width), *dst)
            case Status.FLAGS:
                return (("watchdog", 1), ("write_refused", 1))
            case Status.FUSES:
                return (("core_ok", 1), ("in_ok", 4), ("out_ok", 4))
            case Status.POSITION:
                return (("x", self.x_width), ("y", self.y_width))
            case _:
                return (("count", 32),)

    @property
    def cfg_index_width(self) -> int:
        """Bits of a word index on the configuration bus."""
        return max(bits_for(self.table_size(table) - 1) for table in Table)

    @property
    def cfg_data_width(self) -> int:
        """Bits of a data word on the configuration bus; at least 32."""
        writable = [self.table_fields(t) for t in Table if t is not Table.STATUS]
        status = [self.status_fields(s) for s in Status]
        return max(32, *(total_width(fields) for fields in (*writable, *status)))

    # Files ----------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, int]:
        """Every field by name, in declaration order."""
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], where: str = "spec") -> FabricSpec:
        """Build from a parsed mapping; unknown and missing keys are errors."""
        if not isinstance(data, Mapping):
            raise InputError(f"{where} is {data!r}; allowed: a table of fields")
        known = [f.name for f in dataclasses.fields(cls)]
        for key in data:
            if key not in known:
                raise InputError(f"{where}.{key} is unknown; allowed: {', '.join(known)}")
        for key in ("width", "height"):
            if key not in data:
                raise InputError(f"{where}.{key} is missing; allowed: 1 to {MAX_SIDE}")
        return cls(**data)

    @classmethod
    def load(cls, path: str | Path) -> FabricSpec:
        """Read a ``.toml`` or ``.json`` file; errors name the file and the field."""
        path = Path(path)
        text = decode(read_bytes(path), str(path))
        parse = _parse_toml if path.suffix == ".toml" else parse_json
        data = parse(text, str(path))
        try:
            return cls.from_dict(data)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error


def _parse_toml(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise InputError(f"{name} is not valid TOML: nested too deeply") from error
    except ValueError as error:
        raise InputError(f"{name} is not valid TOML: {error}") from error


def total_width(fields: Fields) -> int:
    """Bits of a word with these fields."""
    return sum(width for _, width in fields)

"""Descriptions as data: frozen dataclasses whose fields know what they allow.

A class derived from :class:`Described` is its own schema. Values are checked when an object is
made, from Python or from a parsed TOML or JSON table; what is wrong is told in one line.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol, Self

from model.errors import InputError
from model.schema import shown

NEEDED: Final = dataclasses.MISSING
"""Default of a field that must be given."""


class Reader(Protocol):
    """Checks one value."""

    def read(self, where: str, value: Any) -> Any:
        """The value in its one form; InputError otherwise."""

    def schema(self) -> dict[str, Any]:
        """The same as JSON Schema."""


@dataclass(frozen=True)
class Number:
    """A number from ``low`` to ``high``; ``whole``: an integer. Whole numbers become ``int``."""

    low: float
    high: float
    whole: bool = False

    def read(self, where: str, value: Any) -> float | int:
        """Booleans, text, NaN and infinities are refused."""
        good = isinstance(value, int | float) and not isinstance(value, bool)
        if not good or not self.low <= value <= self.high or (self.whole and value % 1):
            what = "an integer" if self.whole else "a number"
            raise InputError(
                f"{where} is {shown(value)}; allowed: {what} from {self.low:g} to {self.high:g}"
            )
        return int(value) if float(value).is_integer() else value

    def schema(self) -> dict[str, Any]:
        """``number`` or ``integer`` with bounds."""
        kind = "integer" if self.whole else "number"
        return {"type": kind, "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True)
class Choice:
    """One of some words."""

    words: tuple[str, ...]

    def read(self, where: str, value: Any) -> str:
        """Anything else is refused."""
        if not isinstance(value, str) or value not in self.words:
            raise InputError(f"{where} is {shown(value)}; allowed: {', '.join(self.words)}")
        return value

    def schema(self) -> dict[str, Any]:
        """``enum``."""
        return {"enum": list(self.words)}


@dataclass(frozen=True)
class Text:
    """Text that is not empty."""

    what: str

    def read(self, where: str, value: Any) -> str:
        """Anything else is refused."""
        if not isinstance(value, str) or not value:
            raise InputError(f"{where} is {shown(value)}; allowed: {self.what}")
        return value

    def schema(self) -> dict[str, Any]:
        """``string``."""
        return {"type": "string", "minLength": 1}


@dataclass(frozen=True)
class Row:
    """A list with one value for each of some readers, as ``[0.5, 3]``; becomes a tuple."""

    each: tuple[Reader, ...]
    what: str

    def read(self, where: str, value: Any) -> tuple[Any, ...]:
        """Lists of another length are refused."""
        if not _is_list(value) or len(value) != len(self.each):
            raise InputError(f"{where} is {shown(value)}; allowed: {self.what}")
        parts = zip(self.each, value, strict=True)
        return tuple(one.read(f"{where}[{i}]", part) for i, (one, part) in enumerate(parts))

    def schema(self) -> dict[str, Any]:
        """``prefixItems``."""
        size = len(self.each)
        items = [one.schema() for one in self.each]
        return {"type": "array", "prefixItems": items, "minItems": size, "maxItems": size}


@dataclass(frozen=True)
class Rows:
    """A list of values of one kind; becomes a tuple."""

    each: Reader
    what: str

    def read(self, where: str, value: Any) -> tuple[Any, ...]:
        """Anything but a list is refused."""
        if not _is_list(value):
            raise InputError(f"{where} is {shown(value)}; allowed: {self.what}")
        return tuple(self.each.read(f"{where}[{i}]", part) for i, part in enumerate(value))

    def schema(self) -> dict[str, Any]:
        """``array``."""
        return {"type": "array", "items": self.each.schema()}


@dataclass(frozen=True)
class Inner:
    """A table that describes an object of another class."""

    kind: type[Described]

    def read(self, where: str, value: Any) -> Described:
        """Objects of the class pass, tables are read."""
        return value if isinstance(value, self.kind) else self.kind.from_dict(value, where)

    def schema(self) -> dict[str, Any]:
        """``object``."""
        return self.kind.schema()


def field(reader: Reader, about: str, default: Any = NEEDED) -> Any:
    """A dataclass field; a default of None means that it may be left out."""
    return dataclasses.field(default=default, metadata={"reader": reader, "about": about})


def number(low: float, high: float, about: str, default: Any = NEEDED, whole: bool = False) -> Any:
    """A field that holds a number."""
    return field(Number(low, high, whole), about, default)


@dataclass(frozen=True, kw_only=True)
class Described:
    """Base of classes that are described by data.

    Raises
    ------
    InputError
        ``<kind>.<field> is <value>; allowed: <…>``.
    """

    kind: ClassVar[str]
    about: ClassVar[str] = ""

    def __post_init__(self) -> None:
        for one in dataclasses.fields(self):
            value = getattr(self, one.name)
            if value is not None or one.default is not None:
                told = one.metadata["reader"].read(f"{self.kind}.{one.name}", value)
                object.__setattr__(self, one.name, told)

    @classmethod
    def from_dict(cls, data: Any, where: str = "") -> Self:
        """Make an object from a parsed table; ``where`` names it in messages."""
        where = where or cls.kind
        if not isinstance(data, Mapping):
            raise InputError(f"{where} is {shown(data)}; allowed: a table")
        known = {one.name: one for one in dataclasses.fields(cls)}
        for name in data:
            if name not in known:
                raise InputError(f"{where}.{name} is unknown; allowed: {', '.join(known)}")
        for name, one in known.items():
            if one.default is NEEDED and name not in data:
                raise InputError(f"{where}.{name} is missing; allowed: {', '.join(known)}")
        return cls(**data)

    def to_dict(self) -> dict[str, Any]:
        """The table that makes this object again, without fields at their defaults."""
        return {
            one.name: _plain(getattr(self, one.name))
            for one in dataclasses.fields(self)
            if getattr(self, one.name) != one.default
        }

    @classmethod
    def schema(cls) -> dict[str, Any]:
        """JSON Schema of the table."""
        known = dataclasses.fields(cls)
        needed = [one.name for one in known if one.default is NEEDED]
        return {
            "type": "object",
            "description": cls.about,
            **({"required": needed} if needed else {}),
            "additionalProperties": False,
            "properties": {
                one.name: {"description": one.metadata["about"], **one.metadata["reader"].schema()}
                for one in known
            },
        }


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(part) for part in value]
    return value.to_dict() if isinstance(value, Described) else value


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def finite(where: str, value: float) -> float:
    """``value``, when it is a finite number."""
    if not math.isfinite(value):
        raise InputError(f"{where} is {value}; allowed: a finite number")
    return value

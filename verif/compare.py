"""Hold two run logs against each other and name the first difference.

Equal logs mean equal cycle, content and order of every delivery, every acceptance, every refusal
and every counter (ENG-1).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.runlog import EVENT_DTYPE, Event, RunLog
from model.spec import FabricSpec, Port

EVENT_PORT: Final[dict[int, str]] = {
    Event.ACCEPT: "core_in",
    Event.REFUSE: "core_refused",
    Event.DELIVER: "core_out",
}
"""Tile port at which a kind of event happens."""

FIELDS: Final = EVENT_DTYPE.names or ()


@dataclass(frozen=True)
class Mismatch:
    """The first difference between two logs.

    Members
    -------
    cycle : int
        First cycle that differs; for counters the cycle after the last, where they are read.
    tile : int
        Tile id, or -1 when the difference belongs to the whole run.
    x, y : int
        Place of the tile.
    port : str
        Tile port, counter, or property of the run.
    expected, seen : str
        What the reference log has there, and what the other has.
    """

    cycle: int
    tile: int
    x: int
    y: int
    port: str
    expected: str
    seen: str

    def __str__(self) -> str:
        where = "whole run" if self.tile < 0 else f"tile x{self.x} y{self.y}"
        return (
            f"first difference in cycle {self.cycle}, {where}, {self.port}: "
            f"expected {self.expected}, seen {self.seen}"
        )


def compare(expected: RunLog, seen: RunLog, spec: FabricSpec) -> Mismatch | None:
    """Return the first difference, or None when both logs are equal.

    Parameters
    ----------
    expected : RunLog
        Reference, usually the engine's.
    seen : RunLog
        The design under test's.
    spec : FabricSpec
        Says where a tile id lies.
    """
    return (
        _events(expected, seen, spec)
        or _scalar("cycles", expected.cycles, seen.cycles, expected)
        or _counters(expected, seen, spec)
        or _scalar("quiet", expected.quiet, seen.quiet, expected)
    )


def _events(expected: RunLog, seen: RunLog, spec: FabricSpec) -> Mismatch | None:
    a, b = expected.events, seen.events
    common = min(len(a), len(b))
    differ = np.zeros(common, np.bool_)
    for name in FIELDS:
        differ |= a[name][:common] != b[name][:common]
    first = int(differ.argmax()) if differ.any() else common
    left, right = (_row(log, first) for log in (a, b))
    if left is None and right is None:
        return None
    # The earlier of the two rows is the one that the other log lacks.
    order = [row for row in (left, right) if row is not None]
    key = min((row["cycle"], row["tile"], row["kind"]) for row in order)
    at = [
        row if row and (row["cycle"], row["tile"], row["kind"]) == key else None
        for row in (left, right)
    ]
    cycle, tile, kind = key
    texts = [_describe(mine, other) for mine, other in (at, at[::-1])]
    return Mismatch(cycle, tile, *_place(tile, spec), _port(kind), *texts)


def _row(events: npt.NDArray[np.void], index: int) -> dict[str, int] | None:
    if index >= len(events):
        return None
    return dict(zip(FIELDS, events[index].tolist(), strict=True))


def _describe(row: dict[str, int] | None, other: dict[str, int] | None) -> str:
    """Text of one side of a difference: all of an event, or only the fields that differ."""
    if row is None:
        return "nothing"
    shown = ["vc", "last", "src", "payload"]
    if other is not None:
        shown = [name for name in shown if row[name] != other[name]]
    parts = [
        f"{name} {row[name]:#x}" if name == "payload" else f"{name} {row[name]}" for name in shown
    ]
    return f"{_port(row['kind'])} with {', '.join(parts)}"


def _port(kind: int) -> str:
    return EVENT_PORT.get(kind, f"kind {kind}")


def _place(tile: int, spec: FabricSpec) -> tuple[int, int]:
    y, x = divmod(tile, spec.width)
    return x, y


def _scalar(name: str, expected: Any, seen: Any, log: RunLog) -> Mismatch | None:
    if expected == seen:
        return None
    return Mismatch(log.cycles, -1, -1, -1, name, str(expected), str(seen))


def _counters(expected: RunLog, seen: RunLog, spec: FabricSpec) -> Mismatch | None:
    for counter in dataclasses.fields(expected.counters):
        a = np.asarray(getattr(expected.counters, counter.name))
        b = np.asarray(getattr(seen.counters, counter.name))
        if a.shape != b.shape:
            return _scalar(f"shape of {counter.name}", a.shape, b.shape, expected)
        where = np.argwhere(a != b)
        if len(where):
            tile, *rest = map(int, where[0])
            at = tuple(where[0])
            name = f"counter {counter.name}{_element(counter.name, rest)}"
            values = str(int(a[at])), str(int(b[at]))
            return Mismatch(expected.cycles, tile, *_place(tile, spec), name, *values)
    return None


def _element(counter: str, rest: list[int]) -> str:
    if not rest:
        return ""
    if counter == "first_offender":
        return f" {('valid', 'src', 'dst_x', 'dst_y')[rest[0]]}"
    return f" {Port(rest[0]).name}"

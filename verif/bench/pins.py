"""Packed port vectors as Python integers, with X kept apart.

One handle per vector and one read per cycle: per-tile handles would cost more than the simulation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cocotb.clock import Clock
from cocotb.types import Logic, LogicArray

from verif.runner import CLOCK_NS

_ONES = str.maketrans("XZUW-LH", "0000001")
_UNKNOWN = str.maketrans("01XZUW-LH", "001111100")


def read(handle: Any) -> tuple[int, int]:
    """Value of a signal and the bit set of its unknown bits, which read 0 in the value."""
    text = str(handle.value)
    try:
        return int(text, 2), 0
    except ValueError:
        return int(text.translate(_ONES), 2), int(text.translate(_UNKNOWN), 2)


def unknown_pattern(value: int, unknown: int, width: int) -> LogicArray:
    """A vector with X in the bits of ``unknown`` and ``value`` elsewhere."""
    known, holes = f"{value:0{width}b}", f"{unknown:0{width}b}"
    return LogicArray("".join("X" if h == "1" else k for k, h in zip(known, holes, strict=True)))


def bits(value: int) -> list[int]:
    """Positions of the ones of ``value``, lowest first."""
    found = []
    while value:
        low = value & -value
        found.append(low.bit_length() - 1)
        value ^= low
    return found


def spread(lanes: int, width: int) -> int:
    """Replace every one of ``lanes`` by ``width`` ones in its lane."""
    ones = (1 << width) - 1
    result = 0
    for lane in bits(lanes):
        result |= ones << (lane * width)
    return result


@dataclass(frozen=True)
class Lane:
    """Known and unknown bits of one lane of a packed vector."""

    value: int
    unknown: int


def lane(vector: tuple[int, int], index: int, width: int) -> Lane:
    """Lane ``index`` of a vector that :func:`read` returned."""
    ones = (1 << width) - 1
    return Lane((vector[0] >> (index * width)) & ones, (vector[1] >> (index * width)) & ones)


class Output:
    """A driven vector: written only when it changes."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle
        self.width = len(str(handle.value))
        self._last: tuple[int, int] | None = None

    def set(self, value: int, unknown: int = 0) -> None:
        """Drive ``value``, with X where ``unknown`` has ones."""
        if (value, unknown) == self._last:
            return
        self._last = (value, unknown)
        if not unknown:
            self._handle.value = value
        elif self.width == 1:
            self._handle.value = Logic("X")
        else:
            self._handle.value = unknown_pattern(value, unknown, self.width)


def start_clock(dut: Any) -> None:
    """Run the clock ``dut.clk`` for the rest of the simulation."""
    Clock(dut.clk, CLOCK_NS, unit="ns").start()

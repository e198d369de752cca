"""Hold the golden engine's waves against the RTL's, signal by signal and cycle by cycle."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from verif.waves import WaveReader, signals_of


@dataclass(frozen=True)
class WaveDifference:
    """The first cycle and signal in which two wave files differ."""

    cycle: int
    signal: str
    expected: str
    seen: str

    def __str__(self) -> str:
        return (
            f"first difference in cycle {self.cycle}, {self.signal}: "
            f"expected {self.expected}, seen {self.seen}"
        )


@dataclass(frozen=True)
class WaveComparison:
    """What a comparison did.

    Members
    -------
    signals, values : int
        Signals looked at; values compared, one a signal and cycle.
    difference : WaveDifference or None
    """

    signals: int
    values: int
    difference: WaveDifference | None


def compare_waves(
    golden: Path, rtl: Path, cycle0_ns: int, cycles: range, names: Collection[str] | None = None
) -> WaveComparison:
    """Compare every signal of a golden VCD with the RTL's of that name, as cycles begin.

    Bits that are x in the golden file are open, all others must be equal; so must the widths.

    Parameters
    ----------
    golden, rtl : Path
        VCDs of the same layout.
    cycle0_ns : int
        When cycle 0 begins in both.
    cycles : range
    names : collection of str, optional
        Only these signals.

    Raises
    ------
    KeyError
        When the RTL's file lacks a signal.
    """
    names = signals_of(golden) if names is None else names
    ours, theirs = (WaveReader(path, names, cycle0_ns) for path in (golden, rtl))
    values = 0
    for cycle in cycles:
        for name in names:
            expected, seen = ours.bits(name, cycle), theirs.bits(name, cycle)
            if expected == "x" * len(expected) and len(seen) == len(expected):
                continue
            values += 1
            known = "".join("x" if e == "x" else s for e, s in zip(expected, seen, strict=False))
            if known != expected or len(seen) != len(expected):
                return WaveComparison(
                    len(names), values, WaveDifference(cycle, name, expected, seen)
                )
    return WaveComparison(len(names), values, None)

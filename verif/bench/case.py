"""What a fabric run is asked to do, and what it answers; both cross the process border as files."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from model.image import ConfigImage
from model.runlog import RunLog
from model.schedule import NO_STALLS, PacketSchedule, StallPattern
from model.spec import FabricSpec

CASE_VARIABLE: Final = "WAFERMESH_CASE"
"""Environment variable that names the case file; the outcome is written beside it."""

Noise = Literal["random", "x", "zero"]


@dataclass(eq=False, kw_only=True)
class Case:
    """One run of a fabric under cocotb.

    Members
    -------
    image : ConfigImage
    schedule : PacketSchedule
    stalls : StallPattern
    cycles : int
        Cycles to run before ``hold`` rises again and the counters are read.
    seed : int
        Of everything the contract leaves open: body ``dst`` fields, what dead parts drive.
    noise : {"random", "x", "zero"}
        What dead parts drive; X needs Icarus.
    read_back : bool
        Read every table word of every live tile back after configuration.
    hold_at, release_at : int or None
        Cycles in which ``hold`` rises and falls again in mid-traffic (directed tests).
    reset_at : int or None
        Run the traffic this many cycles, reset in the middle of it, then do everything again.
    write_at : int or None
        Cycle in which a table write is tried (directed tests of CFG-2).
    poll : (int, int) or None
        (tile, status word) to read in every cycle of the run (CFG-4).
    """

    image: ConfigImage
    schedule: PacketSchedule
    cycles: int
    stalls: StallPattern = NO_STALLS
    seed: int = 0
    noise: Noise = "random"
    read_back: bool = False
    hold_at: int | None = None
    release_at: int | None = None
    reset_at: int | None = None
    write_at: int | None = None
    poll: tuple[int, int] | None = None


@dataclass(frozen=True)
class Taken:
    """A flit that the input monitor saw move from a core into the fabric."""

    cycle: int
    tile: int
    dst: int
    last: int
    payload: int


@dataclass(eq=False, kw_only=True)
class Outcome:
    """What the simulator saw.

    Members
    -------
    log : RunLog
        Counters come from the configuration bus after the last cycle; they are comparable with
        the engine's when the fabric was quiet by then.
    taken : list of Taken
        From the input monitor, with the ``dst`` that :class:`RunLog` does not carry.
    complaints : list of str
        Everything that is wrong whatever the engine says: X where none may be, table words that
        read back differently, events after the fabric was quiet.
    drained : bool
        ``idle`` rose as soon as ``hold`` did after the last cycle: no flit is left in the fabric.
    cycle0_ns : int
        Simulation time at which cycle 0 begins.
    idle : list of (int, int)
        (cycle, level) whenever ``idle`` changed, cycles counted as in the log.
    flags : dict of int to int
        Tile → FLAGS word at the end.
    probe : int or None
        What the word that ``Case.write_at`` aimed at reads at the end.
    polled : list of int
        What ``Case.poll`` read in cycle 0, 1, …: the word before the edge that ends the cycle.
    """

    log: RunLog
    taken: list[Taken]
    complaints: list[str]
    drained: bool
    cycle0_ns: int
    idle: list[tuple[int, int]] = field(default_factory=list)
    flags: dict[int, int] = field(default_factory=dict)
    probe: int | None = None
    polled: list[int] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class TileCase:
    """One run of a lone tile: tables, fuses, traffic and stalls all come from ``seed``."""

    spec: FabricSpec
    seed: int
    cycles: int = 300


@dataclass(frozen=True, kw_only=True)
class TileOutcome:
    """What the tile bench found.

    Members
    -------
    findings : list of str
        Empty when all is well.
    moved, blocked : dict of str to int
        Per interface: words that moved, cycles in which one could not; shows what was exercised.
    offenders, refused : int
    """

    findings: list[str]
    moved: dict[str, int]
    blocked: dict[str, int]
    offenders: int
    refused: int


def dump(value: object, path: Path) -> None:
    """Write a case or an outcome."""
    path.write_bytes(pickle.dumps(value))


def load(path: Path) -> Any:
    """Read what :func:`dump` wrote; only ever files of our own runs."""
    return pickle.loads(path.read_bytes())

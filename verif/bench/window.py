"""Record waves of a run, and run one small fabric for show: the demo's cocotb part."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model.errors import InputError
from model.image import ConfigImage
from model.runlog import Event, RunLog
from model.schedule import NO_STALLS, PacketSchedule, StallPattern
from rtl.bugs import Bug
from verif.bench.case import Case, Outcome
from verif.bench.launch import Waves, difference, make_case, simulate_rtl
from verif.golden_waves import fabric_layout, golden_beside, write_golden_waves
from verif.gtkw import write_save_file
from verif.runner import CLOCK_NS, EVERYTHING, Dump, Simulator
from verif.waves import COMMON, cut_vcd, scopes_of


def record(
    case: Case,
    path: Path,
    simulator: Simulator = "verilator",
    *,
    tiles: Sequence[int] | None = None,
    cycles: tuple[int, int] | None = None,
    bug: Bug | None = None,
    directory: Path | None = None,
) -> Outcome:
    """Run a case with waves; a ``.gtkw`` save file appears beside them.

    Parameters
    ----------
    case : Case
    path : Path
        ``.vcd``, or ``.fst``, which is much smaller.
    simulator : {"verilator", "icarus"}
    tiles : sequence of int, optional
        Tiles to record; everything by default.
    cycles : (first, last), optional
        Cycles to record, both included; configuration and all cycles by default.
    bug, directory
        As for :func:`~verif.bench.launch.simulate_rtl`.

    Raises
    ------
    InputError
        For another suffix, or a part of an FST on Verilator, which always writes all of it.
    """
    if path.suffix not in (".vcd", ".fst"):
        raise InputError(f"waves is {str(path)!r}; allowed: a name that ends in .vcd or .fst")
    spec, part = case.image.spec, tiles is not None or cycles is not None
    scopes = scopes_of(spec, range(spec.tiles) if tiles is None else tiles)
    dump = EVERYTHING
    if path.suffix == ".fst" and part:
        if simulator == "verilator":
            raise InputError(f"waves is {str(path)!r}; allowed: .vcd for a part of a run")
        first, last = cycles or (None, None)
        dump = Dump((*COMMON, *scopes), first, last)
    (outcome,) = simulate_rtl(
        [case], simulator, bug=bug, waves=Waves(path, dump), directory=directory
    )
    start = outcome.cycle0_ns
    if path.suffix == ".vcd" and part:
        first_ns, last_ns = 0, None
        if cycles is not None:
            first_ns, last_ns = (start + c * CLOCK_NS for c in (cycles[0], cycles[1] + 1))
        cut_vcd(path, path, scopes, first_ns, last_ns)
    shown = np.flatnonzero(case.image.live).tolist() if tiles is None else tiles
    view_ns = start + (cycles[0] if cycles else 0) * CLOCK_NS
    write_save_file(path.with_suffix(".gtkw"), path, spec, shown, first_ns=view_ns)
    return outcome


@dataclass(frozen=True, kw_only=True)
class WindowResult:
    """What a cocotb run of a small fabric showed.

    Members
    -------
    difference : str
        Empty when the run equals the engine's and the scoreboard is content; else the first
        difference with cycle, tile, port, expected and seen.
    difference_ns : int or None
        Where to look in the waves.
    cycles, packets, delivered, refused, sunk : int
        Cycles run, packets offered, and what became of them.
    waves, save_file : Path or None
    cycle0_ns : int
        Simulation time at which cycle 0 begins.
    seconds : float
        Wall time, compilation included.
    expected : RunLog
        The engine's log.
    outcome : Outcome
        The bench's.
    """

    difference: str
    difference_ns: int | None
    cycles: int
    packets: int
    delivered: int
    refused: int
    sunk: int
    waves: Path | None
    save_file: Path | None
    cycle0_ns: int
    seconds: float
    expected: RunLog
    outcome: Outcome


def run_window(
    image: ConfigImage,
    schedule: PacketSchedule,
    stalls: StallPattern = NO_STALLS,
    *,
    waves: Path | None = None,
    tiles: Sequence[int] | None = None,
    cycles: tuple[int, int] | None = None,
    simulator: Simulator = "verilator",
    seed: int = 0,
    read_back: bool = True,
    bug: Bug | None = None,
) -> WindowResult:
    """Run an image under cocotb with babbling dead parts, and compare it with the engine.

    Configuration goes over the bus and every table is read back.

    Parameters
    ----------
    image : ConfigImage
        Up to about 8 x 8 tiles; Verilator's compilation grows with the number of tiles.
    schedule : PacketSchedule
    stalls : StallPattern
    waves : Path, optional
        Where the VCD or FST goes; a ``.gtkw`` and the engine's waves appear beside it.
    tiles, cycles
        What to record, as for :func:`record`.
    simulator : {"verilator", "icarus"}
    seed : int
        Of what dead parts drive.
    read_back : bool
        Check every table over the bus after configuration.
    bug : Bug, optional
        Build the RTL with this bug.
    """
    started = time.perf_counter()
    case, expected = make_case(image, schedule, stalls, seed=seed, read_back=read_back)
    if waves is None:
        (outcome,) = simulate_rtl([case], simulator, bug=bug)
    else:
        outcome = record(case, waves, simulator, tiles=tiles, cycles=cycles, bug=bug)
        begin, last = cycles or (0, case.cycles - 1)
        write_golden_waves(
            golden_beside(waves),
            image,
            schedule,
            tiles=tiles,
            begin=begin,
            end=last + 1,
            stalls=stalls,
            layout=fabric_layout(outcome.cycle0_ns),
        )
    found = difference(case, outcome, expected)
    events, counters = outcome.log.events, outcome.log.counters
    arrived = np.count_nonzero((events["kind"] == Event.DELIVER) & (events["last"] == 1))
    return WindowResult(
        difference=found[1] if found else "",
        difference_ns=outcome.cycle0_ns + found[0] * CLOCK_NS if found else None,
        cycles=outcome.log.cycles,
        packets=len(schedule),
        delivered=int(arrived),
        refused=int(counters.refused.sum()),
        sunk=int(counters.offenders.sum()),
        waves=waves,
        save_file=waves.with_suffix(".gtkw") if waves else None,
        cycle0_ns=outcome.cycle0_ns,
        seconds=time.perf_counter() - started,
        expected=expected,
        outcome=outcome,
    )

"""Run cases on engine and tile array, compare them, and explain the first difference."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from model.engine import EngineResult, PacketStatus
from model.engine import simulate as run_engine
from model.runlog import RunLog
from model.spec import PORT_DX, PORT_DY
from rtl.bugs import Bug
from verif.cases import Case, draw_case
from verif.compare import compare
from verif.golden_waves import golden_beside, write_golden_waves
from verif.gtkw import write_save_file
from verif.tile_array import ProtocolError, Waves, simulate

MAX_CYCLES: Final = 2_000_000
"""A case that has not drained by then has failed (TBL-2)."""

BEFORE, AFTER = 60, 20
"""Cycles of waves on both sides of a difference."""


@dataclass(kw_only=True)
class Outcome:
    """What became of one case.

    Members
    -------
    seed : int
    failure : str
        Empty when RTL and engine agree and everything drained.
    cycle, tile : int
        Where the first difference is, or -1.
    packets, delivered, refused, sunk, cycles, tile_cycles, events : int
        Packets by what became of them; cycles run; live tiles × cycles; events compared.
    dead_tiles, dead_cores, dead_links, stalls : int
        Evidence of stimulus: defects that babbled, cycles in which an input VC stood still.
    rtl_seconds : float
        Wall time of the RTL side, compilation included.
    drawn : dict
        The case's parameters.
    """

    seed: int
    failure: str = ""
    cycle: int = -1
    tile: int = -1
    packets: int = 0
    delivered: int = 0
    refused: int = 0
    sunk: int = 0
    cycles: int = 0
    tile_cycles: int = 0
    events: int = 0
    dead_tiles: int = 0
    dead_cores: int = 0
    dead_links: int = 0
    stalls: int = 0
    rtl_seconds: float = 0.0
    drawn: dict[str, Any] = field(default_factory=dict)


def run_case(case: Case, bug: Bug | None = None, waves: Waves | None = None) -> Outcome:
    """Run one case on both sides and compare."""
    engine = run_engine(case.image, case.schedule, stalls=case.stalls, max_cycles=MAX_CYCLES)
    outcome = _outcome(case, engine)
    started = time.perf_counter()
    try:
        rtl = run_rtl(case, engine.log.cycles, bug=bug, waves=waves)
        mismatch = compare(engine.log, rtl, case.image.spec)
    except ProtocolError as error:
        outcome.failure, mismatch = str(error), error.mismatch
    outcome.rtl_seconds = time.perf_counter() - started
    if mismatch is not None:
        outcome.failure, outcome.cycle, outcome.tile = str(mismatch), mismatch.cycle, mismatch.tile
    elif not outcome.failure and not engine.finished:
        outcome.failure = f"not drained after {engine.log.cycles} cycles (TBL-2)"
    return outcome


def run_rtl(
    case: Case, cycles: int, *, bug: Bug | None = None, waves: Waves | None = None
) -> RunLog:
    """Run a case's RTL side; waves get a GTKWave save file and the engine's waves beside them.

    A bug or a window of waves is built fast, as it runs for short.
    """
    try:
        return simulate(
            case.image,
            case.schedule,
            cycles=cycles,
            stalls=case.stalls,
            via_bus=case.via_bus,
            threads=case.threads,
            netlist=case.netlist,
            seed=case.seed,
            bug=bug,
            waves=waves,
            quick=bug is not None or waves is not None,
        )
    finally:
        if waves is not None and waves.path.exists():
            _write_save_file(case, waves)
            _write_golden_waves(case, waves, cycles)


def _write_save_file(case: Case, waves: Waves) -> None:
    """The waves have the netlist's header widths; time counts 10 a cycle."""
    size = case.image.spec
    spec = replace(case.netlist, width=size.width, height=size.height)
    tiles = np.flatnonzero(case.image.live).tolist() if waves.tiles is None else waves.tiles
    path = waves.path
    write_save_file(path.with_suffix(".gtkw"), path, spec, tiles, first_ns=10 * waves.begin, top="")


def _write_golden_waves(case: Case, waves: Waves, cycles: int) -> None:
    """The engine's waves in the RTL's layout (SIM-5), unless the window begins after the run."""
    end = min(waves.end, cycles)
    if waves.begin < end:
        write_golden_waves(
            golden_beside(waves.path),
            case.image,
            case.schedule,
            tiles=waves.tiles,
            begin=waves.begin,
            end=end,
            stalls=case.stalls,
            widths=case.netlist,
        )


def _outcome(case: Case, engine: EngineResult) -> Outcome:
    status = np.bincount(engine.records.status, minlength=len(PacketStatus))
    image, log = case.image, engine.log
    sides = [image.spec.width - 1, image.spec.height - 1]
    links = 2 * (sides[0] * image.spec.height + sides[1] * image.spec.width)
    return Outcome(
        seed=case.seed,
        packets=len(case.schedule),
        delivered=int(status[PacketStatus.DELIVERED] + status[PacketStatus.MISDELIVERED]),
        refused=int(status[PacketStatus.REFUSED]),
        sunk=int(status[PacketStatus.SUNK]),
        cycles=log.cycles,
        tile_cycles=log.cycles * int(image.live.sum()),
        events=len(log.events),
        dead_tiles=int((~image.live).sum()),
        dead_cores=int((image.live & ~image.core_ok).sum()),
        dead_links=links - int(image.out_ok.sum()),
        stalls=int(log.counters.stalled.sum()),
        drawn=case.summary,
    )


def explain(case: Case, outcome: Outcome, path: Path, bug: Bug | None = None) -> str:
    """Run the RTL again with waves around the first difference; say where to look.

    The waves hold the tile and its neighbours, from 60 cycles before to 20 after.
    """
    spec = case.image.spec
    y, x = divmod(max(outcome.tile, 0), spec.width)
    around = zip((0, *PORT_DX), (0, *PORT_DY), strict=True)
    places = [(x + dx, y + dy) for dx, dy in around]
    tiles = [
        py * spec.width + px for px, py in places if 0 <= px < spec.width and 0 <= py < spec.height
    ]
    end = outcome.cycle + AFTER
    waves = Waves(path=path, tiles=tiles, begin=max(0, outcome.cycle - BEFORE), end=end)
    with contextlib.suppress(ProtocolError):  # the one that is explained
        run_rtl(case, end, bug=bug, waves=waves)
    return f"{path}, jump to time {10 * outcome.cycle}"


def _run_seed(seed: int, packets: int, bug: Bug | None) -> Outcome:
    return run_case(draw_case(seed, packets), bug)


def run_campaign(
    seeds: Iterable[int], *, packets: int = 700, jobs: int = 2, bug: Bug | None = None
) -> Iterator[Outcome]:
    """Run many cases in ``jobs`` processes; yields outcomes as they come."""
    with ProcessPoolExecutor(max_workers=jobs) as pool:
        futures = [pool.submit(_run_seed, seed, packets, bug) for seed in seeds]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def summarise(outcomes: list[Outcome]) -> dict[str, Any]:
    """Totals of a campaign, JSON-serialisable; failures one by one."""
    counted = (
        *("packets", "delivered", "refused", "sunk", "cycles", "tile_cycles", "events"),
        *("dead_tiles", "dead_cores", "dead_links", "stalls"),
    )

    def spread(name: str) -> list[Any]:
        return sorted({outcome.drawn[name] for outcome in outcomes})

    compiled = [outcome.drawn for outcome in outcomes if outcome.drawn["compiled"]]
    return {
        "fabrics": len(outcomes),
        "parameter_sets": len(spread("parameters")),
        "compiled": len(compiled),
        "compiled_with_layers": sum(drawn["layers"] > 1 for drawn in compiled),
        "compiled_with_vc_rules": sum(drawn["vc_rules"] > 0 for drawn in compiled),
        "routings": sorted({drawn["routing"] for drawn in compiled}),
        **{name: sum(getattr(outcome, name) for outcome in outcomes) for name in counted},
        **{name: spread(name) for name in ("vcs", "depth", "pattern", "length", "load")},
        "failures": [asdict(outcome) for outcome in outcomes if outcome.failure],
    }

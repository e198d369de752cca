"""The cocotb part of ``make verify``: every parameter set, at least 40 random fabrics.

One specification is one build, so each parameter set gets one fabric size and several random
images of it. Most run on Icarus, which builds in a second; every eighth set runs on Verilator.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from model.random import threshold
from model.runlog import Event, RunLog
from model.schedule import StallPattern
from model.spec import FabricSpec
from model.traffic import PATTERNS, make_schedule
from verif.bench.case import Case
from verif.bench.launch import MismatchError, check_cases, make_case
from verif.cases import first_possible
from verif.compare import compare
from verif.compiled_image import compiled_image
from verif.parameter_sets import PARAMETER_SETS
from verif.random_image import random_image
from verif.runner import Simulator
from verif.tile_array import simulate as simulate_array

SIZES: Final = ((3, 3), (4, 3), (2, 4), (1, 6), (5, 2), (6, 1), (2, 2), (4, 4))
RATES: Final = (0.0, 0.05, 0.12, 0.3)
STREAM: Final = 0x636F636F7462
"""Keeps the cases' random numbers apart from other uses of the same seed."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What became of one parameter set's fabrics.

    Members
    -------
    index : int
        Parameter set.
    simulator : str
    fabrics, packets, cycles, deliveries : int
    seconds : float
        Wall time, compilation included.
    failure : str
        Empty, or the explanation of the first mismatch.
    """

    index: int
    simulator: str
    fabrics: int
    packets: int
    cycles: int
    deliveries: int
    seconds: float
    failure: str


def simulator_of(index: int) -> Simulator:
    """Verilator for every eighth parameter set, Icarus for the others."""
    return "verilator" if index % 8 == 1 else "icarus"


def draw(index: int, seed: int, packets: int = 150) -> tuple[Case, RunLog]:
    """Draw a fabric of parameter set ``index`` with traffic, and what the engine says of it.

    Parameters
    ----------
    index : int
        Parameter set; it fixes the size, so that all seeds share one build.
    seed : int
        0 to 2**32 - 1.
    packets : int
    """
    rng = np.random.default_rng([STREAM, index, seed])
    spec = PARAMETER_SETS[index].spec(*SIZES[index % len(SIZES)])
    return first_possible(lambda: _draw(rng, spec, seed, packets))


def _draw(
    rng: np.random.Generator, spec: FabricSpec, seed: int, packets: int
) -> tuple[Case, RunLog]:
    rates = {name: float(rng.choice(RATES)) for name in ("tile_rate", "core_rate", "link_rate")}
    if rng.random() < 0.5:
        image = compiled_image(rng, spec, rates)
    else:
        image = random_image(rng, spec, **rates)
    schedule = make_schedule(
        image,
        pattern=str(rng.choice(list(PATTERNS))),
        load=float(rng.choice((0.05, 0.3, 1.0))),
        length=str(rng.choice(("1", "1-4", "1-16"))),
        packets=packets,
        seed=int(rng.integers(2**32)),
    )
    stalls = StallPattern(
        threshold=threshold("stalls", float(rng.choice((0.0, 0.3, 0.8)))),
        burst_log2=int(rng.integers(5)),
        seed=int(rng.integers(2**32)),
    )
    return make_case(image, schedule, stalls, seed=seed, read_back=seed == 0)


def run_set(
    index: int,
    seeds: range = range(2),
    *,
    simulator: Simulator | None = None,
    against_array: bool = True,
    evidence: Path | None = None,
) -> Result:
    """Run one parameter set's fabrics under cocotb: equal to the engine, and to the tile array.

    Parameters
    ----------
    index : int
    seeds : range
        One fabric each.
    simulator : {"verilator", "icarus"}, optional
        By default :func:`simulator_of`.
    against_array : bool
        Also hold the log against the tile array's, cycle by cycle (SIM-2).
    evidence : Path, optional
        Folder for the waves of a mismatch.
    """
    started = time.perf_counter()
    simulator = simulator or simulator_of(index)
    cases = [draw(index, seed) for seed in seeds]
    failure = ""
    reproduce = f"python -m verif.bench.campaign {index} {seeds.start} {seeds.stop} {simulator}"
    try:
        outcomes = check_cases(cases, simulator, evidence=evidence, reproduce=reproduce)
    except MismatchError as mismatch:
        outcomes, failure = [], str(mismatch)
    for (case, _), outcome in zip(cases, outcomes, strict=False):
        if against_array and not failure:
            failure = array_difference(index, case, outcome.log)
    events = [log.events for _, log in cases]
    return Result(
        index=index,
        simulator=simulator,
        fabrics=len(cases),
        packets=sum(len(case.schedule) for case, _ in cases),
        cycles=sum(case.cycles for case, _ in cases),
        deliveries=sum(int(np.count_nonzero(e["kind"] == Event.DELIVER)) for e in events),
        seconds=time.perf_counter() - started,
        failure=failure,
    )


def array_difference(index: int, case: Case, seen: RunLog) -> str:
    """First difference between the tile array's run of a case and a cocotb log, or "" (SIM-2)."""
    log = simulate_array(
        case.image,
        case.schedule,
        cycles=case.cycles,
        stalls=case.stalls,
        netlist=PARAMETER_SETS[index].netlist(),
        seed=case.seed,
    )
    mismatch = compare(log, seen, case.image.spec)
    return f"tile array and cocotb differ (SIM-2): {mismatch}" if mismatch else ""


def run_campaign(
    fabrics_per_set: int = 2,
    first_seed: int = 0,
    *,
    against_array: bool = True,
    evidence: Path | None = None,
    progress: Callable[[Result], None] | None = None,
) -> dict[str, Any]:
    """Run every parameter set and sum up.

    Parameters
    ----------
    fabrics_per_set : int
        At least 2, so that 24 sets make more than 40 fabrics.
    first_seed : int
    against_array, evidence
        As for :func:`run_set`.
    progress : callable, optional
        Called after each set.

    Returns
    -------
    dict
        JSON-serialisable: ``fabrics``, ``parameter_sets``, ``packets``, ``cycles``,
        ``deliveries``, ``seconds``, ``failures`` (list of explanations, empty when all is well).
    """
    seeds = range(first_seed, first_seed + fabrics_per_set)
    results = []
    for index in range(len(PARAMETER_SETS)):
        results.append(run_set(index, seeds, against_array=against_array, evidence=evidence))
        if progress is not None:
            progress(results[-1])
    total = {
        name: sum(getattr(result, name) for result in results)
        for name in ("fabrics", "packets", "cycles", "deliveries", "seconds")
    }
    failures = [result.failure for result in results if result.failure]
    return {"parameter_sets": len(results), **total, "failures": failures}


def main(arguments: list[str]) -> int:
    """``python -m verif.bench.campaign [SET FIRST LAST SIMULATOR]``: one set, or all."""
    match arguments:
        case []:
            summary = run_campaign(progress=print)
            failures = summary.pop("failures")
            print(summary)
        case [*numbers, ("icarus" | "verilator") as simulator] if _are_seeds_of_a_set(numbers):
            index, first, last = map(int, numbers)
            failures = [run_set(index, range(first, last), simulator=simulator).failure]
        case _:
            print(
                f"arguments are {' '.join(arguments)}; allowed: none, or a set below "
                f"{len(PARAMETER_SETS)}, first seed, last seed + 1, icarus or verilator",
                file=sys.stderr,
            )
            return 2
    print("\n".join(failure for failure in failures if failure) or "no mismatch")
    return int(any(failures))


def _are_seeds_of_a_set(words: list[str]) -> bool:
    if len(words) != 3 or not all(word.isdecimal() for word in words):
        return False
    index, first, last = map(int, words)
    return index < len(PARAMETER_SETS) and first < last <= 2**32


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The cocotb test that runs a lone tile; host side: :func:`verif.bench.launch.run_tile`."""

from __future__ import annotations

import os
import random
from pathlib import Path
from typing import Any

import cocotb

from verif.bench.case import CASE_VARIABLE, TileCase, TileOutcome, dump, load
from verif.bench.pins import start_clock
from verif.bench.tile import TileBench
from verif.bench.tile_model import random_image
from verif.bench.tile_sides import Mood


@cocotb.test()
async def run_tiles(dut: Any) -> None:
    """Run the cases of a file one after another, each from reset, and store their outcomes."""
    path = Path(os.environ[CASE_VARIABLE])
    start_clock(dut)
    outcomes = [await run_tile(dut, case) for case in load(path)]
    dump(outcomes, path.with_name("outcomes.pkl"))


async def run_tile(dut: Any, case: TileCase) -> TileOutcome:
    """Draw tables and a mood from the seed, run, and judge."""
    rng = random.Random(case.seed)
    image = random_image(case.spec, rng.randrange(case.spec.tiles), rng)
    mood = Mood(send=rng.choice((0.1, 0.5, 0.9)), accept=rng.choice((0.1, 0.5, 0.9, 1.0)))
    bench = TileBench(dut, image, case.seed, mood)
    await bench.reset()
    await bench.configure()
    await bench.run(case.cycles)
    findings = await bench.finish()
    checkers = (bench.links | bench.streams).items()
    return TileOutcome(
        findings=findings,
        moved={name: checker.moved for name, checker in checkers},
        blocked={name: checker.blocked for name, checker in checkers},
        offenders=bench.model.offenders,
        refused=bench.model.refused,
    )

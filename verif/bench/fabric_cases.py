"""The cocotb test that runs fabric cases; host side: :mod:`verif.bench.launch`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Final

import cocotb

from model.spec import VC_RULES, Table
from verif.bench.case import CASE_VARIABLE, Case, Outcome, dump, load
from verif.bench.fabric import FabricBench
from verif.bench.pins import start_clock
from verif.config_stream import BusWrite

PROBE_INDEX: Final = VC_RULES - 1
PROBE_WORD: Final = 0b10
"""Not valid, ``x_lo`` 1: never matches, but differs from the cleared word."""


@cocotb.test()
async def run_cases(dut: Any) -> None:
    """Run the cases of a file one after another, each from reset, and store their outcomes."""
    path = Path(os.environ[CASE_VARIABLE])
    start_clock(dut)
    outcomes = [await run_case(dut, case) for case in load(path)]
    dump(outcomes, path.with_name("outcomes.pkl"))


async def run_case(dut: Any, case: Case) -> Outcome:
    """Reset, configure, run and read out one case."""
    bench = FabricBench(dut, case.image, case.seed, case.noise)
    if case.reset_at is not None:
        await bench.reset()
        await bench.configure()
        bench.start(case)
        await bench.step(case.reset_at)
    await bench.reset()
    await bench.configure()
    if case.read_back:
        await bench.check_tables()
    cycle0_ns = bench.start(case)
    for cycle in range(case.cycles):
        if cycle == case.hold_at:
            bench.hold(1)
        if cycle == case.release_at:
            bench.hold(0)
        if cycle == case.write_at:
            await bench.write(probe_write(case))
        elif case.poll is not None:
            await bench.poll(*case.poll)
        else:
            await bench.step()
    outcome = await bench.finish(case, cycle0_ns)
    if case.write_at is not None:
        tile = probe_tile(case)
        (outcome.probe,) = await bench.read([(tile, Table.RULE, PROBE_INDEX)])
    return outcome


def probe_tile(case: Case) -> int:
    """Tile whose table the attempted write of ``Case.write_at`` goes to: the first live one."""
    return int(case.image.live.argmax())


def probe_write(case: Case) -> BusWrite:
    """A write that shows when it happened and changes no route: a VC rule that matches nothing."""
    y, x = divmod(probe_tile(case), case.image.spec.width)
    return BusWrite(Table.RULE, PROBE_INDEX, PROBE_WORD, x, y)

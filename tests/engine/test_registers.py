"""What a debugger reads from the engine agrees with what a run reports."""

import numpy as np
import pytest

from model.engine import TRACE_COLUMNS, Simulation, simulate
from model.engine.registers import NONE
from model.spec import FabricSpec
from tests.images import random_image, random_schedule, random_stalls


@pytest.mark.parametrize(("vcs", "depth"), [(1, 2), (1, 5), (2, 4), (4, 3)])
def test_levels_and_fronts_are_the_occupancies_and_movements_of_the_run(vcs, depth):
    rng = np.random.default_rng([vcs, depth])
    spec = FabricSpec(width=5, height=4, vcs=vcs, depth=depth)
    image = random_image(rng, spec)
    schedule, stalls = random_schedule(rng, image, 120, span=100), random_stalls(rng)
    window = (0, 120)
    told = simulate(
        image, schedule, stalls=stalls, cycles=120, occupancy_window=window, trace_window=window
    )
    run = Simulation(image, schedule, stalls=stalls)
    tiles = np.array([19, 3, 7, 12])
    moves = [dict(zip(TRACE_COLUMNS, row, strict=True)) for row in told.trace.tolist()]
    seen = 0
    for cycle in range(120):
        now = run.registers(tiles)
        assert np.array_equal(now.level, told.occupancy[cycle, tiles])
        assert np.array_equal(now.level == 0, now.front == NONE)
        for move in (move for move in moves if move["cycle"] == cycle):
            for n in np.flatnonzero(tiles == move["tile"]):
                flit = move["packet"] << 16 | move["flit"]
                assert now.front[n, move["input"], move["vc"]] == flit
                seen += 1
        run.advance(cycle + 1, cycle + 1)
    assert seen > 20

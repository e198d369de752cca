"""A lone tile under cocotb: random tables and fuses, every interface stalling."""

import pytest

from model.spec import FabricSpec
from verif.bench.case import TileCase
from verif.bench.launch import run_tiles

SPECS = {
    "1 VC": FabricSpec(width=4, height=4, depth=2, payload_width=16, route_entries=8),
    "4 VCs": FabricSpec(width=3, height=5, vcs=4, depth=3, payload_width=24, route_entries=8),
}


@pytest.mark.parametrize(
    ("simulator", "spec"),
    [
        ("icarus", "1 VC"),
        ("icarus", "4 VCs"),
        pytest.param("verilator", "1 VC", marks=pytest.mark.xdist_group("verilator")),
    ],
)
def test_lnk_1_to_4_rtr_7_fus_2_a_lone_tile_among_random_neighbours(simulator, spec):
    cases = [TileCase(spec=SPECS[spec], seed=seed, cycles=200) for seed in range(12)]
    outcomes = run_tiles(cases, simulator)
    assert [finding for outcome in outcomes for finding in outcome.findings] == []
    # Evidence that the stimulus happened, on every interface.
    for name in outcomes[0].moved | outcomes[1].moved | outcomes[2].moved:
        assert sum(outcome.moved.get(name, 0) for outcome in outcomes) > 50, name
        assert sum(outcome.blocked.get(name, 0) for outcome in outcomes) > 50, name
    assert sum(outcome.offenders for outcome in outcomes) > 50
    assert sum(outcome.refused for outcome in outcomes) > 20

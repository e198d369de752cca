"""Long or large runs, outside of `make test`."""

from pathlib import Path

import numpy as np
import pytest

from model.compile import CompileOptions, compile_wafer
from model.defects import bernoulli
from model.engine import simulate as engine
from model.errors import InputError
from model.spec import FabricSpec
from model.traffic import make_schedule
from verif.compare import compare
from verif.mesh_image import mesh_image
from verif.tile_array import Waves, simulate

pytestmark = pytest.mark.slow


def test_sim_1_a_64_x_64_fabric_with_defects_equals_the_engine_over_100_000_packets():
    wafer = bernoulli(64, 64, tile_rate=0.02, core_rate=0.01, link_rate=0.01, seed=1)
    image = compile_wafer(wafer, CompileOptions(spares="7%"), route_entries=48)
    schedule = make_schedule(image, load=0.02, length="1-4", packets=100_000, seed=1)
    expected = engine(image, schedule)
    assert expected.finished
    log = simulate(image, schedule, cycles=expected.log.cycles, threads=2)
    assert compare(expected.log, log, image.spec) is None
    assert np.count_nonzero(expected.records.delivered_last >= 0) >= 100_000


def test_sim_3_fst_needs_a_debian_package_and_is_smaller_than_vcd(tmp_path):
    image = mesh_image(FabricSpec(width=3, height=3))
    schedule = make_schedule(image, packets=40)
    waves = {kind: Waves(path=tmp_path / f"run.{kind}", end=40) for kind in ("vcd", "fst")}
    simulate(image, schedule, cycles=60, waves=waves["vcd"], quick=True)
    if not Path("/usr/include/lz4.h").exists():
        with pytest.raises(InputError, match="after `apt-get install liblz4-dev`"):
            simulate(image, schedule, cycles=60, waves=waves["fst"], quick=True)
        return
    simulate(image, schedule, cycles=60, waves=waves["fst"], quick=True)
    assert waves["fst"].path.stat().st_size < waves["vcd"].path.stat().st_size / 4

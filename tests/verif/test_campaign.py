"""Random cases on engine and RTL, and what is said when they differ."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from vcdvcd import VCDVCD

from model.image_file import save_image
from model.schedule import NO_STALLS
from model.spec import FabricSpec
from model.traffic import make_schedule
from tools.cli import main
from verif.campaign import run_case, summarise
from verif.cases import draw_case
from verif.mesh_image import mesh_image
from verif.parameter_sets import PARAMETER_SETS
from verif.random_image import random_image
from verif.tile_array import TileArray

WIDEST_HEADER = [n for n, chosen in enumerate(PARAMETER_SETS) if not chosen.header]


@pytest.mark.parametrize("parameters", WIDEST_HEADER)
def test_rtl_equals_engine_over_random_fabrics(parameters):
    """Three times 7,000 packets: the part of `make verify` that every `make test` runs."""
    seeds = range(parameters, 10 * len(PARAMETER_SETS), len(PARAMETER_SETS))
    outcomes = [run_case(draw_case(seed)) for seed in seeds]
    total = summarise(outcomes)
    assert total["failures"] == []
    assert total["packets"] >= 7_000
    assert total["delivered"] > total["packets"] / 2
    for evidence in ("refused", "sunk", "dead_tiles", "dead_links", "stalls"):
        assert total[evidence] > 0, evidence


def test_a_case_is_drawn_from_its_seed_alone():
    a, b = draw_case(4, 50), draw_case(4, 50)
    assert a.summary == b.summary
    assert np.array_equal(a.schedule.offered, b.schedule.offered)
    assert np.array_equal(a.image.routes, b.image.routes)


def test_the_parameter_sets_cover_every_vc_count_and_depth():
    assert len(PARAMETER_SETS) >= 24
    assert {chosen.vcs for chosen in PARAMETER_SETS} == {1, 2, 4}
    assert {chosen.depth for chosen in PARAMETER_SETS} == set(range(2, 9))


@pytest.mark.parametrize("seed", range(6))
def test_tbl_2_random_tables_under_an_acyclic_turn_mask_always_drain(seed):
    rng = np.random.default_rng(seed)
    spec = PARAMETER_SETS[(0, 16)[seed % 2]].spec(6, 6)
    image = random_image(
        rng, spec, tile_rate=0.1, core_rate=0.1, link_rate=0.1, nonsense=rng.choice([0.3, 1.0])
    )
    owned = image.identity[image.remap_tile] == np.arange(image.logical)
    image.remap_tile[~owned] = -1
    schedule = make_schedule(image, load=1.0, length="1-16", packets=400, seed=seed)
    with TileArray(image) as array:
        array.configure()
        array.start(schedule, NO_STALLS)
        array.run(8000)
        log = array.log()
    assert log.quiet
    assert log.counters.offenders.sum() > 0


@pytest.fixture
def image_file(tmp_path):
    path = tmp_path / "image.json"
    save_image(mesh_image(FabricSpec(width=4, height=3)), path)
    return path


def test_verify_agrees_and_writes_waves_of_chosen_tiles_and_cycles(image_file, tmp_path):
    waves = tmp_path / "run.vcd"
    words = ["verify", image_file, "--packets", 60, "--waves", waves, "--json"]
    words += ["--wave-tile", "1,2", "--wave-tile", "2,2", "--wave-cycles", "5:25"]
    result = CliRunner().invoke(main, [str(word) for word in words])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["agree"]
    assert report["packets"] == 60
    dump = VCDVCD(str(waves))
    assert {name.split(".")[0] for name in dump.signals} == {"tile_x1_y2", "tile_x2_y2"}
    clock = dump["tile_x1_y2.clk"].tv
    assert clock[:2] == [(50, "0"), (55, "1")]
    assert clock[-1] == (245, "1")
    assert not list(tmp_path.glob(".*"))


def test_verify_names_cycle_tile_port_seed_command_and_wave_of_the_first_difference(
    image_file, tmp_path
):
    words = ["verify", image_file, "--packets", 60, "--seed", 9, "--bug", "source-from-payload"]
    result = CliRunner().invoke(main, [*map(str, words), "--json", "--out", str(tmp_path)])
    assert result.exit_code == 1, result.output
    report = json.loads(result.stdout)
    assert report["failure"].startswith(f"first difference in cycle {report['cycle']}, tile x")
    assert "core_out: expected core_out with src" in report["failure"]
    assert "--seed 9" in report["reproduce"]
    assert "--bug source-from-payload" in report["reproduce"]
    path, jump = report["waves"].split(", jump to time ")
    x, y = report["tile"] % 4, report["tile"] // 4
    valid = VCDVCD(path)[f"tile_x{x}_y{y}.core_out_valid"]
    assert valid[int(jump)] == "1"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "IMAGE, --case and --campaign: allowed: exactly one of them"),
        (["--case", "--bug", "none-such"], "--bug is 'none-such'; allowed: single-after-tail,"),
        (["--case", "--waves", "x.lxt"], "allowed: a name ending in .vcd or .fst"),
        (["--case", "--waves", "x.vcd", "--wave-cycles", "5"], "--wave-cycles is 5; allowed:"),
        (["--case", "--waves", "x.vcd", "--wave-tile", "99,0"], "--wave-tile is 99,0; allowed:"),
        (["--case", "--waves", "no/x.vcd"], "allowed: a file in a folder that exists"),
    ],
)
def test_cli_1_bad_options_end_in_one_line(words, message):
    result = CliRunner().invoke(main, ["verify", *words])
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1

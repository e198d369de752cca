"""Random cases on engine and RTL, and what is said when they differ."""

import itertools
import json
import shlex

import numpy as np
import pytest
from click.testing import CliRunner
from vcdvcd import VCDVCD

from model.errors import InputError
from model.image_file import save_image
from model.schedule import NO_STALLS, PacketSchedule
from model.spec import FabricSpec, Port
from model.traffic import make_schedule
from rtl.bugs import Bug
from tools.cli import main
from verif import cases
from verif.bench import campaign as cocotb_campaign
from verif.campaign import Outcome, explain, run_case, summarise
from verif.cases import Case, draw_case
from verif.mesh_image import mesh_image
from verif.parameter_sets import PARAMETER_SETS
from verif.random_image import random_image
from verif.tile_array import TileArray, array_spec

WIDEST_HEADER = [n for n, chosen in enumerate(PARAMETER_SETS) if not chosen.header]


@pytest.mark.parametrize("parameters", WIDEST_HEADER)
def test_rtl_equals_engine_over_random_fabrics(parameters):
    """Three times 7,000 packets: the part of `make verify` that every `make test` runs."""
    seeds = range(parameters, 11 * len(PARAMETER_SETS), len(PARAMETER_SETS))
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


@pytest.mark.parametrize("threads", [1, 2])
def test_fus_2_a_flit_at_a_dead_output_is_told_with_cycle_tile_port_and_waves(tmp_path, threads):
    image = mesh_image(FabricSpec(width=2, height=2))
    image.out_ok[3, Port.WEST] = image.in_ok[2, Port.EAST] = False
    three, zero = np.full(3, 3, np.int32), np.zeros(3, np.int32)
    schedule = PacketSchedule(
        source=three, destination=three - 1, length=zero + 1, offered=zero + 5, gap=zero
    )
    case = Case(
        seed=1,
        image=image,
        schedule=schedule,
        stalls=NO_STALLS,
        netlist=array_spec(image.spec),
        via_bus=False,
        threads=threads,
        summary={},
    )
    outcome = run_case(case, Bug.ONE_WAY_LINK)
    assert outcome.failure == (
        f"first difference in cycle {outcome.cycle}, tile x1 y1, west_out: "
        "expected no flit at a dead output (FUS-2), seen one"
    )
    assert outcome.tile == 3
    assert outcome.cycle >= 7  # the dead link babbles ready
    path, jump = explain(case, outcome, tmp_path / "w.vcd", Bug.ONE_WAY_LINK).split(
        ", jump to time "
    )
    valid = VCDVCD(path)["tile_x1_y1.west_out_valid"]
    assert (valid[int(jump) - 1], valid[int(jump)]) == ("0", "1")
    assert (tmp_path / "w.gtkw").exists()


def test_what_cannot_be_drawn_is_refused_after_a_hundred_draws(monkeypatch):
    turns = []

    def refuse(*_):
        turns.append(1)
        raise InputError("nothing is hosted")

    for module in (cases, cocotb_campaign):
        monkeypatch.setattr(module, "_draw", refuse)
    for draw in (draw_case, lambda seed: cocotb_campaign.draw(0, seed)):
        turns.clear()
        with pytest.raises(InputError, match="nothing is hosted"):
            draw(1)
        assert len(turns) == 100


@pytest.mark.parametrize(
    "words", ["foo", "1", "1 0 2", "1 0 2 vcs", "99 0 2 icarus", "1 2 2 icarus", "1 -1 2 icarus"]
)
def test_cli_1_the_cocotb_campaign_refuses_other_words_in_one_line(words, capsys):
    assert cocotb_campaign.main(words.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith(f"arguments are {words}; allowed: none, or a set below 24")
    assert err.count("\n") == 1


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
        (["--case", "--waves", "x.vcd", "--wave-cycles", "9:9"], "9:9; allowed: A:B with A below"),
        (["--case", "--waves", "no/x.vcd"], "--waves is no/x.vcd; allowed: a file in a folder"),
        (["--case", "--wave-cycles", "1:2"], "--wave-cycles and --wave-tile: allowed: with --wav"),
        (["--case", "--wave-tile", "0,0"], "--wave-cycles and --wave-tile: allowed: with --waves"),
        (["--campaign", "--waves", "x.vcd"], "--waves is x.vcd; allowed: with IMAGE or --case"),
        (["--case", "--stall-rate", "1"], "--stall-rate is 1; allowed: a number from 0 to below"),
    ],
)
def test_cli_1_bad_options_end_in_one_line(words, message):
    result = CliRunner().invoke(main, ["verify", *words])
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_verify_names_its_options_and_a_dead_tile(tmp_path):
    image = mesh_image(FabricSpec(width=3, height=1))
    dead = 2
    image.live[dead] = image.core_ok[dead] = False
    image.remap_tile[dead] = image.identity[dead] = -1
    image.in_ok[1, Port.EAST] = image.out_ok[1, Port.EAST] = False
    image.in_ok[dead] = image.out_ok[dead] = False
    path = tmp_path / "image.json"
    save_image(image, path)
    for words, message in (
        (["--load", "3"], "--load is 3.0; allowed: a number from 0 to 1"),
        (["--waves", "x.vcd", "--wave-tile", "2,0"], "--wave-tile is 2,0, a dead tile; allowed: "),
    ):
        result = CliRunner().invoke(main, ["verify", str(path), *words])
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
        assert message in result.stderr


def test_the_command_of_a_report_keeps_seed_0_and_every_option(image_file, tmp_path):
    words = ["--seed", "0", "--gap", "2", "--packets", "40", "--out", str(tmp_path / "o")]
    words += ["--waves", str(tmp_path / "w.vcd"), "--wave-tile", "0,0", "--wave-tile", "1,0"]
    result = CliRunner().invoke(main, ["verify", str(image_file), *words, "--json"])
    assert result.exit_code == 0, result.output
    again = shlex.split(json.loads(result.stdout)["reproduce"])
    assert again[:3] == ["wafermesh", "verify", str(image_file)]
    for option, value in zip(words[::2], words[1::2], strict=True):
        assert (option, value) in itertools.pairwise(again)


def test_the_command_of_a_failed_campaign_keeps_the_bug(tmp_path, monkeypatch):
    failed = Outcome(seed=0, failure="differs", drawn=draw_case(0, 20).summary)
    monkeypatch.setattr("verif.campaign.run_campaign", lambda *_, **__: iter([failed]))
    words = ["--seeds", "1", "--seed", "0", "--bug", "overflow", "--out", str(tmp_path)]
    result = CliRunner().invoke(main, ["verify", "--campaign", *words, "--json"])
    assert result.exit_code == 1, result.output
    report = json.loads(result.stdout)
    case = "wafermesh verify --case --packets 700 --seed 0 --bug overflow"
    assert report["failures"][0]["reproduce"] == case
    assert "--bug overflow" in report["reproduce"]
    assert "--seed 0" in report["reproduce"]
    assert result.stderr == ""

"""The golden engine's waves hold what the RTL's do, in every signal and cycle (SIM-5)."""

import dataclasses
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from model.engine import simulate
from model.errors import InputError
from model.image_file import save_image
from model.schedule import StallPattern
from model.spec import FabricSpec
from tests.bench.scenes import OFTEN, SMALL, TWO_VCS, busy, with_dead_parts
from tests.images import random_schedule, xy_image
from tools.cli import main
from verif import golden_waves
from verif.bench.launch import make_case
from verif.bench.window import record
from verif.campaign import run_rtl
from verif.cases import draw_case
from verif.golden_waves import fabric_layout, golden_beside, write_golden_waves
from verif.mesh_image import mesh_image
from verif.tile_array import Waves
from verif.wave_compare import WaveDifference, compare_waves
from verif.waves import signals_of

verilator = pytest.mark.xdist_group("verilator")
REGISTERED = re.compile(
    r"\.(core_in_ready|core_out_(valid|payload)|core_refused|quiet|\w+_in_ready|"
    r"tile\.(router|ni_in|ni_out)\b.*)$"
)
"""Pins that follow from registers, and all that is inside a tile of the tile array."""


def stirred(spec: FabricSpec, seed: int, noise: str):
    """Defects, packets of 1 to 4 flits, strays, bubbles, stalls; sources that can never send."""
    rng = np.random.default_rng([5, seed])
    image = with_dead_parts(spec, seed)
    schedule = random_schedule(rng, image, 150, span=150, stray=0.1)
    hosted = np.flatnonzero(image.remap_tile >= 0).astype(np.int32)
    anyone = schedule.source.copy()
    anyone[::11] = hosted[np.arange(len(anyone[::11])) % len(hosted)]
    schedule = dataclasses.replace(schedule, source=anyone)
    return make_case(image, schedule, OFTEN, seed=seed, noise=noise)


@pytest.mark.parametrize(
    ("spec", "simulator", "noise"),
    [
        pytest.param(SMALL, "verilator", "random", marks=verilator),
        pytest.param(TWO_VCS, "verilator", "random", marks=verilator),
        (SMALL, "icarus", "x"),
    ],
)
def test_sim_5_every_signal_equals_the_rtl_in_every_cycle(spec, simulator, noise, tmp_path):
    case, expected = stirred(spec, 1, noise)
    rtl, golden = tmp_path / "rtl.vcd", tmp_path / "golden.vcd"
    outcome = record(case, rtl, simulator)
    layout = fabric_layout(outcome.cycle0_ns)
    cycles = write_golden_waves(
        golden, case.image, case.schedule, stalls=case.stalls, layout=layout
    )
    assert cycles == range(case.cycles)
    found = compare_waves(golden, rtl, outcome.cycle0_ns, cycles)
    assert found.difference is None
    assert found.values > 15_000
    counted = expected.counters
    assert min(counted.offenders.sum(), counted.refused.sum(), counted.stalled.sum()) > 3
    assert counted.moved.sum() > 200
    groups = (path.with_suffix(".gtkw").read_text() for path in (golden, rtl))
    ours, theirs = (text[text.index("-core in") :] for text in groups)
    assert ours == theirs


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A busy fabric's waves: the RTL's, the engine's, when cycle 0 begins, the cycles."""
    folder = tmp_path_factory.mktemp("waves")
    case, _ = busy(SMALL)
    rtl, golden = folder / "rtl.vcd", folder / "golden.vcd"
    outcome = record(case, rtl, "icarus")
    layout = fabric_layout(outcome.cycle0_ns)
    cycles = write_golden_waves(
        golden, case.image, case.schedule, stalls=case.stalls, layout=layout
    )
    assert compare_waves(golden, rtl, outcome.cycle0_ns, cycles).difference is None
    return rtl, golden, outcome.cycle0_ns, cycles


@pytest.mark.parametrize("seed", range(12))
def test_a_single_altered_bit_is_found(pair, tmp_path, seed):
    rtl, golden, cycle0_ns, cycles = pair
    lines = golden.read_text().splitlines()
    begin = lines.index("$end", lines.index("$dumpvars"))
    clock = next(line.split()[3] for line in lines if " clk $end" in line)
    known = [
        place
        for place in range(begin, len(lines))
        if re.match(r"[01]|b[01]+ ", lines[place]) and lines[place] != f"{lines[place][0]}{clock}"
    ]
    place = known[int(np.random.default_rng(seed).integers(len(known)))]
    bit = lines[place].index("1") if "1" in lines[place][:2] else lines[place].index("0")
    flipped = "10"[int(lines[place][bit])]
    lines[place] = lines[place][:bit] + flipped + lines[place][bit + 1 :]
    altered = tmp_path / "altered.vcd"
    altered.write_text("\n".join(lines) + "\n")
    moment = max(int(line[1:]) for line in lines[:place] if line.startswith("#"))
    found = compare_waves(altered, rtl, cycle0_ns, cycles).difference
    assert found is not None
    assert found.cycle == (moment - cycle0_ns) // 10


def test_a_difference_names_cycle_signal_and_both_values(pair, tmp_path):
    rtl, golden, cycle0_ns, cycles = pair
    altered = tmp_path / "altered.vcd"
    text = golden.read_text()
    code = re.search(r"\$var wire 1 (\S+) quiet \$end", text)[1]
    begin = text.index("$dumpvars")
    altered.write_text(text[:begin] + text[begin:].replace(f"1{code}\n", f"0{code}\n", 1))
    found = compare_waves(altered, rtl, cycle0_ns, cycles)
    assert found.difference == WaveDifference(0, "fabric.tile_x0_y0.quiet", "0", "1")
    assert str(found.difference).startswith("first difference in cycle 0, fabric.tile_x0_y0.quiet:")
    with pytest.raises(KeyError):
        compare_waves(rtl, golden, cycle0_ns, cycles)  # the engine lacks most of the RTL's signals


@pytest.mark.parametrize("seed", [1, 2])
def test_a_window_equals_that_part_of_the_whole_run(tmp_path, monkeypatch, seed):
    case, _ = stirred(TWO_VCS, seed, "random")
    whole, part = tmp_path / "whole.vcd", tmp_path / "part.vcd"
    run = (case.image, case.schedule)
    cycles = write_golden_waves(whole, *run, stalls=case.stalls)
    tiles = np.flatnonzero(case.image.live).tolist()[2:4]
    options = {"stalls": case.stalls, "tiles": tiles, "begin": 30}
    window = write_golden_waves(part, *run, end=80, **options)
    assert window == range(30, 80)
    assert compare_waves(part, whole, 0, window).difference is None
    assert len({name.split(".")[0] for name in signals_of(part)}) == 2
    assert write_golden_waves(part, *run, **options) == range(30, cycles.stop)
    once = part.read_bytes()
    monkeypatch.setattr(golden_waves, "BLOCK", 7)
    write_golden_waves(part, *run, **options, threads=2)
    assert part.read_bytes() == once


@pytest.fixture
def image_file(tmp_path):
    path = tmp_path / "image.json"
    save_image(mesh_image(FabricSpec(width=4, height=3)), path)
    return path


def invoke(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def test_sim_5_verify_and_simulate_write_the_same_golden_waves_beside_the_rtls(
    image_file, tmp_path
):
    rtl, alone = tmp_path / "run.vcd", tmp_path / "alone.vcd"
    words = [image_file, "--packets", 60, "--load", 0.3, "--length", "1-4", "--stall-rate", 0.3]
    window = ["--wave-tile", "1-2,1", "--wave-tile", "0,0", "--wave-cycles", "5:40", "--json"]
    result = invoke("verify", *words, "--waves", rtl, *window)
    assert result.exit_code == 0, result.output
    golden = golden_beside(rtl)
    assert golden.name == "run.golden.vcd"
    assert golden.with_suffix(".gtkw").exists()
    assert compare_waves(golden, rtl, 0, range(5, 40)).difference is None
    names = [name for name in signals_of(golden) if REGISTERED.search(name)]
    assert len(names) > 60
    # Half a cycle later, after the edge, registers show the next cycle in both.
    assert compare_waves(golden, rtl, 5, range(5, 40), names).difference is None
    words = [*words, "--stall-burst", 2]  # what verify takes
    result = invoke("simulate", *words, "--waves", alone, *window)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["waves"] == str(alone)
    assert alone.read_bytes() == golden.read_bytes()


def test_a_bug_shows_in_the_waves_beside_each_other(image_file, tmp_path):
    words = ["--packets", 60, "--seed", 9, "--bug", "source-from-payload", "--out", tmp_path]
    result = invoke("verify", image_file, *words, "--json")
    assert result.exit_code == 1, result.output
    report = json.loads(result.stdout)
    rtl = Path(report["waves"].split(", jump to time ")[0])
    cycles = range(max(0, report["cycle"] - 60), report["cycle"] + 1)
    found = compare_waves(golden_beside(rtl), rtl, 0, cycles).difference
    assert found is not None
    assert found.cycle <= report["cycle"]
    assert "_payload" in found.signal or "_flit" in found.signal


def test_cli_1_what_cannot_be_shown_is_refused_in_one_line(image_file, tmp_path, monkeypatch):
    waves = ["--packets", 20, "--waves", tmp_path / "w.vcd"]
    monkeypatch.setattr(shutil, "which", lambda _: None)
    for words, message in (
        ([*waves, "--wave-cycles", "5000:5001"], "waves begin in cycle 5000; allowed: below "),
        ([*waves, "--wave-tile", "2-1,0"], "--wave-tile is 2-1,0; allowed: 0,0 to 3,2"),
        ([*waves, "--wave-tile", "2"], "--wave-tile is 2; allowed: two whole numbers as 3,5 or"),
        (["--wave-tile", "2,1"], "--wave-cycles and --wave-tile: allowed: with --waves"),
        (["--waves", tmp_path / "w.fst"], "allowed: .vcd, or .fst after `apt-get install gtkwave`"),
    ):
        result = invoke("simulate", image_file, *words)
        assert (result.exit_code, result.stderr.count("\n")) == (2, 1), result.output
        assert message in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["image.json"]


def test_an_fst_holds_the_same_or_is_refused(tmp_path):
    case, _ = busy(SMALL, 20)
    run = (case.image, case.schedule)
    plain, small = tmp_path / "run.vcd", tmp_path / "run.fst"
    cycles = write_golden_waves(plain, *run, stalls=case.stalls)
    if shutil.which("vcd2fst") is None:
        with pytest.raises(InputError, match="after `apt-get install gtkwave`"):
            write_golden_waves(small, *run, stalls=case.stalls)
        return
    write_golden_waves(small, *run, stalls=case.stalls)
    back = tmp_path / "back.vcd"
    subprocess.run(["fst2vcd", "-f", small, "-o", back], check=True)
    assert compare_waves(plain, back, 0, cycles).difference is None
    assert small.stat().st_size < plain.stat().st_size / 4


def test_tiles_of_a_wafer_need_only_their_neighbours():
    spec = FabricSpec(width=60, height=40, vcs=2)
    image = xy_image(spec)
    schedule = random_schedule(np.random.default_rng(1), image, 10)
    tiles = [61, 62, 2399]
    pins = golden_waves.GoldenPins(image, schedule, StallPattern(), tiles, spec)
    assert pins.seen.tolist() == sorted([1, 2, 60, 61, 62, 63, 121, 122, 2339, 2398, 2399])


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 8, 11, 13, 16, 20, 22, 23])
def test_sim_5_random_fabrics_of_the_campaign_show_the_same_waves(seed, tmp_path):
    case = draw_case(seed, 200)
    cycles = simulate(case.image, case.schedule, stalls=case.stalls).log.cycles
    tiles = np.flatnonzero(case.image.live).tolist()[:12]
    rtl = tmp_path / "rtl.vcd"
    begin, end = cycles // 4, min(cycles, cycles // 4 + 200)
    run_rtl(case, cycles, waves=Waves(path=rtl, tiles=tiles, begin=begin, end=end))
    found = compare_waves(golden_beside(rtl), rtl, 0, range(begin, end))
    assert found.difference is None
    assert found.values > 5_000

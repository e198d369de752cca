"""Wave files: what they show equals the log, and parts of them stay small."""

import re
from pathlib import Path

import numpy as np
import pytest

from model.errors import InputError
from model.runlog import Event
from tests.bench.scenes import SMALL, busy
from verif.bench.protocol import LinkChecker
from verif.bench.window import record, run_window
from verif.waves import Delivery, WaveReader, cut_vcd, deliveries, scopes_of, tile_scope

BOTH = [
    "icarus",
    pytest.param("verilator", marks=pytest.mark.xdist_group("verilator")),
]
TILES = [1, 4]


def delivered(log, tiles, cycles: range) -> list[Delivery]:
    events = log.events[log.events["kind"] == Event.DELIVER]
    chosen = events[np.isin(events["tile"], tiles) & np.isin(events["cycle"], cycles)]
    return [
        Delivery(cycle, tile, src, vc, last, payload)
        for cycle, tile, _, vc, last, src, payload in chosen.tolist()
    ]


@pytest.mark.parametrize("simulator", BOTH)
def test_deliveries_decoded_from_the_vcd_equal_the_log(simulator, tmp_path: Path):
    case, expected = busy(SMALL)
    path = tmp_path / "run.vcd"
    outcome = record(case, path, simulator)
    seen = deliveries(path, SMALL, range(6), outcome.cycle0_ns, range(case.cycles))
    assert seen == delivered(expected, range(6), range(case.cycles))
    assert len(seen) > 50


@pytest.mark.parametrize("simulator", BOTH)
def test_sim_3_a_part_of_a_run_holds_the_chosen_tiles_and_cycles_only(simulator, tmp_path: Path):
    case, expected = busy(SMALL)
    whole, part = tmp_path / "whole.vcd", tmp_path / "part.vcd"
    record(case, whole, simulator)
    outcome = record(case, part, simulator, tiles=TILES, cycles=(20, 49))
    assert part.stat().st_size < whole.stat().st_size / 3
    text = part.read_text()
    assert set(re.findall(r"tile_x\d_y\d", text)) == {tile_scope(SMALL, t) for t in TILES}
    times = [int(time) for time in re.findall(r"(?m)^#(\d+)", text)]
    assert times[0] == outcome.cycle0_ns + 200
    assert times[-1] == outcome.cycle0_ns + 500
    seen = deliveries(part, SMALL, TILES, outcome.cycle0_ns, range(20, 50))
    assert seen == delivered(expected, TILES, range(20, 50))


def test_lnk_1_to_3_hold_on_every_link_of_a_busy_fabric(tmp_path: Path):
    case, _ = busy(SMALL)
    path = tmp_path / "run.vcd"
    outcome = record(case, path, "icarus")
    pins = ("valid", "vc", "flit", "ready")
    links = [(0, "east"), (1, "west"), (1, "south"), (4, "north"), (4, "east"), (5, "west")]
    names = {link: f"fabric.{tile_scope(SMALL, link[0])}.{link[1]}_out" for link in links}
    wanted = [f"{name}_{pin}" for name in names.values() for pin in pins]
    reader = WaveReader(path, wanted, outcome.cycle0_ns)
    for name in names.values():
        checker = LinkChecker(SMALL, name)
        for cycle in range(case.cycles):
            valid, vc, flit, ready = (reader.value(f"{name}_{pin}", cycle) for pin in pins)
            checker.observe(cycle, valid, vc, flit or 0, ready)
        assert checker.findings == []
        assert checker.moved > 0


def test_a_cut_keeps_values_from_before_its_window_and_drops_other_scopes(tmp_path: Path):
    source, target = tmp_path / "source.vcd", tmp_path / "target.vcd"
    source.write_text(
        "$timescale 1ns $end\n$scope module fabric $end\n$var wire 1 ! clk $end\n"
        "$var wire 4 # other [3:0] $end\n$scope module tile_x0_y0 $end\n"
        "$var wire 2 $ kept [1:0] $end\n$upscope $end\n$scope module tile_x1_y0 $end\n"
        "$var wire 2 % dropped [1:0] $end\n$upscope $end\n$upscope $end\n$enddefinitions $end\n"
        "#0\n0!\nb10 $\nb1 %\n#5\n1!\n#10\n0!\nb11 $\n#15\nb00 %\n#30\nb01 $\n"
    )
    cut_vcd(source, target, scopes_of(SMALL, [0]), 5, 20)
    body = target.read_text()
    assert "dropped" not in body
    assert "other" not in body
    assert body.count("$scope") == body.count("$upscope") == 2
    changes = body.split("$enddefinitions $end\n")[1]
    assert changes == "#5\n$dumpvars\n0!\nb10 $\n$end\n1!\n#10\n0!\nb11 $\n#20\n"


def test_the_save_file_groups_every_shown_tile_and_names_signals_that_exist(tmp_path: Path):
    case, _ = busy(SMALL, 20)
    path = tmp_path / "run.vcd"
    record(case, path, "icarus", tiles=TILES)
    save = path.with_suffix(".gtkw").read_text()
    for text in ("tile x1 y0", "tile x1 y1", "core in", "east out", "#{payload}", "#{dst_x}"):
        assert text in save
    assert "south in" in save.split("tile x1 y1")[0]
    signals = set(re.findall(r"fabric\.[\w.]+", save))
    reader = WaveReader(path, signals, 0)  # raises when one is missing
    assert len(signals) > 40
    assert reader.text("fabric.hold", 0) in "01"


def test_an_fst_of_two_tiles_is_a_fraction_of_the_whole(tmp_path: Path):
    case, _ = busy(SMALL)
    record(case, tmp_path / "whole.fst", "icarus")
    record(case, tmp_path / "part.fst", "icarus", tiles=TILES, cycles=(20, 49))
    assert (tmp_path / "part.fst").stat().st_size < (tmp_path / "whole.fst").stat().st_size / 3


def test_other_wave_formats_are_refused_in_one_line(tmp_path: Path):
    case, _ = busy(SMALL, 5)
    with pytest.raises(InputError, match=r"allowed: a name that ends in \.vcd or \.fst"):
        record(case, tmp_path / "run.txt", "icarus")
    with pytest.raises(InputError, match=r"allowed: \.vcd for a part"):
        record(case, tmp_path / "run.fst", "verilator", tiles=[0])


@pytest.mark.xdist_group("verilator")
def test_a_window_reports_what_it_ran_and_where_the_waves_are(tmp_path: Path):
    case, expected = busy(SMALL)
    result = run_window(case.image, case.schedule, case.stalls, waves=tmp_path / "w.vcd")
    assert result.difference == ""
    assert result.delivered == result.packets == len(case.schedule)
    assert result.cycles == expected.cycles
    assert result.waves.exists()
    assert result.save_file.exists()

"""The generated Verilog: ports, structure, lint, and a first run on Icarus."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import rtl
from model.spec import FabricSpec, total_width
from rtl.export import fabric_verilog, remap_verilog, tile_verilog
from rtl.layouts import MESH_PORTS
from verif.toolchain import require_icarus, verilator_environment

LINT = Path(rtl.__file__).with_name("lint.vlt")
SPECS = (
    FabricSpec(width=3, height=2),
    FabricSpec(width=1, height=1, depth=2, payload_width=1, route_entries=1),
    FabricSpec(width=2, height=3, vcs=2, depth=3, route_entries=5, watchdog=2),
    FabricSpec(width=2, height=2, vcs=4, depth=5, x_width=11, y_width=11, id_width=22),
)


def ports(verilog: str, module: str) -> dict[str, tuple[str, int]]:
    """Direction and width of every port of a module."""
    text = verilog.split(f"\nmodule {module}(")[1].split("\nendmodule")[0]
    found = re.findall(r"^  (input|output) (?:\[(\d+):0\] )?(\w+);", text, re.MULTILINE)
    return {name: (direction, int(high or 0) + 1) for direction, high, name in found}


@pytest.mark.parametrize("spec", SPECS)
def test_names_ports_of_the_tile(spec: FabricSpec) -> None:
    want = {
        **dict.fromkeys(("clk", "rst", "hold", "idle", "fuse_core_ok"), ("input", 1)),
        **dict.fromkeys(("fuse_in_ok", "fuse_out_ok"), ("input", 4)),
        **dict.fromkeys(("pos_x", "cfg_x"), ("input", spec.x_width)),
        **dict.fromkeys(("pos_y", "cfg_y"), ("input", spec.y_width)),
        "quiet": ("output", 1),
        **{f"cfg_{n}": ("input", 1) for n in ("valid", "write", "any_x", "any_y")},
        "cfg_table": ("input", 3),
        "cfg_index": ("input", spec.cfg_index_width),
        "cfg_wdata": ("input", spec.cfg_data_width),
        "cfg_rdata": ("output", spec.cfg_data_width),
        "core_in_valid": ("input", 1),
        "core_in_payload": ("input", total_width(spec.core_in_fields)),
        "core_in_ready": ("output", 1),
        "core_out_valid": ("output", 1),
        "core_out_payload": ("output", total_width(spec.core_out_fields)),
        "core_out_ready": ("input", 1),
        "core_refused": ("output", 1),
        "remap_addr": ("output", spec.id_width),
        "remap_data": ("input", 1 + spec.x_width + spec.y_width + spec.vc_width),
        "remap_we": ("output", 1),
        "remap_waddr": ("output", spec.id_width),
        "remap_wdata": ("output", 1 + spec.x_width + spec.y_width + spec.vc_width),
    }
    for port in MESH_PORTS:
        for way, there, back in (("in", "input", "output"), ("out", "output", "input")):
            name = f"{port.name.lower()}_{way}"
            want[f"{name}_valid"] = (there, 1)
            want[f"{name}_vc"] = (there, spec.vc_width)
            want[f"{name}_flit"] = (there, total_width(spec.flit_fields))
            want[f"{name}_ready"] = (back, spec.vcs)
    assert ports(tile_verilog(spec), "tile") == want


def test_names_ports_of_the_fabric() -> None:
    spec = SPECS[0]
    n = spec.tiles
    plain = ports(fabric_verilog(spec), "fabric")
    bench = ports(fabric_verilog(spec, defects=True), "fabric")
    assert plain["in_ok"] == plain["out_ok"] == ("input", 4 * n)
    assert plain["core_out_payload"] == ("output", n * total_width(spec.core_out_fields))
    assert plain["cfg_rvalid"] == plain["idle"] == ("output", 1)
    assert set(bench) - set(plain) == {"dead_links", "dead_tiles", "noise"}


def test_every_module_is_written_once_whatever_the_size() -> None:
    small, large = (fabric_verilog(FabricSpec(width=w, height=2)) for w in (2, 8))
    modules = re.findall(r"^module (\w+)", large, re.MULTILINE)
    assert len(set(modules)) == len(modules)
    assert {"tile", "remap", "fabric", "router", "arbiter", "input_buffer"} <= set(modules)
    assert large.count("  tile tile_x") == 16
    assert "tile tile_x7_y1 (" in large
    assert "remap remap_x7_y1 (" in large
    assert len(re.findall(r"^module", small, re.MULTILINE)) == len(modules)


def test_verilog_is_byte_stable_over_processes() -> None:
    spec = FabricSpec(width=2, height=1, vcs=2)
    program = (
        "import sys; from model.spec import FabricSpec; from rtl.export import fabric_verilog;"
        "sys.stdout.write(fabric_verilog(FabricSpec(width=2, height=1, vcs=2), defects=True))"
    )
    texts = set()
    for seed in ("1", "2"):
        env = os.environ | {"PYTHONHASHSEED": seed}
        done = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True)
        texts.add(done.stdout.decode())
    assert texts == {fabric_verilog(spec, defects=True)}


def lint(top: str, text: str, folder: Path, *waivers: str) -> str:
    """What Verilator has to say about a module."""
    (folder / f"{top}.v").write_text(text)
    command = ["verilator", "--lint-only", "-Wall", "--top-module", top, *waivers, f"{top}.v"]
    env = verilator_environment()
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True).stderr


@pytest.mark.parametrize("spec", SPECS)
def test_verilator_lint_is_clean(spec: FabricSpec, tmp_path: Path) -> None:
    texts = {
        "tile": tile_verilog(spec),
        "remap": remap_verilog(spec),
        "fabric": fabric_verilog(spec),
    }
    for top, text in texts.items():
        assert lint(top, text, tmp_path, str(LINT)) == ""


def test_verilator_lint_of_the_benches_fabric_is_clean(tmp_path: Path) -> None:
    assert lint("fabric", fabric_verilog(SPECS[2], defects=True), tmp_path, str(LINT)) == ""


def test_lint_finds_something_without_the_waivers(tmp_path: Path) -> None:
    assert "%Warning" in lint("tile", tile_verilog(SPECS[0]), tmp_path)


def test_icarus_accepts_the_fabric(tmp_path: Path) -> None:
    require_icarus()
    (tmp_path / "fabric.v").write_text(fabric_verilog(SPECS[2], defects=True))
    command = ["iverilog", "-g2012", "-Wall", "-o", "fabric.vvp", "fabric.v"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0
    assert "error" not in done.stderr

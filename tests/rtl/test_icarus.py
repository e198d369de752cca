"""A fabric on Icarus whose dead parts drive X (FUS-3, FUS-5)."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from model.spec import PORT_DX, PORT_DY, FabricSpec, Port, total_width
from rtl.bugs import Bug
from rtl.export import fabric_verilog
from rtl.fabric import noise_width
from tests.rtl.fabric_bench import healthy_words
from tests.rtl.words import pack
from verif.toolchain import require_icarus

SPEC = FabricSpec(width=3, height=3, vcs=2, depth=2, payload_width=16, route_entries=4)
DEAD_TILE, DEAD_CORE, DEAD_LINK = 4, 1, (6, Port.EAST)
LIVE_CORES = [t for t in range(SPEC.tiles) if t not in (DEAD_TILE, DEAD_CORE)]
PACKETS = [(s, d) for s in LIVE_CORES for d in range(SPEC.tiles) if d != s]


def fuses() -> tuple[int, int]:
    """``in_ok`` and ``out_ok`` of the whole fabric."""
    in_ok = out_ok = 0
    for t in range(SPEC.tiles):
        for port in Port.NORTH, Port.EAST, Port.SOUTH, Port.WEST:
            x, y = t % 3 + PORT_DX[port], t // 3 + PORT_DY[port]
            to = y * 3 + x
            dead = DEAD_TILE in (t, to) or (t, port) == DEAD_LINK
            if 0 <= x < 3 and 0 <= y < 3 and not dead:
                out_ok |= 1 << 4 * t + port
                in_ok |= 1 << 4 * to + port.opposite
    return in_ok, out_ok


def bench_text() -> str:
    """Reset, configure, send one packet after the other, count what arrives."""
    n, word = SPEC.tiles, total_width(SPEC.core_in_fields)
    in_ok, out_ok = fuses()
    idle_valid = "".join("0" if t in LIVE_CORES else "x" for t in reversed(range(n)))
    ready = idle_valid.replace("0", "1")
    core_ok = "".join(str(int(t in LIVE_CORES)) for t in reversed(range(n)))
    lines = []
    for table, index, data, tile in healthy_words(SPEC):
        x, y = ("0", "0") if tile is None else (str(tile % 3), str(tile // 3))
        lines.append(f"write({int(tile is None)}, {x}, {y}, {int(table)}, {index}, {data});")
    for source, destination in PACKETS:
        flit = pack(SPEC.core_in_fields, dst=destination, last=1, payload=16 * source + destination)
        lines.append(f"send({source}, {word}'d{flit});")
    body = "\n    ".join(lines)
    return f"""
module bench;
  reg clk = 0, rst = 1, hold = 1, cfg_valid = 0, any = 0;
  reg [{SPEC.x_width - 1}:0] x = 0;
  reg [{SPEC.y_width - 1}:0] y = 0;
  reg [2:0] table_ = 0;
  reg [{SPEC.cfg_index_width - 1}:0] index = 0;
  reg [{SPEC.cfg_data_width - 1}:0] data = 0;
  reg [{n - 1}:0] valid = {n}'b{idle_valid};
  reg [{n * word - 1}:0] payload = {{{n * word}{{1'bx}}}};
  wire [{n - 1}:0] in_ready, out_valid;
  wire idle;
  integer delivered = 0, k;
  fabric dut (
    .clk(clk), .rst(rst), .hold(hold), .idle(idle),
    .tile_ok({n}'d{(1 << n) - 1 & ~(1 << DEAD_TILE)}), .core_ok({n}'b{core_ok}),
    .in_ok({4 * n}'d{in_ok}), .out_ok({4 * n}'d{out_ok}),
    .cfg_valid(cfg_valid), .cfg_write(1'b1), .cfg_any_x(any), .cfg_any_y(any), .cfg_x(x),
    .cfg_y(y), .cfg_table(table_), .cfg_index(index), .cfg_wdata(data),
    .core_in_valid(valid), .core_in_payload(payload), .core_in_ready(in_ready),
    .core_out_valid(out_valid), .core_out_ready({n}'b{ready}),
    .dead_links({4 * n}'d{1 << 4 * DEAD_LINK[0] + DEAD_LINK[1]}),
    .dead_tiles({n}'d{1 << DEAD_TILE}), .noise({{{noise_width(SPEC)}{{1'bx}}}}));
  always #5 clk = ~clk;
  initial #20000 $finish;  // a bench that hangs has not delivered
  always @(posedge clk) if (!hold)
    for (k = 0; k < {n}; k = k + 1) if (out_valid[k] === 1'b1) delivered = delivered + 1;
  task write(input a, input integer x_, input integer y_, input [2:0] t, input integer i,
             input [{SPEC.cfg_data_width - 1}:0] d);
    begin
      hold = 1;
      while (idle !== 1) @(negedge clk);
      any = a; x = x_; y = y_; table_ = t; index = i; data = d; cfg_valid = 1;
      @(negedge clk); cfg_valid = 0;
    end
  endtask
  task send(input integer tile, input [{word - 1}:0] flit);
    begin
      hold = 0; valid[tile] = 1; payload[tile * {word} +: {word}] = flit;
      #1 while (in_ready[tile] !== 1'b1) @(negedge clk);
      @(negedge clk); valid[tile] = 0; payload = {{{n * word}{{1'bx}}}};
    end
  endtask
  initial begin
    $dumpfile("bench.vcd");
    repeat (3) @(negedge clk);
    rst = 0;
    $dumpvars(0, dut);
    {body}
    repeat (40) @(negedge clk);
    $display("delivered %0d", delivered);
    $finish;
  end
endmodule
"""


def unknown_registers(vcd: Path) -> set[str]:
    """Registers and buffer fronts of live tiles that were X at any time."""
    names: dict[str, list[str]] = {}
    scopes: list[str] = []
    unknown: set[str] = set()
    for line in vcd.read_text().splitlines():
        part = line.split()
        if line.startswith("$scope"):
            scopes.append(part[2])
        elif line.startswith("$upscope"):
            scopes.pop()
        elif line.startswith("$var"):
            kept = part[1] == "reg" or part[4] in ("o_payload", "o_valid")
            if kept and f"tile_x{DEAD_TILE % 3}_y{DEAD_TILE // 3}" not in scopes:
                names.setdefault(part[3], []).append(".".join([*scopes, part[4]]))
        elif line[:1] in ("b", "x", "0", "1"):
            value, key = part if len(part) == 2 else (line[0], line[1:])
            if "x" in value:
                unknown.update(names.get(key, ()))
    return unknown


def run(folder: Path, bug: Bug | None = None) -> tuple[str, set[str]]:
    """What the bench printed, and the registers that were X."""
    require_icarus()
    (folder / "fabric.v").write_text(fabric_verilog(SPEC, defects=True, bug=bug))
    (folder / "bench.v").write_text(bench_text())
    compiler = ["iverilog", "-g2012", "-o", "bench.vvp", "bench.v", "fabric.v"]
    subprocess.run(compiler, cwd=folder, check=True)
    done = subprocess.run(
        ["vvp", "-n", "bench.vvp"], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout, unknown_registers(folder / "bench.vcd")


def reachable() -> int:
    """Packets whose XY path has only live parts."""
    count = 0
    for source, destination in PACKETS:
        at, alive = source, destination in LIVE_CORES
        while at != destination:
            x, to_x = at % 3, destination % 3
            port = Port.EAST if x < to_x else Port.WEST if x > to_x else None
            if port is None:
                port = Port.SOUTH if at // 3 < destination // 3 else Port.NORTH
            alive = alive and (at, port) != DEAD_LINK
            at += PORT_DX[port] + 3 * PORT_DY[port]
            alive = alive and at != DEAD_TILE
        count += alive
    return count


def test_fus_3_fus_5_dead_parts_that_drive_x_change_nothing(tmp_path: Path) -> None:
    printed, unknown = run(tmp_path)
    assert printed.split()[-2:] == ["delivered", str(reachable())]
    assert not unknown


@pytest.mark.parametrize(
    ("bug", "register"),
    [
        (Bug.BABBLE_ENTERS, "bench.dut.tile_x0_y1.router.buffer_east_vc0.o_payload"),
        (Bug.QUIET_UNGATED, "bench.dut.idle"),
        (Bug.READ_UNGATED, "bench.dut.cfg_rdata"),
    ],
)
def test_fus_2_fus_5_bugs_that_let_x_in_are_caught(bug: Bug, register: str, tmp_path: Path) -> None:
    assert register in run(tmp_path, bug)[1]

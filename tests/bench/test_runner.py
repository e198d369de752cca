"""The runners: a failed cocotb test raises, bad Verilog raises, builds are found again."""

from pathlib import Path

import pytest

from verif.runner import BenchError, build, run

COUNTER = (
    "module counter(clk, hold, q);\n  input clk, hold;\n  output [3:0] q;\n  reg [3:0] q = 0;\n"
    "  always @(posedge clk) if (!hold) q <= q + 1;\nendmodule\n"
)
MODULE = "tests.bench.counter_cases"


@pytest.fixture(scope="module")
def counter():
    return build(COUNTER, "counter", "icarus")


def test_a_good_test_passes_and_its_build_is_found_again(counter, tmp_path: Path):
    run(counter, MODULE, tmp_path, "counts")
    before = (counter.directory / "done").stat().st_mtime_ns
    assert build(COUNTER, "counter", "icarus") == counter
    assert (counter.directory / "done").stat().st_mtime_ns == before


def test_a_failed_cocotb_test_raises_with_the_end_of_its_log(counter, tmp_path: Path):
    with pytest.raises(BenchError, match="counts_wrongly: 1 of 1 failed") as raised:
        run(counter, MODULE, tmp_path, "counts_wrongly")
    assert "this counter does not count backwards" in str(raised.value)


def test_a_test_that_does_not_exist_raises(counter, tmp_path: Path):
    with pytest.raises(BenchError):
        run(counter, MODULE, tmp_path, "no_such_test")


def test_verilog_that_does_not_compile_raises_with_the_simulators_words():
    with pytest.raises(BenchError, match="nowhere"):
        build("module m(a);\n input a;\n nowhere n(a);\nendmodule\n", "m", "icarus")

"""cocotb tests of a counter, one of which is wrong; run by test_runner.py."""

from typing import Any

import cocotb
from cocotb.triggers import RisingEdge

from verif.bench.pins import start_clock


async def after(dut: Any, cycles: int) -> int:
    start_clock(dut)
    dut.hold.value = 0
    for _ in range(cycles + 1):
        await RisingEdge(dut.clk)
    return int(dut.q.value)


@cocotb.test()
async def counts(dut: Any) -> None:
    assert await after(dut, 5) == 5


@cocotb.test()
async def counts_wrongly(dut: Any) -> None:
    assert await after(dut, 5) == -5, "this counter does not count backwards"

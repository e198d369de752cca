"""Run one component on Amaranth's simulator."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from amaranth import ClockDomain, Module
from amaranth.sim import Simulator


def simulate(component: Any, body: Callable[[Any, Any], Awaitable[None]]) -> None:
    """Run ``body(context, reset signal)`` against the component."""
    m = Module()
    m.domains.sync = domain = ClockDomain()
    m.submodules.dut = component
    sim = Simulator(m)
    sim.add_clock(1e-9)

    async def testbench(ctx: Any) -> None:
        await body(ctx, domain.rst)

    sim.add_testbench(testbench)
    sim.run()


def bits(values: Iterable[object]) -> int:
    """Vector whose bit k is the truth of element k."""
    return sum(1 << k for k, value in enumerate(values) if value)

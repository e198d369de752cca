"""Directed tests of small fabrics on Amaranth's simulator."""

from __future__ import annotations

import pytest

from model.spec import FabricSpec
from tests.rtl.fabric_bench import FabricBench


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 1), (1, 3), (2, 2)])
@pytest.mark.parametrize("length", [1, 3])
@pytest.mark.parametrize(("vcs", "depth"), [(1, 2), (2, 3), (4, 4)])
def test_rtr_3_zero_load_latency(
    width: int, height: int, length: int, vcs: int, depth: int
) -> None:
    bench = FabricBench(FabricSpec(width=width, height=height, vcs=vcs, depth=depth))
    tiles = width * height

    async def body(b: FabricBench) -> None:
        await b.start()
        for src in range(tiles):
            for dst in range(tiles):
                b.received.clear()
                sent = await b.send(src, dst, length)
                await b.step(12)
                hops = abs(src % width - dst % width) + abs(src // width - dst // width)
                assert [f.payload for f in b.received] == [dst * 16 + k for k in range(length)]
                assert b.received[-1].cycle == sent + hops + 3 + length - 1
                assert all((f.tile, f.src, f.vc) == (dst, src, dst % vcs) for f in b.received)
                assert [f.last for f in b.received] == [0] * (length - 1) + [1]

    bench.run(body)

"""The configuration bus of one tile."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from model.spec import FabricSpec, Table
from rtl.bugs import Bug
from rtl.config import ConfigBus
from tests.rtl.drive import simulate

SPEC = FabricSpec(width=5, height=3, vcs=2, route_entries=6)
X, Y = 3, 1


def follow(seed: int, bug: Bug | None = None) -> None:
    """Random bus cycles against CFG-1 and CFG-2, written down naively."""
    config, rng = ConfigBus(SPEC, bug=bug), Random(seed)
    tables = (Table.ROUTE, Table.TURN, Table.RULE, Table.IDENTITY)
    rdata = {table: rng.randrange(1 << 15) | 1 << 14 for table in tables}

    async def body(ctx: Any, rst: Any) -> None:
        ctx.set(config.here.x, X)
        ctx.set(config.here.y, Y)
        for table in tables:
            port = getattr(config, table.name.lower()).rdata.as_value()
            rdata[table] &= (1 << len(port)) - 1
            ctx.set(port, rdata[table])
        ctx.set(config.status, 0x1234567)
        ctx.set(config.remap_data.as_value(), 0x55)
        answer = 0
        for _ in range(300):
            bus = {
                **{name: rng.random() < 0.8 for name in ("valid", "any_x", "any_y")},
                "write": rng.randrange(2),
                "x": rng.choice((X, X, 1)),
                "y": rng.choice((Y, Y, 2)),
                "table": rng.randrange(8),
                "index": rng.randrange(1 << SPEC.cfg_index_width),
                "wdata": rng.randrange(1 << SPEC.cfg_data_width),
            }
            for name, value in bus.items():
                ctx.set(getattr(config.bus, name), int(value))
            hold, idle = rng.random() < 0.7, rng.random() < 0.7
            ctx.set(config.hold, hold)
            ctx.set(config.idle, idle)
            assert ctx.get(config.bus.rdata) == answer, "CFG-1: data in t + 1 at the tile"

            here = (bus["any_x"] or bus["x"] == X) and (bus["any_y"] or bus["y"] == Y)
            addressed = bool(bus["valid"] and here)
            exists = bus["table"] < 6 and bus["index"] < SPEC.table_size(Table(bus["table"]))
            writes = addressed and bus["write"] and hold and idle and exists
            writes = bool(writes and bus["table"] != Table.STATUS)
            for table in tables:
                port = getattr(config, table.name.lower())
                assert ctx.get(port.write) == (writes and bus["table"] == table)
                if ctx.get(port.write):
                    assert ctx.get(port.index) == bus["index"]
                    word = ctx.get(port.wdata.as_value())
                    assert word == bus["wdata"] & (1 << len(port.wdata.as_value())) - 1
            assert ctx.get(config.remap_we) == (writes and bus["table"] == Table.REMAP)
            assert ctx.get(config.refused) == bool(addressed and bus["write"] and not writes)

            reads = addressed and not bus["write"] and exists
            reads_remap = reads and bus["table"] == Table.REMAP
            answer = 0
            if reads and bus["table"] in rdata:
                answer = rdata[Table(bus["table"])]
            if reads and bus["table"] == Table.STATUS:
                answer = 0x1234567
            if reads_remap and hold and idle:
                answer = 0x55
                assert ctx.get(config.remap_addr) == bus["index"]
            elif not reads_remap:
                assert ctx.get(config.remap_addr) == 0
            await ctx.tick()

    simulate(config, body)


@pytest.mark.parametrize("seed", range(3))
def test_cfg_1_cfg_2_addressing_reads_and_guarded_writes(seed: int) -> None:
    follow(seed)


def test_bug_write_while_busy_is_caught() -> None:
    with pytest.raises(AssertionError):
        follow(0, Bug.WRITE_WHILE_BUSY)

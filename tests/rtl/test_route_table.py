"""Route lookup against a naive search, and the turn mask."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.spec import FabricSpec, Table
from rtl.bugs import Bug
from rtl.route_table import RouteTable
from rtl.turn_mask import TurnMask
from tests.rtl.drive import simulate
from tests.rtl.words import pack

Entry = dict[str, int]


def naive_lookup(entries: list[Entry], x: int, y: int, port: int, vc: int) -> int:
    """TBL-1: the first valid entry that matches; 7 when there is none."""
    for e in entries:
        inside = e["x_lo"] <= x <= e["x_hi"] and e["y_lo"] <= y <= e["y_hi"]
        if e["valid"] and inside and e["from_ports"] >> port & 1 and e["vcs"] >> vc & 1:
            return e["to"]
    return 7


def random_entry(rng: Random, spec: FabricSpec) -> Entry:
    x, y = (sorted(rng.choices(range(side), k=2)) for side in (spec.width, spec.height))
    return {
        "valid": int(rng.random() < 0.8),
        **{"x_lo": x[0], "x_hi": x[1], "y_lo": y[0], "y_hi": y[1]},
        "from_ports": rng.randrange(32),
        "vcs": rng.randrange(1 << spec.vcs),
        "to": rng.randrange(8),
    }


def follow(spec: FabricSpec, seed: int, bug: Bug | None = None) -> None:
    """Fill a table in random order and look places up for every input VC."""
    rng = Random(seed)
    table = RouteTable(spec, bug=bug)
    entries = [random_entry(rng, spec) for _ in range(spec.route_entries)]
    fields = spec.table_fields(Table.ROUTE)

    async def body(ctx: Any, rst: Any) -> None:
        for lookup in table.lookup:
            assert ctx.get(lookup.to) == 7, "CFG-3: nothing matches after reset"
        for k in rng.sample(range(len(entries)), len(entries)):
            ctx.set(table.table.write, 1)
            ctx.set(table.table.index, k)
            ctx.set(table.table.wdata.as_value(), pack(fields, **entries[k]))
            await ctx.tick()
        ctx.set(table.table.write, 0)
        for k, entry in enumerate(entries):
            ctx.set(table.table.index, k)
            assert ctx.get(table.table.rdata.as_value()) == pack(fields, **entry)
        for _ in range(20):
            x, y = rng.randrange(spec.width), rng.randrange(spec.height)
            for k, lookup in enumerate(table.lookup):
                ctx.set(lookup.dst.x, x)
                ctx.set(lookup.dst.y, y)
                assert ctx.get(lookup.to) == naive_lookup(entries, x, y, k % 5, k // 5)
            await ctx.tick()
        ctx.set(rst, 1)
        await ctx.tick()
        for k, lookup in enumerate(table.lookup):
            assert ctx.get(lookup.to) == 7, "CFG-3: reset clears valid bits"
            ctx.set(table.table.index, k % len(entries))
            assert ctx.get(table.table.rdata.as_value()) == 0, "CFG-3: stale words are not seen"

    simulate(table, body)


@settings(derandomize=True, max_examples=6, deadline=None)
@given(st.sampled_from(((1, 1), (1, 16), (2, 5), (4, 3))), st.integers(0, 2**32))
def test_tbl_1_first_valid_match_wins(parameters: tuple[int, int], seed: int) -> None:
    vcs, entries = parameters
    follow(FabricSpec(width=9, height=5, vcs=vcs, route_entries=entries), seed)


def test_bug_last_match_is_caught() -> None:
    with pytest.raises(AssertionError):
        follow(FabricSpec(width=9, height=5, route_entries=16), 1, Bug.LAST_MATCH)


@pytest.mark.parametrize("vcs", [1, 2, 4])
def test_tbl_2_every_turn_has_its_own_bit(vcs: int) -> None:
    mask = TurnMask(FabricSpec(width=2, height=2, vcs=vcs))
    rng = Random(vcs)
    words = [rng.randrange(32) for _ in range(5 * vcs)]

    async def body(ctx: Any, rst: Any) -> None:
        assert not any(ctx.get(turns) for turns in mask.turns), "TBL-2: none is implied"
        ctx.set(mask.table.write, 1)
        for k, word in enumerate(words):
            ctx.set(mask.table.index, k)
            ctx.set(mask.table.wdata.outputs, word)
            await ctx.tick()
        ctx.set(mask.table.write, 0)
        assert [ctx.get(turns) for turns in mask.turns] == words
        for k, word in enumerate(words):
            ctx.set(mask.table.index, k)
            assert ctx.get(mask.table.rdata.outputs) == word
        ctx.set(rst, 1)
        await ctx.tick()
        assert not any(ctx.get(turns) for turns in mask.turns), "CFG-3"

    simulate(mask, body)

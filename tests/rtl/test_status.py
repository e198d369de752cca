"""Fuses, remap memory and status table."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from model.spec import FabricSpec, Status, Table
from rtl.bugs import Bug
from rtl.fuses import Fuses
from rtl.remap import RemapMemory
from rtl.status import StatusTable
from tests.rtl.drive import simulate
from tests.rtl.words import pack, unpack

WATCHDOG = 6


def test_fus_1_fuses_follow_the_straps_in_reset_and_are_kept() -> None:
    fuses = Fuses(FabricSpec(width=2, height=2))

    async def body(ctx: Any, rst: Any) -> None:
        straps, sampled = fuses.straps.as_value(), fuses.sampled.as_value()
        ctx.set(rst, 1)
        for word in (0x155, 0x0AA):
            ctx.set(straps, word)
            await ctx.tick()
            assert ctx.get(sampled) == word
        ctx.set(rst, 0)
        ctx.set(straps, 0x1FF)
        await ctx.tick().repeat(3)
        assert ctx.get(sampled) == 0x0AA
        ctx.set(rst, 1)
        await ctx.tick()
        assert ctx.get(sampled) == 0x1FF

    simulate(fuses, body)


def test_rmp_1_remap_reads_one_cycle_later_and_unmapped_beyond_its_end() -> None:
    spec = FabricSpec(width=3, height=2, id_width=5)
    remap = RemapMemory(spec)
    rng = Random(1)
    words = [rng.randrange(1 << len(remap.data.as_value())) | 1 for _ in range(spec.tiles)]

    async def body(ctx: Any, rst: Any) -> None:
        ctx.set(remap.we, 1)
        for k, word in enumerate(words):
            ctx.set(remap.waddr, k)
            ctx.set(remap.wdata.as_value(), word)
            await ctx.tick()
        ctx.set(remap.we, 0)
        for k in [*range(32), *rng.choices(range(32), k=20)]:
            ctx.set(remap.addr, k)
            await ctx.tick()
            assert ctx.get(remap.data.as_value()) == (words[k] if k < spec.tiles else 0)
        ctx.set(remap.addr, 0)
        ctx.set(rst, 1)
        await ctx.tick()
        ctx.set(rst, 0)
        await ctx.tick()
        assert ctx.get(remap.data.as_value()) == words[0], "CFG-3: the remap is not reset"

    simulate(remap, body)


def count(vcs: int, bug: Bug | None = None) -> None:
    """Compare every counter with a naive count under random events."""
    spec = FabricSpec(width=4, height=4, vcs=vcs, watchdog=WATCHDOG)
    status, rng = StatusTable(spec, bug=bug), Random(vcs)
    size = 5 * vcs
    want = dict.fromkeys(range(12), 0)
    first = 0
    waited = [0] * size
    barked = False

    async def read(ctx: Any, index: int) -> int:
        ctx.set(status.index, index)
        word: int = ctx.get(status.word)
        return word

    async def body(ctx: Any, rst: Any) -> None:
        nonlocal first, barked
        for cycle in range(80):
            stuck = (cycle % 20 < WATCHDOG + cycle // 20 - 2) << cycle // 20  # 4, 5, 6, 7 cycles
            moved, filled = rng.randrange(32), rng.randrange(1 << size) | stuck
            left = filled & ~stuck & (rng.randrange(1 << size) | rng.randrange(1 << size))
            offends = left & rng.randrange(1 << size) & rng.randrange(1 << size)
            refused = rng.randrange(2)
            word = pack(spec.status_fields(Status.FIRST_OFFENDER), valid=1, src=rng.randrange(16))
            values = {"moved": moved, "filled": filled, "left": left, "offends": offends}
            for name, value in (values | {"refused_packet": refused}).items():
                ctx.set(getattr(status, name), value)
            ctx.set(status.offender.as_value(), word)
            flags = unpack(spec.status_fields(Status.FLAGS), await read(ctx, Status.FLAGS))
            assert flags["watchdog"] == barked, "CFG-4: from the cycle after the last of them"
            for k in range(5):
                lanes = sum(1 << v * 5 + k for v in range(vcs))
                want[Status.MOVED + k] += moved >> k & 1
                want[Status.STALLED + k] += bool(filled & lanes) and not left & lanes
            want[Status.REFUSED] += refused
            want[Status.OFFENDERS] += offends.bit_count()
            first = first or (word if offends else 0)
            for k in range(size):
                waited[k] = waited[k] + 1 if (filled & ~left) >> k & 1 else 0
            barked = barked or max(waited) >= WATCHDOG
            await ctx.tick()
            for index, value in want.items():
                assert await read(ctx, index) == value, index
            assert await read(ctx, Status.FIRST_OFFENDER) == first
        assert barked, "the stimulus stalls long enough"
        ctx.set(rst, 1)
        await ctx.tick()
        for index in range(14):
            assert await read(ctx, index) == 0, "CFG-3"

    simulate(status, body)


@pytest.mark.parametrize("vcs", [1, 2])
def test_cfg_4_counters_flags_and_first_offender(vcs: int) -> None:
    count(vcs)


def test_bug_watchdog_late_is_caught() -> None:
    with pytest.raises(AssertionError, match="the cycle after the last"):
        count(1, Bug.WATCHDOG_LATE)


def test_cfg_4_a_write_that_does_not_happen_is_remembered() -> None:
    spec = FabricSpec(width=4, height=4)
    status = StatusTable(spec)

    async def body(ctx: Any, rst: Any) -> None:
        ctx.set(status.index, Status.FLAGS)
        ctx.set(status.refused_write, 1)
        assert ctx.get(status.word) == 0
        await ctx.tick()
        ctx.set(status.refused_write, 0)
        await ctx.tick().repeat(3)
        assert unpack(spec.status_fields(Status.FLAGS), ctx.get(status.word)) == {
            "watchdog": 0,
            "write_refused": 1,
        }

    simulate(status, body)


def test_words_helper_refuses_what_does_not_fit() -> None:
    with pytest.raises(AssertionError):
        pack(FabricSpec(width=2, height=2).table_fields(Table.TURN), outputs=32)

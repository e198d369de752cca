"""The input buffer against a naive queue."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest
from amaranth import unsigned
from hypothesis import given, settings
from hypothesis import strategies as st

from rtl.buffer import Buffer
from rtl.bugs import Bug
from tests.rtl.drive import simulate

DEPTHS = (2, 3, 4, 5, 7, 64)
Cycle = tuple[bool, bool, int]


def follow(depth: int, cycles: list[Cycle], bug: Bug | None = None) -> None:
    """Compare every output in every cycle; a cycle is (offer, take, word)."""
    buffer = Buffer(unsigned(8), depth, bug=bug)
    queue: deque[int] = deque()

    async def body(ctx: Any, rst: Any) -> None:
        for offer, take, word in cycles:
            ctx.set(buffer.i.valid, offer)
            ctx.set(buffer.i.payload, word)
            ctx.set(buffer.o.ready, take)
            assert ctx.get(buffer.i.ready) == (len(queue) < depth), "LNK-1: occupancy < depth"
            assert ctx.get(buffer.o.valid) == bool(queue)
            if queue:
                assert ctx.get(buffer.o.payload) == queue[0], "LNK-2: order"
            enters = offer and len(queue) < depth
            if take and queue:
                queue.popleft()
            if enters:
                queue.append(word)
            await ctx.tick()

    simulate(buffer, body)


@settings(derandomize=True, max_examples=25, deadline=None)
@given(
    st.sampled_from(DEPTHS),
    st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 255)), max_size=60),
)
def test_buffer_is_a_queue(depth: int, cycles: list[Cycle]) -> None:
    follow(depth, cycles)


@pytest.mark.parametrize("depth", DEPTHS)
def test_rtr_1_a_word_can_leave_one_cycle_after_it_entered_an_empty_buffer(depth: int) -> None:
    follow(depth, [(True, True, 7), (False, True, 0), (False, True, 0)])


@pytest.mark.parametrize("depth", DEPTHS)
def test_lnk_1_fill_refuse_and_drain_twice(depth: int) -> None:
    fill = [(True, False, k % 251) for k in range(depth + 2)]
    drain = [(False, True, 0)] * (depth + 2)
    follow(depth, (fill + drain) * 2)


def test_rtr_2_depth_2_passes_a_word_every_cycle() -> None:
    buffer = Buffer(unsigned(8), 2)

    async def body(ctx: Any, rst: Any) -> None:
        ctx.set(buffer.i.valid, 1)
        ctx.set(buffer.o.ready, 1)
        for word in range(40):
            ctx.set(buffer.i.payload, word)
            assert ctx.get(buffer.i.ready)
            if word:
                assert ctx.get(buffer.o.valid)
                assert ctx.get(buffer.o.payload) == word - 1
            await ctx.tick()

    simulate(buffer, body)


def test_cfg_3_reset_empties_the_buffer() -> None:
    buffer = Buffer(unsigned(8), 3)

    async def body(ctx: Any, rst: Any) -> None:
        ctx.set(buffer.i.valid, 1)
        await ctx.tick().repeat(2)
        ctx.set(rst, 1)
        await ctx.tick()
        ctx.set(rst, 0)
        ctx.set(buffer.i.valid, 0)
        assert not ctx.get(buffer.o.valid)
        await ctx.tick()
        assert not ctx.get(buffer.o.valid)

    simulate(buffer, body)


def test_bug_overflow_is_caught() -> None:
    with pytest.raises(AssertionError):
        follow(3, [(True, False, k) for k in range(5)], Bug.OVERFLOW)

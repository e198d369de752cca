"""The arbiter against RTR-5, written down naively."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.spec import FabricSpec
from rtl.arbiter import Arbiter
from rtl.bugs import Bug
from tests.rtl.drive import bits, simulate

INPUTS = range(5)


@dataclass
class NaiveArbiter:
    """RTR-5, sentence by sentence."""

    vcs: int
    owner: dict[int, int | None] = field(default_factory=dict)
    pointer: dict[int, int] = field(default_factory=dict)
    vc_pointer: int = 0

    def step(
        self, requests: set[int], filled: set[int], lasts: set[int], ready: set[int]
    ) -> tuple[int, int] | None:
        """Sets hold vc * 5 + input, or VCs; returns the (vc, input) sent."""
        for turn in range(self.vcs):
            v = (self.vc_pointer + turn) % self.vcs
            owner = self.owner.get(v)
            candidate = owner
            if owner is None:
                order = [(self.pointer.get(v, 0) + k) % 5 for k in INPUTS]
                candidate = next((i for i in order if v * 5 + i in requests), None)
            if candidate is None or v * 5 + candidate not in filled or v not in ready:
                continue
            self.vc_pointer = (v + 1) % self.vcs
            if owner is None:
                self.owner[v] = candidate
                self.pointer[v] = (candidate + 1) % 5
            if v * 5 + candidate in lasts:
                self.owner[v] = None
            return v, candidate
        return None


def follow(vcs: int, seed: int, cycles: int = 60, bug: Bug | None = None) -> None:
    """Compare grants with the naive arbiter under random inputs."""
    spec = FabricSpec(width=2, height=2, vcs=vcs)
    arbiter, naive, rng = Arbiter(spec, bug=bug), NaiveArbiter(vcs), Random(seed)
    rates = [rng.random() for _ in range(4)]

    def draw(size: int, rate: float) -> set[int]:
        return {k for k in range(size) if rng.random() < rate}

    async def body(ctx: Any, rst: Any) -> None:
        for _ in range(cycles):
            filled, lasts, ready = draw(5 * vcs, rates[0]), draw(5 * vcs, rates[1]), draw(vcs, 0.7)
            requests = filled & draw(5 * vcs, rates[2])
            ctx.set(arbiter.requests, bits(k in requests for k in range(5 * vcs)))
            ctx.set(arbiter.filled, bits(k in filled for k in range(5 * vcs)))
            ctx.set(arbiter.lasts, bits(k in lasts for k in range(5 * vcs)))
            ctx.set(arbiter.ready, bits(v in ready for v in range(vcs)))
            owners = bits(naive.owner.get(k // 5) == k % 5 for k in range(5 * vcs))
            assert ctx.get(arbiter.owners) == owners, "RTR-4"
            sent = naive.step(requests, filled, lasts, ready)
            assert ctx.get(arbiter.valid) == (sent is not None)
            assert ctx.get(arbiter.vc) == (sent[0] if sent else 0)
            assert ctx.get(arbiter.grants) == (1 << sent[0] * 5 + sent[1] if sent else 0)
            await ctx.tick()

    simulate(arbiter, body)


@settings(derandomize=True, max_examples=12, deadline=None)
@given(st.sampled_from((1, 2, 4)), st.integers(0, 2**32))
def test_rtr_5_candidate_eligibility_and_pointers(vcs: int, seed: int) -> None:
    follow(vcs, seed)


@pytest.mark.parametrize(
    "bug",
    [
        Bug.READY_IGNORED,
        Bug.GRANT_STUCK,
        Bug.FIXED_VC_ORDER,
        Bug.POINTER_STANDS,
        Bug.OWNER_STAYS,
        Bug.INTERLEAVE,
    ],
)
def test_bugs_of_the_arbiter_are_caught(bug: Bug) -> None:
    with pytest.raises(AssertionError):
        follow(2, 1, bug=bug)


def test_rtr_5_every_requester_is_served_within_five_packets() -> None:
    arbiter = Arbiter(FabricSpec(width=2, height=2))
    served: list[int] = []

    async def body(ctx: Any, rst: Any) -> None:
        for vector in (arbiter.requests, arbiter.filled, arbiter.lasts):
            ctx.set(vector, 31)
        ctx.set(arbiter.ready, 1)
        for _ in range(10):
            served.append(ctx.get(arbiter.grants).bit_length() - 1)
            await ctx.tick()

    simulate(arbiter, body)
    assert served == [0, 1, 2, 3, 4] * 2

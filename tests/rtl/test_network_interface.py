"""The network interface against NI-1 … NI-3, written down naively."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.spec import FabricSpec, Table
from rtl.bugs import Bug
from rtl.network_interface import NetworkInput, NetworkOutput
from tests.rtl.drive import simulate
from tests.rtl.words import pack, unpack

IDENTITY = 5
RULES = (
    {"valid": 0, "x_hi": 3, "y_hi": 3, "vc": 1},
    {"valid": 1, "x_lo": 1, "x_hi": 2, "y_hi": 1, "vc": 1},
    {"valid": 1, "x_hi": 1, "y_lo": 1, "y_hi": 2, "vc": 0},
)

Place = dict[str, int]


def naive_place(remap: list[Place], vcs: int, dst: int) -> Place:
    """RMP-1 and RMP-2: the remap word, with the first matching rule's VC."""
    place = dict(remap[dst])
    for rule in RULES:
        low = rule.get("x_lo", 0) <= place["x"] and rule.get("y_lo", 0) <= place["y"]
        if rule["valid"] and low and place["x"] <= rule["x_hi"] and place["y"] <= rule["y_hi"]:
            place["vc"] = rule["vc"] % vcs
            break
    return place


def follow(vcs: int, seed: int, bug: Bug | None = None, cycles: int = 120) -> None:
    """Random packets, bubbles, back-pressure and hold; compare all outputs in every cycle."""
    spec = FabricSpec(width=4, height=4, vcs=vcs, payload_width=8)
    ni, rng = NetworkInput(spec, bug=bug), Random(seed)
    remap = [
        {name: rng.randrange(1 << width) for name, width in spec.table_fields(Table.REMAP)}
        for _ in range(16)
    ]
    for place in remap:
        place["mapped"], place["vc"] = int(rng.random() < 0.8), place["vc"] % vcs
    offer_rate, ready_rate, hold_rate = rng.random(), rng.random(), rng.choice((0, 0.3))

    async def write(ctx: Any, port: Any, table: Table, index: int, **values: int) -> None:
        ctx.set(port.index, index)
        ctx.set(port.wdata.as_value(), pack(spec.table_fields(table), **values))
        ctx.set(port.write, 1)
        await ctx.tick()
        ctx.set(port.write, 0)

    async def body(ctx: Any, rst: Any) -> None:
        ctx.set(ni.core_ok, 1)
        ctx.set(ni.core.valid, 1)
        assert not ctx.get(ni.core.ready), "NI-1: no identity, no entry"
        await write(ctx, ni.identity, Table.IDENTITY, 0, valid=1, id=IDENTITY)
        ctx.set(ni.core_ok, 0)
        assert not ctx.get(ni.core.ready), "FUS-4: a dead core injects nothing"
        ctx.set(ni.core.valid, 0)
        ctx.set(ni.core_ok, 1)
        for k, rule in enumerate(RULES):
            await write(ctx, ni.rules, Table.RULE, k, **(rule | {"vc": rule["vc"] % vcs}))

        queue: list[tuple[Place, dict[str, int]]] = []
        begun, place, offered, address = False, remap[0], None, 0
        for _ in range(cycles):
            hold = rng.random() < hold_rate
            ready = [rng.random() < ready_rate for _ in range(vcs)]
            if offered is None and rng.random() < offer_rate:
                last, payload = int(rng.random() < 0.5), rng.randrange(256)
                offered = {"dst": rng.randrange(16), "last": last, "payload": payload}
            ctx.set(ni.hold, hold)
            ctx.set(ni.link.ready, sum(1 << v for v in range(vcs) if ready[v]))
            ctx.set(ni.core.valid, offered is not None)
            if offered is not None:
                ctx.set(ni.core.payload.as_value(), pack(spec.core_in_fields, **offered))
            ctx.set(
                ni.remap_data.as_value(), pack(spec.table_fields(Table.REMAP), **remap[address])
            )

            can_enter = len(queue) < 2 and (begun or not hold)
            assert ctx.get(ni.core.ready) == can_enter, "NI-1"
            assert ctx.get(ni.quiet) == (not queue and not begun), "CFG-2"
            sends = refuses = False
            if queue:
                where, flit = queue[0]
                refuses = not where["mapped"]
                sends = not refuses and ready[where["vc"]]
            assert ctx.get(ni.link.valid) == sends
            assert ctx.get(ni.refused) == bool(refuses and flit["first"]), "NI-2: once a packet"
            if sends:
                assert ctx.get(ni.link.vc) == where["vc"], "RMP-2"
                seen = unpack(spec.flit_fields, ctx.get(ni.link.flit.as_value()))
                assert (seen["dst_x"], seen["dst_y"]) == (where["x"], where["y"])
                assert seen["src"] == IDENTITY
                assert (seen["last"], seen["payload"]) == (flit["last"], flit["payload"])

            accepted = offered is not None and can_enter
            wanted = offered["dst"] if offered and accepted and not begun else 0
            assert ctx.get(ni.remap_addr) == wanted, "NI-1: looked up in the acceptance cycle"
            if sends or refuses:
                queue.pop(0)
            address = ctx.get(ni.remap_addr)
            if offered and accepted:
                if not begun:
                    place = naive_place(remap, vcs, offered["dst"])
                queue.append((place, offered | {"first": not begun}))
                begun, offered = not offered["last"], None
            await ctx.tick()

    simulate(ni, body)


@settings(derandomize=True, max_examples=15, deadline=None)
@given(st.sampled_from((1, 2)), st.integers(0, 2**32))
def test_ni_1_ni_2_acceptance_remap_order_and_refusal(vcs: int, seed: int) -> None:
    follow(vcs, seed)


@pytest.mark.parametrize(
    ("bug", "seed"),
    [
        (Bug.REMAP_VC_IGNORED, 1),
        (Bug.BODY_LOOKUP, 1),
        (Bug.SOURCE_FROM_PAYLOAD, 1),
        (Bug.HOLD_IGNORED, 0),
    ],
)
def test_bugs_of_the_network_input_are_caught(bug: Bug, seed: int) -> None:
    follow(2, seed)
    with pytest.raises(AssertionError):
        follow(2, seed, bug)


def deliver(stalls: list[int], bug: Bug | None = None) -> None:
    """Pass 8 flits to a core that refuses for ``stalls[k]`` cycles before taking flit k."""
    spec = FabricSpec(width=2, height=2, vcs=2, payload_width=8)
    ni = NetworkOutput(spec, bug=bug)
    taken: list[int] = []

    async def body(ctx: Any, rst: Any) -> None:
        sent, inside, stall = 0, 0, stalls[0]
        while len(taken) < 8:
            ready = ctx.get(ni.link.ready)
            assert ready == (3 if inside < 2 else 0), "NI-3: the same for all VCs"
            assert ctx.get(ni.core.valid) == bool(inside)
            sends = ready and sent < 8
            ctx.set(ni.link.valid, sends)
            ctx.set(ni.link.vc, sent % 2)
            flit = pack(spec.flit_fields, src=sent % 4, last=sent // 2 % 2, payload=sent)
            ctx.set(ni.link.flit.as_value(), flit)
            ctx.set(ni.core.ready, stall == 0)
            takes = inside and stall == 0
            if takes:
                word = unpack(spec.core_out_fields, ctx.get(ni.core.payload.as_value()))
                k = len(taken)
                assert word == {"src": k % 4, "vc": k % 2, "last": k // 2 % 2, "payload": k}
                taken.append(k)
                stall = stalls[len(taken) % 8]
            elif inside:
                stall -= 1
            inside += bool(sends) - bool(takes)
            sent += bool(sends)
            await ctx.tick()

    simulate(ni, body)


@pytest.mark.parametrize("stalls", [[0] * 8, [0, 1, 0, 5, 2, 0, 0, 3], [3] * 8, [0, 60] * 4])
def test_ni_3_every_flit_once_in_order_however_long_the_core_refuses(stalls: list[int]) -> None:
    deliver(stalls)


def test_bug_impatient_is_caught() -> None:
    with pytest.raises(AssertionError):
        deliver([0, 60] * 4, Bug.IMPATIENT)

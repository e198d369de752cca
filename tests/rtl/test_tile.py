"""One tile under random traffic on all ports: which outputs may depend on what."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from amaranth import Module, Value

from model.spec import FabricSpec, Port, Table
from rtl.bugs import Bug
from rtl.layouts import MESH_PORTS
from rtl.tile import Tile
from tests.rtl.drive import simulate
from tests.rtl.words import pack, route

SPEC = FabricSpec(width=3, height=3, vcs=2, depth=2, payload_width=8, route_entries=6)
FORWARD = ("valid", "vc", "flit")


def randomize(ctx: Any, rng: Random, value: Any, tiles: list[Value]) -> None:
    """The same random value on the same input of all tiles."""
    word = rng.randrange(1 << len(Value.cast(value)))
    for each in tiles:
        ctx.set(Value.cast(each), word)


async def start(ctx: Any, rst: Any, tiles: list[Tile], in_ok: int = 15) -> None:
    """Reset all tiles with these fuses and give them equal tables."""
    straps = {"pos_x": 1, "pos_y": 1, "fuse_core_ok": 1, "fuse_in_ok": in_ok, "fuse_out_ok": 15}
    for tile in tiles:
        for name, value in straps.items():
            ctx.set(getattr(tile, name), value)
        ctx.set(tile.core_out.ready, 1)
    ctx.set(rst, 1)
    await ctx.tick()
    ctx.set(rst, 0)
    for tile in tiles:
        await configure(ctx, tile, Random(3))


async def configure(ctx: Any, tile: Tile, rng: Random) -> None:
    """All turns, random routes, identity."""
    words = [(Table.TURN, k, 31) for k in range(5 * SPEC.vcs)]
    for k in range(SPEC.route_entries):
        x, y = rng.randrange(3), rng.randrange(3)
        words.append((Table.ROUTE, k, route(SPEC, rng.randrange(4), x_lo=x, y_lo=y)))
    words.append((Table.ROUTE, SPEC.route_entries - 1, route(SPEC, Port.EAST)))
    identity = pack(SPEC.table_fields(Table.IDENTITY), valid=1, id=4)
    words.append((Table.IDENTITY, 0, identity))
    for pin in (tile.hold, tile.idle, tile.cfg.valid, tile.cfg.write, tile.cfg.any_x):
        ctx.set(pin, 1)
    ctx.set(tile.cfg.any_y, 1)
    for table, index, word in words:
        ctx.set(tile.cfg.table, table)
        ctx.set(tile.cfg.index, index)
        ctx.set(tile.cfg.wdata, word)
        await ctx.tick()
    for pin in (tile.hold, tile.idle, tile.cfg.valid):
        ctx.set(pin, 0)


def outputs(ctx: Any, tile: Tile) -> dict[str, int]:
    """All outputs of a tile."""
    values = {"quiet": tile.quiet, "cfg_rdata": tile.cfg.rdata, "refused": tile.core_refused}
    values |= {"core_in_ready": tile.core_in.ready, "core_out_valid": tile.core_out.valid}
    values |= {"remap_addr": tile.remap_addr, "remap_we": tile.remap_we}
    for port in MESH_PORTS:
        values[f"{port.name} in ready"] = tile.link_in(port).ready
        for name in FORWARD:
            values[f"{port.name} out {name}"] = getattr(tile.link_out(port), name)
    return {name: ctx.get(Value.cast(value)) for name, value in values.items()}


def test_lnk_1_no_path_from_forward_inputs_to_outputs_or_from_ready_to_ready() -> None:
    tile, rng = Tile(SPEC), Random(1)
    seen = {"moved": 0, "ready matters": 0}

    async def body(ctx: Any, rst: Any) -> None:
        await start(ctx, rst, [tile])
        for _ in range(150):
            for port in MESH_PORTS:
                link = tile.link_out(port).ready
                randomize(ctx, rng, link, [link])
            before = outputs(ctx, tile)
            for port in MESH_PORTS:
                for name in FORWARD:
                    wires = getattr(tile.link_in(port), name)
                    randomize(ctx, rng, wires, [wires])
            assert outputs(ctx, tile) == before
            for port in MESH_PORTS:
                link = tile.link_out(port).ready
                ctx.set(link, ~ctx.get(link) & 3)
            after = outputs(ctx, tile)
            for name in before:
                if "out" not in name or name == "core_out_valid":
                    assert after[name] == before[name], name
            seen["ready matters"] += after != before
            seen["moved"] += any(after[f"{port.name} out valid"] for port in MESH_PORTS)
            await ctx.tick()

    simulate(tile, body)
    assert min(seen.values()) > 20, "the traffic is dense enough to mean something"


def babble(bug: Bug | None) -> None:
    """Garbage on a fused-off input and silence there must look the same everywhere else."""
    rng = Random(2)
    tiles = [Tile(SPEC, bug=bug), Tile(SPEC, bug=bug)]
    pair = Module()
    pair.submodules += tiles
    dead = Port.NORTH

    async def body(ctx: Any, rst: Any) -> None:
        await start(ctx, rst, tiles, in_ok=15 ^ 1 << dead)
        for _ in range(120):
            for port in MESH_PORTS:
                randomize(
                    ctx, rng, tiles[0].link_out(port).ready, [t.link_out(port).ready for t in tiles]
                )
                for name in FORWARD:
                    wires = [getattr(tile.link_in(port), name) for tile in tiles]
                    randomize(ctx, rng, wires[0], wires[port == dead :])
            seen = [outputs(ctx, tile) for tile in tiles]
            for each in seen:
                del each["NORTH in ready"]  # LNK-1: not specified
            assert seen[0] == seen[1], "FUS-2"
            await ctx.tick()

    simulate(pair, body)


def test_fus_2_input_from_a_fused_port_is_ignored() -> None:
    babble(None)


def test_bug_babble_enters_is_caught() -> None:
    with pytest.raises(AssertionError, match="FUS-2"):
        babble(Bug.BABBLE_ENTERS)

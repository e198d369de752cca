"""Directed tests of small fabrics on Amaranth's simulator."""

from __future__ import annotations

import pytest

from model.spec import FabricSpec, Port, Status, Table
from rtl.bugs import Bug
from tests.rtl.fabric_bench import FabricBench
from tests.rtl.words import pack, route

ROW = FabricSpec(width=3, height=1, vcs=1, depth=2, route_entries=4)


@pytest.mark.parametrize(
    ("width", "height", "vcs", "depth"), [(1, 1, 1, 5), (3, 1, 1, 2), (1, 2, 4, 3), (2, 2, 2, 4)]
)
def test_rtr_3_zero_load_latency(width: int, height: int, vcs: int, depth: int) -> None:
    bench = FabricBench(FabricSpec(width=width, height=height, vcs=vcs, depth=depth))
    tiles = width * height

    async def body(b: FabricBench) -> None:
        await b.start()
        for src in range(tiles):
            for dst in range(tiles):
                length = 1 + (src + dst) % 3
                b.received.clear()
                sent = await b.send(src, dst, length)
                hops = abs(src % width - dst % width) + abs(src // width - dst // width)
                await b.step(hops + 4)
                assert [f.payload for f in b.received] == [dst * 16 + k for k in range(length)]
                assert b.received[-1].cycle == sent + hops + 3 + length - 1
                assert all((f.tile, f.src, f.vc) == (dst, src, dst % vcs) for f in b.received)
                assert [f.last for f in b.received] == [0] * (length - 1) + [1]

    bench.run(body)


def test_rtr_1_rtr_2_depth_2_streams_a_flit_per_cycle_across_packets_and_hops() -> None:
    bench = FabricBench(ROW)

    async def body(b: FabricBench) -> None:
        await b.start()
        moved = [await b.offer(0, 2, last=int(k % 3 != 1), payload=k) for k in range(12)]
        await b.step(6)
        assert moved == list(range(moved[0], moved[0] + 12))
        assert [f.payload for f in b.received] == list(range(12))
        assert [f.cycle for f in b.received] == [cycle + 2 + 3 for cycle in moved]

    bench.run(body)


def single_behind_tail(bug: Bug | None) -> list[int]:
    """Payloads received when single-flit packets follow other packets' tails at once."""
    bench = FabricBench(ROW, bug=bug)

    async def body(b: FabricBench) -> None:
        await b.start()
        for k, last in enumerate((0, 1, 1, 1, 0, 1, 1)):
            await b.offer(0, 1, last, k)
        await b.step(8)

    bench.run(body)
    return [f.payload for f in bench.received]


def test_facts_6_single_flit_packets_right_behind_a_tail_arrive() -> None:
    assert single_behind_tail(None) == list(range(7))


def test_bug_single_after_tail_is_caught() -> None:
    assert single_behind_tail(Bug.SINGLE_AFTER_TAIL) != list(range(7))


def through_a_dead_core(bug: Bug | None) -> None:
    """Traffic crosses a tile whose core is dead; a packet for it is sunk."""
    bench = FabricBench(ROW, bug=bug)

    async def body(b: FabricBench) -> None:
        await b.start(core_ok=0b101)
        b.set(core_in_valid=0b010)
        assert not b.sim.get(b.fabric.core_in_ready) & 0b010, "FUS-4"
        await b.send(0, 2, 2)
        await b.send(0, 1, 3, gap=2)
        await b.send(0, 2, 1)
        await b.step(8)
        assert [(f.tile, f.payload) for f in b.received] == [(2, 32), (2, 33), (2, 32)]
        assert (await b.status(Status.OFFENDERS, tile=1))["count"] == 1, "TBL-3: once"
        first = await b.status(Status.FIRST_OFFENDER, tile=1)
        assert first == {"valid": 1, "src": 0, "dst_x": 1, "dst_y": 0}
        assert (await b.status(Status.MOVED, tile=1, port=Port.LOCAL))["count"] == 0
        assert (await b.status(Status.MOVED, tile=1, port=Port.EAST))["count"] == 3
        assert (await b.status(Status.FUSES, tile=1))["core_ok"] == 0

    bench.run(body)


def test_fus_4_tbl_3_a_dead_core_is_passed_and_packets_for_it_are_sunk() -> None:
    through_a_dead_core(None)


@pytest.mark.parametrize("bug", [Bug.CORE_GATES_ROUTER, Bug.SINK_FORGETS, Bug.OFFENDER_PER_FLIT])
def test_bugs_at_a_dead_core_are_caught(bug: Bug) -> None:
    with pytest.raises(AssertionError):
        through_a_dead_core(bug)


def dead_in_one_direction(bug: Bug | None) -> None:
    """The link from tile 1 to 2 is dead, the one from 2 to 1 is not."""
    bench = FabricBench(ROW, bug=bug)

    async def body(b: FabricBench) -> None:
        await b.start(dead_links=[(1, Port.EAST)])
        await b.send(2, 0, 2)
        await b.send(0, 2, 2)
        await b.send(0, 1)
        await b.step(8)
        assert [(f.tile, f.payload) for f in b.received] == [(0, 0), (0, 1), (1, 16)]
        assert (await b.status(Status.OFFENDERS, tile=1))["count"] == 1, "RTR-7: out_ok is 0"

    bench.run(body)


def test_facts_6_a_link_dead_in_one_direction_works_in_the_other() -> None:
    dead_in_one_direction(None)


def test_bug_one_way_link_is_caught() -> None:
    with pytest.raises(AssertionError):
        dead_in_one_direction(Bug.ONE_WAY_LINK)


def illegal_turns(bug: Bug | None) -> None:
    """What RTR-7 calls an offender, one after the other."""
    bench = FabricBench(ROW, bug=bug)

    async def body(b: FabricBench) -> None:
        await b.start()
        await b.hold()
        await b.write(Table.TURN, Port.LOCAL, 31 ^ 1 << Port.EAST, tile=0)
        await b.write(Table.ROUTE, 1, route(ROW, 6, x_lo=0, x_hi=0), tile=1)
        await b.write(Table.ROUTE, 1, 0, tile=2)
        await b.go()
        await b.send(0, 1, 2)  # turn bit is 0
        await b.send(1, 0, 1)  # `to` is 6
        await b.send(2, 1, 2)  # no entry matches
        await b.send(1, 2, 1)
        await b.step(8)
        assert [(f.tile, f.payload) for f in b.received] == [(2, 32)]
        for tile in range(3):
            assert (await b.status(Status.OFFENDERS, tile))["count"] == 1

    bench.run(body)


def test_rtr_7_tbl_3_offenders_are_sunk_whole_and_counted_once() -> None:
    illegal_turns(None)


def test_bug_turn_ignored_is_caught() -> None:
    with pytest.raises(AssertionError):
        illegal_turns(Bug.TURN_IGNORED)


def hold_inside_a_packet(bug: Bug | None) -> None:
    """``hold`` rises between two flits of a packet; a write comes too early, another in time."""
    bench = FabricBench(ROW, bug=bug)

    async def body(b: FabricBench) -> None:
        await b.start()
        await b.offer(0, 1, last=0)
        b.set(hold=1)
        for _ in range(12):
            await b.step()
            assert not b.sim.get(b.fabric.idle), "CFG-2: a packet is begun"
        assert not b.sim.get(b.fabric.core_in_ready) >> 1 & 1, "CFG-2: no first flit"
        await b.write(Table.IDENTITY, 0, 0, tile=1)
        await b.offer(0, 0, last=1)
        await b.step(8)
        assert [f.last for f in b.received] == [0, 1]
        assert b.sim.get(b.fabric.idle)
        word = await b.read(Table.IDENTITY, 0, tile=1)
        assert word == pack(ROW.table_fields(Table.IDENTITY), valid=1, id=1), "not written"
        assert (await b.status(Status.FLAGS, tile=1))["write_refused"]
        assert not (await b.status(Status.FLAGS, tile=0))["write_refused"]
        await b.write(Table.IDENTITY, 0, 0, tile=1)
        assert await b.read(Table.IDENTITY, 0, tile=1) == 0

    bench.run(body)


def test_cfg_2_begun_packets_finish_and_writes_wait_for_idle() -> None:
    hold_inside_a_packet(None)


@pytest.mark.parametrize("bug", [Bug.HOLD_IGNORED, Bug.WRITE_WHILE_BUSY])
def test_bugs_around_hold_are_caught(bug: Bug) -> None:
    with pytest.raises(AssertionError):
        hold_inside_a_packet(bug)


def test_ni_2_a_packet_to_an_unmapped_id_is_refused_once() -> None:
    bench = FabricBench(ROW)

    async def body(b: FabricBench) -> None:
        await b.start()
        await b.hold()
        await b.write(Table.REMAP, 2, 0)
        await b.go()
        sent = await b.send(0, 2, 3)
        beyond = await b.send(0, 3, 1)  # id_width is 2, there are 3 words
        await b.send(0, 1, 1)
        await b.step(6)
        assert b.refused == [(sent + 1, 0), (beyond + 1, 0)]
        assert [f.tile for f in b.received] == [1]
        assert (await b.status(Status.REFUSED, tile=0))["count"] == 2

    bench.run(body)


def test_cfg_3_reset_in_mid_traffic_leaves_nothing_but_the_remap() -> None:
    bench = FabricBench(ROW, stalled=lambda tile, cycle: True)

    async def body(b: FabricBench) -> None:
        await b.start()
        for _ in range(3):
            await b.send(0, 2, 2)
        await b.offer(1, 2, last=0)
        b.set(hold=1)
        await b.reset()
        await b.step(2)
        assert b.sim.get(b.fabric.idle)
        for table in Table:
            for index in range(ROW.table_size(table)):
                if table not in (Table.REMAP, Table.STATUS):
                    assert await b.read(table, index) == 0, table
        for index in range(14):
            assert await b.read(Table.STATUS, index) == 0, index
        assert await b.read(Table.REMAP, 1, tile=0) & 1
        b.stalled = lambda tile, cycle: False
        await b.load()
        await b.go()
        sent = await b.send(0, 2)
        await b.step(6)
        assert [f.cycle for f in b.received] == [sent + 5]

    bench.run(body)

"""The tile array: the RTL at any size, against the hand-worked tables and the engine."""

import numpy as np
import pytest

from model.engine import simulate as engine
from model.errors import InputError
from model.image import ConfigImage
from model.proof import find_cycle
from model.runlog import Event
from model.spec import FabricSpec, Port, Table
from tests.hand_tables import HAND_TABLES
from tests.images import random_image, random_schedule, random_stalls, xy_image
from tests.schedules import packets
from verif.compare import compare
from verif.config_stream import TILE_TABLES, BusWrite
from verif.tile_array import BuildOptions, TileArray, simulate


def scene(seed, **sizes):
    """A random image with traffic and stalls, and what the engine says of it."""
    rng = np.random.default_rng(seed)
    image = random_image(rng, FabricSpec(**sizes))
    schedule = random_schedule(rng, image, 400, max_length=6)
    stalls = random_stalls(rng)
    return image, schedule, stalls, engine(image, schedule, stalls=stalls).log


@pytest.mark.parametrize("table", HAND_TABLES, ids=lambda table: table.name)
def test_eng_4_hand_worked_cycle_tables_hold_on_the_rtl(table):
    run = {"cycles": table.cycles, "stalls": table.stalls}
    log = simulate(table.image, table.schedule, **run, quick=True)
    assert compare(table.log, log, table.image.spec) is None


@pytest.mark.parametrize("size", [(5, 4), (1, 7), (7, 1), (1, 1), (9, 9)])
def test_one_object_serves_every_size_and_equals_the_engine(size):
    image, schedule, stalls, expected = scene(sum(size), width=size[0], height=size[1])
    log = simulate(image, schedule, cycles=expected.cycles, stalls=stalls)
    assert compare(expected, log, image.spec) is None


def test_results_do_not_depend_on_the_number_of_threads():
    image, schedule, stalls, expected = scene(3, width=7, height=7)
    logs = [
        simulate(image, schedule, cycles=expected.cycles, stalls=stalls, threads=threads)
        for threads in (1, 2, 3, 50)
    ]
    assert compare(expected, logs[0], image.spec) is None
    for log in logs[1:]:
        assert log.events.tobytes() == logs[0].events.tobytes()
        assert compare(logs[0], log, image.spec) is None


def test_fus_3_results_do_not_depend_on_what_dead_parts_drive():
    image, schedule, stalls, expected = scene(9, width=6, height=6)
    assert not image.live.all()
    assert not image.core_ok[image.live].all()
    for seed in (1, 2, 3):
        log = simulate(image, schedule, cycles=expected.cycles, stalls=stalls, seed=seed)
        assert compare(expected, log, image.spec) is None


def test_sim_4_bus_and_back_door_leave_equal_state():
    image, schedule, stalls, expected = scene(5, width=5, height=3)
    states = []
    for via_bus in (False, True):
        with TileArray(image) as array:
            array.configure(via_bus=via_bus)
            words = [
                array.read(table, index)
                for table in TILE_TABLES
                for index in range(image.spec.table_size(table))
            ]
            states.append(np.array([*words, array.remap.copy()]))
            array.start(schedule, stalls)
            array.run(expected.cycles)
            assert compare(expected, array.log(), image.spec) is None
    assert states[0].any()
    assert np.array_equal(*states)


def test_cfg_1_the_remap_memory_reads_back_over_the_bus():
    image = xy_image(FabricSpec(width=3, height=2))
    with TileArray(image) as array:
        array.configure(via_bus=True)
        for index in range(6):
            assert set(array.read(Table.REMAP, index)) == {array.remap[index]}


def test_cfg_1_a_write_reaches_only_the_tiles_addressed():
    image = xy_image(FabricSpec(width=3, height=2))
    with TileArray(image) as array:
        array.configure()
        before = array.read(Table.TURN, 0)
        array.step(write=BusWrite(Table.TURN, 0, 9, None, 1))
        array.step(write=BusWrite(Table.TURN, 1, 6, 2, None))
        array.step()
        assert array.read(Table.TURN, 0).tolist() == [*before[:3], 9, 9, 9]
        assert array.read(Table.TURN, 1)[[2, 5]].tolist() == [6, 6]


def test_reset_in_mid_traffic_leaves_a_fabric_like_new():
    image, schedule, stalls, expected = scene(6, width=4, height=4)
    with TileArray(image) as array:
        for cycles in (37, expected.cycles):
            array.configure()
            array.start(schedule, stalls)
            array.run(cycles)
            log = array.log()
            array.step(reset=True)
            array.step(reset=True)
    assert compare(expected, log, image.spec) is None


def circle(turns: int) -> ConfigImage:
    """2 x 2 tiles whose tables drive round clockwise, with the first ``turns`` of four turns."""
    image = xy_image(FabricSpec(width=2, height=2, depth=2))
    image.turns[:, :4, :4] = False
    image.routes[:] = 0
    ways = ((0, Port.EAST), (1, Port.SOUTH), (3, Port.WEST), (2, Port.NORTH))
    for k, (tile, to) in enumerate(ways):
        image.routes[tile, 0] = (1, 0, 1, 0, 1, 31, 1, to)
        image.turns[tile, :4, to] = k < turns
    return image


@pytest.mark.parametrize(("turns", "drains"), [(4, False), (3, True)])
def test_tbl_2_a_circle_of_turns_deadlocks_and_one_turn_less_drains(turns, drains):
    image = circle(turns)
    schedule = packets(*[(tile, 3 - tile, 16, 0) for tile in range(4)] * 16)
    expected = engine(image, schedule, cycles=3000).log
    log = simulate(image, schedule, cycles=3000, quick=True)
    assert compare(expected, log, image.spec) is None
    assert (find_cycle(image) is None) == drains
    assert log.quiet == drains
    assert log.counters.watchdog.astype(bool).tolist() == [not drains] * 4


@pytest.mark.parametrize("length", [1, 5])
@pytest.mark.parametrize("hops", range(8))
def test_rtr_1_rtr_3_zero_load_latency_is_one_cycle_per_hop(hops, length):
    image = xy_image(FabricSpec(width=8, height=1, depth=2))
    log = simulate(image, packets((0, hops, length, 4)), cycles=40)
    assert log.events["cycle"][0] == 4
    delivered = log.events[log.events["kind"] == Event.DELIVER]
    assert delivered["cycle"].tolist() == [4 + hops + 3 + k for k in range(length)]


@pytest.mark.parametrize("vcs", [1, 2])
def test_rtr_2_full_throughput_with_depth_2_back_to_back_across_packets(vcs):
    image = xy_image(FabricSpec(width=6, height=1, depth=2, vcs=vcs))
    lengths = [1, 3, 1, 1, 2, 7, 1]
    log = simulate(image, packets(*((0, 5, length, 0) for length in lengths)), cycles=60)
    delivered = log.events[log.events["kind"] == Event.DELIVER]
    assert delivered["cycle"].tolist() == list(range(8, 8 + sum(lengths)))


def test_a_lost_source_is_refused_in_one_line():
    image = xy_image(FabricSpec(width=2, height=1))
    image.remap_tile[1] = -1
    with TileArray(image) as array, pytest.raises(InputError, match="allowed: hosted logical ids"):
        array.start(packets((1, 0, 1, 0)))


def test_an_unknown_wave_format_is_refused_in_one_line():
    with pytest.raises(InputError, match="trace is 'lxt'; allowed: vcd or fst"):
        BuildOptions(trace="lxt")

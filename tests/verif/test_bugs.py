"""Every bug kept in the tree (rtl/bugs.py) is caught by the scene that is named for it.

Each scene must also pass on the right RTL, so that it is the bug that is seen. The first seven
bugs, and three more tests below, are those that other projects shipped (facts.md §6).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from model.engine import simulate as engine
from model.errors import InputError
from model.image import ConfigImage
from model.runlog import Event
from model.schedule import NO_STALLS, PacketSchedule, StallPattern
from model.spec import FabricSpec, Port, Status, Table
from rtl.bugs import Bug
from tests.images import xy_image
from tests.netlist import NETLIST, WATCHDOG, quick_spec
from tests.schedules import packets
from verif.compare import compare
from verif.config_stream import BusWrite, decode
from verif.tile_array import TileArray, simulate

ROOT = Path(__file__).parents[2]
HEAVY_STALLS = StallPattern(threshold=int(0.7 * 2**32), seed=3)


@dataclass(frozen=True, kw_only=True)
class Scene:
    image: ConfigImage
    schedule: PacketSchedule
    stalls: StallPattern = NO_STALLS
    cycles: int = 200


def fabric(width: int, height: int = 1) -> ConfigImage:
    return xy_image(quick_spec(width, height))


def single_after_tail() -> Scene:
    return Scene(image=fabric(3), schedule=packets((0, 2, 3, 0), (0, 2, 1, 0), (0, 2, 2, 0)))


def ready_ignored() -> Scene:
    stream = packets(*[(0, 3, 4, 0)] * 6)
    return Scene(image=fabric(4), schedule=stream, stalls=HEAVY_STALLS)


def impatient() -> Scene:
    long_refusals = StallPattern(threshold=2**31, burst_log2=6, seed=3)
    return Scene(
        image=fabric(2),
        schedule=packets(*[(0, 1, 4, 0)] * 30),
        stalls=long_refusals,
        cycles=600,
    )


def one_way_link() -> Scene:
    image = fabric(2)
    image.out_ok[1, Port.WEST] = image.in_ok[0, Port.EAST] = False
    return Scene(image=image, schedule=packets((0, 1, 2, 0), (0, 1, 1, 4)))


def fixed_vc_order() -> Scene:
    image = fabric(4)
    image.remap_vc[:] = [0, 0, 0, 1]
    return Scene(image=image, schedule=packets(*[(0, 2, 4, 0), (1, 3, 4, 0)] * 8))


def core_gates_router() -> Scene:
    image = fabric(3)
    image.core_ok[1] = False
    image.remap_tile[1] = image.identity[1] = -1
    return Scene(image=image, schedule=packets((0, 2, 2, 0), (2, 0, 1, 0)))


def two_streams_meet() -> Scene:
    return Scene(image=fabric(3), schedule=packets(*[(0, 1, 3, 0, 1), (2, 1, 2, 0)] * 6))


def owner_stays() -> Scene:
    return Scene(image=fabric(3), schedule=packets((0, 1, 1, 0), (2, 1, 1, 10), (0, 1, 1, 20)))


def offender() -> Scene:
    image = fabric(2)
    image.turns[1, Port.WEST, Port.LOCAL] = False
    return Scene(image=image, schedule=packets((0, 1, 3, 0), (1, 1, 1, 3), (0, 1, 4, 10, 2)))


def last_match() -> Scene:
    image = fabric(3)
    image.routes[0, 4] = (1, 0, 7, 0, 3, 31, 3, Port.SOUTH)  # behind the entry that leads east
    return Scene(image=image, schedule=packets((0, 2, 2, 0)))


def babble_enters() -> Scene:
    image = fabric(3)
    image.live[1] = image.core_ok[1] = False
    image.in_ok[:] = image.out_ok[:] = False
    image.remap_tile[1] = image.identity[1] = -1
    return Scene(image=image, schedule=packets((0, 0, 2, 0), (2, 2, 2, 0)))


def remap_vc_ignored() -> Scene:
    image = fabric(2)
    image.remap_vc[:] = 1
    return Scene(image=image, schedule=packets((0, 1, 2, 0)))


def several_packets() -> Scene:
    return Scene(image=fabric(4), schedule=packets((0, 3, 4, 0), (1, 2, 3, 0), (3, 0, 5, 2)))


def watchdog_late() -> Scene:
    """The last cycle of the run is the first in which the flag reads 1 (CFG-4).

    Two flits wait in the core's queue; the third stands at the front of LOCAL from cycle 4 on.
    """
    never = StallPattern(threshold=2**32 - 1, burst_log2=16, seed=1)
    return Scene(image=fabric(1), schedule=packets((0, 0, 3, 0)), stalls=never, cycles=4 + WATCHDOG)


COMPARED: dict[Bug, Callable[[], Scene]] = {
    Bug.SINGLE_AFTER_TAIL: single_after_tail,
    Bug.READY_IGNORED: ready_ignored,
    Bug.GRANT_STUCK: ready_ignored,
    Bug.IMPATIENT: impatient,
    Bug.ONE_WAY_LINK: one_way_link,
    Bug.FIXED_VC_ORDER: fixed_vc_order,
    Bug.CORE_GATES_ROUTER: core_gates_router,
    Bug.POINTER_STANDS: two_streams_meet,
    Bug.OWNER_STAYS: owner_stays,
    Bug.INTERLEAVE: two_streams_meet,
    Bug.OVERFLOW: ready_ignored,
    Bug.TURN_IGNORED: offender,
    Bug.LAST_MATCH: last_match,
    Bug.SINK_FORGETS: offender,
    Bug.OFFENDER_PER_FLIT: offender,
    Bug.BABBLE_ENTERS: babble_enters,
    Bug.REMAP_VC_IGNORED: remap_vc_ignored,
    Bug.BODY_LOOKUP: several_packets,
    Bug.SOURCE_FROM_PAYLOAD: several_packets,
    Bug.WATCHDOG_LATE: watchdog_late,
}
"""Bugs that the comparison with the engine must see, each with its scene."""


def difference(scene: Scene, bug: Bug | None):
    expected = engine(scene.image, scene.schedule, stalls=scene.stalls, cycles=scene.cycles).log
    log = simulate(
        scene.image,
        scene.schedule,
        stalls=scene.stalls,
        cycles=scene.cycles,
        bug=bug,
        netlist=NETLIST,
        quick=True,
    )
    return compare(expected, log, scene.image.spec)


@pytest.mark.parametrize("scene", sorted(set(COMPARED.values()), key=lambda scene: scene.__name__))
def test_the_right_rtl_passes_the_scene(scene):
    assert difference(scene(), None) is None


@pytest.mark.parametrize("bug", COMPARED, ids=str)
def test_bug_is_caught(bug):
    assert difference(COMPARED[bug](), bug) is not None


def array(image: ConfigImage, bug: Bug | None) -> TileArray:
    made = TileArray(image, bug=bug, netlist=NETLIST, quick=True)
    made.configure()
    return made


def holds(bug: Bug | None) -> bool:
    """CFG-2: on hold no first flit is accepted, and the begun packet finishes."""
    with array(fabric(2), bug) as fabric_under_test:
        fabric_under_test.start(packets((0, 1, 4, 0, 1), (0, 1, 1, 0), (1, 0, 1, 4)))
        for cycle in range(30):
            fabric_under_test.step(hold=cycle >= 2, traffic=True)
        events = fabric_under_test.log().events
    return int((events["kind"] == Event.ACCEPT).sum()) == 4


def refuses_writes_while_busy(bug: Bug | None) -> bool:
    """CFG-2: a write without hold and idle changes nothing and sets ``write_refused``."""
    image = fabric(2)
    with array(image, bug) as busy:
        before = busy.read(Table.TURN, 0)
        busy.start(packets((0, 1, 4, 0)))
        for cycle in range(4):
            write = BusWrite(Table.TURN, 0, 1, None, None) if cycle == 2 else None
            busy.step(hold=False, traffic=True, write=write)
        flags = decode(busy.spec.status_fields(Status.FLAGS), busy.read(Table.STATUS, Status.FLAGS))
        after = busy.read(Table.TURN, 0)
    return bool(np.array_equal(before, after)) and flags["write_refused"].all()


def no_tile_on_the_way_is_quiet_inside_a_packet(bug: Bug | None) -> bool:
    """CFG-2: in the gap between two flits of a packet every output VC it holds has an owner."""
    with array(fabric(3), bug) as paused:
        paused.start(packets((0, 2, 2, 0, 20)))
        for cycle in range(18):
            paused.step(hold=cycle > 0, traffic=True)
        in_the_gap = paused.quiet()
        for _ in range(20):
            paused.step(traffic=True)
        return not in_the_gap.any() and bool(paused.quiet().all()) and paused.idle


DIRECTED: dict[Bug, Callable[[Bug | None], bool]] = {
    Bug.HOLD_IGNORED: holds,
    Bug.WRITE_WHILE_BUSY: refuses_writes_while_busy,
    Bug.EARLY_QUIET: no_tile_on_the_way_is_quiet_inside_a_packet,
}
"""Bugs outside of what the engine computes, each with a directed check of its rule."""

FABRIC: dict[Bug, str] = dict.fromkeys(
    (Bug.QUIET_UNGATED, Bug.READ_UNGATED), "tests/rtl/test_icarus.py"
)
"""Bugs between the tiles, which the tile array does not build, and the file that catches each."""


@pytest.mark.parametrize("check", DIRECTED.values(), ids=lambda check: check.__name__)
def test_the_right_rtl_passes_the_check(check):
    assert check(None)


@pytest.mark.parametrize("bug", DIRECTED, ids=str)
def test_bug_is_caught_by_its_directed_check(bug):
    assert not DIRECTED[bug](bug)


def test_every_bug_in_the_tree_has_its_test():
    assert set(COMPARED) | set(DIRECTED) | set(FABRIC) == set(Bug)
    for bug, file in FABRIC.items():
        assert f"(Bug.{bug.name}, " in (ROOT / file).read_text()


# The bugs of facts.md §6 that are not in the RTL but around it ----------------------------------


def test_facts_6_a_configuration_larger_than_the_header_bits_is_refused():
    with pytest.raises(InputError, match=r"spec\.x_width is 3; allowed: 4 to 11"):
        FabricSpec(width=16, height=2, x_width=3)


def test_facts_6_back_pressure_is_really_exercised():
    """A generator's harness never stalled, through a scaling slip: count refused cycles."""
    scene = ready_ignored()
    log = simulate(
        scene.image,
        scene.schedule,
        cycles=scene.cycles,
        stalls=scene.stalls,
        netlist=NETLIST,
        quick=True,
    )
    delivered = log.events[log.events["kind"] == Event.DELIVER]
    waits = np.diff(delivered["cycle"].astype(int)) - 1
    share = waits.sum() / (waits.sum() + len(delivered))
    assert 0.6 < share < 0.8
    assert (log.counters.stalled[1:3, Port.WEST] > 20).all()

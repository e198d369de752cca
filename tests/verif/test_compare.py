"""The comparison finds every kind of difference (style.md §6: a scoreboard that can fail)."""

import copy
import dataclasses

import numpy as np
import pytest

from model.engine import simulate
from model.runlog import EVENT_DTYPE, Counters, Event, RunLog
from model.spec import FabricSpec
from tests.images import random_schedule, xy_image
from verif.compare import compare

SPEC = FabricSpec(width=3, height=3, vcs=2)


@pytest.fixture(scope="module")
def reference():
    image = xy_image(SPEC, spread_vcs=True)
    schedule = random_schedule(np.random.default_rng(1), image, 60)
    return simulate(image, schedule).log


@pytest.fixture
def altered(reference):
    return copy.deepcopy(reference)


def test_equal_logs_have_no_difference(reference, altered):
    assert len(reference.events) > 100
    assert compare(reference, altered, SPEC) is None


@pytest.mark.parametrize("kind", [Event.ACCEPT, Event.DELIVER])
@pytest.mark.parametrize("field", EVENT_DTYPE.names)
def test_each_altered_field_of_an_event_is_found(reference, altered, field, kind):
    index = int(np.flatnonzero(altered.events["kind"] == kind)[7])
    altered.events[field][index] ^= 1
    mismatch = compare(reference, altered, SPEC)
    assert mismatch is not None
    if field in ("vc", "last", "src", "payload"):
        event = reference.events[index]
        assert (mismatch.cycle, mismatch.tile) == (event["cycle"], event["tile"])
        assert f"{field} " in mismatch.expected
        assert mismatch.port == {Event.ACCEPT: "core_in", Event.DELIVER: "core_out"}[kind]


def test_a_missing_event_is_found_at_its_cycle(reference, altered):
    gone = altered.events[20].copy()
    altered.events = np.delete(altered.events, 20)
    mismatch = compare(reference, altered, SPEC)
    assert (mismatch.cycle, mismatch.tile, mismatch.seen) == (
        gone["cycle"],
        gone["tile"],
        "nothing",
    )


def test_an_extra_event_is_found_at_its_cycle(reference, altered):
    extra = altered.events[20].copy()
    extra["kind"] = Event.REFUSE
    extra["tile"] = 8
    altered.events = np.insert(altered.events, 20, extra)
    mismatch = compare(reference, altered, SPEC)
    assert mismatch.cycle == extra["cycle"]
    assert "nothing" in (mismatch.expected, mismatch.seen)


def test_a_missing_last_event_is_found(reference, altered):
    altered.events = altered.events[:-1]
    assert compare(reference, altered, SPEC).cycle == reference.events["cycle"][-1]


def test_an_event_after_the_last_is_found(reference, altered):
    altered.events = np.append(altered.events, altered.events[-1:])
    altered.events["cycle"][-1] += 1
    assert compare(reference, altered, SPEC).expected == "nothing"


def test_a_delivery_one_cycle_late_is_found_in_the_cycle_it_should_have_come(reference, altered):
    index = int(np.flatnonzero(altered.events["kind"] == Event.DELIVER)[3])
    altered.events["cycle"][index] += 1
    order = np.lexsort([altered.events[name] for name in ("kind", "tile", "cycle")])
    altered.events = altered.events[order]
    mismatch = compare(reference, altered, SPEC)
    assert mismatch.cycle == reference.events["cycle"][index]
    assert mismatch.tile == reference.events["tile"][index]


def test_a_design_that_never_outputs_does_not_pass(reference):
    """facts.md §6: the scoreboard of a cocotb example passed one."""
    silent = RunLog(
        cycles=reference.cycles,
        events=np.zeros(0, EVENT_DTYPE),
        counters=Counters.zeros(SPEC.tiles),
        quiet=True,
    )
    assert compare(reference, silent, SPEC).seen == "nothing"


@pytest.mark.parametrize("counter", [field.name for field in dataclasses.fields(Counters)])
def test_each_altered_counter_is_found_with_its_tile(reference, altered, counter):
    getattr(altered.counters, counter).reshape(SPEC.tiles, -1)[5, 0] ^= 1
    mismatch = compare(reference, altered, SPEC)
    assert (mismatch.tile, mismatch.x, mismatch.y) == (5, 2, 1)
    assert counter in mismatch.port


@pytest.mark.parametrize("field", ["cycles", "quiet"])
def test_each_property_of_the_run_is_compared(reference, altered, field):
    setattr(altered, field, not getattr(altered, field))
    assert compare(reference, altered, SPEC).port == field


def test_the_message_names_cycle_place_port_expected_and_seen(reference, altered):
    index = int(np.flatnonzero(altered.events["kind"] == Event.DELIVER)[0])
    altered.events["payload"][index] ^= 0xFF
    event = reference.events[index]
    text = str(compare(reference, altered, SPEC))
    y, x = divmod(int(event["tile"]), SPEC.width)
    assert f"cycle {event['cycle']}, tile x{x} y{y}, core_out" in text
    assert f"{int(event['payload']):#x}" in text

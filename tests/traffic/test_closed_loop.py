"""The window of outstanding packets: what senders do by the rules, and who finds the others."""

from __future__ import annotations

from collections import deque

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import InputError
from model.schedule import PacketSchedule
from model.traffic import make_schedule
from model.traffic.closed_check import NEVER, ClosedRun, breaches, releases
from model.traffic.closed_loop import ClosedLoop, Presented, TileSender
from tests.traffic.meshes import mesh
from tests.traffic.toy_network import toy_run

OFTEN = settings(max_examples=25, deadline=None, derandomize=True)
LOOPS = st.builds(
    ClosedLoop,
    window=st.integers(1, 5),
    reply=st.integers(0, 4),
    service=st.integers(0, 9),
    think=st.integers(0, 9),
)


def requests(seed: int, load: float = 0.6) -> PacketSchedule:
    return make_schedule(mesh(3, 2), load=load, length="1-3", packets=80, seed=seed)


def ended(loop: ClosedLoop, run: ClosedRun) -> np.ndarray:
    return np.where(
        run.refused >= 0, run.refused, run.reply_delivered if loop.reply else run.delivered
    )


@OFTEN
@given(LOOPS, st.integers(0, 999))
def test_win_1_to_3_every_request_ends_and_the_rules_are_kept(loop: ClosedLoop, seed: int) -> None:
    schedule = requests(seed)
    run = toy_run(loop, schedule, 6, seed)
    assert breaches(loop, schedule, run) == []
    assert (ended(loop, run) >= 0).all()
    assert ((run.reply_delivered >= 0) == ((run.delivered >= 0) & (loop.reply > 0))).all()


@OFTEN
@given(LOOPS, st.integers(0, 999))
def test_win_1_no_tile_has_more_outstanding_than_its_window(loop: ClosedLoop, seed: int) -> None:
    schedule = requests(seed)
    run = toy_run(loop, schedule, 6, seed)
    back = ended(loop, run) + 1 + loop.think
    most = 0
    for tile in range(6):
        own = run.sender == tile
        for cycle in run.accepted[own]:
            count = int((own & (run.accepted <= cycle) & (back > cycle)).sum())
            assert count <= loop.window
            most = max(most, count)
    assert most == loop.window, "the load is enough to fill the windows"


def test_win_1_an_endless_window_is_open_loop() -> None:
    schedule = requests(3)
    run = toy_run(ClosedLoop(window=65535), schedule, 6, 3)
    free = np.zeros(6, np.int64)
    for k in range(len(schedule)):  # accepted as soon as the stream lets it, but for the stalls
        tile = schedule.source[k]
        assert run.accepted[k] >= max(schedule.offered[k], free[tile])
        free[tile] = run.accepted[k] + schedule.length[k]
    assert np.median(run.accepted - schedule.offered) < 5


# The checker, against senders that are wrong ------------------------------------------------------


class TooWide(TileSender):
    """One packet more than the window."""

    def __init__(self, loop: ClosedLoop, requests: list[tuple[int, int]]) -> None:
        super().__init__(loop, requests)
        self._free += 1


class Restless(TileSender):
    """A slot comes back one cycle early."""

    def give_back(self, cycle: int) -> None:
        super().give_back(cycle - 1)


class Hasty(TileSender):
    """A reply is offered one cycle early."""

    def owe(self, cycle: int, request: int) -> None:
        super().owe(cycle - 1, request)


class Selfish(TileSender):
    """Requests go before replies."""

    def present(self, cycle: int) -> Presented | None:
        kept, self._replies = self._replies, deque()
        found = super().present(cycle)
        self._replies = kept
        return found or super().present(cycle)


class Stack(TileSender):
    """The last reply owed goes first."""

    def present(self, cycle: int) -> Presented | None:
        self._replies.reverse()
        found = super().present(cycle)
        self._replies.reverse()
        return found


class Impatient(TileSender):
    """Packets are sent before they are created."""

    def present(self, cycle: int) -> Presented | None:
        return super().present(cycle + 3)


@pytest.mark.parametrize(
    ("sender", "rule"),
    [
        (TooWide, "WIN-1"),
        (Restless, "WIN-1"),
        (Impatient, "WIN-1"),
        (Hasty, "WIN-3"),
        (Selfish, "WIN-3"),
        (Stack, "WIN-3"),
    ],
)
def test_a_sender_that_breaks_a_rule_is_found_out(sender: type[TileSender], rule: str) -> None:
    loop = ClosedLoop(window=2, reply=2, service=1, think=2)
    schedule = requests(5)
    assert breaches(loop, schedule, toy_run(loop, schedule, 6, 5)) == []
    found = breaches(loop, schedule, toy_run(loop, schedule, 6, 5, sender))
    assert found
    assert {line[:5] for line in found} >= {rule}


def test_a_run_that_was_tampered_with_is_found_out() -> None:
    loop = ClosedLoop(window=2, reply=2)
    schedule = requests(5)
    run = toy_run(loop, schedule, 6, 5)
    own = np.flatnonzero(run.sender == 2)
    run.accepted[own[[3, 4]]] = run.accepted[own[[4, 3]]]
    assert any("was accepted in" in line for line in breaches(loop, schedule, run))
    run = toy_run(loop, schedule, 6, 5)
    told = breaches(ClosedLoop(window=2), schedule, run)
    assert any(line.startswith("WIN-3: reply") for line in told), "nobody asked for replies"


@OFTEN
@given(
    st.integers(1, 4),
    st.lists(st.tuples(st.integers(0, 20), st.one_of(st.integers(0, 40), st.none())), max_size=12),
)
def test_win_1_releases_are_those_of_the_definition(
    window: int, packets: list[tuple[int, int | None]]
) -> None:
    created = np.array([cycle for cycle, _ in packets], np.int64)
    back = np.array([NEVER if cycle is None else cycle for _, cycle in packets], np.int64)
    found = releases(window, created, back).tolist()
    for k, cycle in enumerate(found):
        times = [*range(60), NEVER]
        allowed = [c for c in times if c >= created[k] and k - int((back[:k] <= c).sum()) < window]
        assert cycle == allowed[0]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"window": 0}, "window is 0; allowed: an integer from 1 to 65535"),
        ({"window": 1, "reply": 65}, "reply is 65; allowed: an integer from 0 to 64"),
        ({"window": 1, "service": -1}, "service is -1; allowed: an integer from 0"),
        ({"window": 1, "think": 2**31}, "think is 2147483648; allowed: an integer from 0"),
    ],
)
def test_values_out_of_range_are_refused(fields: dict[str, int], told: str) -> None:
    with pytest.raises(InputError, match=told):
        ClosedLoop(**fields).check(mesh(2, 2))

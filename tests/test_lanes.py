"""Work shared by the lanes: every item once, results in order, errors handed on."""

from __future__ import annotations

import threading

import pytest

from model.lanes import LANES, share


@pytest.mark.parametrize("count", [0, 1, 2, 40])
def test_every_item_is_done_once_and_answers_are_in_order(count: int) -> None:
    done: list[int] = []

    def work(item: int) -> int:
        done.append(item)
        return item * item

    assert share(work, range(count)) == [k * k for k in range(count)]
    assert sorted(done) == list(range(count))


def test_lanes_work_at_the_same_time() -> None:
    meet = threading.Barrier(LANES, timeout=10)
    assert sorted(share(lambda _: meet.wait(), range(LANES))) == list(range(LANES))


@pytest.mark.parametrize("bad", range(LANES))
def test_an_error_in_any_lane_is_handed_on(bad: int) -> None:
    meet = threading.Barrier(LANES, timeout=10)  # no lane takes two of these items

    def work(item: int) -> None:
        meet.wait()
        if item == bad:
            raise ValueError(item)

    with pytest.raises(ValueError, match=str(bad)):
        share(work, range(LANES))

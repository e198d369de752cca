"""A session: the newest settings win, refusals change nothing, undo, nobody is disturbed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import pytest

from tools.explore.outcome import make_outcome
from tools.explore.session import Session
from tools.explore.settings import Settings

TINY = Settings(width=6, height=6, tile_rate=0.05, spares="1")


class SlowWorkers:
    """In the place of the processes: work waits until it is let go, and is noted."""

    def __init__(self, *, held: bool = False) -> None:
        self.begun: list[Settings] = []
        self.gate = asyncio.Event()
        self.broken = False
        if not held:
            self.gate.set()

    async def run(self, work: Callable[..., Any], *args: Any) -> Any:
        self.begun.append(args[0])
        await self.gate.wait()
        if self.broken:
            raise BrokenProcessPool("gone")
        return work(*args)


class Tab:
    """A session and what it told its page."""

    def __init__(self, workers: SlowWorkers) -> None:
        self.seeds: list[int] = []
        self.refusals: list[str] = []
        self.session = Session(TINY, workers, self._shown, self.refusals.append)

    def _shown(self) -> None:
        assert self.session.outcome is not None
        self.seeds.append(self.session.outcome.settings.seed)


def test_settings_that_were_overtaken_are_never_compiled() -> None:
    async def scene() -> None:
        workers = SlowWorkers(held=True)
        tab = Tab(workers)
        first = asyncio.create_task(tab.session.become(TINY))
        await asyncio.sleep(0)
        for seed in range(2, 30):
            await tab.session.change(seed=seed)
        workers.gate.set()
        await first
        assert [state.seed for state in workers.begun] == [1, 29]
        assert tab.seeds == [1, 29]
        assert not tab.session.busy

    asyncio.run(scene())


def test_a_refused_change_is_told_and_changes_nothing() -> None:
    async def scene() -> None:
        tab = Tab(SlowWorkers())
        await tab.session.become(TINY)
        await tab.session.change(tile_rate=7)
        await tab.session.change(width="<b>")
        await tab.session.change(tile_rate=1.0)  # only the compiler can know: no core is left
        assert len(tab.refusals) == 3
        assert tab.session.settings == TINY

    asyncio.run(scene())


def test_undo_goes_back_step_by_step() -> None:
    async def scene() -> None:
        tab = Tab(SlowWorkers())
        await tab.session.become(TINY)
        await tab.session.draw(["3X"])
        await tab.session.change(seed=9)
        assert await tab.session.undo()
        assert tab.session.settings.edits == ("3X",)
        assert await tab.session.undo()
        assert tab.session.settings == TINY
        assert not await tab.session.undo()

    asyncio.run(scene())


def test_a_slider_on_its_way_is_one_step_to_undo() -> None:
    async def scene() -> None:
        tab = Tab(SlowWorkers())
        await tab.session.become(TINY)
        for rate in (0.06, 0.07, 0.08):
            await tab.session.change(tile_rate=rate)
        await tab.session.change(seed=3)
        assert await tab.session.undo()
        assert tab.session.settings.tile_rate == 0.08
        assert await tab.session.undo()
        assert tab.session.settings == TINY

    asyncio.run(scene())


def test_another_pair_or_load_compiles_nothing() -> None:
    async def scene() -> None:
        workers = SlowWorkers()
        tab = Tab(workers)
        await tab.session.become(TINY)
        await tab.session.change(source=2, goal=9)
        await tab.session.change(load=0.1)
        assert len(workers.begun) == 1
        assert tab.session.outcome is not None
        assert tab.session.outcome.pair == (2, 9)

    asyncio.run(scene())


def test_a_dead_process_is_told_in_one_line_and_the_picture_stays() -> None:
    async def scene() -> None:
        workers = SlowWorkers()
        tab = Tab(workers)
        await tab.session.become(TINY)
        workers.broken = True
        await tab.session.change(seed=5)
        assert "ended without an answer" in tab.refusals[0]
        assert tab.session.settings == TINY

    asyncio.run(scene())


def test_a_first_wafer_that_cannot_be_gives_way_to_one_that_can() -> None:
    async def scene() -> None:
        tab = Tab(SlowWorkers())
        tab.session.settings = Settings(tile_rate=1.0)
        await tab.session.become(Settings(tile_rate=1.0))
        assert "no working" in tab.refusals[0]
        assert tab.session.outcome is not None
        assert tab.session.settings == tab.session.outcome.settings == Settings()

    asyncio.run(scene())


def test_a_drawn_map_is_that_of_its_settings() -> None:
    state = Settings(width=6, height=6, tile_rate=0, link_rate=0, edits=("7X",))
    assert make_outcome(state).image.report["tile_defects"] == 1
    with pytest.raises(ValueError, match="edits holds '99X'"):
        make_outcome(Settings(width=6, height=6, edits=("99X",)))

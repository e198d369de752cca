"""One browser tab: its settings, what they lead to, and how it got there. No part of the page."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures.process import BrokenProcessPool
from dataclasses import fields, replace
from typing import Any, Final

from model.errors import InputError
from model.wafer import WaferMap
from tools.explore.edits import add_edits, pack_map
from tools.explore.film import measure, pulse_reel, traffic_reel
from tools.explore.outcome import Outcome, make_outcome
from tools.explore.settings import Settings
from tools.explore.way import Way, find_way
from tools.explore.workers import Workers

UNDO_MOST: Final = 200
SLIDERS: Final = {"tile_rate", "core_rate", "link_rate", "spares", "load"}
ONE_MOVE: Final = 1.5
"""Seconds between two changes of a slider that are undone together."""
_TRAFFIC: Final = ("pattern", "load", "length")
_ENDS: Final = ("source", "goal")


class Session:
    """Settings with a past, and the outcome of the newest of them.

    Parameters
    ----------
    settings : Settings
    workers : Workers
    shown : callable
        Called after each new outcome, and after a change of pair or traffic.
    failed : callable
        Called with one line when a change is refused.

    Members
    -------
    settings : Settings
        As asked for last.
    outcome : Outcome or None
        Of the newest settings that could be compiled.
    busy : bool
    """

    def __init__(
        self,
        settings: Settings,
        workers: Workers,
        shown: Callable[[], None],
        failed: Callable[[str], None],
    ) -> None:
        self.settings = settings
        self.outcome: Outcome | None = None
        self.busy = False
        self.waited = 0.0
        self._workers, self._shown, self._failed = workers, shown, failed
        self._past: list[Settings] = []
        self._wanted: Settings | None = None
        self._moving: tuple[set[str], float] = set(), 0.0
        self._tasks: set[asyncio.Future[None]] = set()

    # Changes --------------------------------------------------------------------------------------

    def want(self, **changes: Any) -> None:
        """Change some settings at once, and let the work for it begin; a refusal is told.

        What a control says must be the state before anything else happens: a picture that is just
        ready would otherwise set the control back.
        """
        task = asyncio.ensure_future(self._work(self._take(changes)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def change(self, **changes: Any) -> None:
        """As :meth:`want`, and wait until it is shown."""
        await self._work(self._take(changes))

    async def become(self, settings: Settings) -> None:
        """Show other settings."""
        await self._work(self._adopt(settings))

    def _take(self, changes: dict[str, Any]) -> bool:
        try:
            return self._adopt(replace(self.settings, **changes))
        except InputError as error:
            self._failed(str(error))
            return False

    def _adopt(self, settings: Settings, *, remember: bool = True) -> bool:
        """Take settings over; False when they are those that are shown."""
        before = self.settings
        if settings == before and self.outcome is not None:
            return False
        if remember and self.outcome is not None:
            self._remember(before, settings)
        self.settings = settings
        return True

    def _remember(self, before: Settings, after: Settings) -> None:
        """A step to undo; a slider on its way makes one, not a hundred."""
        changed = {
            f.name for f in fields(before) if getattr(before, f.name) != getattr(after, f.name)
        }
        now = time.monotonic()
        moving = changed == self._moving[0] <= SLIDERS and now < self._moving[1] + ONE_MOVE
        if not moving:
            self._past = [*self._past[1 - UNDO_MOST :], before]
        self._moving = changed, now

    async def _work(self, needed: bool) -> None:
        if not needed:
            return
        if self.outcome is not None and _same_image(self.settings, self.outcome.settings):
            self.outcome = replace(self.outcome, settings=self.settings)
            self._wanted = None
            self._shown()
        else:
            await self._compile()

    async def draw(self, edits: list[str]) -> None:
        """Break or heal by hand."""
        await self.change(edits=add_edits(self.settings.edits, edits), map=self.settings.map)

    async def load(self, wafer: WaferMap) -> None:
        """Show a map from a file."""
        await self.change(
            width=wafer.width,
            height=wafer.height,
            map=pack_map(wafer),
            edits=(),
            source=-1,
            goal=-1,
        )

    async def undo(self) -> bool:
        """Go back one change; False where there is none."""
        if not self._past:
            return False
        await self._work(self._adopt(self._past.pop(), remember=False))
        return True

    async def _compile(self) -> None:
        """Compile the newest settings; those that were overtaken while waiting are never begun."""
        self._wanted = self.settings
        if self.busy:
            return
        self.busy = True
        try:
            while self._wanted is not None:
                wanted, self._wanted = self._wanted, None
                await self._compile_one(wanted)
        finally:
            self.busy = False

    async def _compile_one(self, wanted: Settings) -> None:
        started = time.perf_counter()
        try:
            found = await self._workers.run(make_outcome, wanted)
        except (InputError, BrokenProcessPool) as error:
            if self._wanted is None:
                lost = "the compiler ended without an answer; allowed: a smaller wafer"
                self._failed(str(error) if isinstance(error, InputError) else lost)
                self._go_back(wanted)
            return
        self.waited = time.perf_counter() - started
        newest = self.settings if _same_image(self.settings, wanted) else wanted
        self.outcome = replace(found, settings=newest)
        self._shown()

    def _go_back(self, refused: Settings) -> None:
        """To what is shown; at the very beginning to a wafer that can be shown."""
        if self.outcome is not None:
            self.settings = self.outcome.settings
            self._shown()
        elif refused != Settings():
            self._wanted = self.settings = Settings()

    # What is asked of an outcome ------------------------------------------------------------------

    def way(self) -> Way | None:
        """The way of the pair that is shown; None before the first outcome, or with one core."""
        if self.outcome is None or self.outcome.pair[0] == self.outcome.pair[1]:
            return None
        return find_way(self.outcome.image, *self.outcome.pair)

    async def pulse(self) -> dict[str, Any] | None:
        """A film of one packet on that way."""
        if self.outcome is None or self.outcome.pair[0] == self.outcome.pair[1]:
            return None
        return await self._workers.run(pulse_reel, self.outcome.image, *self.outcome.pair)

    async def film(self, first: int) -> dict[str, Any] | None:
        """A reel of the traffic from cycle ``first`` on; None when refused."""
        return await self._of_image(traffic_reel, first)

    async def measure(self) -> dict[str, Any] | None:
        """Figures of the traffic; None when refused."""
        return await self._of_image(measure)

    async def _of_image(self, work: Callable[..., dict[str, Any]], *args: Any) -> Any:
        if self.outcome is None:
            return None
        try:
            return await self._workers.run(work, self.outcome.settings, self.outcome.image, *args)
        except InputError as error:
            self._failed(str(error))
            return None


def _same_image(one: Settings, other: Settings) -> bool:
    """Whether both lead to the same image: they differ in traffic and pair only."""
    kept = {name: getattr(one, name) for name in (*_TRAFFIC, *_ENDS)}
    return replace(other, **kept) == one

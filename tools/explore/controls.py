"""The left side of the page: controls that change the settings, and follow them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from nicegui import ui

from model.defects import CLUSTERS, SEED_MAX
from model.presets import PRESETS
from model.repair import NO_REPAIR, REPAIRS
from model.repair.homes import PLACES
from tools.explore.parts import Slider, card
from tools.explore.session import Session
from tools.explore.settings import Settings

PRESET_NAMES: Final = {
    "page": "32 × 18, badly broken",
    "wse2": "WSE-2, 757 × 996",
    "wse3": "WSE-3, 762 × 1172",
    "dies": "All dies, 816 × 1190",
}
PLACE_NAMES: Final = dict(
    zip(
        PLACES,
        ("at the east edge", "at the south edge", "spread evenly", "in every die"),
        strict=True,
    )
)
REPAIR_NAMES: Final = {
    "displacement": "shortest moves",
    "ripple": "ripple along the line",
    "neighbours": "keep neighbours close",
}
ROUTING_NAMES: Final = {
    "ordered": "ordered turns",
    "updown": "up*/down*, a baseline",
    "xy": "x then y, needs whole rows",
}
CLUSTER_NAMES: Final = dict(
    zip(CLUSTERS, ("evenly", "in some wafers", "in some dies"), strict=True)
)


class Controls:
    """Builds the controls into the current slot.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._followers: list[Callable[[Settings], object]] = []
        with card("Wafer"):
            self._wafer()
        with card("What is broken"):
            self._defects()
        with card("Repair"):
            self._repair()
        with card("Routes"):
            self._routes()
        self.follow()

    def follow(self) -> None:
        """Show the session's settings."""
        for follower in self._followers:
            follower(self._session.settings)

    # Cards ----------------------------------------------------------------------------------------

    def _wafer(self) -> None:
        names = {**PRESET_NAMES, "": "your own"}
        select = ui.select(names, value="", label="Kind of wafer").props("dense outlined")
        select.mark("preset")

        async def choose() -> None:
            if select.value in PRESETS:
                await self._session.become(self._session.settings.with_preset(select.value))

        select.on_value_change(choose)
        self._followers.append(lambda now: select.set_value(_preset_of(now)))
        with ui.element("div").classes("wm-row q-mt-sm"):
            for name, label in (("width", "Tiles across"), ("height", "Tiles down")):
                self._number(name, label, 1, 2048)
        with ui.element("div").classes("wm-row q-mt-sm"):
            self._number("seed", "Seed", 0, SEED_MAX)

            async def new_map() -> None:
                await self._session.change(seed=random.randrange(10**6), map="", edits=())

            ui.button("New map", on_click=new_map).props("unelevated no-caps").mark("new-map")

    def _defects(self) -> None:
        self._rate("tile_rate", "Dead tiles", 40)
        self._rate("core_rate", "Dead cores, router works", 40)
        self._rate("link_rate", "Dead links, each direction", 20)
        self._select("cluster", "They lie", CLUSTER_NAMES)

    def _repair(self) -> None:
        switch = ui.switch("Remap around defects").props("dense").mark("remap")
        strategy = ui.select(REPAIR_NAMES, label="Who moves").props("dense outlined").mark("repair")
        strategy.classes("q-mt-sm")

        def set_repair() -> None:
            self._session.want(repair=strategy.value if switch.value else NO_REPAIR)

        def follow(now: Settings) -> None:
            switch.value = now.repair != NO_REPAIR
            strategy.value = (
                now.repair if now.repair in REPAIRS else strategy.value or "displacement"
            )
            strategy.set_enabled(now.repair in REPAIRS)

        self._followers.append(follow)
        follow(self._session.settings)
        switch.on_value_change(set_repair)
        strategy.on_value_change(set_repair)
        self._slider(
            "spares", "Spare tiles", 0, 20, 1,
            encode=lambda text: float(text.rstrip("%")) if text.endswith("%") else 0.0,
            decode=lambda value: f"{_plain(value)}%", shown=lambda text: text.replace("%", " %"),
        )  # fmt: skip
        self._select("spare_place", "Spares lie", PLACE_NAMES)

    def _routes(self) -> None:
        self._select("routing", "Legal turns", ROUTING_NAMES)
        with ui.element("div").classes("wm-row q-mt-sm"):
            ui.label("Virtual channels").classes("wm-label")
            toggle = ui.toggle([1, 2, 4]).props("dense unelevated no-caps").mark("vcs")
            toggle.props('aria-label="Virtual channels"')
            self._bind("vcs", toggle)

    # Parts ----------------------------------------------------------------------------------------

    def _bind(
        self, name: str, element: Any, encode: Callable[[Any], Any] = lambda value: value,
        decode: Callable[[Any], Any] = lambda value: value,
    ) -> None:  # fmt: skip
        """Let an element follow a setting and change it; nothing that is no number gets through."""

        def follow(now: Settings) -> None:
            element.value = encode(getattr(now, name))

        def change(event: Any) -> None:
            if event.value is not None:
                self._session.want(**{name: decode(event.value)})

        self._followers.append(follow)
        follow(self._session.settings)
        element.on_value_change(change)

    def _number(self, name: str, label: str, low: int, high: int) -> None:
        box = ui.number(label, min=low, max=high, precision=0, step=1)
        box.props("dense outlined debounce=400").mark(name)
        self._bind(name, box, decode=_whole)

    def _select(self, name: str, label: str, options: dict[str, str]) -> None:
        select = ui.select(options, label=label).props("dense outlined").classes("q-mt-sm")
        self._bind(name, select.mark(name))

    def _rate(self, name: str, label: str, most: int) -> None:
        self._slider(
            name, label, 0, most, 0.5, encode=lambda rate: round(100 * rate, 6),
            decode=lambda value: round(_plain(value) / 100, 8),
            shown=lambda rate: f"{100 * rate:.3g} %",
        )  # fmt: skip

    def _slider(
        self, name: str, label: str, low: float, high: float, step: float, *,
        encode: Callable[[Any], Any], decode: Callable[[Any], Any], shown: Callable[[Any], str],
    ) -> None:  # fmt: skip
        with ui.element("div").classes("wm-label"):
            ui.label(label)
            with ui.element("b"):
                value = ui.label()
        slider = Slider(min=low, max=high, step=step).mark(name)
        slider.props(f'aria-label="{label}" dense')
        self._followers.append(lambda now: value.set_text(shown(getattr(now, name))))

        def widen(now: Settings) -> None:
            """A slider would cut what a link asks for to its own range, and report that."""
            most = max(high, encode(getattr(now, name)))
            if slider.props["max"] != most:  # an update would set a moving slider back
                slider.props["max"] = most

        self._followers.append(widen)
        widen(self._session.settings)
        self._bind(name, slider, encode, decode)


def _whole(value: Any) -> Any:
    """What a number box holds as an integer; anything else is left for the check to refuse."""
    return int(value) if isinstance(value, int | float) and value == value // 1 else value


def _plain(value: Any) -> Any:
    """What a slider holds, whole numbers without a fraction."""
    if not isinstance(value, int | float):
        return -1  # out of every range: refused
    return int(value) if value == int(value) else value


def _preset_of(now: Settings) -> str:
    """Name of the preset that these settings are, or an empty one."""
    for name in PRESETS:
        if now.drawn and now == _like(now, name):
            return name
    return ""


def _like(now: Settings, name: str) -> Settings:
    """The preset, with what it leaves open as it is."""
    return replace(now.with_preset(name), source=now.source, goal=now.goal)

"""Controls of the film: one packet, or traffic."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from nicegui import ui

from model.traffic import CATALOGUE
from tools.explore.parts import Slider, icon_button
from tools.explore.session import Session
from tools.explore.settings import FILM_CYCLES, FILM_TILES
from tools.explore.view import WaferView


class Player:
    """Builds its buttons into the current slot; the film itself runs in the browser."""

    def __init__(self, session: Session, view: WaferView) -> None:
        self._session, self._view = session, view
        self._begun: Callable[[], Awaitable[None]] | None = None
        self.playing = ""
        """``pulse``, ``traffic``, or nothing."""
        with ui.element("div").classes("wm-row wm-wrap"):
            self._pulse = ui.button("Pulse one packet", icon="bolt").props("unelevated no-caps")
            self._traffic = ui.button("Run traffic", icon="grain").props("unelevated no-caps")
            self._pulse.mark("pulse")
            self._traffic.mark("traffic")
            self._back = icon_button("skip_previous", "Step back one cycle", lambda: self.step(-1))
            self._play = icon_button("pause", "Pause or play", self.toggle)
            self._next = icon_button("skip_next", "Step one cycle", lambda: self.step(1))
            self._stop = icon_button("stop", "Stop", self.stop)
            self._scrub = Slider(min=0, max=FILM_CYCLES - 1, value=0).props("dense")
            self._scrub.props('aria-label="Cycle"').classes("wm-scrub").mark("scrub")
            self._scrub.on("change", lambda e: self._view.control("seek", _number(e.args)))
            self._clock = ui.label("").classes("wm-clock").mark("clock")
        with ui.element("div").classes("wm-row wm-wrap q-mt-xs"):
            patterns = {name: name.replace("_", " ") for name in CATALOGUE}
            pattern = ui.select(patterns, label="Pattern").props("dense outlined options-dense")
            pattern.style("width: 150px").mark("pattern")
            with ui.element("div").style("width: 190px"):
                with ui.element("div").classes("wm-label"):
                    ui.label("Load, flits/core/cycle")
                    with ui.element("b"):
                        self._load_text = ui.label()
                load = Slider(min=0.002, max=0.2, step=0.002).props("dense").mark("load")
                load.props('aria-label="Load in flits per core and cycle"')
            with ui.element("div").style("width: 150px"):
                with ui.element("div").classes("wm-label"):
                    ui.label("Cycles a second")
                    with ui.element("b"):
                        speed_text = ui.label()
                self._speed = Slider(min=1, max=60, value=10).props("dense").mark("speed")
                self._speed.props('aria-label="Cycles a second"')
            speed_text.bind_text_from(self._speed, "value")
            self._loop = ui.checkbox("Loop", value=True).props("dense").mark("loop")
        self._pattern, self._load = pattern, load
        self.follow()
        self._pulse.on_click(self.pulse)
        self._traffic.on_click(self.traffic)
        pattern.on_value_change(lambda e: self._session.want(pattern=e.value))
        load.on_value_change(lambda e: self._session.want(load=e.value))
        self._speed.on_value_change(lambda e: self._view.control("speed", _number(e.value)))
        self._loop.on_value_change(lambda e: self._view.control("loop", bool(e.value)))

    def on_traffic(self, begun: Callable[[], Awaitable[None]]) -> None:
        """Have ``begun`` called whenever traffic starts."""
        self._begun = begun

    def follow(self) -> None:
        """Show the session's traffic."""
        now = self._session.settings
        self._pattern.value, self._load.value = now.pattern, now.load
        self._load_text.text = f"{now.load:g}"
        self._enable()

    def _enable(self) -> None:
        outcome = self._session.outcome
        small = outcome is not None and outcome.image.spec.tiles <= FILM_TILES
        for button in (self._pulse, self._traffic):
            button.set_enabled(small)
        for element in (self._back, self._play, self._next, self._stop, self._scrub):
            element.set_enabled(bool(self.playing))
        if not self.playing:
            self._clock.text = "" if small or outcome is None else "too large to film"

    async def renew(self) -> None:
        """Begin again on a new wafer, what was shown on the old one."""
        was = self.playing
        self.stop()
        if was == "traffic":
            await self.traffic()
        elif was == "pulse":
            await self.pulse()

    async def pulse(self) -> None:
        """Send one packet along the way that is shown."""
        reel = await self._session.pulse()
        if reel is None:
            return
        self._begin("pulse", reel["count"])
        self._view.start_pulse(reel, self._loop.value, self._speed.value)

    async def traffic(self) -> None:
        """Run the traffic from cycle 0."""
        self._begin("traffic", FILM_CYCLES)
        self._view.start_traffic(self._speed.value)
        if self._begun is not None:
            await self._begun()

    def _begin(self, what: str, cycles: int) -> None:
        self.playing = what
        self._scrub.props(f"max={cycles - 1}")
        self._enable()

    def stop(self) -> None:
        """Show the wafer at rest."""
        self.playing = ""
        self._view.stop_film()
        self._scrub.value = 0
        self._enable()

    def toggle(self) -> None:
        """Pause, or go on."""
        self._view.control("play", self._play.props["icon"] == "play_arrow")

    def step(self, cycles: int) -> None:
        """Pause, and go on or back by some cycles."""
        self._view.control("step", cycles)

    def at(self, cycle: int, playing: bool) -> None:
        """The film says where it is."""
        self._clock.text = f"cycle {cycle:,}"
        self._scrub.value = cycle
        self._play.props(f"icon={'pause' if playing else 'play_arrow'}")


def _number(value: Any) -> float:
    """A number from the browser, whatever it sent."""
    return float(value) if isinstance(value, int | float) else 0.0

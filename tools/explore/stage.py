"""The middle of the page: the wafer, its tools, what happened in words, the film's controls."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from nicegui import ui

from tools.explore.brush import BRUSHES
from tools.explore.legend import legend
from tools.explore.outcome import Outcome
from tools.explore.parts import icon_button
from tools.explore.player import Player
from tools.explore.session import Session
from tools.explore.view import WaferView
from tools.explore.way import Way
from tools.explore.words import story, story_of_way

MODES: Final = {"look": "Look", "route": "Route", "draw": "Draw"}
LAYERS: Final = {
    "links": "Links",
    "moves": "Moves",
    "grid": "Logical grid",
    "clusters": "Defect clusters",
}
SHOWN_FIRST: Final = ("links", "moves")


class Stage:
    """Builds the middle into the current slot.

    Parameters
    ----------
    session : Session
    """

    def __init__(self, session: Session) -> None:
        self.mode = "look"
        with ui.element("section").classes("wm-card wm-row wm-wrap"):
            self._tools()
        with ui.element("section").classes("wm-card wm-canvas"):
            self.view = WaferView()
            self.tip = ui.label().classes("wm-tip").props('aria-live="polite"')
            self.busy = ui.label("working …").classes("wm-busy").props('role="status"')
            self.busy.visible = False
        with ui.element("section").classes("wm-card wm-story").props('aria-live="polite"'):
            self._story = ui.element("p").mark("story")
            self._way = ui.element("p").classes("wm-way").mark("way")
        with ui.element("section").classes("wm-card"):
            self.player = Player(session, self.view)
        with ui.element("section").classes("wm-card wm-legend"):
            legend()

    def _tools(self) -> None:
        modes = ui.toggle(MODES, value="look").props("unelevated dense no-caps padding='3px 12px'")
        modes.mark("mode").props('aria-label="What a click does"')
        brushes = ui.select(BRUSHES, value="tile").props("dense outlined options-dense")
        brushes.mark("brush").props('aria-label="Brush"').style("width: 150px")
        brushes.visible = False
        self.brushes = brushes
        hint = ui.label("drag to move, scroll to zoom").classes("text-caption wm-wide")
        hints = {
            "look": "drag to move, scroll to zoom",
            "route": "choose where the packet starts, then where it ends",
            "draw": "click or drag; at a tile's border it means the link",
        }

        def set_mode() -> None:
            self.mode = str(modes.value)
            brushes.visible = self.mode == "draw"
            hint.text = hints.get(self.mode, "")
            self.view.brush(self.mode == "draw")

        modes.on_value_change(set_mode)
        ui.element("div").classes("wm-space")
        icon_button("zoom_in", "Zoom in", lambda: self.view.zoom(1.4))
        icon_button("zoom_out", "Zoom out", lambda: self.view.zoom(1 / 1.4))
        icon_button("fit_screen", "Show all", lambda: self.view.zoom(0))
        shown = (
            ui.button("Show", icon="layers", color=None)
            .props("flat dense no-caps")
            .classes("wm-tool")
        )
        with shown, ui.menu():
            for name, label in LAYERS.items():
                box = ui.checkbox(label, value=name in SHOWN_FIRST).classes("q-mx-md")
                box.on_value_change(partial(self._show_layer, name))

    def _show_layer(self, name: str, event: Any) -> None:
        self.view.show_layers(**{name: bool(event.value)})

    def show(self, outcome: Outcome, way: Way | None) -> None:
        """Tell what happened; the canvas is given its scene by the page."""
        for element, text in (
            (self._story, " ".join(story(outcome))),
            (self._way, story_of_way(way) if way else ""),
        ):
            element.clear()
            with element:
                ui.label(text)
        self.view.show_way(way.tiles if way else [])

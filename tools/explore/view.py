"""The canvas as a NiceGUI element; what it draws and how is in ``web/``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nicegui import ui

from tools.explore.settings import FILM_CYCLES


class WaferView(ui.element, component="web/wafer_view.js", esm={"wafermesh-explore": "web"}):
    """A wafer to look at, to point at and to draw on.

    Events
    ------
    ready
        The canvas is there and wants its scene.
    hover, choose : tile id
        -1 when the pointer left.
    stroke : list of ``tile:part``
        See :func:`tools.explore.brush.stroke_edits`.
    need : cycle
        The film lacks the reel that holds this cycle.
    cycle : {cycle, playing}
        Where the film is, four times a second.
    """

    def show_scene(self, scene: dict[str, Any]) -> None:
        """Show a wafer (:func:`tools.explore.scene.scene`)."""
        self.run_method("setScene", scene)

    def show_way(self, tiles: Sequence[int]) -> None:
        """Show the way of a pair; of less than two tiles: none."""
        self.run_method("setWay", list(tiles))

    def show_layers(self, **layers: bool) -> None:
        """Turn ``links``, ``clusters``, ``grid``, ``moves`` on or off."""
        self.run_method("setLayers", layers)

    def brush(self, on: bool) -> None:
        """Pointers draw instead of panning and choosing."""
        self.run_method("setBrush", on)

    def start_traffic(self, speed: float) -> None:
        """Begin the film of the traffic; it asks for its reels."""
        self.run_method("startFilm", True, FILM_CYCLES, False, speed)

    def start_pulse(self, reel: dict[str, Any], loop: bool, speed: float) -> None:
        """Show one packet (:func:`tools.explore.film.pulse_reel`)."""
        self.run_method("startFilm", False, reel["count"], loop, speed)
        self.add_reel(reel)

    def add_reel(self, reel: dict[str, Any]) -> None:
        """Hand over a reel that was asked for."""
        self.run_method("addReel", reel)

    def stop_film(self) -> None:
        """Show the wafer at rest."""
        self.run_method("stopFilm")

    def control(self, what: str, value: float | bool) -> None:
        """``play``, ``speed`` in cycles/s, ``loop``, ``step`` by cycles, or ``seek`` a cycle."""
        self.run_method("control", what, value)

    def zoom(self, factor: float) -> None:
        """Zoom by a factor about the middle; 0 shows the whole wafer."""
        if factor:
            self.run_method("zoomBy", factor)
        else:
            self.run_method("fit")

    def save_picture(self, name: str) -> None:
        """Let the browser save what is on the screen as a PNG."""
        self.run_method("savePicture", name)

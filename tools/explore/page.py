"""One browser tab: builds the page and joins its sides to a session."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from nicegui import background_tasks, ui

from model.errors import InputError
from model.image_file import image_to_json
from model.wafer import wafer_to_json
from tools.explore.brush import stroke_edits
from tools.explore.controls import Controls
from tools.explore.film import REEL
from tools.explore.outcome import Outcome
from tools.explore.parts import icon_button
from tools.explore.readouts import Readouts, tip
from tools.explore.scene import scene
from tools.explore.session import Session
from tools.explore.settings import Settings
from tools.explore.stage import Stage
from tools.explore.upload import MOST_BYTES, read_upload
from tools.explore.workers import Workers

MARK: Final = (Path(__file__).parent / "web" / "mark.svg").read_text(encoding="utf-8")


class Page:
    """The page of one tab; nothing of it is shared with another.

    Parameters
    ----------
    settings : Settings
        Shown first.
    workers : Workers
    refusal : str
        Why a link was not followed; told once.
    """

    def __init__(self, settings: Settings, workers: Workers, refusal: str = "") -> None:
        self._session = Session(settings, workers, self._shown, self._refused)
        self._drawn: Outcome | None = None
        self._chosen = -1
        self._start = -1
        self._refusal = refusal
        self._client = ui.context.client
        self._dark = ui.dark_mode(None)
        self._full_screen = ui.fullscreen()
        ui.colors(primary="#1a78b8")
        with ui.element("div").classes("wm-page"):
            with ui.element("header").classes("wm-head"):
                self._head()
            with ui.element("div").classes("wm-left"):
                self._controls = Controls(self._session)
            with ui.element("div").classes("wm-stage"):
                self._stage = Stage(self._session)
            with ui.element("div").classes("wm-right"):
                self._readouts = Readouts()
        self._stage.player.on_traffic(self._measure)
        view = self._stage.view
        view.on("ready", self._ready)
        view.on("hover", lambda e: self._hover(e.args), throttle=0.04)
        view.on("choose", lambda e: self._choose(e.args))
        view.on("stroke", lambda e: self._stroke(e.args))
        view.on("need", lambda e: self._need(e.args))
        view.on("cycle", lambda e: self._at(e.args))

    # Building -------------------------------------------------------------------------------------

    def _head(self) -> None:
        with ui.element("h1").classes("wm-brand"):
            ui.html(MARK, sanitize=False).classes("wm-mark").props("aria-hidden=true")
            ui.label("wafermesh")
            with ui.element("small"):
                ui.label("see a wafer survive its defects")
        ui.element("div").classes("wm-space")
        icon_button("undo", "Undo", self._undo).mark("undo")
        icon_button("link", "Copy a link to exactly this", self._share).mark("share")
        icon_button("file_download", "Save the map", self._save_map).mark("save-map")
        icon_button("memory", "Save the image", self._save_image).mark("save-image")
        with ui.dialog() as dialog, ui.card():
            ui.label("A map or an image, as wafermesh writes them (.json, .npz)")
            self._upload = ui.upload(
                on_upload=self._load, max_file_size=MOST_BYTES, max_files=1, auto_upload=True
            )
            self._upload.on("finish", dialog.close)
        icon_button("file_upload", "Load a map or an image", dialog.open).mark("load-file")
        icon_button("photo_camera", "Save the picture", self._save_picture)
        icon_button("fullscreen", "Full screen", self._full_screen.toggle)
        icon_button("contrast", "Light or dark", self._switch_theme).mark("theme")

    def _switch_theme(self) -> None:
        self._dark.value = not self._dark.value

    # From the session -----------------------------------------------------------------------------

    async def _ready(self) -> None:
        self._drawn = None
        if self._refusal:
            self._refused(self._refusal)
            self._refusal = ""
        if self._session.outcome is None:
            self._stage.busy.visible = True
            await self._session.become(self._session.settings)
        else:
            self._shown()

    def _shown(self) -> None:
        """A new outcome, or another pair or traffic."""
        with self._client:
            self._stage.busy.visible = False
            self._controls.follow()
            self._stage.player.follow()
            outcome = self._session.outcome
            if outcome is None:
                return
            old = self._drawn
            way = self._session.way()
            if old is None or old.image is not outcome.image:
                self._stage.view.show_scene(scene(outcome))
                self._chosen = -1
            self._stage.show(outcome, way)
            self._readouts.show(outcome, way)
            query = self._session.settings.to_query()
            ui.run_javascript(f"history.replaceState(null, '', {json.dumps('/?' + query)})")
            self._drawn = outcome
            if old is not None and self._stage.player.playing:
                background_tasks.create(self._film_again(), name="begin the film anew")

    async def _film_again(self) -> None:
        """A film of another wafer, pair or traffic begins anew."""
        self._readouts.show_traffic(None)
        await self._stage.player.renew()

    def _refused(self, line: str) -> None:
        with self._client:
            self._stage.busy.visible = False
            self._controls.follow()
            self._stage.player.follow()
            ui.notify(line, type="warning", position="top", timeout=6000)

    # From the canvas ------------------------------------------------------------------------------

    def _tile(self, tile: Any) -> int:
        """A tile from the browser, -1 when it is none."""
        outcome = self._session.outcome
        if outcome is None or type(tile) is not int or not 0 <= tile < outcome.image.spec.tiles:
            return -1
        return tile

    def _hover(self, given: Any) -> None:
        tile, outcome = self._tile(given), self._session.outcome
        if outcome is not None:
            self._stage.tip.text = tip(outcome, tile) if tile >= 0 else ""

    async def _choose(self, given: Any) -> None:
        tile, outcome = self._tile(given), self._session.outcome
        if tile < 0 or outcome is None:
            return
        self._readouts.show_tile(outcome, tile)
        if self._stage.mode != "route":
            return
        logical = int(outcome.image.identity[tile])
        if logical < 0:
            self._refused("This tile hosts no core; allowed: a tile that does")
        elif self._start < 0:
            self._start = logical
            self._stage.tip.text = f"from core {logical:,}: now choose where it goes"
        else:
            start, self._start = self._start, -1
            await self._session.change(source=start, goal=logical)

    async def _stroke(self, given: Any) -> None:
        outcome = self._session.outcome
        if outcome is None or not isinstance(given, list):
            return
        spec = outcome.image.spec
        try:
            edits = stroke_edits(self._stage.brushes.value, given, spec.width, spec.height)
        except InputError as error:
            self._refused(str(error))
            return
        await self._session.draw(edits)

    async def _need(self, cycle: Any) -> None:
        outcome = self._session.outcome
        if type(cycle) is not int or self._stage.player.playing != "traffic":
            return
        reel = await self._session.film(cycle // REEL * REEL)
        if reel is not None and self._session.outcome is outcome:
            self._stage.view.add_reel(reel)

    async def _measure(self) -> None:
        """Figures of the traffic that has just begun."""
        outcome = self._session.outcome
        data = await self._session.measure()
        if data is not None and self._session.outcome is outcome:
            self._readouts.show_traffic(data)

    def _at(self, given: Any) -> None:
        if isinstance(given, dict) and type(given.get("cycle")) is int:
            self._stage.player.at(given["cycle"], bool(given.get("playing")))

    # Buttons --------------------------------------------------------------------------------------

    async def _undo(self) -> None:
        if not await self._session.undo():
            ui.notify("Nothing to undo", position="top")

    def _share(self) -> None:
        query = json.dumps("/?" + self._session.settings.to_query())
        ui.run_javascript(f"navigator.clipboard.writeText(new URL({query}, location.href).href)")
        ui.notify("Link copied: it recreates exactly this", position="top")

    def _save_map(self) -> None:
        if self._session.outcome is not None:
            ui.download.content(wafer_to_json(self._session.outcome.wafer), "wafer.json")

    def _save_image(self) -> None:
        if self._session.outcome is not None:
            ui.download.content(image_to_json(self._session.outcome.image), "image.json")

    def _save_picture(self) -> None:
        self._stage.view.save_picture("wafer.png")

    async def _load(self, event: Any) -> None:
        try:
            await self._session.load(read_upload(event.file.name, await event.file.read()))
        except InputError as error:
            self._refused(str(error))
        self._upload.reset()

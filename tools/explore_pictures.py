"""Pictures of the explorer: ``python -m tools.explore_pictures FOLDER [STATE ...]``."""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PIL import Image

from model.atomic import atomic_path, make_folder
from model.errors import InputError
from tools.explore.drive import Server, chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser

WAIT: Final = 120_000
"""Milliseconds that a wafer may take."""


@dataclass(frozen=True, kw_only=True)
class State:
    """What is shown, and on what.

    Members
    -------
    query : str
        The address's.
    button : str
        Pressed when the wafer is there; empty: none.
    cycle : int
        That the film must have reached.
    size : (int, int)
        Of the window, in pixels.
    dark : bool
    """

    query: str = ""
    button: str = ""
    cycle: int = 0
    size: tuple[int, int] = (1280, 900)
    dark: bool = False


STATES: Final[Mapping[str, State]] = {
    "explorer": State(query="tile_rate=0.06&link_rate=0.04&spares=12%25&spare_place=spread"),
    "lost": State(query="tile_rate=0.12&link_rate=0.06", button="Pulse one packet", cycle=20),
    "traffic": State(
        query="tile_rate=0.06&link_rate=0.04&spares=12%25&spare_place=spread&load=0.03",
        button="Run traffic", cycle=80, dark=True,
    ),
    "large": State(query="width=64&height=64&tile_rate=0.01&link_rate=0.005"),
    "phone": State(size=(390, 844)),
    "wse3": State(
        query="width=762&height=1172&tile_rate=5e-05&link_rate=5e-05", size=(1440, 900)
    ),
}  # fmt: skip


def take(browser: Browser, address: str, state: State, path: Path) -> None:
    """Show a state and write its picture, in 256 colours: a third of the bytes."""
    context = browser.new_context(
        viewport={"width": state.size[0], "height": state.size[1]},
        color_scheme="dark" if state.dark else "light",
    )
    page: Any = context.new_page()
    page.set_default_timeout(WAIT)
    page.goto(f"{address}?{state.query}")
    page.wait_for_selector(".wm-view[data-scene]")
    page.wait_for_selector("[data-figure=hosted]")
    if state.button:
        page.get_by_role("button", name=state.button).click()
        reached = f"Number(document.querySelector('.wm-view').dataset.cycle) >= {state.cycle}"
        page.wait_for_function(f"() => {reached}")
    page.wait_for_timeout(600)
    shot = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    with atomic_path(path) as temporary:
        shot.quantize(256, dither=Image.Dither.NONE).save(temporary, optimize=True)
    context.close()


def main() -> None:
    """Take all pictures, or those named."""
    folder, *names = sys.argv[1:] or ["out/explorer"]
    if unknown := [name for name in names if name not in STATES]:
        raise InputError(f"state is {unknown[0]!r}; allowed: {', '.join(STATES)}")
    make_folder("FOLDER", folder)
    server = Server()
    try:
        with chromium() as browser:
            for name in names or STATES:
                take(browser, server.address, STATES[name], Path(folder) / f"{name}.png")
                print(Path(folder) / f"{name}.png", flush=True)
    finally:
        server.stop()


if __name__ == "__main__":
    main()

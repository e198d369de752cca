"""A tab of the explorer as a user has it: what it shows, and what can be done with it."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

WAIT = 60_000
"""Milliseconds that a picture may take on a busy machine."""


class Tab:
    """Opens an address and waits for the first picture."""

    def __init__(self, page: Any, address: str) -> None:
        self.page = page
        self.complaints: list[str] = []
        page.set_default_timeout(WAIT)
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.goto(address)
        self.wait("document.querySelector('.wm-view')?.dataset.scene")
        self.wait("document.querySelector('[data-figure=hosted]')")

    def _note(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def wait(self, condition: str) -> None:
        """Until an expression of the page is true."""
        self.page.wait_for_function(f"() => {condition}", timeout=WAIT)

    def number(self, figure: str) -> float:
        """A figure of the readouts."""
        text = self.page.locator(f"[data-figure={figure}]").inner_text()
        match = re.match(r"[\d.,]+", text)
        assert match, text
        return float(match[0].replace(",", ""))

    def wait_query(self, name: str, value: str | None) -> None:
        """Until the address bar says so; None: until it says nothing of it."""
        wanted = "null" if value is None else repr(value)
        self.wait(f"new URLSearchParams(location.search).get('{name}') === {wanted}")
        # What came with the address may still be on its way onto the page.
        self.page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))")

    def slide(self, name: str, steps: int) -> None:
        """Move a slider by steps, as the arrow keys do."""
        self.page.locator(f"[role=slider][aria-label='{name}'] [tabindex]").first.focus()
        for _ in range(abs(steps)):
            self.page.keyboard.press("ArrowRight" if steps > 0 else "ArrowLeft")

    def draw(self) -> None:
        """Let clicks break and heal from now on: the brushes show when the canvas was told."""
        self.page.get_by_role("button", name="Draw").click()
        self.page.get_by_role("combobox", name="Brush").wait_for()

    def choose(self, box: str, option: str) -> None:
        """Pick an option of a drop-down list."""
        self.page.get_by_role("combobox", name=box).click()
        self.page.get_by_role("option", name=option, exact=True).click()

    def query(self) -> dict[str, str]:
        """What the address bar says."""
        return dict(parse_qsl(urlsplit(self.page.url).query))

    def click_tile(self, x: int, y: int, width: int, height: int, at: float = 0.5) -> None:
        """Click into tile (x, y) of a wafer that is shown whole; ``at`` is how far east in it."""
        box = self.page.locator(".wm-view").bounding_box()
        scale = min((box["width"] - 44) / width, (box["height"] - 44) / height)
        left = (box["width"] - scale * width) / 2
        top = (box["height"] - scale * height) / 2
        self.page.mouse.click(
            box["x"] + left + (x + at) * scale, box["y"] + top + (y + 0.5) * scale
        )

"""A running explorer and a headless Chromium, for the tests that drive the page."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.explore.tab import Tab

ROOT = Path(__file__).parents[2]
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
START = "from tools.cli import main; main()"


class Server:
    """``wafermesh explore`` in a process of its own."""

    def __init__(self, *options: str) -> None:
        self.lines: queue.Queue[str] = queue.Queue()
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, "explore", "--no-browser", *options],
            cwd=ROOT, env={**os.environ, "PYTHONUNBUFFERED": "1"}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        threading.Thread(target=self._read, daemon=True).start()
        self.address = self.lines.get(timeout=90).split()[2]

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line)

    def said(self) -> list[str]:
        """What it printed since it was asked last."""
        return [self.lines.get() for _ in range(self.lines.qsize())]

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        self.process.terminate()
        self.process.wait(timeout=20)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser; without one these tests are skipped, and say so."""
    if CHROMIUM is None:
        pytest.skip("the explorer's page is NOT tested: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(chromium: Any) -> Iterator[Server]:
    """One explorer for all tests; at the end it must have printed no error."""
    running = Server("--port", "0")
    yield running
    running.stop()
    assert running.said() == []


@pytest.fixture
def open_tab(chromium: Any, server: Server) -> Iterator[Callable[..., Tab]]:
    """Open a tab with a query; whatever its console complains of fails the test."""
    tabs: list[Tab] = []

    def open_one(query: str = "", **context: Any) -> Tab:
        page = chromium.new_context(**{"viewport": {"width": 1280, "height": 860}, **context})
        tabs.append(Tab(page.new_page(), server.address + query))
        return tabs[-1]

    yield open_one
    complaints = [line for tab in tabs for line in tab.complaints]
    for tab in tabs:
        tab.page.context.close()
    assert complaints == []

"""An explorer in a process of its own, and a headless Chromium: for tests and pictures."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from model.errors import InputError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT: Final = Path(__file__).parents[2]
NAMES: Final = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM: Final = next(filter(None, map(shutil.which, NAMES)), None)
"""The system's Chromium, if there is one."""

_START: Final = "from tools.cli import main; main()"


class Server:
    """``wafermesh explore`` on a free port.

    Members
    -------
    address : str
        Where the page is.
    process : Popen
    """

    def __init__(self, port: int = 0) -> None:
        self._lines: queue.Queue[str] = queue.Queue()
        self.process = subprocess.Popen(
            [sys.executable, "-c", _START, "explore", "--no-browser", "--port", str(port)],
            cwd=ROOT, env={**os.environ, "PYTHONUNBUFFERED": "1"}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        threading.Thread(target=self._read, daemon=True).start()
        self.address = self._lines.get(timeout=90).split()[2]

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)

    def said(self) -> list[str]:
        """What it printed since it was asked last; nothing, when all is well."""
        return [self._lines.get() for _ in range(self._lines.qsize())]

    def stop(self) -> None:
        """End it as Ctrl-C does."""
        self.process.terminate()
        self.process.wait(timeout=20)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser.

    Raises
    ------
    InputError
        When Chromium or Playwright is missing.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise InputError("playwright is missing; allowed: pip install playwright") from error
    if CHROMIUM is None:
        raise InputError(f"chromium is missing; allowed: one of {', '.join(NAMES)} on the path")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()

"""A running explorer and a headless Chromium, for the tests that drive the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.explore.tab import Tab
from tools.explore.drive import CHROMIUM, Server
from tools.explore.drive import chromium as start_chromium


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser; without one these tests are skipped, and say so."""
    if CHROMIUM is None:
        pytest.skip("the explorer's page is NOT tested: apt-get install chromium")
    with start_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def server(chromium: Any) -> Iterator[Server]:
    """One explorer for all tests; at the end it must have printed no error."""
    running = Server()
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

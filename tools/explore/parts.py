"""Pieces of the page that several of its sides are made of."""

from __future__ import annotations

from typing import Any

from nicegui import ui


class Slider(ui.slider):
    """A slider that moves at once; NiceGUI's waits for the server and loses quick key presses."""

    LOOPBACK = False


def card(title: str) -> Any:
    """A titled section; use it with ``with``."""
    section = ui.element("section").classes("wm-card")
    with section, ui.element("h2"):
        ui.label(title)
    return section


def icon_button(icon: str, label: str, on_click: Any) -> Any:
    """A flat button with an icon, a tooltip and a name for screen readers."""
    button = (
        ui.button(icon=icon, on_click=on_click, color=None).props("flat dense").classes("wm-tool")
    )
    with button.props(f'aria-label="{label}"'):
        ui.tooltip(label)
    return button

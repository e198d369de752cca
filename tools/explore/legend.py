"""What the signs on the wafer mean."""

from __future__ import annotations

from typing import Final

from nicegui import ui


def _tile(fill: str, stroke: str = "none", inside: str = "") -> str:
    """A small tile as SVG; colours are names of the style sheet."""
    edge = f' stroke="var(--wm-{stroke})" stroke-width="1.6"' if stroke != "none" else ""
    box = f'<rect x="2" y="2" width="11" height="11" rx="2" fill="var(--wm-{fill})"{edge}/>'
    return box + inside


def _path(line: str, stroke: str, width: float = 2) -> str:
    return f'<path d="{line}" fill="none" stroke="var(--wm-{stroke})" stroke-width="{width}"/>'


_CROSS: Final = "M5 5l5 5M10 5l-5 5"
SIGNS: Final = {
    "at home": _tile("home"),
    "repaired: a core moved here": _tile("repaired"),
    "idle": _tile("idle", "idle-line"),
    "core dead, router works": _tile("core", inside=_path("M5 7.5h5", "ink", 1.2)),
    "tile dead": _tile("dead", inside=_path(_CROSS, "cross", 1.2)),
    "dead, and its core is lost": _tile("dead", "lost", _path(_CROSS, "lost", 1.4)),
    "cut off": _tile("cut"),
    "link works one way only": _path("M5 3l5 4.5-5 4.5", "lost"),
    "link dead both ways": _path("M4 4l7 7M11 4l-7 7", "lost"),
    "spare place": '<path d="M0 0h15v15H0z" fill="var(--wm-spare)" stroke="var(--wm-edge)"/>',
    "I/O edge": _path("M7 1v13", "io", 4),
}


def legend() -> None:
    """Build the legend into the current slot."""
    for name, sign in SIGNS.items():
        with ui.element("span"):
            ui.html(f'<svg viewBox="0 0 15 15" aria-hidden="true">{sign}</svg>', sanitize=False)
            ui.label(name)

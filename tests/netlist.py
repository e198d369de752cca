"""One small netlist that many tests of the tile array share, so that it is compiled once."""

from __future__ import annotations

from typing import Final

from model.spec import FabricSpec

WATCHDOG: Final = 24


def quick_spec(width: int, height: int = 1) -> FabricSpec:
    """Specification of a fabric that :data:`NETLIST` can run: up to 8 x 4."""
    return FabricSpec(
        width=width,
        height=height,
        vcs=2,
        depth=2,
        payload_width=16,
        route_entries=5,
        watchdog=WATCHDOG,
    )


NETLIST: Final = quick_spec(8, 4)

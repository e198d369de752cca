"""The compiled parameter sets that campaigns run over: every VC count, depth and width class."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from model.spec import FabricSpec
from verif.tile_array.build import array_spec


@dataclass(frozen=True, kw_only=True)
class ParameterSet:
    """Everything of a :class:`~model.spec.FabricSpec` but the size of the fabric.

    Members
    -------
    vcs, depth, payload_width, route_entries, watchdog : int
        As in the specification.
    header : int
        Bits of x and of y in the compiled header (id has twice as many), or 0 for the widest.
    """

    vcs: int
    depth: int
    payload_width: int
    route_entries: int
    watchdog: int
    header: int = 0

    def spec(self, width: int, height: int) -> FabricSpec:
        """Specification of a fabric of this size, with the least header."""
        fields: dict[str, Any] = {
            name: getattr(self, name)
            for name in ("vcs", "depth", "payload_width", "route_entries", "watchdog")
        }
        return FabricSpec(width=width, height=height, **fields)

    def netlist(self) -> FabricSpec:
        """Specification that the tile is generated from; addresses at least 16 x 16."""
        widest = array_spec(self.spec(1, 1))
        if not self.header:
            return widest
        side, bits = 1 << self.header, self.header
        return replace(
            widest, width=side, height=side, x_width=bits, y_width=bits, id_width=2 * bits
        )


_ROWS: Final = (
    # vcs, depth, payload_width, route_entries, watchdog, header
    (1, 4, 32, 16, 1024),
    (1, 2, 32, 16, 1024, 4),
    (1, 3, 8, 8, 64, 5),
    (1, 5, 16, 12, 100, 6),
    (1, 6, 64, 32, 65535, 7),
    (1, 7, 1, 24, 2, 4),
    (1, 8, 48, 16, 33, 8),
    (1, 2, 64, 64, 500, 9),
    (2, 2, 32, 16, 1024),
    (2, 3, 16, 16, 50, 4),
    (2, 4, 32, 24, 1024, 5),
    (2, 4, 8, 10, 200, 7),
    (2, 5, 24, 16, 17, 6),
    (2, 6, 32, 32, 3000, 8),
    (2, 7, 64, 20, 128, 4),
    (2, 8, 12, 48, 5, 10),
    (4, 2, 32, 16, 1024),
    (4, 2, 16, 32, 31, 4),
    (4, 3, 32, 24, 256, 5),
    (4, 4, 32, 16, 1024, 4),
    (4, 5, 40, 16, 99, 6),
    (4, 6, 8, 20, 12, 7),
    (4, 7, 4, 12, 2000, 4),
    (4, 8, 64, 16, 777, 5),
)

PARAMETER_SETS: Final = tuple(
    ParameterSet(
        vcs=vcs,
        depth=depth,
        payload_width=payload,
        route_entries=entries,
        watchdog=watchdog,
        header=header[0] if header else 0,
    )
    for vcs, depth, payload, entries, watchdog, *header in _ROWS
)

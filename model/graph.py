"""The live part of a wafer as a directed graph: tiles and the links that work."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from model.errors import InputError
from model.spec import PORT_DX, PORT_DY
from model.wafer import WaferMap, inside


def neighbours(width: int, height: int) -> npt.NDArray[np.int32]:
    """int32[tiles, 4]: tile id behind each mesh port, -1 at the wafer's edge."""
    ids = np.arange(width * height, dtype=np.int32)[:, None]
    step = np.array([PORT_DX[p] + PORT_DY[p] * width for p in range(4)], np.int32)
    return np.where(inside(width, height), ids + step, -1).astype(np.int32)


def receivers(
    out_ok: npt.NDArray[np.bool_], neighbour: npt.NDArray[np.int32]
) -> npt.NDArray[np.bool_]:
    """bool[tiles, 4]: the link that enters here works, from who sends (FUS-1)."""
    in_ok = np.zeros_like(out_ok)
    for port in range(4):
        there = neighbour[:, port]
        in_ok[:, port] = (there >= 0) & out_ok[there, (port + 2) % 4]
    return in_ok


@dataclass(frozen=True, eq=False, kw_only=True)
class LinkGraph:
    """Tiles and working links.

    Members
    -------
    width, height : int
    live, core_ok : bool[tiles]
    neighbour : int32[tiles, 4]
        Tile behind each port, dead or not; -1 at the edge.
    out_ok, in_ok : bool[tiles, 4]
        The link that leaves/enters through this port works and joins two live tiles: the fuses.
    """

    width: int
    height: int
    live: npt.NDArray[np.bool_]
    core_ok: npt.NDArray[np.bool_]
    neighbour: npt.NDArray[np.int32]
    out_ok: npt.NDArray[np.bool_]
    in_ok: npt.NDArray[np.bool_]

    @property
    def tiles(self) -> int:
        """Number of tiles, dead ones included."""
        return self.width * self.height

    def require_live(self) -> None:
        """Refuse a wafer of dead tiles only, by an InputError."""
        if not self.live.any():
            raise InputError("wafer has no working tile; allowed: at least one")

    @classmethod
    def from_wafer(cls, wafer: WaferMap) -> LinkGraph:
        """The graph that is left of a wafer."""
        neighbour = neighbours(wafer.width, wafer.height)
        out_ok = wafer.live_links()
        return cls(
            width=wafer.width,
            height=wafer.height,
            live=wafer.live,
            core_ok=wafer.core_ok,
            neighbour=neighbour,
            out_ok=out_ok,
            in_ok=receivers(out_ok, neighbour),
        )

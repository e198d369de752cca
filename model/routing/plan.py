"""What routing hands over: legal turns per layer, and one path for every pair.

A *layer* is a set of VCs with turns of their own: VC v belongs to layer ``v % layers``. A packet
keeps its VC (TBL-2), so layers never wait for each other and each is proven acyclic alone.

A *state* is (tile, input port), numbered ``tile * 5 + port``; a packet that starts is in its
tile's LOCAL state.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

NOWHERE: Final = 255
"""``hop`` where the destination cannot be reached, and at the destination itself."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PathPlan:
    """One path for every ordered pair of hosts, and what else would do.

    Members
    -------
    width, height : int
    hosts : int32[hosts]
        Tiles that send and receive, ascending.
    turns : bool[layers, tiles, 5, 5]
        Legal turns, LOCAL's included.
    forward : int32[tiles, 4]
        State behind an output; -1 when the link is not used.
    layer_of : uint8[hosts]
        Layer in which a destination is reached.
    hop : uint8[states, hosts]
        Output 0 … 3 that a packet to the destination takes; :data:`NOWHERE`.
    good : uint8[states, hosts]
        Bit set of outputs about as good, ``hop`` among them; 0 where ``hop`` is NOWHERE.
    asked : uint32[tiles, hosts]
        Where packets come by on their way: bit ``4 * port + hop`` for every such input port.
    """

    width: int
    height: int
    hosts: npt.NDArray[np.int32]
    turns: npt.NDArray[np.bool_]
    forward: npt.NDArray[np.int32]
    layer_of: npt.NDArray[np.uint8]
    hop: npt.NDArray[np.uint8]
    good: npt.NDArray[np.uint8]
    asked: npt.NDArray[np.uint32]

    @property
    def layers(self) -> int:
        """Sets of VCs with turns of their own."""
        return len(self.turns)


def layer_vcs(layer: int, layers: int, vcs: int) -> int:
    """Bit set of a layer's VCs."""
    return sum(1 << vc for vc in range(layer, vcs, layers))

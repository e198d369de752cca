"""The configuration image in memory: what fuses, remap, turn and route tables hold.

The compiler makes one, files keep one (:mod:`model.image_file`), engine and RTL benches run one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from model.spec import VC_RULES, FabricSpec

ROUTE_DTYPE = np.dtype(
    [
        ("valid", "u1"),
        ("x_lo", "<u2"),
        ("x_hi", "<u2"),
        ("y_lo", "<u2"),
        ("y_hi", "<u2"),
        ("from_ports", "u1"),
        ("vcs", "u1"),
        ("to", "u1"),
    ]
)
"""One route entry: inclusive rectangle, bit sets of input ports and VCs, output port 0..7."""

RULE_DTYPE = np.dtype(
    [
        ("valid", "u1"),
        ("x_lo", "<u2"),
        ("x_hi", "<u2"),
        ("y_lo", "<u2"),
        ("y_hi", "<u2"),
        ("vc", "u1"),
    ]
)
"""One VC rule: inclusive rectangle of physical destinations and the VC they travel in (RMP-2)."""


@dataclass(eq=False, kw_only=True)
class ConfigImage:
    """Contents of every table of a fabric.

    Members
    -------
    spec : FabricSpec
    logical_width, logical_height : int
        Size of the array software sees; logical id = row-major.
    remap_tile : int32[logical]
        Tile id that hosts logical id i, or -1 when lost.
    remap_vc : uint8[logical]
        Default VC towards that host.
    live : bool[tiles]
        The router works; a tile that is not live is not in the image file.
    core_ok : bool[tiles]
    in_ok, out_ok : bool[tiles, 4]
        Fuses per mesh port (FUS-1).
    identity : int32[tiles]
        Logical id the tile hosts, or -1.
    turns : bool[tiles, 5, 5, vcs]
        [tile, input, output, vc]; true = legal (TBL-2).
    routes : ROUTE_DTYPE[tiles, route_entries]
        First valid match wins (TBL-1).
    rules : RULE_DTYPE[tiles, 4]
        First valid match wins (RMP-2).
    report : dict
        What the compiler says about the image, JSON-serialisable.
    """

    spec: FabricSpec
    logical_width: int
    logical_height: int
    remap_tile: npt.NDArray[np.int32]
    remap_vc: npt.NDArray[np.uint8]
    live: npt.NDArray[np.bool_]
    core_ok: npt.NDArray[np.bool_]
    in_ok: npt.NDArray[np.bool_]
    out_ok: npt.NDArray[np.bool_]
    identity: npt.NDArray[np.int32]
    turns: npt.NDArray[np.bool_]
    routes: npt.NDArray[np.void]
    rules: npt.NDArray[np.void]
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def logical(self) -> int:
        """Number of logical ids, hosted or lost."""
        return self.logical_width * self.logical_height

    @classmethod
    def blank(cls, spec: FabricSpec, logical_width: int, logical_height: int) -> ConfigImage:
        """An image in which nothing is alive, hosted, legal or routed."""
        n, logical = spec.tiles, logical_width * logical_height
        return cls(
            spec=spec,
            logical_width=logical_width,
            logical_height=logical_height,
            remap_tile=np.full(logical, -1, np.int32),
            remap_vc=np.zeros(logical, np.uint8),
            live=np.zeros(n, np.bool_),
            core_ok=np.zeros(n, np.bool_),
            in_ok=np.zeros((n, 4), np.bool_),
            out_ok=np.zeros((n, 4), np.bool_),
            identity=np.full(n, -1, np.int32),
            turns=np.zeros((n, 5, 5, spec.vcs), np.bool_),
            routes=np.zeros((n, spec.route_entries), ROUTE_DTYPE),
            rules=np.zeros((n, VC_RULES), RULE_DTYPE),
        )

"""How busy links were in a stretch of cycles, from the counters at its ends (MEA-8)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.image import ConfigImage
from model.runlog import Counters
from model.spec import Port

BUSIEST: Final = 10
"""Links that a report lists."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """A link by the tile that it leaves, and the share of cycles in which a flit crossed it."""

    x: int
    y: int
    port: str
    utilisation: float


class LinkUse:
    """Flits that crossed each link in a stretch of cycles.

    Parameters
    ----------
    image : ConfigImage
    before, after : Counters
        When the stretch begins and ends.
    cycles : int
        Of the stretch, at least 1 and below 2**32: counters wrap (CFG-4).

    Members
    -------
    utilisation : float64[tiles, 4]
        Flits per cycle, 0 to 1; NaN where there is no working link.
    delivered : int
        Flits that moved into out queues of network interfaces.
    """

    def __init__(self, image: ConfigImage, before: Counters, after: Counters, cycles: int) -> None:
        moved = after.moved - before.moved
        self.delivered = int(moved[:, Port.LOCAL].sum(dtype=np.int64))
        self.utilisation: npt.NDArray[np.float64] = np.where(
            image.out_ok[:, : Port.LOCAL], moved[:, : Port.LOCAL] / cycles, np.nan
        )
        self._width = image.spec.width

    def busiest(self, count: int = BUSIEST) -> list[Link]:
        """The busiest links, the busiest first, then by tile and port."""
        use = np.nan_to_num(self.utilisation, nan=-1.0).ravel()
        order = np.argsort(-use, kind="stable")[:count]
        found = []
        for index in order[use[order] >= 0].tolist():
            tile, port = divmod(index, int(Port.LOCAL))
            y, x = divmod(tile, self._width)
            found.append(Link(x=x, y=y, port=Port(port).name, utilisation=float(use[index])))
        return found

    def figures(self) -> dict[str, Any]:
        """Mean and most, the share of links that are never used, and the busiest, for JSON."""
        use = self.utilisation[~np.isnan(self.utilisation)]
        some = len(use) > 0
        return {
            "links": len(use),
            "mean": round(float(use.mean()), 6) if some else None,
            "max": round(float(use.max()), 6) if some else None,
            "unused": int((use == 0).sum()),
            "busiest": [
                {**asdict(link), "utilisation": round(link.utilisation, 6)}
                for link in self.busiest()
            ],
        }

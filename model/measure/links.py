"""How busy links were, from the counters at the ends of stretches of time (MEA-8)."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.image import ConfigImage
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


def working_ports(image: ConfigImage, *, outputs: bool = False) -> npt.NDArray[np.bool_]:
    """bool[tiles, 5]: input (or output) ports of live tiles with a working link or core."""
    links = image.out_ok if outputs else image.in_ok
    core = image.core_ok[:, None]
    return np.concatenate([links, core], axis=1) & image.live[:, None]


class LinkUse:
    """Flits that left each output, in stretches of time that follow one another.

    Parameters
    ----------
    image : ConfigImage
    stretches : int

    Members
    -------
    flits : uint32[stretches, tiles, 5]
        LOCAL: into the network interface's out queue.
    cycles : int64[stretches]
        How long each was; below 2**32, as counters wrap (CFG-4).
    """

    def __init__(self, image: ConfigImage, stretches: int = 1) -> None:
        self.flits = np.zeros((stretches, image.spec.tiles, 5), np.uint32)
        self.cycles = np.zeros(stretches, np.int64)
        self._before: npt.NDArray[np.uint32] | None = None
        self._since = 0
        self._works = working_ports(image, outputs=True)
        self._width = image.spec.width

    def read(self, cycle: int, moved: npt.NDArray[np.uint32], stretch: int = 0) -> None:
        """Read the counters, first where the first stretch begins, then where each ends.

        Parameters
        ----------
        cycle : int
            At whose beginning.
        moved : uint32[tiles, 5]
            See :class:`model.runlog.Counters`.
        stretch : int
            That ends; without meaning in the first call. Several ends of one add up.
        """
        if self._before is not None:
            self.flits[stretch] += moved - self._before
            self.cycles[stretch] += cycle - self._since
        self._before, self._since = moved.copy(), cycle

    def utilisation(self) -> npt.NDArray[np.float64]:
        """float64[tiles, 4]: flits per cycle and link in all, 0 to 1; NaN where none works."""
        flits = self.flits[:, :, : Port.LOCAL].sum(axis=0, dtype=np.int64)
        cycles = max(1, int(self.cycles.sum()))
        return np.where(self._works[:, : Port.LOCAL], flits / cycles, np.nan)

    def busiest(self, count: int = BUSIEST) -> list[Link]:
        """The busiest links, the busiest first, then by tile and port."""
        use = np.nan_to_num(self.utilisation(), nan=-1.0).ravel()
        order = np.argsort(-use, kind="stable")[:count]
        found = []
        for index in order[use[order] >= 0].tolist():
            tile, port = divmod(index, int(Port.LOCAL))
            y, x = divmod(tile, self._width)
            share = round(float(use[index]), 6)
            found.append(Link(x=x, y=y, port=Port(port).name, utilisation=share))
        return found

    def figures(self) -> dict[str, Any]:
        """Mean and most, how many links are never used, and the busiest, for JSON."""
        use = self.utilisation()
        use = use[~np.isnan(use)]
        some = len(use) > 0
        return {
            "links": len(use),
            "mean": round(float(use.mean()), 6) if some else None,
            "max": round(float(use.max()), 6) if some else None,
            "unused": int((use == 0).sum()),
            "busiest": [asdict(link) for link in self.busiest()],
        }

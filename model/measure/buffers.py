"""How full buffers were, by looking at them every so often (MEA-8)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from model.image import ConfigImage
from model.measure.links import working_ports
from model.spec import Port


class Occupancy:
    """Sums over looks at all input VCs, in bounded memory.

    Parameters
    ----------
    image : ConfigImage
    stretches : int
        Of time, to be added up apart.

    Members
    -------
    samples : int64[stretches]
        Looks taken, each as often as it weighs.
    held : uint32[stretches, tiles, 5, vcs]
        Flits seen in each input VC, in all looks together: divided by ``samples``, its mean.
    full : uint32[stretches, tiles, 5, vcs]
        Looks in which it was full.
    over_time : list of (cycle, flits)
        Flits in all buffers.
    """

    def __init__(self, image: ConfigImage, stretches: int = 1) -> None:
        spec = image.spec
        self.samples = np.zeros(stretches, np.int64)
        self.held = np.zeros((stretches, spec.tiles, 5, spec.vcs), np.uint32)
        self.full = np.zeros_like(self.held)
        self.over_time: list[tuple[int, int]] = []
        self._works = working_ports(image)
        self._depth = spec.depth

    def look(
        self, cycle: int, occupancy: npt.NDArray[np.uint8], stretch: int = 0, weight: int = 1
    ) -> None:
        """Take a look.

        Parameters
        ----------
        cycle : int
            At whose beginning.
        occupancy : uint8[tiles, 5, vcs]
            Flits in every input VC.
        stretch : int
            That the cycle belongs to.
        weight : int
            Looks that it stands for.
        """
        self.held[stretch] += occupancy * np.uint32(weight)
        self.full[stretch] += (occupancy == self._depth) * np.uint32(weight)
        self.samples[stretch] += weight
        self.over_time.append((cycle, int(occupancy.sum(dtype=np.int64))))

    def thin(self) -> None:
        """Forget every second of the looks one by one; the sums stay."""
        self.over_time = self.over_time[::2]

    def figures(self) -> dict[str, Any]:
        """Mean and full share by port, the fullest buffers and the flits over time, for JSON."""
        samples = int(self.samples.sum())
        if not samples:
            return {"samples": 0}
        # Of each input VC; NaN where there is no such port.
        held, full = (
            np.where(self._works[:, :, None], sums.sum(axis=0) / samples, np.nan)
            for sums in (self.held, self.full)
        )
        by_port = {
            port.name: {"mean": _mean(held[:, port]), "full": _mean(full[:, port])} for port in Port
        }
        return {
            "samples": samples,
            "mean": _mean(held),
            "fullest_mean": round(float(np.nanmax(held, initial=0.0)), 6),
            "full_most": round(float(np.nanmax(full, initial=0.0)), 6),
            "by_port": by_port,
            "over_time": self.over_time,
        }


def _mean(values: npt.NDArray[np.float64]) -> float | None:
    some = values[~np.isnan(values)]
    return round(float(some.mean()), 6) if len(some) else None

"""How full buffers were, by looking at them every so often (MEA-8)."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.image import ConfigImage
from model.measure.links import working_ports
from model.spec import Port

KEPT: Final = 256
"""Looks that are kept one by one; when there are more, every second is dropped from then on."""


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
        Looks taken.
    held : uint32[stretches, tiles, 5, vcs]
        Flits seen in each input VC, in all looks together: divided by ``samples``, its mean.
    full : uint32[stretches, tiles, 5, vcs]
        Looks in which it was full.
    over_time : list of (cycle, flits)
        Flits in all buffers, ``KEPT`` looks at most, evenly spaced.
    """

    def __init__(self, image: ConfigImage, stretches: int = 1) -> None:
        spec = image.spec
        self.samples = np.zeros(stretches, np.int64)
        self.held = np.zeros((stretches, spec.tiles, 5, spec.vcs), np.uint32)
        self.full = np.zeros_like(self.held)
        self.over_time: list[tuple[int, int]] = []
        self._every = 1
        self._works = working_ports(image)
        self._depth = spec.depth

    def look(self, cycle: int, occupancy: npt.NDArray[np.uint8], stretch: int = 0) -> None:
        """Take a look.

        Parameters
        ----------
        cycle : int
            At whose beginning.
        occupancy : uint8[tiles, 5, vcs]
            Flits in every input VC.
        stretch : int
            That the cycle belongs to.
        """
        self.held[stretch] += occupancy
        self.full[stretch] += occupancy == self._depth
        if self.samples.sum() % self._every == 0:
            self.over_time.append((cycle, int(occupancy.sum(dtype=np.int64))))
            if len(self.over_time) > KEPT:
                self.over_time, self._every = self.over_time[::2], 2 * self._every
        self.samples[stretch] += 1

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

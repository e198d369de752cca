"""How full buffers were, by looking at them every so often (MEA-8)."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.image import ConfigImage
from model.spec import Port

SAMPLES: Final = 256
"""Looks that are kept one by one; when there are more, every second is dropped from then on."""


class Occupancy:
    """Sums over looks at all input VCs, in bounded memory.

    Members
    -------
    samples : int
        Looks taken.
    held : uint32[tiles, 5, vcs]
        Flits seen in each input VC, in all looks together: divided by ``samples``, its mean.
    full : uint32[tiles, 5, vcs]
        Looks in which it was full.
    fills : int64[5, depth + 1]
        How often an input VC of a port had so many flits; working ports of live tiles only.
    over_time : list of (cycle, flits)
        Flits in all buffers, ``SAMPLES`` looks at most, evenly spaced.
    """

    def __init__(self, image: ConfigImage) -> None:
        spec = image.spec
        self.samples = 0
        self.held = np.zeros((spec.tiles, 5, spec.vcs), np.uint32)
        self.full = np.zeros_like(self.held)
        self.fills = np.zeros((5, spec.depth + 1), np.int64)
        self.over_time: list[tuple[int, int]] = []
        self._every = 1
        local = image.live & image.core_ok
        self._works = np.concatenate([image.in_ok, local[:, None]], axis=1) & image.live[:, None]
        self._depth = spec.depth

    def look(self, cycle: int, occupancy: npt.NDArray[np.uint8]) -> None:
        """Take a look.

        Parameters
        ----------
        cycle : int
            At whose beginning.
        occupancy : uint8[tiles, 5, vcs]
            Flits in every input VC.
        """
        self.held += occupancy
        self.full += occupancy == self._depth
        for port in range(5):
            seen = occupancy[self._works[:, port], port].ravel()
            self.fills[port] += np.bincount(seen, minlength=self._depth + 1)
        if self.samples % self._every == 0:
            self.over_time.append((cycle, int(occupancy.sum(dtype=np.int64))))
            if len(self.over_time) > SAMPLES:
                self.over_time, self._every = self.over_time[::2], 2 * self._every
        self.samples += 1

    def figures(self) -> dict[str, Any]:
        """Mean and full share by port, the fullest buffers and the flits over time, for JSON."""
        if not self.samples:
            return {"samples": 0}
        looks = np.maximum(1, self.fills.sum(axis=1))
        mean = self.fills @ np.arange(self._depth + 1) / looks
        full = self.fills[:, self._depth] / looks
        return {
            "samples": self.samples,
            "mean": round(float(self.held[self._works].mean() / self.samples), 6),
            "fullest_mean": round(float(self.held.max() / self.samples), 6),
            "full_most": round(float(self.full.max() / self.samples), 6),
            "by_port": {
                port.name: {
                    "mean": round(float(mean[port]), 6),
                    "full": round(float(full[port]), 6),
                }
                for port in Port
            },
            "over_time": self.over_time,
        }

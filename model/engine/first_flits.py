"""What the NI of a source makes of a destination: place and VC (RMP-1, RMP-2)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from model.engine.state import FIRST, VC, place_shift
from model.image import ConfigImage
from model.spec import VC_RULES, bits_for

Ints = npt.NDArray[Any]


class FirstFlits:
    """First flits of packets of an image, without length and slot (:mod:`model.engine.state`)."""

    def __init__(self, image: ConfigImage) -> None:
        spec, place = image.spec, image.remap_tile.astype(np.int64)
        self._rules, self._logical, self._width = image.rules, image.logical, spec.width
        self._used = [n for n in range(VC_RULES) if image.rules["valid"][:, n].any()]
        self._shift, self._x_bits = place_shift(spec), bits_for(spec.width - 1)
        y, x = np.divmod(place, spec.width)
        flits = (y << self._x_bits | x) << self._shift | image.remap_vc.astype(np.int64) << VC
        # The entry behind the last is for ids beyond the array.
        self._flits = np.append(np.where(place < 0, -1 << 63, flits), -1 << 63) | 1 << FIRST

    def make(self, sender: Ints, destination: Ints) -> npt.NDArray[np.int64]:
        """First flits from tiles to logical ids."""
        flits = self._flits[np.minimum(destination, self._logical)]
        for number in reversed(self._used):  # so that the first match is the last to write
            rule, place = self._rules[sender, number], flits >> self._shift
            x, y = place & ((1 << self._x_bits) - 1), place >> self._x_bits
            inside = (rule["x_lo"] <= x) & (x <= rule["x_hi"]) & (flits >= 0)
            inside &= (rule["y_lo"] <= y) & (y <= rule["y_hi"]) & (rule["valid"] != 0)
            vc = rule["vc"].astype(np.int64) << VC
            flits = np.where(inside, flits & ~(3 << VC) | vc, flits)
        return np.asarray(flits, np.int64)

    def targets(self, flits: Ints) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int8]]:
        """Tile and VC that first flits are sent to; -1 where the destination is unmapped."""
        place, vc = flits >> self._shift, flits >> VC & 3
        tile = (place >> self._x_bits) * self._width + (place & ((1 << self._x_bits) - 1))
        tile, vc = np.where(flits < 0, -1, tile), np.where(flits < 0, -1, vc)
        return tile.astype(np.int32), vc.astype(np.int8)

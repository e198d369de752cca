"""The traffic matrix of a pattern: how much everybody sends to whom in the mean."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from model.image import ConfigImage
from model.traffic.catalogue import CATALOGUE, Kind
from model.traffic.destinations import hot_tiles
from model.traffic.patterns import partners
from model.traffic.phases import phase


def demand(
    image: ConfigImage, pattern: str, seed: int = 1, hotspot_share: float = 0.2
) -> npt.NDArray[np.float64]:
    """Flits per cycle at load 1.

    Parameters
    ----------
    image : ConfigImage
    pattern : str
        One of :data:`model.traffic.PATTERNS`.
    seed : int
        Of ``permutation``.
    hotspot_share : float
        Of ``hotspot``, whose hot tile is the one in the middle.

    Returns
    -------
    float64[logical, logical]
        [source, destination]. A sending tile's row adds up to 1; in a phase pattern that is the
        mean of all sending tiles.

    Raises
    ------
    InputError
        When the pattern does not exist.
    """
    hosted = np.flatnonzero(image.remap_tile >= 0)
    found = np.zeros((image.logical, image.logical))
    partner = partners(pattern, image.logical_width, image.logical_height, seed)
    if partner is not None:
        sources = hosted[image.remap_tile[partner[hosted]] >= 0]
        found[sources, partner[sources]] = 1.0
    elif CATALOGUE[pattern].kind is Kind.PHASED:
        what = phase(pattern, image)
        np.add.at(found, (what.source, what.destination), 1.0)
        found *= len(np.unique(what.source)) / max(1, len(what.source))
    elif len(hosted) > 1:
        found[np.ix_(hosted, hosted)] = 1 / (len(hosted) - 1)
        np.fill_diagonal(found, 0.0)
        if pattern == "hotspot":
            ((hot, share),) = hot_tiles(image, (), hotspot_share)
            others = hosted[hosted != hot]
            found[others] *= 1 - share
            found[others, hot] += share
    return found

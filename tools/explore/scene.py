"""What the browser's canvas is given of an outcome: packed arrays and a few numbers."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt

from tools.explore.outcome import Outcome
from tools.explore.settings import FILM_TILES


def pack(array: npt.NDArray[Any]) -> str:
    """An array's bytes, little-endian, compressed, as text for a message."""
    data = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("<"), copy=False))
    return base64.b64encode(zlib.compress(data.tobytes(), 1)).decode()


def scene(outcome: Outcome) -> dict[str, Any]:
    """The picture of a wafer.

    Returns
    -------
    dict
        ``width``, ``height``, ``logicalWidth``; packed ``kind`` (uint8 a tile), ``links`` (uint8 a
        tile: bit p, the link through port p is dead), ``spare`` (uint8 a tile); on wafers up to
        ``FILM_TILES`` tiles also ``host`` and ``home`` (int32 a logical id, -1 when lost).
    """
    image, homes = outcome.image, outcome.homes
    message = {
        "width": image.spec.width,
        "height": image.spec.height,
        "logicalWidth": image.logical_width,
        "kind": pack(outcome.kind),
        "links": pack(outcome.dead_links),
        "spare": pack(homes.spare.astype(np.uint8)),
    }
    if image.spec.tiles <= FILM_TILES:
        message["host"] = pack(image.remap_tile)
        message["home"] = pack(homes.home.astype(np.int32))
    return message

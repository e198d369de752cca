"""Files from the browser: bounded, and read as what they are."""

from __future__ import annotations

import io
import zipfile
from typing import Final

import numpy as np

from model.errors import InputError
from model.files import ZIP_MAGIC
from model.image import ConfigImage
from model.image_file import parse_image
from model.schema import shown
from model.wafer import TileState, WaferMap, parse_wafer

MOST_BYTES: Final = 8 << 20
"""Of a file, as it is sent."""

MOST_UNPACKED: Final = 64 << 20
"""Of a file's members, unpacked."""


def read_upload(name: str, data: bytes) -> WaferMap:
    """A wafer map, or the map that an image was made for.

    Raises
    ------
    InputError
        When the file is too large, or neither.
    """
    name = shown(name[:40])
    if len(data) > MOST_BYTES:
        raise InputError(f"{name} has {len(data)} bytes; allowed: at most {MOST_BYTES}")
    if data.startswith(ZIP_MAGIC):
        try:
            size = sum(entry.file_size for entry in zipfile.ZipFile(io.BytesIO(data)).infolist())
        except zipfile.BadZipFile as error:
            raise InputError(f"{name} is not a valid NumPy archive: {error}") from error
        if size > MOST_UNPACKED:
            raise InputError(f"{name} unpacks to {size} bytes; allowed: at most {MOST_UNPACKED}")
    try:
        return parse_wafer(data, name)
    except InputError as refusal:
        try:
            return map_of_image(parse_image(data, name))
        except InputError:
            raise refusal from None


def map_of_image(image: ConfigImage) -> WaferMap:
    """The defects that an image's fuses tell of."""
    wafer = WaferMap.perfect(image.spec.width, image.spec.height)
    wafer.state[~image.core_ok] = TileState.CORE_DEFECT
    wafer.state[~image.live] = TileState.TILE_DEFECT
    wafer.dead_link = wafer.live_links() & ~np.asarray(image.out_ok)
    wafer.origin = {"generator": "image"}
    return wafer

"""Images for traffic tests: plain meshes, some tiles lost, and strategies that draw them."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from hypothesis import strategies as st

from model.image import ConfigImage
from model.spec import FabricSpec
from model.traffic import DrawnStream, Traffic


@functools.cache
def _blank(width: int, height: int) -> FabricSpec:
    return FabricSpec(width=width, height=height)


def mesh(width: int, height: int, *lost: int) -> ConfigImage:
    """All hosted at home but ``lost``; tables are empty, as traffic does not look at them."""
    image = ConfigImage.blank(_blank(width, height), width, height)
    image.remap_tile[:] = np.arange(width * height)
    image.remap_tile[list(lost)] = -1
    return image


@st.composite
def meshes(draw: st.DrawFn, most: int = 9) -> ConfigImage:
    """Any small size, any tiles lost."""
    width, height = draw(st.integers(1, most)), draw(st.integers(1, most))
    lost = draw(st.sets(st.integers(0, width * height - 1), max_size=width * height))
    return mesh(width, height, *lost)


def stream(image: ConfigImage, **fields: Any) -> DrawnStream:
    """Drawn packets as a stream."""
    return DrawnStream(image, Traffic(**fields))


def hosted(image: ConfigImage) -> set[int]:
    """Hosted logical ids."""
    return set(np.flatnonzero(image.remap_tile >= 0).tolist())

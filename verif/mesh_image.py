"""The plain mesh: x-then-y routing on a fault-free fabric, for benches and as a base for others."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.image import ROUTE_DTYPE, ConfigImage
from model.spec import PORT_DX, PORT_DY, FabricSpec, Port

MESH: Final = (Port.NORTH, Port.EAST, Port.SOUTH, Port.WEST)
Array = npt.NDArray[Any]


def mesh_image(spec: FabricSpec) -> ConfigImage:
    """A fault-free fabric, logical = physical, x-then-y routes (4 entries), all in VC 0."""
    image = ConfigImage.blank(spec, spec.width, spec.height)
    near = neighbours(spec)
    image.live[:] = image.core_ok[:] = True
    image.in_ok[:] = image.out_ok[:] = near >= 0
    image.remap_tile[:] = image.identity[:] = np.arange(spec.tiles)
    image.turns[:] = rising_turns(xy_ranks(spec), near)[..., np.newaxis]
    for slot, port in enumerate(MESH):
        image.routes[:, slot] = xy_entries(spec, port)
    return image


def neighbours(spec: FabricSpec) -> Array:
    """Tile behind each mesh port, int64[tiles, 4]; -1 beyond the edge."""
    y, x = np.divmod(np.arange(spec.tiles)[:, np.newaxis], spec.width)
    far_x, far_y = x + np.array(PORT_DX), y + np.array(PORT_DY)
    inside = (far_x >= 0) & (far_x < spec.width) & (far_y >= 0) & (far_y < spec.height)
    return np.where(inside, far_y * spec.width + far_x, -1)


def xy_ranks(spec: FabricSpec) -> Array:
    """Rank of the link that leaves by each port, float[tiles, 4]; rises along x-then-y paths."""
    y, x = np.divmod(np.arange(spec.tiles), spec.width)
    later = spec.width  # all y links come after all x links
    return np.stack([later + spec.height - y, x, later + y, spec.width - x], axis=1).astype(float)


def rising_turns(rank: Array, near: Array) -> Array:
    """Turns from a lower to a higher rank, bool[tiles, 5, 5]; LOCAL to and from all.

    Dependencies between links cannot be cyclic then, whatever the ranks are.
    """
    turns = np.ones((len(rank), 5, 5), np.bool_)
    for a in MESH:
        arrives = rank[near[:, a], a.opposite]
        for b in MESH:
            turns[:, a, b] = rank[:, b] > arrives
    return turns


def xy_entries(spec: FabricSpec, port: Port) -> Array:
    """Each tile's entry for one direction of x-then-y, ROUTE_DTYPE[tiles]; invalid at the edge."""
    y, x = np.divmod(np.arange(spec.tiles), spec.width)
    w, h = spec.width - 1, spec.height - 1
    sides: dict[Port, tuple[Any, ...]] = {
        Port.EAST: (x + 1, w, 0, h),
        Port.WEST: (0, x - 1, 0, h),
        Port.NORTH: (x, x, 0, y - 1),
        Port.SOUTH: (x, x, y + 1, h),
    }
    exists = neighbours(spec)[:, port] >= 0
    entries = np.zeros(spec.tiles, ROUTE_DTYPE)
    for name, value in zip(("x_lo", "x_hi", "y_lo", "y_hi"), sides[port], strict=True):
        entries[name] = np.where(exists, value, 0)
    entries["valid"], entries["to"] = exists, port
    entries["from_ports"], entries["vcs"] = 31, 2**spec.vcs - 1
    return entries

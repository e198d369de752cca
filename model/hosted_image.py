"""The part of an image that routing does not decide: fuses, remap, identities."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from model.graph import LinkGraph
from model.image import ConfigImage
from model.repair.homes import HomePlan
from model.spec import FabricSpec


def diagonal_vcs(tiles: npt.NDArray[np.int32], spec: FabricSpec) -> npt.NDArray[np.int32]:
    """int32[n]: VC towards each of ``tiles``; the VCs take turns along each diagonal."""
    y, x = np.divmod(tiles, np.int32(spec.width))
    return ((x + y) % spec.vcs).astype(np.int32)


def hosted_image(
    spec: FabricSpec, graph: LinkGraph, homes: HomePlan, host: npt.NDArray[np.int32]
) -> ConfigImage:
    """An image without turns and routes.

    Parameters
    ----------
    spec : FabricSpec
    graph : LinkGraph
        Its links become the fuses.
    homes : HomePlan
    host : int32[logical]
        Host tile, -1 when lost.
    """
    image = ConfigImage.blank(spec, homes.logical_width, homes.logical_height)
    image.live[:] = graph.live
    image.core_ok[:] = graph.core_ok
    image.in_ok[:], image.out_ok[:] = graph.in_ok, graph.out_ok
    image.remap_tile[:] = host
    hosted = np.flatnonzero(host >= 0)
    image.remap_vc[hosted] = diagonal_vcs(host[hosted], spec)
    image.identity[host[hosted]] = hosted
    return image

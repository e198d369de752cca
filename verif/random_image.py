"""Images whose tables say anything at all, under turn masks that cannot deadlock (TBL-2)."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.image import ROUTE_DTYPE, RULE_DTYPE, ConfigImage
from model.spec import PORT_DX, PORT_DY, FabricSpec, Port

MESH: Final = (Port.NORTH, Port.EAST, Port.SOUTH, Port.WEST)
Array = npt.NDArray[Any]


def random_image(
    rng: np.random.Generator,
    spec: FabricSpec,
    *,
    tile_rate: float,
    core_rate: float,
    link_rate: float,
    nonsense: float = 0.3,
) -> ConfigImage:
    """Draw defects, turns, routes, remap and rules.

    Parameters
    ----------
    rng : numpy.random.Generator
    spec : FabricSpec
    tile_rate, core_rate, link_rate : float
        Shares of dead tiles, dead cores, and dead links between live tiles.
    nonsense : float
        Share of route entries, identities, remap words and rules with random content.

    Notes
    -----
    A turn between mesh links is legal only from a lower to a higher rank, so dependencies cannot
    be cyclic whatever the ranks are: ranks by direction and place give x-then-y routing, random
    ones give masks that nobody would design.
    """
    image = ConfigImage.blank(spec, spec.width, spec.height)
    n = spec.tiles
    image.live[:] = rng.random(n) >= tile_rate
    image.core_ok[:] = image.live & (rng.random(n) >= core_rate)
    near = _neighbours(spec)
    for port in MESH:
        inside = near[:, port] >= 0
        ok = inside & image.live & image.live[near[:, port]] & (rng.random(n) >= link_rate)
        image.out_ok[:, port] = ok
        image.in_ok[near[ok, port], port.opposite] = True
    for vc in range(spec.vcs):
        rank = _ordered_ranks(spec) if rng.random() < 0.5 else rng.random((n, 4))
        image.turns[..., vc] = _turns(rng, rank, near)
    image.routes[:] = _routes(rng, spec, nonsense)
    image.routes[~image.live] = 0
    _hosts(rng, image, nonsense)
    return image


def _neighbours(spec: FabricSpec) -> Array:
    """int64[tiles, 4]: tile behind each mesh port, -1 beyond the edge."""
    y, x = np.divmod(np.arange(spec.tiles)[:, np.newaxis], spec.width)
    far_x, far_y = x + np.array(PORT_DX), y + np.array(PORT_DY)
    inside = (far_x >= 0) & (far_x < spec.width) & (far_y >= 0) & (far_y < spec.height)
    return np.where(inside, far_y * spec.width + far_x, -1)


def _ordered_ranks(spec: FabricSpec) -> Array:
    """float[tiles, 4]: rank of the link that leaves by each port, rising along x-then-y paths."""
    y, x = np.divmod(np.arange(spec.tiles), spec.width)
    later = spec.width  # all y links come after all x links
    return np.stack([later + spec.height - y, x, later + y, spec.width - x], axis=1).astype(float)


def _turns(rng: np.random.Generator, rank: Array, near: Array) -> Array:
    """bool[tiles, 5, 5]: rising turns, LOCAL to and from all, anything where no link is."""
    n = len(rank)
    turns = np.ones((n, 5, 5), np.bool_)
    for a in MESH:
        before = near[:, a]
        arrives = rank[before, a.opposite]
        for b in MESH:
            free = (before < 0) | (near[:, b] < 0)
            turns[:, a, b] = np.where(free, rng.random(n) < 0.5, rank[:, b] > arrives)
    turns &= rng.random(turns.shape) >= 0.01
    return turns


def _routes(rng: np.random.Generator, spec: FabricSpec, nonsense: float) -> Array:
    """ROUTE_DTYPE[tiles, entries]: x-then-y, or first a detour, with random entries strewn in."""
    n, w, h = spec.tiles, spec.width - 1, spec.height - 1
    y, x = np.divmod(np.arange(n), spec.width)
    routes = np.zeros((n, spec.route_entries), ROUTE_DTYPE)
    routes[:] = _random_entries(rng, spec, routes.shape)
    routes["valid"] &= rng.random(routes.shape) < nonsense / 4
    sides: dict[Port, tuple[Any, Any, Any, Any]] = {
        Port.EAST: (x + 1, w, 0, h),
        Port.WEST: (0, x - 1, 0, h),
        Port.NORTH: (x, x, 0, y - 1),
        Port.SOUTH: (x, x, y + 1, h),
    }
    slots = np.sort(rng.choice(spec.route_entries, 4, replace=False))
    for slot, (port, (x_lo, x_hi, y_lo, y_hi)) in zip(slots, sides.items(), strict=True):
        exists = np.broadcast_to(_neighbours(spec)[:, port] >= 0, n)
        kept = exists & (rng.random(n) >= nonsense / 8)
        entry = np.zeros(n, ROUTE_DTYPE)
        entry["valid"] = 1
        for name, value in (("x_lo", x_lo), ("x_hi", x_hi), ("y_lo", y_lo), ("y_hi", y_hi)):
            entry[name] = np.maximum(value, 0)
        entry["from_ports"], entry["vcs"], entry["to"] = 31, 2**spec.vcs - 1, port
        routes[kept, slot] = entry[kept]
    return routes


def _random_entries(rng: np.random.Generator, spec: FabricSpec, shape: tuple[int, ...]) -> Array:
    """Any rectangle, also one that holds nothing, any ports, VCs and output (RTR-7)."""
    entries = np.zeros(shape, ROUTE_DTYPE)
    _random_rectangles(rng, spec, entries)
    entries["from_ports"] = rng.integers(0, 32, shape)
    entries["vcs"] = rng.integers(0, 2**spec.vcs, shape)
    entries["to"] = rng.integers(0, 8, shape)
    return entries


def _random_rectangles(rng: np.random.Generator, spec: FabricSpec, entries: Array) -> None:
    entries["valid"] = 1
    for axis, size in (("x", spec.width), ("y", spec.height)):
        entries[f"{axis}_lo"] = rng.integers(0, size, entries.shape)
        entries[f"{axis}_hi"] = rng.integers(0, size, entries.shape)


def _hosts(rng: np.random.Generator, image: ConfigImage, nonsense: float) -> None:
    """Shuffle hosts; a few ids are lost, a few remap words point anywhere, rules are random."""
    spec, n = image.spec, image.spec.tiles
    hosts = rng.permutation(np.flatnonzero(image.core_ok))
    ids = np.sort(rng.permutation(n)[: len(hosts)])
    image.remap_tile[ids] = hosts
    image.identity[hosts] = ids
    image.remap_vc[:] = rng.integers(0, spec.vcs, n)
    wrong = np.flatnonzero(rng.random(n) < nonsense / 10)
    wrong = wrong[image.remap_tile[wrong] < 0]  # a host stays where its sources are
    image.remap_tile[wrong] = rng.integers(0, n, len(wrong))
    rules = np.zeros(image.rules.shape, RULE_DTYPE)
    _random_rectangles(rng, spec, rules)
    rules["vc"] = rng.integers(0, spec.vcs, rules.shape)
    rules["valid"] &= rng.random(rules.shape) < nonsense
    image.rules[image.live] = rules[image.live]

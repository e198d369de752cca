"""Images whose tables say anything at all, under turn masks that cannot deadlock (TBL-2)."""

from __future__ import annotations

import numpy as np

from model.image import ROUTE_DTYPE, RULE_DTYPE, ConfigImage
from model.spec import FabricSpec
from verif.mesh_image import MESH, Array, neighbours, rising_turns, xy_entries, xy_ranks


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
    Per VC the turns rise either in the ranks of x-then-y routing or in random ones, which give
    masks that nobody would design (:func:`verif.mesh_image.rising_turns`).
    """
    image = ConfigImage.blank(spec, spec.width, spec.height)
    n = spec.tiles
    image.live[:] = rng.random(n) >= tile_rate
    image.core_ok[:] = image.live & (rng.random(n) >= core_rate)
    near = neighbours(spec)
    for port in MESH:
        inside = near[:, port] >= 0
        ok = inside & image.live & image.live[near[:, port]] & (rng.random(n) >= link_rate)
        image.out_ok[:, port] = ok
        image.in_ok[near[ok, port], port.opposite] = True
    for vc in range(spec.vcs):
        rank = xy_ranks(spec) if rng.random() < 0.5 else rng.random((n, 4))
        image.turns[..., vc] = _turns(rng, rank, near)
    image.routes[:] = _routes(rng, spec, nonsense)
    image.routes[~image.live] = 0
    _hosts(rng, image, nonsense)
    return image


def _turns(rng: np.random.Generator, rank: Array, near: Array) -> Array:
    """Rising turns but for a few, and anything where no link is (no link, no dependency)."""
    turns = rising_turns(rank, near)
    absent = near < 0
    free = absent[:, :, np.newaxis] | absent[:, np.newaxis, :]
    turns[:, :4, :4] = np.where(free, rng.random(free.shape) < 0.5, turns[:, :4, :4])
    return turns & (rng.random(turns.shape) >= 0.01)


def _routes(rng: np.random.Generator, spec: FabricSpec, nonsense: float) -> Array:
    """ROUTE_DTYPE[tiles, entries]: most of x-then-y, in random slots among random entries."""
    shape = (spec.tiles, spec.route_entries)
    routes = _random_entries(rng, spec, shape)
    routes["valid"] &= rng.random(shape) < nonsense / 4
    slots = rng.choice(spec.route_entries, 4, replace=False)
    for slot, port in zip(slots, MESH, strict=True):
        entries = xy_entries(spec, port)
        kept = (entries["valid"] != 0) & (rng.random(spec.tiles) >= nonsense / 8)
        routes[kept, slot] = entries[kept]
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

"""A second opinion on compiled images (TBL-4), knowing nothing of how they were made.

It reads fuses, masks and tables as a tile would (RTR-7, TBL-1, RMP-2), builds its own dependency
graph from what it sees, walks every hosted ordered pair, and compares the fuses with the wafer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from model.image import ConfigImage
from model.wafer import WaferMap

STEPS = ((0, -1), (1, 0), (0, 1), (-1, 0))


def complaints(image: ConfigImage, wafer: WaferMap | None = None) -> list[str]:
    """Everything that is wrong with an image; empty when it is good."""
    found = _fuse_complaints(image, wafer) + _host_complaints(image)
    if not found:
        found = _cycle_complaints(image) + _walk_complaints(image)
    return found


def _behind(image: ConfigImage, tile: int, port: int) -> int:
    """Tile behind a port, -1 off the wafer."""
    x, y = tile % image.spec.width + STEPS[port][0], tile // image.spec.width + STEPS[port][1]
    on_wafer = 0 <= x < image.spec.width and 0 <= y < image.spec.height
    return y * image.spec.width + x if on_wafer else -1


def _fuse_complaints(image: ConfigImage, wafer: WaferMap | None) -> list[str]:
    found = []
    for tile in range(image.spec.tiles):
        for port in range(4):
            other = _behind(image, tile, port)
            sends, hears = bool(image.out_ok[tile, port]), bool(image.in_ok[tile, port])
            heard = other >= 0 and bool(image.in_ok[other, port ^ 2])
            if sends != heard or (hears and other < 0):
                found.append(f"fuses disagree at tile {tile} port {port}")
            if (sends or hears) and not (image.live[tile] and image.live[other]):
                found.append(f"fuse towards a dead tile at tile {tile} port {port}")
            if wafer is not None and other >= 0:
                alive = wafer.state[tile] < 2 and wafer.state[other] < 2
                if sends != (alive and not wafer.dead_link[tile, port]):
                    found.append(f"fuse is not the wafer's link at tile {tile} port {port}")
    if wafer is not None and (image.core_ok != (wafer.state == 0)).any():
        found.append("core_ok is not the wafer's")
    return found


def _host_complaints(image: ConfigImage) -> list[str]:
    found = []
    for logical, tile in enumerate(image.remap_tile.tolist()):
        if tile >= 0 and not (image.live[tile] and image.core_ok[tile]):
            found.append(f"logical {logical} is on a dead core")
        if tile >= 0 and image.identity[tile] != logical:
            found.append(f"tile {tile} does not know that it is logical {logical}")
        if image.remap_vc[logical] >= image.spec.vcs:
            found.append(f"logical {logical} has no such VC")
    if (image.identity >= 0).sum() != (image.remap_tile >= 0).sum():
        found.append("a tile has an identity that nobody maps to")
    return found


def _cycle_complaints(image: ConfigImage) -> list[str]:
    """Strong components of links x VCs joined by turns; one of more than a link is a cycle."""
    before, after = [], []
    n, vcs = image.spec.tiles, image.spec.vcs
    for tile, came, out, vc in np.argwhere(image.turns[:, :4, :4]).tolist():
        if image.in_ok[tile, came] and image.out_ok[tile, out]:
            sender = _behind(image, tile, came)
            before.append((sender * 4 + (came ^ 2)) * vcs + vc)
            after.append((tile * 4 + out) * vcs + vc)
    size = n * 4 * vcs
    graph = coo_matrix((np.ones(len(before)), (before, after)), shape=(size, size))
    count, _ = connected_components(graph, directed=True, connection="strong")
    return [] if count == size else [f"{size - count} links of dependency cycles"]


def _walk_complaints(image: ConfigImage) -> list[str]:
    hosts = image.remap_tile
    found = []
    for b in np.flatnonzero(hosts >= 0):
        goal = int(hosts[b])
        sources = hosts[hosts >= 0].astype(np.int64)
        vc = _vcs(image, sources, goal, int(image.remap_vc[b]))
        after = {int(v): _next_states(image, goal, int(v)) for v in np.unique(vc)}
        for v, step in after.items():
            state = sources[vc == v] * 5 + 4
            for _ in range(5 * image.spec.tiles):
                moved = step[state]
                if (moved == state).all():
                    break
                state = moved
            lost = int((state != 5 * image.spec.tiles + 1).sum())
            if lost:
                found.append(f"{lost} sources do not reach logical {b}")
    return found


def _next_states(image: ConfigImage, goal: int, vc: int) -> Any:
    """Successor of every (tile, input) state; beyond them: 5n sunk, 5n + 1 delivered at goal."""
    n, width = image.spec.tiles, image.spec.width
    x, y = goal % width, goal // width
    routes = image.routes
    rectangle = (routes["x_lo"] <= x) & (x <= routes["x_hi"])
    rectangle &= (routes["y_lo"] <= y) & (y <= routes["y_hi"]) & (routes["valid"] == 1)
    rectangle &= (routes["vcs"] >> vc & 1) == 1
    step = np.full(5 * n + 2, 5 * n)
    step[5 * n + 1] = 5 * n + 1
    for came in range(5):
        match = rectangle & ((routes["from_ports"] >> came & 1) == 1)
        first = match.argmax(axis=1)
        out = np.where(match.any(axis=1), routes["to"][np.arange(n), first], 9)
        out[goal] = 4
        for to, (dx, dy) in enumerate(STEPS):
            go = np.flatnonzero((out == to) & image.turns[:, came, to, vc] & image.out_ok[:, to])
            step[go * 5 + came] = (go + dx + dy * width) * 5 + (to ^ 2)
        if image.turns[goal, came, 4, vc] and image.core_ok[goal]:
            step[goal * 5 + came] = 5 * n + 1
    return step


def _vcs(image: ConfigImage, sources: Any, goal: int, default: int) -> Any:
    """VC that each source uses towards a place: its first matching rule, else the default."""
    rules, width = image.rules[sources], image.spec.width
    x, y = goal % width, goal // width
    match = (rules["valid"] == 1) & (rules["x_lo"] <= x) & (x <= rules["x_hi"])
    match &= (rules["y_lo"] <= y) & (y <= rules["y_hi"])
    first = rules["vc"][np.arange(len(sources)), match.argmax(axis=1)]
    return np.where(match.any(axis=1), first, default)

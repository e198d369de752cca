"""A second opinion on compiled images (TBL-4), knowing nothing of how they were made.

It reads fuses, masks and tables as a tile would, builds its own dependency graph from what it
sees, walks every hosted ordered pair (:mod:`tests.image_walk`), holds the image against the wafer,
and works the report's figures out again (:mod:`tests.image_report`). A complaint is one line that
starts with its kind: ``fuse``, ``host``, ``cycle``, ``walk``, ``cut off`` or ``report``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from model.image import ConfigImage
from model.wafer import WaferMap
from tests.image_report import report_complaints
from tests.image_walk import lost, walk

STEPS = ((0, -1), (1, 0), (0, 1), (-1, 0))
NOBODY = np.zeros(0, np.int32)
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


def complaints(image: ConfigImage, wafer: WaferMap | None = None) -> list[str]:
    """Everything that is wrong with an image; empty when it is good.

    Parameters
    ----------
    image : ConfigImage
    wafer : WaferMap, optional
        The map it was made for: then fuses, what is cut off and the report are checked too.

    Returns
    -------
    list of str
        Cycles, walks and reports are looked at only when fuses and hosts are sound.
    """
    found = _fuse_complaints(image, wafer) + _host_complaints(image)
    if found:
        return found
    walked = walk(image)
    missed = (walked.hops < 0).sum(axis=0)
    found = _cycle_complaints(image) + [
        f"walk: {count} sources do not reach logical {walked.logical[b]}"
        for b, count in enumerate(missed.tolist())
        if count
    ]
    if wafer is not None:
        joined = connected(wafer, image.remap_tile)
        both_ways = connected_both_ways(wafer, joined)
        found += _cut_off_complaints(image, joined)
        found += report_complaints(image, joined, both_ways, walked) if not found else []
    return found


def sampled_complaints(image: ConfigImage, wafer: WaferMap, pairs: int, seed: int) -> list[str]:
    """As :func:`complaints`, for wafers with too many pairs: so many at random, and no report."""
    found = _fuse_complaints(image, wafer) + _host_complaints(image)
    if found:
        return found
    hosted = np.flatnonzero(image.remap_tile >= 0)
    every = len(hosted) ** 2
    picked = np.random.default_rng(seed).choice(every, min(pairs, every), replace=False)
    source, goal = (hosted[side] for side in np.divmod(picked, len(hosted)))
    missed = lost(image, source, goal)
    found = [f"walk: logical {source[k]} does not reach logical {goal[k]}" for k in missed[:9]]
    joined = connected(wafer, image.remap_tile)
    return found + _cycle_complaints(image) + _cut_off_complaints(image, joined)


def behind(width: int, height: int) -> Ints:
    """int64[tiles, 4]: tile behind each port, -1 off the wafer."""
    y, x = np.divmod(np.arange(width * height), width)
    there = np.full((width * height, 4), -1)
    for port, (dx, dy) in enumerate(STEPS):
        to_x, to_y = x + dx, y + dy
        on = (to_x >= 0) & (to_x < width) & (to_y >= 0) & (to_y < height)
        there[on, port] = (to_y * width + to_x)[on]
    return there


def _fuse_complaints(image: ConfigImage, wafer: WaferMap | None) -> list[str]:
    """FUS-1, and that the fuses are the wafer's."""
    there = behind(image.spec.width, image.spec.height)
    sends, hears = image.out_ok, image.in_ok
    heard = np.stack([hears[there[:, port], port ^ 2] for port in range(4)], axis=1)
    faults = {
        "disagree": sends != (heard & (there >= 0)),
        "lead off the wafer": (sends | hears) & (there < 0),
        "lead to or from a dead tile": (sends | hears) & ~(image.live[:, None] & image.live[there]),
    }
    found = []
    if wafer is not None:
        alive = wafer.state != 2
        works = (there >= 0) & alive[:, None] & alive[there] & ~wafer.dead_link
        faults["are not the wafer's"] = sends != works
        if (image.core_ok != (wafer.state == 0)).any() or (image.live != alive).any():
            found.append("fuse: core_ok or live tiles are not the wafer's")
    for fault, where in faults.items():
        found += [f"fuse: tile {t} port {p}: fuses {fault}" for t, p in np.argwhere(where).tolist()]
    return found


def _host_complaints(image: ConfigImage) -> list[str]:
    """Places live, have a core, and know who they are; VCs exist."""
    hosted = np.flatnonzero(image.remap_tile >= 0)
    tile = image.remap_tile[hosted]
    dead = hosted[~(image.live & image.core_ok)[tile]].tolist()
    found = [f"host: logical {logical} is on a dead core" for logical in dead]
    for logical in hosted[image.identity[tile] != hosted].tolist():
        found.append(f"host: the tile of logical {logical} does not know it")
    for logical in np.flatnonzero(image.remap_vc >= image.spec.vcs).tolist():
        found.append(f"host: logical {logical} has no such VC")
    if ((image.rules["valid"] == 1) & (image.rules["vc"] >= image.spec.vcs)).any():
        found.append("host: a rule chooses a VC that does not exist")
    if (image.identity >= 0).sum() != (image.remap_tile >= 0).sum():
        found.append("host: a tile has an identity that nobody maps to")
    return found


def _cycle_complaints(image: ConfigImage) -> list[str]:
    """Strong components of links x VCs joined by turns; one of more than a link is a cycle."""
    there, vcs = behind(image.spec.width, image.spec.height), image.spec.vcs
    tile, came, out, vc = np.nonzero(image.turns[:, :4, :4])
    live = image.in_ok[tile, came] & image.out_ok[tile, out]
    tile, came, out, vc = tile[live], came[live], out[live], vc[live]
    before = (there[tile, came] * 4 + (came ^ 2)) * vcs + vc
    after = (tile * 4 + out) * vcs + vc
    size = image.spec.tiles * 4 * vcs
    graph = coo_matrix((np.ones(len(before), np.int8), (before, after)), shape=(size, size))
    _, part = connected_components(graph, directed=True, connection="strong")
    rings = np.flatnonzero(np.bincount(part) > 1)
    return [f"cycle: {(part == ring).sum()} links in {len(rings)} rings" for ring in rings[:1]]


def connected(wafer: WaferMap, hosts: npt.NDArray[np.int32] = NOBODY) -> Bools:
    """bool[tiles]: all that must be served, from the wafer map alone.

    The tiles joined by two-way links that hold the most working cores; then, again and again, every
    tile with a link from and a link to what is joined. Among equal parts that of the first host.
    """
    there, leaves = _links(wafer)
    alive = wafer.state != 2
    enters = np.stack([leaves[there[:, p], p ^ 2] & (there[:, p] >= 0) for p in range(4)], axis=1)
    tile, port = np.nonzero(leaves & enters)
    size = wafer.width * wafer.height
    edges: Any = coo_matrix(
        (np.ones(len(tile), np.int8), (tile, there[tile, port])), shape=(size, size)
    )
    _, part = connected_components(edges, directed=False)
    cores = np.bincount(part, wafer.state == 0)
    largest = cores == cores.max()
    mine = [p for p in part[hosts[hosts >= 0]].tolist() if largest[p]] + [int(cores.argmax())]
    joined: Bools = (part == mine[0]) & alive
    while True:
        near = joined[there]
        new = ~joined & (enters & near).any(axis=1) & (leaves & near).any(axis=1)
        if not new.any():
            return joined
        joined |= new


def connected_both_ways(wafer: WaferMap, joined: Bools) -> Bools:
    """bool[tiles]: all that joined tiles reach and are reached by, whatever turns that takes."""
    there, leaves = _links(wafer)
    here = np.nonzero(leaves)[0]
    found = []
    for tail, head in ((here, there[leaves]), (there[leaves], here)):
        reached = joined.copy()
        while (reached[tail] & ~reached[head]).any():
            reached[head[reached[tail]]] = True
        found.append(reached)
    both: Bools = found[0] & found[1]
    return both


def _links(wafer: WaferMap) -> tuple[Ints, Bools]:
    """Tile behind each port, and whether the link that leaves there works."""
    there = behind(wafer.width, wafer.height)
    alive = wafer.state != 2
    return there, (there >= 0) & alive[:, None] & alive[there] & ~wafer.dead_link


def _cut_off_complaints(image: ConfigImage, joined: Bools) -> list[str]:
    """Every joined core is hosted or an idle spare, and none is idle while a logical id is lost."""
    able = int((joined & image.core_ok).sum())
    hosted = int((image.remap_tile >= 0).sum())
    should = min(image.logical, able)
    if hosted < should:
        return [f"cut off: {hosted} of {image.logical} are hosted, {should} could be"]
    return []

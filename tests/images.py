"""Configuration images and schedules for tests: plain XY routing, and random ones.

Random images are deadlock-free (TBL-2) and consistent at both ends of every link (FUS-1); all else
about them may be odd, since the fabric must behave by the rules whatever its tables say.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from model.image import ConfigImage
from model.schedule import PacketSchedule, StallPattern
from model.spec import PORT_DX, PORT_DY, FabricSpec, Port

MESH = (Port.NORTH, Port.EAST, Port.SOUTH, Port.WEST)
FAR = 30000
Array = npt.NDArray[Any]


def neighbour(spec: FabricSpec, tile: int, port: int) -> int:
    """Tile behind a mesh port, or -1 beyond the edge."""
    x, y = tile % spec.width + PORT_DX[port], tile // spec.width + PORT_DY[port]
    inside = 0 <= x < spec.width and 0 <= y < spec.height
    return y * spec.width + x if inside else -1


def set_fuses(image: ConfigImage, dead_links: Array) -> None:
    """Set in_ok and out_ok from ``live`` and dead_links[tile, port], links by where they leave."""
    spec = image.spec
    for tile in range(spec.tiles):
        for port in MESH:
            other = neighbour(spec, tile, port)
            ok = other >= 0 and image.live[tile] and image.live[other]
            if ok and not dead_links[tile, port]:
                image.out_ok[tile, port] = image.in_ok[other, port.opposite] = True


def xy_turns() -> Array:
    """bool[5, 5]: the turns of x-then-y routing, LOCAL to LOCAL included, no U-turns."""
    turns = np.zeros((5, 5), np.bool_)
    turns[Port.LOCAL, :] = turns[:, Port.LOCAL] = True
    turns[Port.NORTH, Port.SOUTH] = turns[Port.SOUTH, Port.NORTH] = True
    for side in (Port.EAST, Port.WEST):
        turns[side, [Port.NORTH, Port.SOUTH, side.opposite]] = True
    return turns


def xy_routes(spec: FabricSpec, tile: int) -> list[tuple[int, ...]]:
    """The four entries of x-then-y routing (TBL-1)."""
    x, y, w, h = tile % spec.width, tile // spec.width, spec.width - 1, spec.height - 1
    ports, vcs = 31, 2**spec.vcs - 1
    entries: list[tuple[int, ...]] = []
    if x < w:
        entries.append((1, x + 1, w, 0, h, ports, vcs, Port.EAST))
    if x > 0:
        entries.append((1, 0, x - 1, 0, h, ports, vcs, Port.WEST))
    if y > 0:
        entries.append((1, x, x, 0, y - 1, ports, vcs, Port.NORTH))
    if y < h:
        entries.append((1, x, x, y + 1, h, ports, vcs, Port.SOUTH))
    return entries


def xy_image(spec: FabricSpec, *, spread_vcs: bool = False) -> ConfigImage:
    """A fault-free mesh with x-then-y routing, logical = physical; needs 4 route entries.

    ``spread_vcs`` sends to logical id i in VC i mod vcs; otherwise all travel in VC 0.
    """
    image = ConfigImage.blank(spec, spec.width, spec.height)
    image.live[:] = image.core_ok[:] = True
    set_fuses(image, np.zeros((spec.tiles, 4), np.bool_))
    image.remap_tile[:] = image.identity[:] = np.arange(spec.tiles)
    if spread_vcs:
        image.remap_vc[:] = np.arange(spec.tiles) % spec.vcs
    image.turns[:] = xy_turns()[None, :, :, None]
    for tile in range(spec.tiles):
        entries = xy_routes(spec, tile)
        image.routes[tile, : len(entries)] = entries
    return image


# Random images ------------------------------------------------------------------------------------


def random_image(
    rng: np.random.Generator,
    spec: FabricSpec,
    *,
    tile_rate: float = 0.1,
    core_rate: float = 0.05,
    link_rate: float = 0.05,
    noise: float = 0.1,
) -> ConfigImage:
    """A deadlock-free image with random defects, turns, routes, remap and rules.

    Parameters
    ----------
    rng : numpy.random.Generator
    spec : FabricSpec
    tile_rate, core_rate, link_rate : float
        Defect rates; links are drawn per direction between live tiles.
    noise : float
        Share of nonsense: garbage route entries, missing turns, lost or misplaced logical ids,
        wrong identities, VC rules.
    """
    image = ConfigImage.blank(spec, spec.width, spec.height)
    n = spec.tiles
    image.live[:] = rng.random(n) >= tile_rate
    image.core_ok[:] = image.live & (rng.random(n) >= core_rate)
    set_fuses(image, rng.random((n, 4)) < link_rate)
    _random_turns(rng, image)
    for tile in np.flatnonzero(image.live):
        image.routes[tile] = 0
    _best_routes(rng, image)
    image.turns &= rng.random(image.turns.shape) >= noise / 8
    _garbage_routes(rng, image, noise)
    _random_remap(rng, image, noise)
    return image


def _random_turns(rng: np.random.Generator, image: ConfigImage) -> None:
    """Per VC a random discipline whose channel dependencies cannot be cyclic."""
    n = image.spec.tiles
    shared = rng.integers(2) == 0
    for vc in range(image.spec.vcs):
        if vc and shared:
            image.turns[..., vc] = image.turns[..., 0]
            continue
        kind = rng.integers(4)
        if kind == 0:
            image.turns[..., vc] = xy_turns()
            continue
        # Turns only from lower to higher rank: no cycle. Up*/down*: never from down to up, with
        # levels that fall towards a root.
        rank = rng.random((n, 4))
        if kind < 3:
            root = rng.integers(n)
            level = np.abs(np.arange(n) % image.spec.width - root % image.spec.width)
            level = level + np.abs(np.arange(n) // image.spec.width - root // image.spec.width)
            level = level * n + rng.permutation(n)
        for tile in range(n):
            image.turns[tile, Port.LOCAL, :, vc] = image.turns[tile, :, Port.LOCAL, vc] = True
            for a in MESH:
                before = neighbour(image.spec, tile, a)
                for b in MESH:
                    after = neighbour(image.spec, tile, b)
                    if before < 0 or after < 0:
                        legal = bool(rng.integers(2))  # no link, no dependency: the bit is free
                    elif kind < 3:
                        legal = level[tile] < level[before] or level[after] > level[tile]
                    else:
                        legal = rank[tile, b] > rank[before, a.opposite]
                    image.turns[tile, a, b, vc] = legal


def _distances(image: ConfigImage, vc: int) -> Array:
    """Fewest links from (tile, input port) to each destination by legal turns; FAR if none."""
    spec, n = image.spec, image.spec.tiles
    home = np.arange(n)
    best = np.full((n, 5, n), FAR, np.int32)
    for port in range(5):
        arrives = image.turns[:, port, Port.LOCAL, vc] & image.core_ok
        best[home, port, home] = np.where(arrives, 0, FAR)
    while True:
        old = best.copy()
        for out in MESH:
            tiles = np.flatnonzero(image.out_ok[:, out])
            behind = [neighbour(spec, int(tile), out) for tile in tiles]
            through = best[behind, out.opposite] + 1
            for port in range(5):
                legal = image.turns[tiles, port, out, vc]
                picked = tiles[legal]
                best[picked, port] = np.minimum(best[picked, port], through[legal])
        if np.array_equal(old, best):
            return best


def _choices(rng: np.random.Generator, image: ConfigImage, vc: int) -> Array:
    """Output for (tile, input port, destination) on a shortest legal route; -1 if never asked."""
    spec, n = image.spec, image.spec.tiles
    best = _distances(image, vc)
    choice = np.full((n, 5, n), -1, np.int8)
    for out in rng.permutation(4).tolist():  # one order for all, so that rectangles grow wide
        for tile in np.flatnonzero(image.out_ok[:, out]):
            step = best[neighbour(spec, int(tile), out), (out + 2) % 4] + 1
            legal = image.turns[tile, :, out, vc][:, None]
            choice[tile][legal & (step == best[tile]) & (step < FAR)] = out
    choice[np.arange(n), :, np.arange(n)] = -1  # found by RTR-7 without an entry
    asked = np.zeros(choice.shape, np.bool_)
    asked[:, Port.LOCAL] = image.core_ok[:, None]
    while True:
        before = int(asked.sum())
        for out in MESH:
            for tile in np.flatnonzero(image.out_ok[:, out]):
                passes = (asked[tile] & (choice[tile] == out)).any(axis=0)
                asked[neighbour(spec, int(tile), out), out.opposite] |= passes
        if int(asked.sum()) == before:
            return np.where(asked, choice, -1)


def _best_routes(rng: np.random.Generator, image: ConfigImage) -> None:
    """Shortest legal routes as rectangles; when they do not fit, the last entry takes the rest."""
    spec = image.spec
    merged: list[dict[tuple[int, ...], int]] = [{} for _ in range(spec.tiles)]
    for vc in range(spec.vcs):
        choice = _choices(rng, image, vc)
        for tile in np.flatnonzero(image.live):
            for rect in _rectangles(choice[tile], spec):
                merged[tile][rect] = merged[tile].get(rect, 0) | 1 << vc
    for row, rects in zip(image.routes, merged, strict=True):
        widest = sorted(rects, key=lambda r: -(r[1] - r[0] + 1) * (r[3] - r[2] + 1))
        for entry, rect in enumerate(widest[: spec.route_entries]):
            row[entry] = (1, *rect[:5], rects[rect], rect[5])
        if len(widest) > spec.route_entries:
            rest = [rect[5] for rect in widest[spec.route_entries - 1 :]]
            everywhere = (0, spec.width - 1, 0, spec.height - 1, 31, 2**spec.vcs - 1)
            row[-1] = (1, *everywhere, max(rest, key=rest.count))


def _rectangles(choice: Array, spec: FabricSpec) -> list[tuple[int, ...]]:
    """(x_lo, x_hi, y_lo, y_hi, from_ports, to) for runs of destinations served alike."""
    found: list[tuple[int, ...]] = []
    for to in MESH:
        wants = choice == to
        alone = ~((choice >= 0) & ~wants).any(axis=0) & wants.any(axis=0)
        ports = np.where(alone, 31, (wants << np.arange(5)[:, None]).sum(axis=0))
        bits = ports.reshape(spec.height, spec.width)
        open_runs: dict[tuple[int, int, int], int] = {}
        for y in range(spec.height + 1):
            runs = set()
            edges = [] if y == spec.height else [0, *(np.flatnonzero(np.diff(bits[y])) + 1)]
            for lo, end in zip(edges, [*edges[1:], spec.width], strict=False):
                if bits[y, lo]:
                    runs.add((int(lo), int(end) - 1, int(bits[y, lo])))
            for run in [run for run in open_runs if run not in runs]:
                found.append((run[0], run[1], open_runs.pop(run), y - 1, run[2], int(to)))
            for run in sorted(runs):
                open_runs.setdefault(run, y)
    return found


def _garbage_routes(rng: np.random.Generator, image: ConfigImage, noise: float) -> None:
    """Overwrite a few entries with anything that fits their fields (TBL-2)."""
    spec = image.spec
    used = np.maximum(1, (image.routes["valid"] != 0).sum(1))
    for tile in np.flatnonzero(image.live & (rng.random(spec.tiles) < noise)):
        xs, ys = rng.integers(0, spec.width, 2), rng.integers(0, spec.height, 2)
        if rng.random() < 0.75:
            xs, ys = np.sort(xs), np.sort(ys)  # otherwise perhaps a rectangle that holds nothing
        vcs = rng.integers(2**spec.vcs)
        entry = (rng.random() < 0.8, *xs, *ys, rng.integers(32), vcs, rng.integers(8))
        image.routes[tile, rng.integers(used[tile])] = entry


def _random_remap(rng: np.random.Generator, image: ConfigImage, noise: float) -> None:
    """Host logical ids on usable cores in shuffled order; misplace, lose and misname a few."""
    spec, n = image.spec, image.spec.tiles
    usable = np.flatnonzero(image.core_ok)
    hosts = rng.permutation(usable) if rng.integers(2) else usable
    ids = np.sort(rng.permutation(n)[: len(hosts)])
    image.remap_tile[ids] = hosts
    image.identity[hosts] = ids
    image.remap_vc[:] = rng.integers(0, spec.vcs, n)
    odd = rng.random(n) < noise / 4
    image.remap_tile[odd] = rng.integers(-1, n, int(odd.sum()))
    coreless = np.flatnonzero(image.live & ~image.core_ok)
    if len(coreless) and rng.random() < noise:  # somebody writes to a dead core (FUS-4)
        image.remap_tile[rng.integers(n)] = rng.choice(coreless)
    odd = image.live & (rng.random(n) < noise / 8)
    image.identity[odd] = rng.integers(-1, n, int(odd.sum()))
    for tile, slot in np.argwhere(rng.random(image.rules.shape) < noise / 2):
        xs, ys = np.sort(rng.integers(0, spec.width, 2)), np.sort(rng.integers(0, spec.height, 2))
        if image.live[tile]:
            image.rules[tile, slot] = (rng.integers(2), *xs, *ys, rng.integers(spec.vcs))


def random_schedule(
    rng: np.random.Generator,
    image: ConfigImage,
    packets: int,
    *,
    max_length: int = 4,
    span: int | None = None,
    stray: float = 0.03,
    gaps: float = 0.2,
) -> PacketSchedule:
    """Packets from sources that can send, offered within ``span`` cycles.

    ``stray`` is the share sent to any id the header holds, lost or not; ``gaps`` the share with
    bubbles. The schedule is empty when no source can send.
    """
    able = image.live & image.core_ok & (image.identity >= 0)
    hosted = np.flatnonzero(image.remap_tile >= 0)
    senders = hosted[able[image.remap_tile[hosted]]]
    count = packets if len(senders) else 0
    destination = rng.choice(hosted, count) if count else np.zeros(0, np.int64)
    wild = rng.random(count) < stray
    destination[wild] = rng.integers(0, 2**image.spec.id_width, int(wild.sum()))
    most = min(max_length, image.spec.max_packet)
    gap = np.where(rng.random(count) < gaps, rng.integers(1, 6, count), 0)
    return PacketSchedule(
        source=(rng.choice(senders, count) if count else np.zeros(0)).astype(np.int32),
        destination=destination.astype(np.int32),
        length=rng.integers(1, most + 1, count).astype(np.int32),
        offered=np.sort(rng.integers(0, max(1, span or packets), count)).astype(np.int64),
        gap=gap.astype(np.int32),
    )


def random_stalls(rng: np.random.Generator) -> StallPattern:
    """Never, sometimes or mostly stalled, in bursts of 1 to 16 cycles; always drains."""
    share = (0.0, 0.2, 0.6, 0.9)[rng.integers(4)]
    return StallPattern(
        threshold=int(share * 2**32),
        burst_log2=int(rng.integers(5)),
        seed=int(rng.integers(2**32)),
    )

"""The figures of an image's report, worked out a second time from image, wafer and walk."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from model.image import ConfigImage
from tests.image_walk import Walk

Bools = npt.NDArray[np.bool_]
Lines = npt.NDArray[np.int64]
Figures = dict[str, Any]


def report_complaints(
    image: ConfigImage, joined: Bools, both_ways: Bools, walked: Walk
) -> list[str]:
    """What the report says that is not so; all pairs arrive and fuses are the wafer's.

    Parameters
    ----------
    image : ConfigImage
    joined, both_ways : bool[tiles]
        Tiles that must be served, and all that are connected with them both ways.
    walked : Walk
    """
    ears = (both_ways & ~joined & image.core_ok).any()
    crossed = both_ways if ears else joined
    right = _defects(image) | _repair(image) | _paths(image, crossed, walked)
    right |= _entries(image, crossed) | _cut_off(image, joined, crossed)
    return [
        f"report: {key} is {image.report.get(key)}, seen {value}"
        for key, value in right.items()
        if not _same(image.report.get(key), value)
    ]


def _same(said: Any, seen: Any) -> bool:
    """Integers and lists exactly, other numbers to the six digits that a report has."""
    if isinstance(seen, float):
        return isinstance(said, int | float) and math.isclose(said, seen, rel_tol=1e-5)
    return bool(said == seen)


def _defects(image: ConfigImage) -> Figures:
    live = image.live.reshape(image.spec.height, image.spec.width)
    pairs = (live[:, 1:] & live[:, :-1]).sum() + (live[1:] & live[:-1]).sum()
    return {
        "tiles": image.spec.tiles,
        "healthy_tiles": int(image.core_ok.sum()),
        "core_defects": int((image.live & ~image.core_ok).sum()),
        "tile_defects": int((~image.live).sum()),
        "dead_links": int(2 * pairs - image.out_ok.sum()),
    }


def _cut_off(image: ConfigImage, joined: Bools, crossed: Bools) -> Figures:
    """Healthy cores that are not served (TBL-5), as far as an image shows which are.

    Exactly those not hosted while a logical id is lost, else at most as many. None that must be
    served, all that cannot be reached.
    """
    healthy, hosted = int(image.core_ok.sum()), int((image.remap_tile >= 0).sum())
    if hosted < image.logical:
        return {"cut_off": healthy - hosted}
    least, most = (int((image.core_ok & ~tiles).sum()) for tiles in (crossed, joined))
    said = image.report.get("cut_off", -1)
    return {"cut_off": max(least, min(said, most, healthy - hosted))}


def _repair(image: ConfigImage) -> Figures:
    """RMP-3: who is hosted, how far from home, how far from logical neighbours."""
    width, logical_width = image.spec.width, image.logical_width
    hosted = np.flatnonzero(image.remap_tile >= 0)
    x, y = image.remap_tile[hosted] % width, image.remap_tile[hosted] // width
    columns, rows = _home_lines(image)
    if [logical_width, image.logical_height] != [len(columns), len(rows)]:
        return {"logical": [len(columns), len(rows)]}
    home_x, home_y = columns[hosted % logical_width], rows[hosted // logical_width]
    lost = image.logical - len(hosted)
    short = min(lost, max(0, image.logical - int(image.core_ok.sum())))
    shift = abs(x - home_x) + abs(y - home_y)
    places = dict(zip(hosted.tolist(), zip(x.tolist(), y.tolist(), strict=True), strict=True))
    apart = []
    for logical, (here_x, here_y) in places.items():
        beside = [logical + 1] if (logical + 1) % logical_width else []
        for other in (*beside, logical + logical_width):
            if other in places:
                there_x, there_y = places[other]
                apart.append(abs(here_x - there_x) + abs(here_y - there_y))
    return {
        "logical": [len(columns), len(rows)],
        "spare_tiles": image.spec.tiles - len(columns) * len(rows),
        "spare_share": 1 - len(columns) * len(rows) / image.spec.tiles,
        "hosted": len(hosted),
        "repaired": int((shift > 0).sum()),
        "lost": lost,
        "lost_no_spare": short,
        "lost_cut_off": lost - short,
        "displacement_mean": float(shift[shift > 0].mean()) if shift.any() else 0.0,
        "displacement_max": int(shift.max(initial=0)),
        "neighbour_mean": float(np.mean(apart)) if apart else 0.0,
        "neighbour_max": max(apart, default=0),
        "neighbour_adjacent": apart.count(1) / len(apart) if apart else 1.0,
    }


def _home_lines(image: ConfigImage) -> tuple[Lines, Lines]:
    """Columns and rows of the wafer that are no spares, by what the report names (RMP-3)."""
    width, height = image.spec.width, image.spec.height
    columns, rows = np.arange(width), np.arange(height)
    match image.report.get("spare_place"):
        case "columns":
            columns = columns[: width - _spare_lines(image, width)]
        case "rows":
            rows = rows[: height - _spare_lines(image, height)]
        case "spread":
            count = _spare_lines(image, width)
            columns = np.delete(columns, [width * (2 * k + 1) // (2 * count) for k in range(count)])
        case "dies":  # the last rows of each of the seven rows of dies
            ends = [height * k // 7 for k in range(8)]
            dies = [rows[first:end] for first, end in itertools.pairwise(ends)]
            rows = np.concatenate([die[: len(die) - _spare_lines(image, len(die))] for die in dies])
    return columns, rows


def _spare_lines(image: ConfigImage, side: int) -> int:
    """A count, or a share of a side rounded half up."""
    spares = str(image.report.get("spares"))
    share = Fraction(spares.removesuffix("%")) * side / 100 + Fraction(1, 2)
    return int(share) if spares.endswith("%") else int(spares)


def _paths(image: ConfigImage, crossed: Bools, walked: Walk) -> Figures:
    hosts = len(walked.logical)
    others = ~np.eye(hosts, dtype=np.bool_)
    hops, shortest = walked.hops[others], walked.shortest[others]
    stretch = hops / shortest if hosts > 1 else np.ones(1)
    if hosts == 1:
        hops = shortest = np.zeros(1, np.int32)
    # A link counts when it joins two tiles that packets may cross, used or not.
    tile, port = np.nonzero(image.out_ok & crossed[:, None])
    step = np.array([-image.spec.width, 1, image.spec.width, -1])[port]
    links = int(crossed[tile + step].sum())
    share = walked.load / max(1, hosts - 1)
    return {
        "reachable_pairs": 1.0,
        "mean_hops": float(hops.mean()),
        "mean_shortest": float(shortest.mean()),
        "max_hops": int(hops.max()),
        "stretch": float(stretch.mean()),
        "max_stretch": float(stretch.max()),
        "max_channel_load": float(share.max()),
        "mean_channel_load": float(share.sum() / max(1, links)),
    }


def _entries(image: ConfigImage, crossed: Bools) -> Figures:
    used = np.sort((image.routes["valid"] == 1).sum(axis=1)[crossed])
    return {
        "entries_mean": float(used.mean()),
        "entries_p95": int(used[math.ceil(0.95 * (len(used) - 1))]),
        "entries_max": int(used[-1]),
    }

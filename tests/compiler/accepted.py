"""Compile a wafer and have the independent checker look at what comes out."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from model.compile import CompileOptions, compile_wafer
from model.errors import InputError
from model.image import ConfigImage
from model.wafer import WaferMap
from tests.image_checker import STEPS, behind, complaints


def accepted(wafer: WaferMap, options: CompileOptions, **sizes: int) -> ConfigImage | None:
    """A compiled image that the checker accepts; None when the wafer is rightly refused.

    A wafer may be refused for having no core, and by ``xy`` for a pair whose way is blocked. When
    it needs more route entries than there are, the need that the compiler names must be true.
    """
    try:
        image = compile_wafer(wafer, options, **sizes)
    except InputError as refusal:
        text = str(refusal)
        if need := re.match(r"route_entries is \d+; allowed: (\d+) or more", text):
            return accepted(wafer, options, **{**sizes, "route_entries": int(need[1])})
        if options.routing == "xy" and wafer.core_ok.any():
            assert text.startswith("routing is 'xy'"), text
            assert xy_is_blocked(wafer, options), text
        else:
            assert text.startswith("wafer has no working"), text
            assert not wafer.core_ok.any()
        return None
    found = complaints(image, wafer)
    assert not found, found[:5]
    return image


def xy_is_blocked(wafer: WaferMap, options: CompileOptions) -> bool:
    """Whether some host cannot reach some host by going along its row, then the column."""
    hosts = compile_wafer(wafer, replace(options, routing="updown")).remap_tile
    hosts = np.sort(hosts[hosts >= 0]).astype(np.int64)
    there = behind(wafer.width, wafer.height)
    alive = wafer.state != 2
    works = (there >= 0) & alive[:, None] & alive[there] & ~wafer.dead_link
    place, goal = (side.ravel() for side in np.meshgrid(hosts, hosts))
    while len(place):
        dx, dy = (
            goal % wafer.width - place % wafer.width,
            goal // wafer.width - place // wafer.width,
        )
        step = np.stack([np.sign(dx), np.where(dx == 0, np.sign(dy), 0)])
        port = np.select([(step == np.array(way)[:, None]).all(axis=0) for way in STEPS], range(4))
        under_way = place != goal
        place, goal, port = place[under_way], goal[under_way], port[under_way]
        if not works[place, port].all():
            return True
        place = there[place, port]
    return False

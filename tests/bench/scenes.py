"""Small fabrics that several bench tests share, so that each is built once."""

from __future__ import annotations

import numpy as np

from model.image import ConfigImage
from model.runlog import RunLog
from model.schedule import StallPattern
from model.spec import FabricSpec
from tests.images import random_image, random_schedule, random_stalls, xy_image
from verif.bench.case import Case
from verif.bench.launch import make_case

SMALL = FabricSpec(width=3, height=2, depth=2, payload_width=16, route_entries=8, watchdog=24)
"""One VC; Verilator compiles it once, with tracing."""

TWO_VCS = FabricSpec(width=3, height=3, vcs=2, depth=3, payload_width=16, route_entries=10)

OFTEN = StallPattern(threshold=int(0.6 * 2**32), burst_log2=1, seed=5)


def busy(spec: FabricSpec, count: int = 80, seed: int = 1, **more: object) -> tuple[Case, RunLog]:
    """A healthy fabric under load, with stalling receivers."""
    rng = np.random.default_rng(seed)
    image = xy_image(spec)
    schedule = random_schedule(rng, image, count, span=count, stray=0.0)
    return make_case(image, schedule, OFTEN, seed=seed, **more)


def random_case(spec: FabricSpec, seed: int, **more: object) -> tuple[Case, RunLog]:
    """Random defects, tables, traffic and stalls."""
    rng = np.random.default_rng(seed)
    image = random_image(rng, spec, tile_rate=0.2, link_rate=0.1, core_rate=0.1)
    schedule = random_schedule(rng, image, 100, span=100)
    return make_case(image, schedule, random_stalls(rng), seed=seed, **more)


def with_dead_parts(spec: FabricSpec, seed: int = 0) -> ConfigImage:
    """A random image that has a dead tile, a dead core and a dead link, and hosts something."""
    while True:
        rng = np.random.default_rng([7, seed])
        image = random_image(rng, spec, tile_rate=0.2, link_rate=0.15, core_rate=0.2)
        lone = image.live & ~image.core_ok
        links = image.live[:, None] & ~image.out_ok
        if (~image.live).any() and lone.any() and links.sum() > 4 and image.core_ok.sum() > 2:
            return image
        seed += 1

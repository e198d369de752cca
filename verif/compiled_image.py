"""Compiled images of random wafers, by any strategy: what users' fabrics are configured with."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from model.compile import DEFAULTS, CompileOptions, compile_wafer
from model.defects import bernoulli
from model.image import ConfigImage
from model.proof import prove
from model.repair import REPAIRS
from model.routing import ROUTINGS
from model.spec import VC_RULES, FabricSpec

SPARES: Final = ("0", "7%", "1")
PLACES: Final = ("columns", "rows", "spread")
DEFAULT_SHARE: Final = 0.7
"""Images routed by the default strategy; the others take any."""
BEST_SHARE: Final = 0.02
BEST_SHARE_OF_VCS: Final = 0.4
SMALL: Final = 81
"""Images compiled with effort ``best``, and of those with several VCs up to so many tiles, where it
mostly gives VCs turns of their own; beyond, it takes many seconds."""
RULED_SHARE: Final = 0.5
"""Images of several VCs that get VC rules."""


def compiled_image(
    rng: np.random.Generator, spec: FabricSpec, rates: dict[str, float]
) -> ConfigImage:
    """Draw a wafer and options, and compile.

    Parameters
    ----------
    rng : numpy.random.Generator
    spec : FabricSpec
    rates : dict
        Of :func:`~model.defects.bernoulli`.

    Raises
    ------
    InputError
        When the wafer has no core, its tables do not fit, or the strategy does not apply.

    Notes
    -----
    Every image is proven; some of several VCs get VC rules, which are proven too.
    """
    wafer = bernoulli(spec.width, spec.height, seed=int(rng.integers(2**32)), **rates)
    layered = spec.vcs > 1 and spec.tiles <= SMALL
    best_share = BEST_SHARE_OF_VCS if layered else BEST_SHARE
    usual = rng.random() < DEFAULT_SHARE
    options = CompileOptions(
        spares=str(rng.choice(SPARES)),
        spare_place=str(rng.choice(PLACES)),
        routing=DEFAULTS.routing if usual else str(rng.choice(sorted(ROUTINGS))),
        repair=str(rng.choice(sorted(REPAIRS))),
        effort="best" if rng.random() < best_share else "fast",
    )
    sizes = ("vcs", "depth", "payload_width", "route_entries", "watchdog")
    image = compile_wafer(wafer, options, **{name: getattr(spec, name) for name in sizes})
    if spec.vcs > 1 and rng.random() < RULED_SHARE:
        add_vc_rules(rng, image)
        prove(image)
    return image


def add_vc_rules(rng: np.random.Generator, image: ConfigImage) -> None:
    """Let half of the live tiles send to some places in another VC with the same turns (RMP-2)."""
    spec = image.spec
    turns = image.turns.reshape(-1, spec.vcs).T
    alike = (turns[:, None] == turns).all(axis=2)
    default = np.full((spec.height, spec.width), -1)
    hosted = np.flatnonzero(image.remap_tile >= 0)
    default.flat[image.remap_tile[hosted]] = image.remap_vc[hosted]
    for tile in np.flatnonzero(image.live & (rng.random(spec.tiles) < 0.5)).tolist():
        for slot in range(int(rng.integers(1, VC_RULES + 1))):
            x, y = (np.sort(rng.integers(0, side, 2)) for side in (spec.width, spec.height))
            if rng.random() < 0.7:
                x[1], y[1] = x[0], y[0]  # one place: layers of several have no VC in common
            sent = default[y[0] : y[1] + 1, x[0] : x[1] + 1]
            able = np.flatnonzero(alike[:, sent[sent >= 0]].all(axis=1))
            if len(able):
                image.rules[tile, slot] = (1, *x, *y, rng.choice(able))


def routing_evidence(image: ConfigImage) -> dict[str, Any]:
    """How a compiled image uses its VCs: strategy, sets of turns of their own, VC rules."""
    turns = image.turns[:, :4, :4].reshape(-1, image.spec.vcs)
    return {
        "routing": image.report["routing"],
        "layers": len(np.unique(turns, axis=1).T),
        "vc_rules": int((image.rules["valid"] != 0).sum()),
    }

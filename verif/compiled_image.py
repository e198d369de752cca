"""Compiled images of random wafers, by any strategy: what users' fabrics are configured with."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from model.compile import DEFAULTS, CompileOptions, compile_wafer
from model.defects import bernoulli
from model.image import ConfigImage
from model.repair import REPAIRS
from model.routing import ROUTINGS
from model.spec import FabricSpec

SPARES: Final = ("0", "7%", "1")
PLACES: Final = ("columns", "rows", "spread")
DEFAULT_SHARE: Final = 0.7
"""Images routed by the default strategy; the others take any."""
BEST_SHARE: Final = 0.1
"""Images compiled with effort ``best``."""


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
    """
    wafer = bernoulli(spec.width, spec.height, seed=int(rng.integers(2**32)), **rates)
    usual = rng.random() < DEFAULT_SHARE
    options = CompileOptions(
        spares=str(rng.choice(SPARES)),
        spare_place=str(rng.choice(PLACES)),
        routing=DEFAULTS.routing if usual else str(rng.choice(sorted(ROUTINGS))),
        repair=str(rng.choice(sorted(REPAIRS))),
        effort="best" if rng.random() < BEST_SHARE else "fast",
    )
    sizes = ("vcs", "depth", "payload_width", "route_entries", "watchdog")
    return compile_wafer(wafer, options, **{name: getattr(spec, name) for name in sizes})


def routing_evidence(image: ConfigImage) -> dict[str, Any]:
    """How a compiled image uses its VCs: strategy, sets of turns of their own, VC rules."""
    turns = image.turns[:, :4, :4].reshape(-1, image.spec.vcs)
    return {
        "routing": image.report["routing"],
        "layers": len(np.unique(turns, axis=1).T),
        "vc_rules": int((image.rules["valid"] != 0).sum()),
    }

"""Random fabrics with traffic, each drawn from one integer."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

import numpy as np

from model.errors import InputError
from model.image import ConfigImage
from model.random import threshold
from model.schedule import PacketSchedule, StallPattern
from model.spec import FabricSpec
from model.traffic import PATTERNS, make_schedule, parse_lengths
from verif.compiled_image import compiled_image, routing_evidence
from verif.parameter_sets import PARAMETER_SETS, ParameterSet
from verif.random_image import random_image

STREAM: Final = 0x7761666572
"""Keeps the cases' random numbers apart from other uses of the same seed."""

LOADS: Final = (0.01, 0.05, 0.1, 0.2, 0.5, 1.0, 4.0)
LENGTHS: Final = ("1", "1", "2", "1-4", "5", "1-16", "16")
RATES: Final = (0.0, 0.0, 0.02, 0.12, 0.3)
STALLS: Final = (0.0, 0.0, 0.1, 0.5, 0.9)
DRAWS: Final = 100
"""What cannot be drawn in so many turns never can."""

Drawn = TypeVar("Drawn")

STRAYS: Final = 0.03
"""Share of packets to any id that the header holds, hosted, lost or beyond the fabric."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Case:
    """One fabric, its traffic and its stalls.

    Members
    -------
    seed : int
        The number it was drawn from.
    image : ConfigImage
    schedule : PacketSchedule
    stalls : StallPattern
    netlist : FabricSpec
        What the tile is generated from.
    via_bus : bool
        Configure over the broadcast bus instead of the back door (SIM-4).
    threads : int
    summary : dict
        What was drawn, JSON-serialisable.
    """

    seed: int
    image: ConfigImage
    schedule: PacketSchedule
    stalls: StallPattern
    netlist: FabricSpec
    via_bus: bool
    threads: int
    summary: dict[str, Any]


def draw_case(seed: int, packets: int = 700) -> Case:
    """Draw a case; its parameter set is number ``seed`` modulo the number of sets.

    Parameters
    ----------
    seed : int
        0 to 2**32 - 1.
    packets : int
        Packets to offer.
    """
    rng = np.random.default_rng([STREAM, seed])
    parameters = PARAMETER_SETS[seed % len(PARAMETER_SETS)]
    return first_possible(lambda: _draw(rng, seed, parameters, packets))


def first_possible(draw: Callable[[], Drawn]) -> Drawn:
    """Call ``draw`` until it does not refuse: nothing hosted, no source, tables that do not fit.

    Raises
    ------
    InputError
        The last refusal, after :data:`DRAWS` of them.
    """
    for _ in range(DRAWS - 1):
        with contextlib.suppress(InputError):
            return draw()
    return draw()


def _draw(rng: np.random.Generator, seed: int, parameters: ParameterSet, packets: int) -> Case:
    width, height = _size(rng)
    rates = {name: float(rng.choice(RATES)) for name in ("tile_rate", "core_rate", "link_rate")}
    compiled = bool(rng.random() < 0.6)
    if compiled:
        image = compiled_image(rng, parameters.spec(width, height), rates)
    else:
        image = random_image(rng, parameters.spec(width, height), **rates)
    traffic = _traffic(rng, image)
    schedule = _schedule(rng, image, packets, traffic)
    stall_share = float(rng.choice(STALLS))
    stalls = StallPattern(
        threshold=threshold("stall_share", stall_share),
        burst_log2=int(rng.integers(5)),
        seed=int(rng.integers(2**32)),
    )
    summary = {
        "size": f"{width}x{height}",
        "parameters": PARAMETER_SETS.index(parameters),
        "vcs": image.spec.vcs,
        "depth": image.spec.depth,
        "compiled": compiled,
        **(routing_evidence(image) if compiled else {}),
        **rates,
        **traffic,
        "stall_share": stall_share,
    }
    return Case(
        seed=seed,
        image=image,
        schedule=schedule,
        stalls=stalls,
        netlist=parameters.netlist(),
        via_bus=bool(image.spec.tiles <= 20 and rng.random() < 0.5),
        threads=int(rng.integers(1, 3)),
        summary=summary,
    )


def _size(rng: np.random.Generator) -> tuple[int, int]:
    width, height = (int(side) for side in rng.integers(2, 17, 2))
    match rng.integers(8):
        case 0:
            return 1, height
        case 1:
            return width, 1
        case _:
            return width, height


def _traffic(rng: np.random.Generator, image: ConfigImage) -> dict[str, Any]:
    length = str(rng.choice(LENGTHS))
    most = parse_lengths(length, image.spec.max_packet).mean
    return {
        "pattern": str(rng.choice(list(PATTERNS))),
        "load": min(float(rng.choice(LOADS)), most),
        "length": length,
    }


def _schedule(
    rng: np.random.Generator, image: ConfigImage, packets: int, traffic: dict[str, Any]
) -> PacketSchedule:
    """Packets by the pattern, some of them astray, some with bubbles."""
    ids = np.arange(image.logical)
    owned = (image.remap_tile >= 0) & (image.identity[image.remap_tile] == ids)
    senders = replace(image, remap_tile=np.where(owned, image.remap_tile, -1).astype(np.int32))
    schedule = make_schedule(senders, packets=packets, seed=int(rng.integers(2**32)), **traffic)
    count = len(schedule)
    stray = rng.random(count) < STRAYS
    anywhere = rng.integers(0, 2**image.spec.id_width, count)
    gaps = np.where(rng.random(count) < 0.2, rng.integers(1, 9, count), 0)
    return replace(
        schedule,
        destination=np.where(stray, anywhere, schedule.destination).astype(np.int32),
        gap=gaps.astype(np.int32),
    )

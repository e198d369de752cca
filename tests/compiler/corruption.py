"""What a corruption of an image is, the list of all, and a packet that every one can hit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from model.image import ConfigImage
from model.spec import Port
from tests.image_checker import behind

Guard = Literal["loader", "proof", "checker"]
"""First of the three that must refuse: from the file alone, by its walk, with the wafer at hand."""

SIDE = 8
CORNER = SIDE * SIDE - 1
"""A healthy tile that is cut off: one link enters, none leaves."""


@dataclass(frozen=True)
class Corruption:
    """One way to spoil an image; ``least_vcs`` is what it needs."""

    spoil: Callable[[ConfigImage], None]
    kind: str
    guard: Guard
    least_vcs: int

    @property
    def name(self) -> str:
        return self.spoil.__name__


CORRUPTIONS: list[Corruption] = []


def corruption(
    kind: str, guard: Guard, least_vcs: int = 1
) -> Callable[[Callable[[ConfigImage], None]], Callable[[ConfigImage], None]]:
    """Enter a function into the list of corruptions."""

    def enter(spoil: Callable[[ConfigImage], None]) -> Callable[[ConfigImage], None]:
        CORRUPTIONS.append(Corruption(spoil, kind, guard, least_vcs))
        return spoil

    return enter


@dataclass(frozen=True)
class Step:
    """A first flit at the front of an input buffer, and the entry that sends it on."""

    tile: int
    came: int
    vc: int
    goal: int
    entry: int
    to: int


def journey(image: ConfigImage) -> list[Step]:
    """Steps of the packet from the first to the last hosted logical id, but the arrival."""
    first, last = np.flatnonzero(image.remap_tile >= 0)[[0, -1]]
    tile, goal = int(image.remap_tile[first]), int(image.remap_tile[last])
    x, y = goal % SIDE, goal // SIDE
    rules = [r for r in image.rules[tile] if r["valid"] and holds(r, x, y)]
    vc, came = int(rules[0]["vc"] if rules else image.remap_vc[last]), int(Port.LOCAL)
    steps = []
    while tile != goal:
        row = image.routes[tile]
        served = (row["from_ports"] >> came & 1) & (row["vcs"] >> vc & 1) & row["valid"]
        entry = next(k for k in np.flatnonzero(served).tolist() if holds(row[k], x, y))
        steps.append(Step(tile, came, vc, goal, entry, int(row["to"][entry])))
        tile, came = int(behind(SIDE, SIDE)[tile, steps[-1].to]), steps[-1].to ^ 2
    return steps


def holds(rectangle: np.void, x: int, y: int) -> bool:
    """Whether a place is inside an entry's or a rule's rectangle."""
    in_x = rectangle["x_lo"] <= x <= rectangle["x_hi"]
    return bool(in_x and rectangle["y_lo"] <= y <= rectangle["y_hi"])


def middle(image: ConfigImage) -> Step:
    """A step half-way."""
    steps = journey(image)
    return steps[len(steps) // 2]

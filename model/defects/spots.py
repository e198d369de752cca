"""Defects with an extent: round clusters and straight scratches (DEF-4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from model.defects.canvas import Canvas
from model.defects.density import ALPHA_MAX, ALPHA_MIN
from model.defects.laws import COUNT, SIZE, Law, anywhere, directions, how_many
from model.defects.touch import PARTS, Shapes, strike
from model.described import Choice, Described, Rows, field, number

_COUNT, _PLACE, _SIZE, _TURN, _KILL = 0, 3, 4, 5, 6


def _count() -> Any:
    return number(0, COUNT, "mean number on a wafer")


def _alpha() -> Any:
    return number(ALPHA_MIN, ALPHA_MAX, "shape of that mean's gamma distribution; none", None)


def _kill() -> Any:
    return number(0, 1, "probability that a touched part dies", 1)


def hits_field() -> Any:
    """Which parts can die."""
    return field(Rows(Choice(PARTS), "a list of router, core, link"), "what can die", PARTS)


@dataclass(frozen=True, kw_only=True)
class Clusters(Described):
    """Discs at random places: each part of a tile that one touches dies with a probability."""

    kind: ClassVar[str] = "clusters"
    about: ClassVar[str] = "round clusters at random places, with a law for their radius"

    count: float = _count()
    alpha: float | None = _alpha()
    radius: Law = field(SIZE, "of a cluster: mm, or a law")
    kill: float = _kill()
    hits: tuple[str, ...] = hits_field()

    def draw(self, canvas: Canvas) -> None:
        """Add this part's defects."""
        count = how_many(canvas, _COUNT, self.count, self.alpha)
        x, y = anywhere(canvas, _PLACE, count)
        radius = self.radius.sizes(canvas.numbers(_SIZE, count))
        strike(canvas, Shapes.discs(x, y, radius), self.kill, self.hits, _KILL)


@dataclass(frozen=True, kw_only=True)
class Scratches(Described):
    """Straight scratches through random places in random directions."""

    kind: ClassVar[str] = "scratches"
    about: ClassVar[str] = "straight scratches at random, with a law for their length"

    count: float = _count()
    alpha: float | None = _alpha()
    length: Law = field(SIZE, "of a scratch: mm, or a law")
    width: float = number(0, 100, "of a scratch, mm", 0.01)
    kill: float = _kill()
    hits: tuple[str, ...] = hits_field()

    def draw(self, canvas: Canvas) -> None:
        """Add this part's defects."""
        count = how_many(canvas, _COUNT, self.count, self.alpha)
        x, y = anywhere(canvas, _PLACE, count)
        half = self.length.sizes(canvas.numbers(_SIZE, count)) * 0.5
        across, down = directions(canvas, _TURN, count)
        dx, dy, reach = across * half, down * half, half * 0.0 + self.width * 0.5
        shapes = Shapes(x - dx, y - dy, x + dx, y + dy, reach)
        strike(canvas, shapes, self.kill, self.hits, _KILL)

"""Sizes and numbers of defects that have an extent: laws, and where and how many (DEF-4)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import Any, ClassVar

import numpy as np

from model.defects.canvas import F64, Canvas
from model.defects.density import DECIMAL, logarithm, mean_one, power, unit
from model.described import Choice, Described, Inner, Number, field, number
from model.errors import InputError
from model.random import U64
from model.schema import shown

_NEEDS = {
    "fixed": ("value",),
    "uniform": ("min", "max"),
    "exponential": ("mean",),
    "power": ("min", "max", "exponent"),
}
_SIZE = (1e-6, 1000)
MOST = 20_000
"""Most discs or scratches of one part on one wafer."""


@dataclass(frozen=True, kw_only=True)
class Law(Described):
    """How a size in mm is distributed.

    ``fixed``: always ``value``. ``uniform``: from ``min`` to ``max``. ``exponential``: with mean
    ``mean``. ``power``: density ∝ size^−exponent from ``min`` to ``max``.
    """

    kind: ClassVar[str] = "law"
    about: ClassVar[str] = "how a size in mm is distributed"

    law: str = field(Choice(tuple(_NEEDS)), "fixed, uniform, exponential or power")
    value: float | None = number(*_SIZE, "mm", None)
    min: float | None = number(*_SIZE, "mm", None)
    max: float | None = number(*_SIZE, "mm", None)
    mean: float | None = number(*_SIZE, "mm", None)
    exponent: float | None = number(0, 20, "of a power law, 0 to 20", None)

    def __post_init__(self) -> None:
        super().__post_init__()
        needs = _NEEDS[self.law]
        for name in ("value", "min", "max", "mean", "exponent"):
            if (getattr(self, name) is None) == (name in needs):
                what = "missing" if name in needs else "given"
                raise InputError(
                    f"law.{name} is {what}; allowed with {self.law}: {', '.join(needs)}"
                )
        if self.min is not None and self.max is not None and self.min > self.max:
            raise InputError(f"law.min is {self.min:g}; allowed: at most law.max, {self.max:g}")

    def sizes(self, numbers: U64) -> F64:
        """float64[…]: one size in mm for each random number."""
        with localcontext(DECIMAL):
            return np.array([float(self._size(u)) for u in numbers], np.float64)

    def _size(self, number: np.uint64) -> Decimal:
        low, high = Decimal(self.min or 0), Decimal(self.max or 0)
        if self.law == "fixed":
            return Decimal(self.value or 0)
        if self.law == "uniform":
            return low + unit(number) * (high - low)
        if self.law == "exponential":
            return -logarithm(number) * Decimal(self.mean or 0)
        left = 1 - Decimal(self.exponent or 0)
        if not left:
            return low * power(high / low, unit(number))
        ends = power(low, left), power(high, left)
        return power(ends[0] + unit(number) * (ends[1] - ends[0]), 1 / left)


class Size(Inner):
    """A :class:`Law`: a table, a number for a fixed size, or text as ``power(1, 50, 2)``."""

    def read(self, where: str, value: Any) -> Law:
        """Text gives a law's numbers in the order of its table: min, max, exponent."""
        match = re.fullmatch(r"(\w+)\(([^()]*)\)", value) if isinstance(value, str) else None
        if match and match[1] in _NEEDS:
            names, words = _NEEDS[match[1]], match[2].split(",")
            if len(names) == len(words):
                value = {"law": match[1], **dict(zip(names, map(_number, words), strict=True))}
        if isinstance(value, int | float) and not isinstance(value, bool):
            return Law(law="fixed", value=Number(*_SIZE).read(where, value))
        if not isinstance(value, dict | Law):
            forms = ", ".join(f"{law}({', '.join(names)})" for law, names in _NEEDS.items())
            raise InputError(f"{where} is {shown(value)}; allowed: mm, or {forms}")
        law = super().read(where, value)
        assert isinstance(law, Law)
        return law

    def schema(self) -> dict[str, Any]:
        """A number, text or a table."""
        return {"anyOf": [Number(*_SIZE).schema(), {"type": "string"}, super().schema()]}


def _number(word: str) -> float | str:
    try:
        return float(word)
    except ValueError:
        return word


SIZE = Size(Law)
"""Of fields that hold a :class:`Law`."""

COUNT = 1000
"""Largest mean number of discs or scratches."""


def how_many(canvas: Canvas, stream: int, mean: float, alpha: float | None) -> int:
    """A Poisson number; with ``alpha`` its mean is gamma-distributed: negative binomial.

    Uses streams ``stream`` to ``stream + 2``. As many exponential gaps as fit into the mean, so a
    higher mean keeps the events of a lower one.
    """
    with localcontext(DECIMAL):
        left = Decimal(mean) * Decimal(mean_one(canvas.numbers, stream, 1, alpha)[0])
        for block in range(0, MOST, 256):
            for i, u in enumerate(canvas.numbers(stream + 2, 256, block)):
                left += logarithm(u)
                if left < 0:
                    return block + i
    return MOST


def anywhere(canvas: Canvas, stream: int, count: int) -> tuple[F64, F64]:
    """Uniform places on the array, in mm east and south of its centre."""
    half = canvas.places.half_size
    x, y = canvas.uniform(stream, 2 * count).reshape(count, 2).T
    return (2.0 * x - 1.0) * half[0], (2.0 * y - 1.0) * half[1]


def directions(canvas: Canvas, stream: int, count: int) -> tuple[F64, F64]:
    """Uniform unit vectors: points in the square until one lies in the circle (of 32)."""
    u = 2.0 * canvas.uniform(stream, count * 64).reshape(count, 32, 2) - 1.0
    square = u[:, :, 0] * u[:, :, 0] + u[:, :, 1] * u[:, :, 1]
    first = ((square <= 1.0) & (square > 1e-6)).argmax(axis=1)
    chosen = u[np.arange(count), first]
    length = np.sqrt(square[np.arange(count), first])
    return chosen[:, 0] / length, chosen[:, 1] / length

"""Densities that vary: gamma-distributed factors of any shape, and the chance of a defect (DEF-3).

Logarithms and powers are taken in decimal arithmetic, whose ``ln`` and ``exp`` are rounded
correctly by definition; the C library's are not, and differ between machines.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Context, Decimal, localcontext
from typing import Final

import numpy as np
import numpy.typing as npt

from model.random import U64

F64 = npt.NDArray[np.float64]
Numbers = Callable[[int, int, int], U64]
"""(stream, count, start) -> random numbers."""

ALPHA_MIN, ALPHA_MAX = 0.05, 100.0
TRIES: Final = 64
"""Most attempts at a fractional shape; each fails with probability below 0.22."""
_BLOCK: Final = 1 << 14
EXACT: Final = Context(prec=25)
"""Of ``ln`` and ``exp``, which are rounded correctly."""
DECIMAL: Final = Context(prec=28)
"""Arithmetic of all that is drawn in decimals."""


def unit(number: np.uint64) -> Decimal:
    """A random number as a decimal, above 0 and at most 1."""
    return Decimal(int(number) + 1) / Decimal(2**64)


def logarithm(number: np.uint64) -> Decimal:
    """The logarithm of :func:`unit`."""
    return EXACT.ln(unit(number))


def power(base: Decimal, exponent: Decimal) -> Decimal:
    """base ** exponent for a positive base, by ``ln`` and ``exp``."""
    return EXACT.exp(exponent * EXACT.ln(base))


def gammas(numbers: Numbers, stream: int, count: int, alpha: float) -> list[Decimal]:
    """Gamma variates of shape ``alpha`` and scale 1.

    Parameters
    ----------
    numbers : callable
        The part's random numbers; streams ``stream`` and ``stream + 1`` are used up.
    count : int
    alpha : float
        0.05 to 100, taken as the exact value of the double.

    Notes
    -----
    The whole part of the shape is a sum of exponential variates, −ln u. For a fraction f, Jöhnk
    (1964): from u, v take X = u^(1/f) and Y = v^(1/(1−f)) until X + Y ≤ 1; then X / (X + Y) is
    Beta(f, 1−f), and times an exponential variate it is Gamma(f).
    """
    whole = int(alpha)
    with localcontext(DECIMAL):
        made = [
            -sum((logarithm(u) for u in row), start=Decimal(0))
            for row in numbers(stream, count * whole, 0).reshape(count, whole)
        ]
        if fraction := Decimal(alpha) - whole:
            for i in range(count):
                made[i] += _fractional(numbers(stream + 1, 2 * TRIES + 1, i * 256), fraction)
        return made


def _fractional(numbers: U64, shape: Decimal) -> Decimal:
    x = y = Decimal(1)
    for u, v in numbers[1:].reshape(-1, 2):
        x, y = power(unit(u), 1 / shape), power(unit(v), 1 / (1 - shape))
        if x + y <= 1:
            break
    return -logarithm(numbers[0]) * x / (x + y)


def scaled_gammas(
    numbers: Numbers, stream: int, count: int, alpha: float, mean: int = 1
) -> list[Decimal]:
    """Gamma variates of shape ``alpha`` and the given mean."""
    made = gammas(numbers, stream, count, alpha)
    with localcontext(DECIMAL):
        return [one * mean / Decimal(alpha) for one in made]


def mean_one(
    numbers: Numbers, stream: int, count: int, alpha: float | None, law: str = "gamma"
) -> F64:
    """float64[count]: random factors of mean 1.

    Parameters
    ----------
    numbers, stream, count
        As :func:`gammas`'.
    alpha : float or None
        Shape of the gamma distribution; None: all 1.
    law : str
        ``gamma``, or ``triangle``: triangular on 0 to 2, Murphy's.
    """
    if law == "triangle":
        both = (numbers(stream, 2 * count, 0) >> np.uint64(11)).astype(np.float64) * 2.0**-53
        return both[0::2] + both[1::2]
    if alpha is None:
        return np.ones(count)
    return np.array([float(g) for g in scaled_gammas(numbers, stream, count, alpha)])


def at_least_one(mean: F64) -> U64:
    """Probability 1 − exp(−mean) of one event or more, times 2**53.

    Notes
    -----
    q = 1 − exp(−mean / 1024) by Taylor's series in Horner's form, then ten times q ← q · (2 − q),
    which doubles the mean. Only sums and products, and nothing cancels: within 1e-13 of the true
    value, relatively, and the same on every machine.
    """
    mean = np.asarray(mean, np.float64)
    made = np.empty(mean.size, np.uint64)
    for begin in range(0, mean.size, _BLOCK):  # blocks that stay in the cache
        small = np.minimum(mean.ravel()[begin : begin + _BLOCK], 64.0) / 1024.0
        q = np.ones_like(small)
        for k in range(8, 1, -1):
            q = 1.0 - small / k * q
        q = small * q
        for _ in range(10):
            q = q * (2.0 - q)
        made[begin : begin + _BLOCK] = np.minimum(q * 2.0**53, 2.0**53).astype(np.uint64)
    return made.reshape(mean.shape)

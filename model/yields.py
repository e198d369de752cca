"""Analytic yield: what share of chips, or of redundant arrays, works (YLD-1, YLD-2).

``m`` is the mean number of killing defects, area · D0. Sources are in docs/defects.md. Functions
take numbers or arrays of ``m`` and return the same shape.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import special

from model.errors import InputError, require_int

F64 = npt.NDArray[np.float64]

UNITS_MAX: Final = 10**8
_NODES: Final = 64
_BREAKS: Final = 16


def _mean(name: str, value: Any) -> F64:
    array = np.asarray(value, np.float64)
    if not (np.isfinite(array) & (array >= 0)).all():
        raise InputError(f"{name} is {value}; allowed: numbers from 0 on")
    return array


def _above_zero(name: str, value: float) -> float:
    if not (np.isfinite(value) and value > 0):
        raise InputError(f"{name} is {value}; allowed: a number above 0")
    return value


# One chip, no redundancy --------------------------------------------------------------------------


def poisson(m: Any) -> F64:
    """exp(−m): defects fall independently."""
    return np.exp(-_mean("m", m))


def murphy(m: Any) -> F64:
    """((1 − exp(−m)) / m)²: the density is triangular from 0 to twice its mean."""
    m = _mean("m", m)
    return np.where(m > 0, (-np.expm1(-m) / np.where(m > 0, m, 1.0)) ** 2, 1.0)


def seeds(m: Any) -> F64:
    """1 / (1 + m): the density is exponentially distributed."""
    return 1.0 / (1.0 + _mean("m", m))


def negative_binomial(m: Any, alpha: float) -> F64:
    """(1 + m/α)^−α: the density is gamma-distributed with shape α."""
    return np.exp(-_above_zero("alpha", alpha) * np.log1p(_mean("m", m) / alpha))


def bose_einstein(m: Any, layers: int) -> F64:
    """(1 + m)^−n: n critical layers with ``m`` defects each, exponentially distributed."""
    return (1.0 + _mean("m", m)) ** -float(require_int("layers", layers, 1, 1000))


# Redundancy ---------------------------------------------------------------------------------------


def log_k_of_n(units: int, spares: int, p: float) -> float:
    """Logarithm of the probability that at most ``spares`` of ``units`` fail.

    Parameters
    ----------
    units : int
        n, 1 to 100,000,000.
    spares : int
        s, 0 to n.
    p : float
        Probability that a unit fails, 0 to 1.

    Returns
    -------
    float
        ln Σ_{j ≤ s} C(n, j) p^j (1 − p)^(n − j), by logarithms of its terms, each from the one
        before it, so that it neither underflows nor overflows.
    """
    _check_units(units, spares)
    if not 0 <= p <= 1:
        raise InputError(f"p is {p}; allowed: a number from 0 to 1")
    if spares == units or p == 0:
        return 0.0
    if p == 1:
        return -np.inf
    failed = np.arange(1, spares + 1)
    steps = np.log((units - failed + 1) / failed) + (np.log(p) - np.log1p(-p))
    terms = units * np.log1p(-p) + np.concatenate([[0.0], np.cumsum(steps)])
    return min(0.0, float(special.logsumexp(terms)))


def k_of_n(units: int, spares: int, p: float) -> float:
    """Probability that at most ``spares`` of ``units`` fail; see :func:`log_k_of_n`."""
    return float(np.exp(log_k_of_n(units, spares, p)))


def clustered_k_of_n(units: int, spares: int, m: float, alpha: float) -> float:
    """:func:`k_of_n` with one gamma-distributed density for all units.

    Parameters
    ----------
    units, spares : int
        As :func:`log_k_of_n`'s.
    m : float
        Mean number of killing defects on one unit.
    alpha : float
        Shape α of the density's distribution.

    Returns
    -------
    float
        ∫ P(at most ``spares`` of ``units`` fail | p = 1 − exp(−m·g)) · Gamma(g; α, 1/α) dg, by
        Gauss–Legendre rules over the gamma distribution's quantiles. The integrand falls from 1 to
        0 where n·p passes s; the pieces are cut around there, in steps of the binomial's deviation.
    """
    _check_units(units, spares)
    _mean("m", m)
    _above_zero("alpha", alpha)
    if spares == units or m == 0:
        return 1.0
    share = (spares + 0.5) / units
    deviation = np.sqrt(max(share * (1 - share), 1 / units) / units)
    steps = np.concatenate([np.arange(-_BREAKS, _BREAKS + 1) * 0.5, [-64, -32, -16, 16, 32, 64]])
    near = np.clip(share + steps * deviation, 1e-300, 1 - 1e-12)
    cuts = special.gammainc(alpha, -np.log1p(-near) / m * alpha)
    spread = np.concatenate([[0.0, 1e-12, 1e-9, 1e-6, 1e-3], np.linspace(0.01, 0.99, 25)])
    edges = np.unique(np.concatenate([cuts, spread, 1 - spread]))
    x, weight = np.polynomial.legendre.leggauss(_NODES)
    half = np.diff(edges)[:, None] / 2
    quantile = edges[:-1, None] + half * (x + 1)
    density = special.gammaincinv(alpha, quantile) / alpha
    p = -np.expm1(-m * density)
    works = special.betainc(units - spares, spares + 1, 1.0 - p)
    return float(np.clip((half * weight * works).sum(), 0.0, 1.0))


def beta_k_of_n(units: int, spares: int, p: float, alpha: float) -> float:
    """:func:`k_of_n` when the unit's failure probability is Beta(α, α(1 − p)/p) of mean ``p``.

    Returns
    -------
    float
        Σ_{j ≤ s} C(n, j) B(j + a, n − j + b) / B(a, b), the beta-binomial tail, by logarithms. For
        small p it tends to :func:`clustered_k_of_n` with m = p and the same α.
    """
    _check_units(units, spares)
    if not 0 < p < 1:
        raise InputError(f"p is {p}; allowed: a number between 0 and 1")
    a = _above_zero("alpha", alpha)
    b = a * (1 - p) / p
    if spares == units:
        return 1.0
    failed = np.arange(spares + 1)
    terms = _log_choose(units, failed) + special.betaln(failed + a, units - failed + b)
    return float(np.exp(min(0.0, special.logsumexp(terms) - special.betaln(a, b))))


def _check_units(units: int, spares: int) -> None:
    require_int("units", units, 1, UNITS_MAX)
    require_int("spares", spares, 0, units)


def _log_choose(n: int, k: npt.NDArray[np.int64]) -> F64:
    return special.gammaln(n + 1) - special.gammaln(k + 1) - special.gammaln(n - k + 1)

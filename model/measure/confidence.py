"""How sure a mean of correlated observations is: batch means (MEA-5).

Latencies of neighbouring packets are alike, so the textbook's s / sqrt(n) promises far too much.
Means over long batches are nearly independent; a test says whether they are.

References
----------
Law and Kelton, *Simulation Modeling and Analysis*, 3rd ed., 2000, §9.5.3; Schmeiser, Operations
Research 30(3), 1982 (10 to 30 batches are enough); Fishman and Yarberry, INFORMS Journal on
Computing 9(3), 1997 (batches grow until a test finds no correlation).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri, stdtrit

BATCHES: Final = (32, 16, 8)
"""How many batches are tried, the next only where the means of these are correlated."""

TEST: Final = 0.1
"""Probability with which independent means are taken for correlated."""


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean and how far from it the true one may lie.

    Members
    -------
    mean : float
    half_width : float or None
        Of the confidence interval; None where there are fewer than 8 batches with observations.
    batches : int
        Whose means were used.
    correlated : bool
        Even the means of the fewest batches are correlated: the interval is too narrow.
    """

    mean: float
    half_width: float | None
    batches: int
    correlated: bool


def interval(
    sums: npt.NDArray[Any], counts: npt.NDArray[Any], confidence: float = 0.95
) -> Interval | None:
    """Confidence interval of the mean of observations that come in groups, one after another.

    Parameters
    ----------
    sums : array[groups]
        Sum of the observations of each group.
    counts : array[groups]
        How many there are. May differ: the mean is a ratio estimate.
    confidence : float
        Above 0, below 1.

    Returns
    -------
    Interval or None
        None without observations.
    """
    total = float(counts.sum())
    if total == 0:
        return None
    mean = float(sums.sum()) / total
    for batches in BATCHES:
        sum_of, count_of = in_batches(sums, batches), in_batches(counts, batches)
        if len(count_of) < batches or not count_of.all():
            continue
        correlated = _correlation(sum_of / count_of) > -ndtri(TEST)
        if correlated and batches > BATCHES[-1]:
            continue
        error = _standard_error(sum_of, count_of)
        half_width = float(stdtrit(batches - 1, (1 + confidence) / 2) * error)
        return Interval(
            mean=mean, half_width=half_width, batches=batches, correlated=bool(correlated)
        )
    return Interval(mean=mean, half_width=None, batches=0, correlated=False)


def in_batches(values: npt.NDArray[Any], batches: int) -> npt.NDArray[np.float64]:
    """Sums over ``batches`` stretches of about equal length; fewer where there are fewer values."""
    batches = min(batches, len(values))
    edges = np.arange(batches) * len(values) // max(1, batches)
    return np.add.reduceat(values.astype(np.float64), edges) if batches else np.zeros(0)


def _standard_error(sums: npt.NDArray[Any], counts: npt.NDArray[Any]) -> float:
    """Of the ratio of both totals (Law and Kelton, §9.5.3; Cochran 1977, ch. 6)."""
    k, total = len(sums), counts.sum()
    away = sums - sums.sum() / total * counts
    return float(np.sqrt(k / (k - 1) * (away @ away)) / total)


def _correlation(means: npt.NDArray[Any]) -> float:
    """Of each mean with the next, in standard errors: von Neumann's ratio (Fishman, Yarberry)."""
    k, away, steps = len(means), means - means.mean(), np.diff(means)
    spread = float(away @ away)
    if spread == 0:
        return 0.0
    return float((1 - steps @ steps / (2 * spread)) / np.sqrt((k - 2) / (k**2 - 1)))

"""Whether a run had settled when it was measured (MEA-6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from model.measure.confidence import BATCHES, in_batches
from model.measure.timeline import ACCEPTED, LATENCY, PACKETS, Timeline

Floats = npt.NDArray[np.float64]

DRIFT: Final = 0.05
"""Change of the mean from the first to the second half of the measured cycles that passes; also
BookSim's threshold for both warm-up and convergence."""

SIGMAS: Final = 3.0
"""Standard errors that a larger change may have and still be taken for noise."""


@dataclass(frozen=True, kw_only=True)
class Steadiness:
    """How steady the measured cycles were.

    Members
    -------
    drifts : bool
        Latency or accepted load does.
    latency_drift, accepted_drift : float or None
        Second half over first half of the measured cycles, less 1; None without packets.
    warm_up_needed : int or None
        Cycles after which the mean latency from there on is known best (MSER); more than the
        warm-up says that a longer one is advised. None where latency has no such point in the
        first half of the run: it never settled.
    """

    drifts: bool
    latency_drift: float | None
    accepted_drift: float | None
    warm_up_needed: int | None


def steadiness(whole: Timeline, measured: Timeline, end: int) -> Steadiness:
    """Judge a run.

    Parameters
    ----------
    whole, measured : Timeline
        From cycle 0, and from the first measured cycle on.
    end : int
        The cycle after the last measured one.
    """
    rows, cycles = measured.until(end)
    latency = drift(rows[LATENCY], rows[PACKETS])
    accepted = drift(rows[ACCEPTED], cycles)
    return Steadiness(
        drifts=any(abs(found) > DRIFT and not noise for found, noise in (latency, accepted)),
        latency_drift=None if np.isnan(latency[0]) else latency[0],
        accepted_drift=None if np.isnan(accepted[0]) else accepted[0],
        warm_up_needed=warm_up_needed(whole, end),
    )


def warm_up_needed(whole: Timeline, end: int) -> int | None:
    """After how many cycles the mean latency of a run's first ``end`` cycles is known best."""
    rows, _ = whole.until(end)
    some = rows[PACKETS] > 0
    point = mser(rows[LATENCY][some] / rows[PACKETS][some])
    return None if point is None else int(np.flatnonzero(some)[point]) * whole.width


def drift(sums: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> tuple[float, bool]:
    """Relative change of a ratio from the first to the second half, and whether it may be noise.

    The standard error comes from steps between neighbours of 16 batches in each half: a trend
    hardly changes it (von Neumann 1941). NaN and noise where a half is empty.
    """
    halves: list[tuple[float, float]] = []
    middle = len(sums) // 2
    for part in (slice(0, middle), slice(middle, None)):
        total, count = in_batches(sums[part], BATCHES[1]), in_batches(counts[part], BATCHES[1])
        if count.sum() == 0:
            return float("nan"), True
        mean = total.sum() / count.sum()
        steps, k = np.diff(total - mean * count), len(total)
        halves.append((mean, k / max(1, k - 1) * (steps @ steps) / 2 / count.sum() ** 2))
    (first, first_error), (second, second_error) = halves
    if first == 0:
        return float("nan"), second == 0
    noise = abs(second - first) <= SIGMAS * np.sqrt(first_error + second_error)
    return float(second / first - 1), bool(noise)


def mser(values: Floats) -> int | None:
    """Where to cut the beginning of a series off so that the rest's mean is known best.

    The point d in the first half that makes (sum of squared deviations of the values from d on) /
    (their number)² least (White, Simulation 69(6), 1997; with means of slots for its groups of
    five: White, Cobb and Spratt, WSC 2000).

    Returns
    -------
    int or None
        None when that is the end of the first half: the series has not settled, or there are fewer
        than 8 values.
    """
    n = len(values)
    if n < 8:
        return None
    rest = n - np.arange(n)
    total = np.cumsum(values[::-1])[::-1]
    squares = np.cumsum((values**2)[::-1])[::-1]
    spread = np.maximum(squares - total**2 / rest, 0.0) / rest.astype(np.float64) ** 2
    best = int(spread[: n // 2].argmin())
    return None if best == n // 2 - 1 else best

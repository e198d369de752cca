"""Saturation of an image: the largest load that every source gets through (design.md §10).

A run at a load *passes* when every source's accepted rate is at least 95 % of its offered rate,
both counted over the same cycles after a warm-up; with single-flit packets and equal demand for all
ordered pairs of hosts, unless other traffic is asked for. Cheap probes find about where passing
ends, then runs of full length decide: what is returned has passed, and 2 % more has failed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from model.engine import simulate
from model.errors import InputError, require_int
from model.image import ConfigImage
from model.traffic import make_schedule, parse_lengths

LEAST_SHARE: Final = 0.95
WARM_UP: Final = 2_000
PROBE_CYCLES: Final = 3_000
PROBE_PACKETS: Final = 500
"""A probe is long enough for so many packets of each source, so that 5 % of them are not noise."""
PROBE_STEP: Final = 1.08
USUAL: Final = {1: 0.76, 2: 0.88, 4: 0.95}
"""Where to look first, by VCs: the share of the load that fills the busiest link."""
LEAST_LOAD: Final = 1e-5

Passes = Callable[[float], bool]


@dataclass(frozen=True, kw_only=True)
class Saturation:
    """Where passing ends.

    Members
    -------
    load : float
        Passed: flits per hosted core and cycle. 0 when none from ``LEAST_LOAD`` on does.
    above : float
        Failed, and is at most (1 + precision) times ``load``; infinite when a load of 1 passed.
    runs, cycles : int
        Simulated in all, probes included.
    """

    load: float
    above: float
    runs: int
    cycles: int


def worst_share(
    image: ConfigImage, load: float, *, seed: int, cycles: int, warm_up: int, **traffic: Any
) -> float:
    """Least accepted over offered packets of any source in one run.

    Parameters
    ----------
    image : ConfigImage
    load : float
        Offered flits per hosted core and cycle, 0 to 1.
    seed : int
        Of the traffic. Loads of one seed share their random numbers: more load adds packets.
    cycles, warm_up : int
        Measured cycles, and those before them.
    **traffic
        More fields of :class:`model.traffic.Traffic`.

    Returns
    -------
    float
        May exceed 1 when packets from the warm-up are accepted late; 1 when nothing was offered.
    """
    end = warm_up + cycles
    schedule = make_schedule(image, load=load, cycles=end, seed=seed, **traffic)
    records = simulate(image, schedule, cycles=end, record_events=False).records

    def of_each_source(when: np.ndarray) -> np.ndarray:
        counted = (when >= warm_up) & (when < end)
        return np.bincount(schedule.source[counted], minlength=image.logical)

    offered, accepted = of_each_source(schedule.offered), of_each_source(records.accepted)
    busy = offered > 0
    return float((accepted[busy] / offered[busy]).min(initial=1.0 if not busy.any() else np.inf))


def find_saturation(
    image: ConfigImage,
    *,
    seed: int = 1,
    cycles: int = 20_000,
    warm_up: int = WARM_UP,
    precision: float = 0.02,
    start: float | None = None,
    **traffic: Any,
) -> Saturation:
    """Find the largest load that passes.

    Parameters
    ----------
    image : ConfigImage
        Figures are for depth 4; the image's own depth is what runs.
    seed : int
        Of the traffic.
    cycles : int
        Measured cycles of a deciding run, 100 to 10 million; figures need 20,000.
    warm_up : int
        Cycles before them.
    precision : float
        Of the bisection, 0.001 to 0.5.
    start : float, optional
        Load to probe first; by default from the report's busiest link.
    **traffic
        More fields of :class:`model.traffic.Traffic`: pattern, length, …; then a load is that of
        each sending tile.

    Raises
    ------
    InputError
        When an argument is out of range.

    Timing
    ------
    About 8 probes and 2 to 4 deciding runs; one of those takes about 0.6 s on 8 x 8 and 2 s on
    16 x 16.
    """
    require_int("cycles", cycles, 100, 10_000_000)
    require_int("warm_up", warm_up, 0, 10_000_000)
    if not 0.001 <= precision <= 0.5:
        raise InputError(f"precision is {precision!r}; allowed: a number from 0.001 to 0.5")
    flits = parse_lengths(traffic.get("length", "1"), image.spec.max_packet).mean
    used: list[int] = []

    def run(load: float, length: int) -> bool:
        used.append(length + warm_up)
        share = worst_share(image, load, seed=seed, cycles=length, warm_up=warm_up, **traffic)
        return share >= LEAST_SHARE

    def probe(load: float) -> bool:
        return run(load, min(cycles, max(PROBE_CYCLES, round(PROBE_PACKETS * flits / load))))

    if start is None:
        start = USUAL[image.spec.vcs] / max(1.0, image.report.get("max_channel_load", 1.0))
    near, _ = _search(probe, start, PROBE_STEP, 1 + precision)
    load, above = _search(
        lambda load: run(load, cycles), near or start, 1 + precision, 1 + precision
    )
    return Saturation(load=load, above=above, runs=len(used), cycles=sum(used))


def _search(passes: Passes, start: float, step: float, ratio: float) -> tuple[float, float]:
    """(passed, failed) at most ``ratio`` apart; strides grow until there are both."""
    low, high, load = 0.0, np.inf, min(1.0, start)
    while high > low * ratio * (1 + 1e-12):
        if passes(load):
            low = load
        else:
            high = load
        if low >= 1.0 or high <= LEAST_LOAD:
            break
        if low > 0 and high < np.inf:
            load = (low * high) ** 0.5
        else:
            load = min(1.0, low * step) if low else max(LEAST_LOAD, high / step)
            step *= step
    return low, high

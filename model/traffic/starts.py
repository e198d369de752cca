"""In which cycles sources start packets: by Bernoulli trials, or in bursts.

The number of cycle c and source s is ``mix64(base[s] + c * GOLDEN)``, its upper 32 bits compared
with a threshold; so it depends neither on other sources nor on how cycles are cut into blocks.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from model.errors import InputError
from model.random import GOLDEN, U64
from model.random import mix64 as mix64_source

mix64: Any = njit(mix64_source)
_GOLDEN = np.uint64(GOLDEN)
_HALF = np.uint64(32)

Floats = npt.NDArray[np.float64]
Found = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]


class Bursts(NamedTuple):
    """An on/off Markov process for every source, one step per cycle (PAT-1).

    Members
    -------
    base : uint64[sources]
        Of the random numbers of the steps.
    leave, enter : uint64[sources]
        32-bit thresholds of on to off and of off to on.
    on : uint8[sources]
        State in the next cycle; written.
    """

    base: U64
    leave: U64
    enter: U64
    on: npt.NDArray[np.uint8]


def bursts(base: U64, first: U64, duty: Floats, length: float) -> Bursts:
    """Bursts that are on for ``length`` cycles in the mean, and for a share ``duty`` of all cycles.

    Parameters
    ----------
    base, first : uint64[sources]
        Of the steps, and a number each for the state in cycle 0, on with probability ``duty``.
    duty : float64[sources]
        0 to 1. With 0 a source is never on, with 1 always.
    length : float
        Mean cycles on, at least 1; geometric.

    Raises
    ------
    InputError
        When the mean time off would be below one cycle.
    """
    most = float(duty[duty < 1].max(initial=0.0))
    least = max(1.0, most / (1 - most))
    if not length >= least or length == np.inf:
        raise InputError(
            f"burst is {length!r}; allowed: from {least:g} on, with this load and peak"
        )
    always = duty >= 1
    enter = np.where(always, 1.0, duty / np.where(always, 1.0, 1 - duty) / length)
    return Bursts(
        base=base,
        leave=_thresholds(np.where(always, 0.0, 1 / length)),
        enter=_thresholds(enter),
        on=(first >> _HALF < _thresholds(duty)).astype(np.uint8),
    )


def _thresholds(probability: Floats) -> U64:
    return np.rint(probability * 2**32).astype(np.uint64)


def starts(base: U64, limit: U64, first: int, end: int, bursty: Bursts | None = None) -> Found:
    """Packets that sources start in cycles ``first`` … ``end - 1``.

    Parameters
    ----------
    base : uint64[sources]
        Of the random numbers.
    limit : uint64[sources]
        32-bit threshold of a start in a cycle (while on).
    first, end : int
        Cycles; with bursts, blocks must follow one another from 0.
    bursty : Bursts, optional
        Its ``on`` is carried forward.

    Returns
    -------
    cycle, source : int64[packets]
        Sorted; ``source`` is an index into the arrays.
    """
    room = (end - first) * len(base)
    cycle, source = np.empty(room, np.int64), np.empty(room, np.int64)
    if bursty is None:
        count = _bernoulli(base, limit, first, end, cycle, source)
    else:
        count = _on_off(base, limit, *bursty, first, end, cycle, source)
    return cycle[:count].copy(), source[:count].copy()


@njit(cache=True, nogil=True)
def _bernoulli(base: Any, limit: Any, first: int, end: int, cycle: Any, source: Any) -> int:
    count = 0
    for c in range(first, end):
        step = np.uint64(c) * _GOLDEN
        for s in range(len(base)):
            if mix64(base[s] + step) >> _HALF < limit[s]:
                cycle[count], source[count] = c, s
                count += 1
    return count


@njit(cache=True, nogil=True)
def _on_off(
    base: Any,
    limit: Any,
    step_base: Any,
    leave: Any,
    enter: Any,
    on: Any,
    first: int,
    end: int,
    cycle: Any,
    source: Any,
) -> int:
    count = 0
    for c in range(first, end):
        step = np.uint64(c) * _GOLDEN
        for s in range(len(base)):
            if on[s] and mix64(base[s] + step) >> _HALF < limit[s]:
                cycle[count], source[count] = c, s
                count += 1
            change = mix64(step_base[s] + step) >> _HALF
            on[s] = change >= leave[s] if on[s] else change < enter[s]
    return count

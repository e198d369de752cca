"""Random numbers that are the same on every machine: a mixing function and integer thresholds."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.errors import InputError

GOLDEN: Final = 0x9E3779B97F4A7C15
"""2**64 divided by the golden ratio; the offset of STM-1 and STL-1 (design.md §8)."""

_S30, _S27, _S31 = np.uint64(30), np.uint64(27), np.uint64(31)
_M1, _M2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)

U64 = npt.NDArray[np.uint64]


def mix64(z: Any) -> Any:
    """Finaliser of splitmix64 (Steele, Lea and Flood 2014; design.md §2).

    Parameters
    ----------
    z : uint64 array or uint64 scalar
        Plain Python integers are not accepted: arithmetic must wrap at 64 bits.

    Returns
    -------
    uint64, shaped like ``z``

    Notes
    -----
    Written so that NumPy runs it on arrays and Numba compiles it for scalars.
    """
    z = (z ^ (z >> _S30)) * _M1
    z = (z ^ (z >> _S27)) * _M2
    return z ^ (z >> _S31)


def draws(seed: int, stream: int, count: int, start: int = 0) -> U64:
    """Numbers ``start`` … ``start + count - 1`` of an independent stream.

    Parameters
    ----------
    seed : int
        0 to 2**64 - 1.
    stream : int
        0 to 2**32 - 1; each purpose of a program uses a stream of its own.
    count, start : int
        At least 0.

    Returns
    -------
    uint64[count]
        Uniform over all 64-bit values; number k depends on (seed, stream, k) only.
    """
    return draws_at(seed, stream, np.arange(start, start + count, dtype=np.uint64))


def draws_at(seed: int, stream: int, index: U64) -> U64:
    """Numbers ``index`` of the stream, in any order and shape; see :func:`draws`."""
    key = mix64(np.array([seed], np.uint64) + np.uint64(GOLDEN))
    key = mix64((key ^ np.uint64(stream)) + np.uint64(GOLDEN))
    return np.asarray(mix64(key + (index + np.uint64(1)) * np.uint64(GOLDEN)), np.uint64)


def below(numbers: U64, bound: int | npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    """Map uniform 64-bit numbers onto 0 … bound - 1 by integer arithmetic.

    Parameters
    ----------
    numbers : uint64[...]
    bound : int or array
        1 to 2**31; broadcast against ``numbers``.

    Notes
    -----
    The upper 32 bits times the bound, divided by 2**32 (Lemire 2019, without rejection); the bias
    is below ``bound`` / 2**32.
    """
    high = numbers >> np.uint64(32)
    return ((high * np.asarray(bound, np.uint64)) >> np.uint64(32)).astype(np.int64)


def threshold(field: str, probability: float) -> int:
    """The 32-bit integer that stands for a probability.

    Parameters
    ----------
    field : str
        Name for the message.
    probability : float
        0 to 1.

    Returns
    -------
    int
        ``round(probability * 2**32)``; an event happens when a draw's upper 32 bits are below it,
        so 0 means never and 2**32 always.

    Raises
    ------
    InputError
        When the probability is not a number from 0 to 1.
    """
    if not 0.0 <= probability <= 1.0:
        raise InputError(f"{field} is {probability!r}; allowed: a number from 0 to 1")
    return round(probability * 2**32)

"""Exact confidence intervals of a share (Clopper and Pearson 1934)."""

from __future__ import annotations

from scipy.special import betaincinv

CONFIDENCE = 0.999


def interval(hits: int, of: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """The shares that ``hits`` of ``of`` do not contradict, with this confidence."""
    tail = (1 - confidence) / 2
    low = betaincinv(hits, of - hits + 1, tail) if hits else 0.0
    high = betaincinv(hits + 1, of - hits, 1 - tail) if hits < of else 1.0
    return float(low), float(high)


def agrees(hits: int, of: int, share: float) -> bool:
    """Whether the interval holds ``share``."""
    low, high = interval(hits, of)
    return low <= share <= high

"""Packet schedules from patterns, loads and lengths; equal arguments, equal schedule."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from model.errors import InputError, require_int
from model.image import ConfigImage
from model.random import GOLDEN, below, draws, mix64, threshold
from model.schedule import PacketSchedule
from model.traffic.patterns import partners

START, LENGTH, DESTINATION, HOT = range(4)
"""Streams of random numbers; each draw belongs to a cycle and source, or to a packet."""

BLOCK: Final = 1 << 21
"""Draws made at once, so that memory stays bounded."""

LONGEST: Final = 2**31
"""Cycles within which a number of packets must be offered."""

Rates = npt.NDArray[np.float64]


class Lengths(NamedTuple):
    """Packet lengths in flits, uniform from ``low`` to ``high``."""

    low: int
    high: int

    @property
    def mean(self) -> float:
        """Expected length."""
        return (self.low + self.high) / 2


def parse_lengths(text: str, max_packet: int) -> Lengths:
    """``"4"`` or ``"1-16"`` as lengths from 1 to ``max_packet``; else InputError."""
    match = re.fullmatch(r"(\d{1,4})(?:-(\d{1,4}))?", text)
    if match:
        low, high = int(match[1]), int(match[2] or match[1])
        if 1 <= low <= high <= max_packet:
            return Lengths(low, high)
    raise InputError(f"length is {text!r}; allowed: N or LOW-HIGH, from 1 to {max_packet}")


def make_schedule(
    image: ConfigImage,
    *,
    pattern: str = "uniform",
    load: float = 0.1,
    length: str = "1",
    cycles: int | None = None,
    packets: int | None = None,
    seed: int = 1,
    gap: int = 0,
    rates: Rates | None = None,
    hotspot_share: float = 0.2,
) -> PacketSchedule:
    """Draw a schedule between the hosted logical tiles of an image.

    Parameters
    ----------
    image : ConfigImage
    pattern : str
        One of :data:`model.traffic.PATTERNS`, on logical coordinates. A source whose fixed partner
        is lost stays silent and is counted. Uniform draws never choose the source itself.
    load : float
        Offered flits per hosted tile and cycle: in each cycle each source starts a packet with
        probability load / mean length. May lie far beyond what the fabric takes.
    length : str
        ``"4"``, or ``"1-16"`` for uniform draws.
    cycles, packets : int
        Exactly one: offer during so many cycles, or until so many packets are offered.
    seed : int
        0 to 2**32 - 1.
    gap : int
        Idle cycles between the flits of each packet, 0 to 65535.
    rates : float64[logical], optional
        Factor on the load of each source; 1 by default.
    hotspot_share : float
        Share of ``hotspot`` packets that go to the hosted tile nearest to the middle of the
        logical array; the rest is uniform.

    Raises
    ------
    InputError
        When an argument is out of range, or no source can ever send.
    """
    if (cycles is None) == (packets is None):
        raise InputError("cycles and packets: allowed: exactly one of them")
    require_int("cycles", cycles if packets is None else 1, 1, 2**32 - 1)
    require_int("packets", packets if cycles is None else 1, 1, 2**31)
    require_int("seed", seed, 0, 2**32 - 1)
    require_int("gap", gap, 0, 65535)
    lengths = parse_lengths(length, image.spec.max_packet)
    hosted = np.flatnonzero(image.remap_tile >= 0)
    partner = partners(pattern, image.logical_width, image.logical_height)
    if partner is not None:
        sources = hosted[image.remap_tile[partner[hosted]] >= 0]
    else:
        sources = hosted if len(hosted) > 1 else hosted[:0]
    thresholds = _thresholds(image, load, lengths, rates)[sources]
    offered, source = _starts(image, sources, thresholds, cycles, packets, seed)
    count = len(source)
    spread = lengths.high - lengths.low + 1
    if partner is not None:
        destination = partner[source]
    else:
        destination = _uniform(hosted, source, draws(seed, DESTINATION, count))
    if pattern == "hotspot":
        destination = _heat(image, hosted, source, destination, hotspot_share, seed)
    return PacketSchedule(
        source=source.astype(np.int32),
        destination=destination.astype(np.int32),
        length=(lengths.low + below(draws(seed, LENGTH, count), spread)).astype(np.int32),
        offered=offered,
        gap=np.full(count, gap, np.int32),
        silent_sources=len(hosted) - len(sources),
    )


def _thresholds(
    image: ConfigImage, load: float, lengths: Lengths, rates: Rates | None
) -> npt.NDArray[np.uint64]:
    """Per logical id the 32-bit threshold of a packet start in one cycle."""
    if not 0 <= load <= lengths.mean:
        raise InputError(f"load is {load!r}; allowed: a number from 0 to {lengths.mean:g}")
    scale = np.ones(image.logical) if rates is None else np.asarray(rates, np.float64)
    if scale.shape != (image.logical,):
        raise InputError(f"rates has shape {scale.shape}; allowed: ({image.logical},)")
    wrong = np.flatnonzero(~((scale >= 0) & (scale * load <= lengths.mean)))
    if len(wrong):
        most = lengths.mean / load if load else float("inf")
        value = scale[wrong[0]]
        raise InputError(f"rates[{wrong[0]}] is {value:g}; allowed: a number from 0 to {most:g}")
    return np.rint(scale * load / lengths.mean * 2**32).astype(np.uint64)


def _starts(
    image: ConfigImage,
    sources: npt.NDArray[np.int64],
    thresholds: npt.NDArray[np.uint64],
    cycles: int | None,
    packets: int | None,
    seed: int,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Cycle and source of every packet, sorted by both.

    The draw of (cycle, source) does not depend on which other tiles are hosted.
    """
    base = draws(seed, START, image.logical)[sources]
    step = max(1, BLOCK // max(1, len(sources)))
    found: list[npt.NDArray[np.int64]] = []
    have, first, end = 0, 0, LONGEST if cycles is None else cycles
    while first < end and thresholds.any() and (packets is None or have < packets):
        block = np.arange(first, min(end, first + step), dtype=np.uint64)
        numbers = mix64(base[None, :] + block[:, None] * np.uint64(GOLDEN))
        hits = np.argwhere(numbers >> np.uint64(32) < thresholds[None, :])
        found.append(hits + np.array([first, 0]))
        have += len(hits)
        first += step
    if packets is not None and have < packets:
        why = "with this load" if len(sources) else "as no hosted pair is there to send between"
        raise InputError(f"packets is {packets}; allowed: at most {have} {why}")
    hits = np.concatenate([np.zeros((0, 2), np.int64), *found])[:packets]
    return hits[:, 0], sources[hits[:, 1]]


def _uniform(
    hosted: npt.NDArray[np.int64],
    source: npt.NDArray[np.int64],
    numbers: npt.NDArray[np.uint64],
) -> npt.NDArray[np.int64]:
    """Any hosted tile but the source, all alike."""
    index = below(numbers, max(1, len(hosted) - 1))
    index += index >= np.searchsorted(hosted, source)
    return hosted[index] if len(source) else source


def _heat(
    image: ConfigImage,
    hosted: npt.NDArray[np.int64],
    source: npt.NDArray[np.int64],
    destination: npt.NDArray[np.int64],
    share: float,
    seed: int,
) -> npt.NDArray[np.int64]:
    """Redirect a share of the packets to the hot tile, but none of its own."""
    limit = np.uint64(threshold("hotspot share", share))
    if not len(hosted):
        return destination
    width, height = image.logical_width, image.logical_height
    distance = abs(hosted % width - width // 2) + abs(hosted // width - height // 2)
    hot = hosted[np.argmin(distance)]
    drawn = draws(seed, HOT, len(source)) >> np.uint64(32) < limit
    return np.where(drawn & (source != hot), hot, destination)

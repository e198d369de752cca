"""Packet schedules from patterns, loads and lengths; equal arguments, equal schedule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.errors import InputError, require_int
from model.image import ConfigImage
from model.random import U64, draws
from model.schedule import PacketSchedule
from model.traffic.catalogue import CATALOGUE, Kind
from model.traffic.destinations import Destinations, hot_tiles
from model.traffic.lengths import Lengths, parse_lengths
from model.traffic.patterns import partners
from model.traffic.phases import Phase, iterations, phase
from model.traffic.starts import Bursts, bursts, starts
from model.traffic.stream import collect, part, skip

START, LENGTH, BURST, FIRST_BURST = 0, 1, 4, 6
"""Streams of random numbers: START and BURST have one number per source and cycle, LENGTH one per
packet, FIRST_BURST one per source. Destinations and patterns have the streams 2, 3 and 5."""

BLOCK: Final = 1 << 21
"""Draws, or packets of a phase pattern, made at once, so that memory stays bounded."""

LONGEST: Final = 2**31
"""Cycles within which a number of packets must be offered."""

DRAWING: Final = ", ".join(name for name, what in CATALOGUE.items() if what.kind is not Kind.PHASED)

Rates = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Traffic:
    """What to draw (design.md §8, PAT-1; docs/traffic.md).

    Parameters
    ----------
    pattern : str
        One of :data:`model.traffic.PATTERNS`, on logical coordinates. A source whose fixed partner
        is lost stays silent and is counted.
    load : float
        Offered flits per sending tile and cycle, in the mean: in each cycle a source starts a
        packet with probability load / mean length. May lie far beyond what the fabric takes.
    length : str
        ``"4"``, ``"1-16"``, or a mix as ``"1:0.8,5:0.2"``.
    cycles, packets : int
        Exactly one: offer during so many cycles, or until so many packets are offered.
    seed : int
        0 to 2**32 - 1.
    gap : int
        Idle cycles between the flits of each packet, 0 to 65535.
    rates : float64[logical], optional
        Factor on the load of each source; 1 by default. Not for phase patterns.
    hotspot_share : float
        Share of ``hotspot`` packets that go to the hosted tile nearest to the middle of the
        logical array; the rest is uniform.
    hotspots : tuple of (logical id, share)
        Hot tiles instead of that one, shares at most 1 in all.
    burst : float, optional
        Sources are on for so many cycles in the mean (at least 1, geometric), then off; while on
        they offer ``peak``, so that the mean load is ``load``. Not for phase patterns.
    peak : float, optional
        Load of a source while it is on, from its mean load to the mean length; 1 by default, or
        the mean load where that is more.
    """

    pattern: str = "uniform"
    load: float = 0.1
    length: str = "1"
    cycles: int | None = None
    packets: int | None = None
    seed: int = 1
    gap: int = 0
    rates: Rates | None = None
    hotspot_share: float = 0.2
    hotspots: tuple[tuple[int, float], ...] = ()
    burst: float | None = None
    peak: float | None = None


def make_schedule(image: ConfigImage, **fields: Any) -> PacketSchedule:
    """Draw a whole schedule between the hosted logical tiles of an image.

    Parameters
    ----------
    image : ConfigImage
    **fields
        Of :class:`Traffic`.

    Raises
    ------
    InputError
        When an argument is out of range, or no source can ever send.
    """
    return collect(DrawnStream(image, Traffic(**fields)))


class DrawnStream:
    """The packets of a :class:`Traffic`, drawn block by block (a :class:`PacketStream`).

    Memory is bounded by the number of tiles and ``BLOCK``. The same packets as
    :func:`make_schedule`.

    Raises
    ------
    InputError
        When an argument is out of range; while iterating, when fewer than ``packets`` come.
    """

    def __init__(self, image: ConfigImage, traffic: Traffic) -> None:
        self._traffic = what = traffic
        self._cycles = _check(what)
        self._lengths = parse_lengths(what.length, image.spec.max_packet)
        partner = partners(what.pattern, image.logical_width, image.logical_height, what.seed)
        thresholds = _thresholds(image, what, self._lengths)
        hosted = np.flatnonzero(image.remap_tile >= 0)
        self._phase: Phase | None = None
        self._bursts: Bursts | None = None
        if CATALOGUE[what.pattern].kind is Kind.PHASED:
            self._phase = phase(what.pattern, image)
            self._sources = np.unique(self._phase.source)
        elif partner is not None:
            self._sources = hosted[image.remap_tile[partner[hosted]] >= 0]
        else:
            self._sources = hosted if len(hosted) > 1 else hosted[:0]
        self._base = draws(what.seed, START, image.logical)[self._sources]
        self._thresholds = thresholds[self._sources]
        if what.burst is not None:
            self._make_bursts(image, what.burst)
        hot = what.pattern == "hotspot"
        spots = hot_tiles(image, what.hotspots, what.hotspot_share) if hot else []
        self._destinations = Destinations(image, what.seed, partner, spots)
        self.silent_sources = len(hosted) - len(self._sources)

    def blocks(self, first: int = 0) -> Iterator[PacketSchedule]:
        """See :class:`model.traffic.stream.PacketStream`; earlier packets are drawn again."""
        return skip(self._all(), first)

    def _all(self) -> Iterator[PacketSchedule]:
        wanted = self._traffic.packets
        have = 0
        for offered, source, destination in self._found():
            count = len(source)
            if wanted is not None and have + count > wanted:
                count = wanted - have
            block = PacketSchedule(
                source=source.astype(np.int32),
                destination=self._goal(source, destination, have).astype(np.int32),
                length=self._lengths.draw(draws(self._traffic.seed, LENGTH, len(source), have)),
                offered=offered,
                gap=np.full(len(source), self._traffic.gap, np.int32),
            )
            if count:
                yield part(block, slice(count))
            have += count
            if have == wanted:
                return
        if wanted is not None:
            some = len(self._sources)
            why = "with this load" if some else "as no hosted pair is there to send between"
            raise InputError(f"packets is {wanted}; allowed: at most {have} {why}")

    def _found(self) -> Iterator[tuple[Any, Any, Any]]:
        """(offered, source, destination or None) in blocks."""
        if not self._thresholds.any():
            return
        if self._phase is not None:
            flits = len(self._phase.source) * self._lengths.mean
            period = flits / (self._traffic.load * len(self._sources))
            most = min(BLOCK, _given(self._traffic.packets, BLOCK))
            yield from iterations(self._phase, period, self._cycles, most)
            return
        step = max(1, BLOCK // len(self._sources))
        state = self._bursts
        if state is not None:
            state = state._replace(on=state.on.copy())
        for begin in range(0, self._cycles, step):
            end = min(self._cycles, begin + step)
            offered, found = starts(self._base, self._thresholds, begin, end, state)
            yield offered, self._sources[found], None

    def _goal(self, source: Any, destination: Any, first: int) -> Any:
        return self._destinations.of(source, first) if destination is None else destination

    def _make_bursts(self, image: ConfigImage, burst: float) -> None:
        what, mean = self._traffic, self._lengths.mean
        most = what.load
        if what.rates is not None:
            most *= float(what.rates[self._sources].max(initial=0.0))
        peak = max(1.0, most) if what.peak is None else what.peak
        if not most <= peak <= mean or peak <= 0:
            raise InputError(f"peak is {peak!r}; allowed: a number from {most:g} to {mean:g}")
        base = draws(what.seed, BURST, image.logical)[self._sources]
        first = draws(what.seed, FIRST_BURST, image.logical)[self._sources]
        duty = np.minimum(1.0, self._thresholds / 2**32 * mean / peak)
        self._bursts = bursts(base, first, duty, burst)
        limit = np.uint64(round(peak / mean * 2**32))
        self._thresholds = np.where(self._thresholds > 0, limit, 0).astype(np.uint64)


def _given(value: Any, otherwise: int) -> Any:
    return otherwise if value is None else value


def _check(what: Traffic) -> int:
    """Refuse what cannot be, whatever the image; the cycles in which packets may be offered."""
    if (what.cycles is None) == (what.packets is None):
        raise InputError("cycles and packets: allowed: exactly one of them")
    require_int("packets", _given(what.packets, 1), 1, 2**31)
    require_int("seed", what.seed, 0, 2**32 - 1)
    require_int("gap", what.gap, 0, 65535)
    if what.pattern in CATALOGUE and CATALOGUE[what.pattern].kind is Kind.PHASED:
        for name in ("rates", "burst"):
            if getattr(what, name) is not None:
                raise InputError(f"{name} is given with {what.pattern}; allowed: with {DRAWING}")
    if what.hotspots and what.pattern != "hotspot":
        raise InputError(f"hotspots is given with {what.pattern}; allowed: with hotspot")
    if what.peak is not None and what.burst is None:
        raise InputError(f"peak is {what.peak!r}; allowed: with burst")
    return require_int("cycles", _given(what.cycles, LONGEST), 1, 2**32 - 1)


def _thresholds(image: ConfigImage, what: Traffic, lengths: Lengths) -> U64:
    """Per logical id the 32-bit threshold of a packet start in one cycle."""
    load, mean = what.load, lengths.mean
    if not 0 <= load <= mean:
        raise InputError(f"load is {load!r}; allowed: a number from 0 to {mean:g}")
    scale = np.ones(image.logical) if what.rates is None else np.asarray(what.rates, np.float64)
    if scale.shape != (image.logical,):
        raise InputError(f"rates has shape {scale.shape}; allowed: ({image.logical},)")
    wrong = np.flatnonzero(~((scale >= 0) & (scale * load <= mean)))
    if len(wrong):
        most = mean / load if load else float("inf")
        value = scale[wrong[0]]
        raise InputError(f"rates[{wrong[0]}] is {value:g}; allowed: a number from 0 to {most:g}")
    return np.rint(scale * load / mean * 2**32).astype(np.uint64)

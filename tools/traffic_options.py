"""Options of drawn traffic, shared by the commands that draw, and what is drawn from them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import click

from model.errors import InputError
from model.image import ConfigImage
from model.schedule import StallPattern
from model.traffic import PATTERNS, PacketStream
from tools.common import RATE, RateType

DRAWN: Final = ("pattern", "load", "length", "gap", "hotspot_share", "burst", "peak")
"""Options that are fields of :class:`model.traffic.Traffic` as they are."""

_OPTIONS: Final = (
    click.option(
        "--pattern",
        default="uniform",
        show_default=True,
        help=f"{', '.join(PATTERNS)}; `wafermesh traffic patterns` tells what they do.",
    ),
    click.option(
        "--load",
        type=RateType(0, 1024),
        default=0.1,
        show_default=True,
        help="Offered flits per sending tile and cycle, in the mean.",
    ),
    click.option(
        "--length",
        default="1",
        show_default=True,
        help="Flits per packet: N, LOW-HIGH, or a mix with weights, as 1:0.8,5:0.2.",
    ),
    click.option(
        "--gap", type=int, default=0, show_default=True, help="Idle cycles between flits."
    ),
    click.option(
        "--hotspot",
        "hotspots",
        metavar="ID=SHARE",
        multiple=True,
        help="A hot tile and its share of the packets; several times for several.",
    ),
    click.option(
        "--hotspot-share",
        type=RATE,
        default=0.2,
        show_default=True,
        help="Share of the packets to the hot tile in the middle, without --hotspot.",
    ),
    click.option(
        "--burst",
        type=RateType(1, 1e9),
        metavar="CYCLES",
        help="Sources send in bursts of so many cycles in the mean (on/off Markov).",
    ),
    click.option(
        "--peak",
        type=RateType(0, 1024),
        metavar="LOAD",
        help="Load of a source during its bursts.  [default: 1, or --load if that is more]",
    ),
)

_STALLS: Final = click.option(
    "--stall-rate",
    type=RateType(0, 1, open_end=True),
    default=0.0,
    show_default=True,
    help="Share of cycles that cores refuse.",
)


def drawing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say what is drawn."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def traffic_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add those and the stalls of the receivers."""
    return drawing_options(_STALLS(command))


def drawn(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that draw a schedule, as fields of :class:`model.traffic.Traffic`."""
    return {name: given[name] for name in DRAWN} | {"hotspots": _hotspots(given["hotspots"])}


def traffic_stream(image: ConfigImage, seed: int, given: Mapping[str, Any]) -> PacketStream:
    """Packets of the file ``--traffic``, or those that the other options draw."""
    from model.traffic import DrawnStream, Traffic, load_rates, open_packets

    if given["traffic"]:
        return open_packets(given["traffic"], image)
    ends = {name: given[name] for name in ("cycles", "packets")}
    rates = load_rates(given["rates"], image) if given["rates"] else None
    return DrawnStream(image, Traffic(**drawn(given), **ends, seed=seed, rates=rates))


def _hotspots(texts: Sequence[str]) -> tuple[tuple[int, float], ...]:
    spots = []
    for text in texts:
        match = re.fullmatch(r"(\d{1,7})=(0|1|0?\.\d{1,9}|1\.0{1,9})", text)
        if not match:
            raise InputError(f"--hotspot is {text!r}; allowed: ID=SHARE, as 12=0.1")
        spots.append((int(match[1]), float(match[2])))
    return tuple(spots)


def stall_pattern(rate: float, burst_log2: int, seed: int) -> StallPattern:
    """Receivers that refuse a share of the cycles, below 1."""
    from model.random import threshold

    most = 2**32 - 1
    share = min(most, threshold("--stall-rate", rate))
    return StallPattern(threshold=share, burst_log2=burst_log2, seed=seed)


@contextlib.contextmanager
def fields_as_options() -> Iterator[None]:
    """Name the field of a refused call as the running command's option: ``load`` as ``--load``."""
    try:
        yield
    except InputError as error:
        params = click.get_current_context().command.params
        options = {param.name: max(param.opts, key=len) for param in params}
        field = re.match(r"\w+(?= is |\[| has )", str(error))
        if field is None or field[0] not in options:
            raise
        raise InputError(options[field[0]] + str(error)[field.end() :]) from error

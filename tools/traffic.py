"""Traffic options that ``simulate`` and ``verify`` share, and what is drawn from them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import click

from model.errors import InputError
from model.schedule import StallPattern
from model.traffic import PATTERNS
from tools.common import RATE, RateType

DRAWN: Final = ("pattern", "load", "length", "gap", "hotspot_share")
"""Names of the options that :func:`model.traffic.make_schedule` takes."""

_OPTIONS: Final = (
    click.option("--pattern", default="uniform", show_default=True, help=f"{', '.join(PATTERNS)}."),
    click.option(
        "--load",
        type=RateType(0, 1024),
        default=0.1,
        show_default=True,
        help="Offered flits per hosted tile and cycle.",
    ),
    click.option(
        "--length", default="1", show_default=True, help="Flits per packet: N or LOW-HIGH."
    ),
    click.option(
        "--gap", type=int, default=0, show_default=True, help="Idle cycles between flits."
    ),
    click.option(
        "--hotspot-share",
        type=RATE,
        default=0.2,
        show_default=True,
        help="Share of the packets to the hot tile.",
    ),
    click.option(
        "--stall-rate",
        type=RateType(0, 1, open_end=True),
        default=0.0,
        show_default=True,
        help="Share of cycles that cores refuse.",
    ),
)


def traffic_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the shared options to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def drawn(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options that draw a schedule, by name."""
    return {name: given[name] for name in DRAWN}


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
        field = re.match(r"\w+", str(error))
        if field is None or field[0] not in options:
            raise
        raise InputError(options[field[0]] + str(error)[field.end() :]) from error

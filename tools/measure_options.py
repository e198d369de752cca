"""Options that say which cycles of a run are measured, and the meter that they make."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import click

from model.atomic import check_target
from model.errors import InputError
from tools.common import OutputType

if TYPE_CHECKING:
    from model.image import ConfigImage
    from model.measure import Meter

WARM_UP: Final = 5_000
"""Default before --measure, as in `wafermesh bench sweep`."""

_OPTIONS: Final = (
    click.option(
        "--warm-up",
        type=click.IntRange(0, 10**8),
        help=f"First measured cycle.  [default: 0, with --measure {WARM_UP}]",
    ),
    click.option(
        "--measure",
        type=click.IntRange(64, 10**8),
        metavar="CYCLES",
        help="Measure so many cycles, under traffic that goes on until measured packets have"
        " ended.  [default: all in which packets are offered]",
    ),
    click.option(
        "--drain",
        type=click.IntRange(0, 10**8),
        help="Cycles after --measure at most.  [default: as many as are measured]",
    ),
    click.option(
        "--stretches",
        type=click.IntRange(1, 256),
        default=1,
        show_default=True,
        help="Stretches of the measured cycles that --ports tells apart.",
    ),
    click.option(
        "--ports",
        type=OutputType(".parquet"),
        help="Write how busy every link and how full every buffer was.",
    ),
)


def measure_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; see :func:`measured_cycles` and :func:`meter_of`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def measured_cycles(given: dict[str, Any]) -> None:
    """Check the options; fill ``cycles`` in where --measure says how long traffic lasts."""
    if given["measure"] is None:
        if given["drain"] is not None:
            raise InputError("--drain is given; allowed: with --measure")
        if given["stretches"] > 1 and (given["traffic"] or given["packets"] is not None):
            raise InputError(
                "--stretches is given; allowed: with --measure, or --cycles of a pattern"
            )
    else:
        for name in ("cycles", "packets", "no_drain"):
            if given[name]:
                option = name.replace("_", "-")
                raise InputError(f"--{option} is given with --measure; allowed: one of them")
        if given["warm_up"] is None:
            given["warm_up"] = WARM_UP
        if given["drain"] is None:
            given["drain"] = given["measure"]
        given["cycles"] = given["warm_up"] + given["measure"] + given["drain"]
    if given["ports"] is not None:
        check_target("--ports", given["ports"])


def meter_of(image: ConfigImage, given: dict[str, Any]) -> Meter:
    """What measures the run."""
    from model.measure import Meter

    begin, end = given["warm_up"] or 0, None
    if given["measure"] is not None:
        end = begin + given["measure"]
    elif given["cycles"] is not None and not given["traffic"]:
        end = given["cycles"]
        if begin >= end:
            raise InputError(f"--warm-up is {begin}; allowed: less than --cycles, which is {end}")
    return Meter(image, begin, end, stretches=given["stretches"])

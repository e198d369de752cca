"""Options of a closed loop, and the loop that they make (docs/traffic.md)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import click

from model.errors import InputError
from model.traffic.closed_loop import ClosedLoop
from tools.traffic_options import fields_as_options

if TYPE_CHECKING:
    from model.image import ConfigImage

_ASIDE: Final = ("reply", "service", "think")
"""Options that mean something with a window only."""

_OPTIONS: Final = (
    click.option(
        "--window",
        type=int,
        metavar="PACKETS",
        help="Closed loop: packets are requests, of which each tile has so many under way at most.",
    ),
    click.option(
        "--reply",
        type=int,
        metavar="FLITS",
        default=0,
        show_default=True,
        help="Length of the reply to each request; 0: a request ends with its delivery.",
    ),
    click.option(
        "--service",
        type=int,
        metavar="CYCLES",
        default=0,
        show_default=True,
        help="From a request's delivery to its reply.",
    ),
    click.option(
        "--think",
        type=int,
        metavar="CYCLES",
        default=0,
        show_default=True,
        help="From the end of a request to the next in its place.",
    ),
)


def loop_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a closed loop."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def check_loop_options(given: Mapping[str, Any], *others: str) -> None:
    """Refuse options that mean nothing without a window, or ``others`` that nothing does with one.

    Raises
    ------
    InputError
    """
    if given["window"] is None:
        for name in _ASIDE:
            if given[name]:
                raise InputError(f"--{name} is given; allowed: with --window")
    else:
        for name in others:
            if given[name]:
                raise InputError(f"--{name.replace('_', '-')} is given; allowed: without --window")


def closed_loop(image: ConfigImage, given: Mapping[str, Any]) -> ClosedLoop | None:
    """The loop that the options make, checked; None without ``--window``."""
    if given["window"] is None:
        return None
    loop = ClosedLoop(window=given["window"], **{name: given[name] for name in _ASIDE})
    with fields_as_options():
        loop.check(image)
    return loop

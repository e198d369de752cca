"""Options that several benches share: lists of values, and pairs of defect rates."""

from __future__ import annotations

import itertools
from typing import Any, Final

import click

from model.errors import InputError
from tools.common import RateType


class Several(click.ParamType[tuple[Any, ...]]):
    """Values of one type with commas between them."""

    name = "A,B,…"

    def __init__(self, each: Any) -> None:
        self.each = each

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[Any, ...]:
        """Convert each."""
        parts = str(value).split(",")
        return tuple(self.each.convert(part.strip(), param, ctx) for part in parts)


class RatesType(click.ParamType[tuple[float, float]]):
    """``TILES/LINKS`` in per cent, as ``12/6``; converts to two shares."""

    name = "T/L"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float]:
        """Parse; numbers outside 0 to 100 are refused."""
        tiles, slash, links = str(value).partition("/")
        if not slash:
            where = param.opts[0] if param is not None else "rates"
            raise InputError(f"{where} is {value!r}; allowed: TILES/LINKS in per cent, as 12/6")
        percent = RateType(0, 100)
        return percent.convert(tiles, param, ctx) / 100, percent.convert(links, param, ctx) / 100


class WarmUpType(click.ParamType[int | None]):
    """Cycles, or ``auto``, which converts to None."""

    name = "cycles"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        """Parse; cycles outside 0 … 10^8 are refused."""
        if value in (None, "auto"):
            return None
        if not str(value).isdecimal() or int(value) > 10**8:
            raise InputError(
                f"--warm-up is {value!r}; allowed: auto, or an integer from 0 to 100000000"
            )
        return int(value)


RATES: Final = RatesType()


def _joined(context: click.Context, param: click.Parameter, given: Any) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(itertools.chain.from_iterable(given)))


def several(name: str, each: Any, default: str, text: str) -> Any:
    """An option that takes values with commas between them, or comes several times."""
    return click.option(
        name,
        type=Several(each),
        multiple=True,
        default=(default,),
        show_default=True,
        callback=_joined,
        help=text,
    )

"""What every command shares: option types, reports for people and machines, the reproduce line."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import Progress, ProgressColumn
from rich.table import Table

from model.errors import InputError
from model.spec import MAX_SIDE

console = Console(highlight=False)
"""Reports for people, on standard output."""

progress_console = Console(stderr=True, highlight=False)
"""Progress and errors, on standard error."""


class SizeType(click.ParamType[tuple[int, int]]):
    """``WIDTHxHEIGHT`` in tiles, as ``32x18``; converts to a pair of integers."""

    name = "WxH"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Parse; sides outside 1 … 2048 are refused."""
        if isinstance(value, tuple):
            return value
        match = re.fullmatch(r"(\d{1,6})x(\d{1,6})", str(value))
        sides = tuple(int(side) for side in match.groups()) if match else (0, 0)
        if not all(1 <= side <= MAX_SIDE for side in sides):
            where = param.opts[0] if param is not None else "size"
            raise InputError(
                f"{where} is {value!r}; allowed: WIDTHxHEIGHT, each side from 1 to {MAX_SIDE}"
            )
        return sides[0], sides[1]


class RateType(click.ParamType[float]):
    """A number from ``low`` to ``high``, or only below it; NaN and infinities are refused."""

    name = "rate"

    def __init__(self, low: float = 0.0, high: float = 1.0, *, open_end: bool = False) -> None:
        self.low, self.high, self.open_end = low, high, open_end

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Parse; values outside the range are refused."""
        where = param.opts[0] if param is not None else "rate"
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = float("nan")
        if not self.low <= number <= self.high or (self.open_end and number == self.high):
            to = "to below" if self.open_end else "to"
            raise InputError(
                f"{where} is {value}; allowed: a number from {self.low:g} {to} {self.high:g}"
            )
        return number


class OutputType(click.ParamType[str]):
    """A file or folder to write, not empty; with ``endings`` a file with one of these suffixes."""

    name = "file"

    def __init__(self, *endings: str, stdout: bool = False) -> None:
        self.endings, self.stdout = endings, stdout

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Check the name; ``-`` passes where ``stdout`` is given."""
        text = str(value)
        if text and (not self.endings or Path(text).suffix in self.endings):
            return text
        if text == "-" and self.stdout:
            return text
        what = f"a name ending in {' or '.join(self.endings)}" if self.endings else "a name"
        where = param.opts[0] if param is not None else "output"
        raise InputError(f"{where} is {value!r}; allowed: {what}{', or -' * self.stdout}")


SIZE = SizeType()
RATE = RateType()
SEED = click.IntRange(0, 2**32 - 1)

seed_option = click.option(
    "--seed", type=SEED, default=1, show_default=True, help="Seed of every random choice."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def progress(*columns: ProgressColumn, transient: bool = False) -> Progress:
    """A progress display on standard error; silent where that is no terminal."""
    return Progress(
        *columns,
        console=progress_console,
        transient=transient,
        disable=not progress_console.is_terminal,
    )


def emit(as_json: bool, data: Mapping[str, Any], render: Callable[[], None]) -> None:
    """Print ``data`` as JSON for machines, or call ``render`` for people."""
    if as_json:
        click.echo(json.dumps(data, indent=2))
    else:
        render()


def key_values(title: str, rows: Sequence[tuple[str, str]]) -> None:
    """Print a title and a two-column table for people."""
    table = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for key, value in rows:
        table.add_row(key, value)
    console.print(f"[bold]{title}[/bold]", soft_wrap=True)
    console.print(table)


def reproduce(*words: object) -> str:
    """Return the one command line that makes this result again."""
    return "wafermesh " + shlex.join(str(word) for word in words)


def again(*always: str) -> str:
    """Return the command line of the running command, without options left at their defaults.

    Parameters
    ----------
    *always : str
        Names of options that are shown even so.
    """
    context = click.get_current_context()
    words: list[object] = []
    for param in context.command.params:
        value = context.params.get(param.name or "")
        if value is None or value == () or param.name == "as_json":
            continue
        if isinstance(param, click.Argument):
            words.append(value)
        elif param.name in always or value != param.get_default(context):
            for one in value if param.multiple else [value]:
                text = "x".join(map(str, one)) if isinstance(one, tuple) else one
                text = int(text) if isinstance(text, float) and text.is_integer() else text
                words += [min(param.opts, key=len), *([] if one is True else [text])]
    return reproduce(context.info_name, *words)

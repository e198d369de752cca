"""What the trace commands report."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
from rich.progress import SpinnerColumn, TextColumn

from model.traffic.trace import TraceFacts
from tools.common import again, key_values, progress


@contextlib.contextmanager
def counting(what: str) -> Iterator[Callable[[int], None]]:
    """Give a function that shows how many packets are done, on standard error."""
    with progress(SpinnerColumn(), TextColumn("{task.description}"), transient=True) as display:
        task = display.add_task(what, total=None)
        yield lambda done: display.update(task, description=f"{what}: {done:,} packets")


def facts_of(path: str, facts: TraceFacts) -> dict[str, Any]:
    """Facts of a trace, ready for JSON."""
    return {
        "trace": path,
        "packets": facts.packets,
        "flits": facts.flits,
        "first_cycle": facts.first if facts.packets else None,
        "last_cycle": facts.last if facts.packets else None,
        "bytes": Path(path).stat().st_size,
    }


def remade(*always: str) -> str:
    """The command line of the running command, below ``traffic``."""
    return again(*always).replace("wafermesh ", "wafermesh traffic ", 1)


def render(title: str, data: dict[str, Any]) -> None:
    """Print the facts for people."""
    rows = [("packets", f"{data['packets']:,}"), ("flits", f"{data['flits']:,}")]
    if data["packets"]:
        rows.append(("cycles", f"{data['first_cycle']:,} to {data['last_cycle']:,}"))
    if "logical" in data:
        rows.append(("logical size", data["logical"]))
    if "load" in data:
        rows.append(("load", f"{data['load']:g} flits per hosted tile and cycle"))
    if data.get("silent_sources"):
        rows.append(("silent sources", f"{data['silent_sources']} have no partner"))
    rows.append(("file", f"{data['trace']}, {data['bytes']:,} bytes"))
    key_values(title, rows)
    if "reproduce" in data:
        click.echo(f"Again: {data['reproduce']}")

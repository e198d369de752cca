"""``wafermesh bench traffic``: packets per second and peak memory of traces, by their length."""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import click
from rich.table import Table

from model.atomic import atomic_open, check_target
from tools.common import OutputType, console, emit, json_option, progress_console, reproduce

MILLION: Final = 1_000_000
SIDE: Final = 32
LOAD: Final = 0.3
SLACK: Final = 16
"""MiB by which the peak of reading may differ between two lengths."""

TASKS: Final = {
    "make": "drawn and written",
    "check": "read and checked",
    "check_one": "the same in one row group",
    "import": "imported from CSV, unsorted",
}


@click.command()
@click.option(
    "--millions",
    type=click.IntRange(1, 1000),
    multiple=True,
    default=(1, 10),
    show_default=True,
    help="Packets of a trace, in millions; several times for several.",
)
@click.option("--repeat", type=click.IntRange(1, 100), default=5, show_default=True)
@click.option("-o", "output", type=OutputType(".json"), help="Write the figures as JSON, too.")
@json_option
def command(millions: tuple[int, ...], repeat: int, output: str | None, as_json: bool) -> None:
    """Measure traces: uniform single flits of 32 x 32 tiles, load 0.3.

    Every run has a process of its own. Speeds are medians of --repeat runs in million packets per
    second of processor time, memory is the most that any run needed beyond the loaded program.
    Exit code 1 when reading a longer trace needs more memory than a shorter one.
    """
    if output is not None:
        check_target("-o", output)
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder, progress_console.status("") as status:
        for length in sorted(set(millions)):
            _prepare(Path(folder), length * MILLION, status.update)
            row: dict[str, Any] = {"packets": length * MILLION}
            for task in TASKS:
                status.update(f"{length} million packets: {task}")
                runs = [_apart(_run, task, folder, length * MILLION) for _ in range(repeat)]
                row[task] = {
                    "rate": round(length / statistics.median(run[0] for run in runs), 2),
                    "mib": max(run[1] for run in runs),
                }
            row["bytes"] = (Path(folder) / "t.parquet").stat().st_size
            rows.append(row)
    words = [word for length in millions for word in ("--millions", length)]
    data = {
        "unit": "million packets per second, MiB",
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "rows": rows,
        "missed": _missed(rows),
        "reproduce": reproduce("bench", "traffic", *words, "--repeat", repeat),
    }
    if output is not None:
        with atomic_open(output) as file:
            file.write(json.dumps(data, indent=2).encode())
    emit(as_json, data, lambda: _render(data))
    if data["missed"]:
        raise SystemExit(1)


def _missed(rows: list[dict[str, Any]]) -> list[str]:
    """What must hold and does not, one line each."""
    missed = []
    for task in ("check", "check_one"):
        first, last = rows[0], rows[-1]
        if last[task]["mib"] > first[task]["mib"] + SLACK:
            missed.append(
                f"{task}: {last['packets']:,} packets need {last[task]['mib']} MiB,"
                f" {first['packets']:,} need {first[task]['mib']}"
            )
    return missed


def _apart(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call a function in a process of its own."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def _prepare(folder: Path, packets: int, tell: Callable[[str], None]) -> None:
    """A trace, the same in one row group, and the same as CSV in another order."""
    tell(f"{packets // MILLION} million packets: files to read")
    for make in (_make, _join, _disorder):
        _apart(make, folder, packets)


def _make(folder: Path, packets: int) -> None:
    from model.image import ConfigImage
    from model.spec import FabricSpec
    from model.traffic import DrawnStream, Traffic
    from model.traffic.trace import write_trace

    image = ConfigImage.blank(FabricSpec(width=SIDE, height=SIDE), SIDE, SIDE)
    image.remap_tile[:] = range(SIDE * SIDE)
    write_trace(folder / "t.parquet", DrawnStream(image, Traffic(packets=packets, load=LOAD)))


def _join(folder: Path, packets: int) -> None:
    import pyarrow.parquet as parquet

    table = parquet.read_table(folder / "t.parquet")
    parquet.write_table(table, folder / "one.parquet", row_group_size=packets)


def _disorder(folder: Path, _: int) -> None:
    import pyarrow.csv as csv
    import pyarrow.parquet as parquet

    with (
        parquet.ParquetFile(folder / "t.parquet") as file,
        csv.CSVWriter(folder / "t.csv", file.schema_arrow) as writer,
    ):
        for group in reversed(range(file.metadata.num_row_groups)):
            writer.write_table(file.read_row_group(group))


def _run(task: str, folder: str, packets: int) -> tuple[float, int]:
    """Processor seconds and MiB of one run."""
    from model.traffic.importing import Foreign, import_trace
    from model.traffic.trace import TraceStream, survey

    here = Path(folder)
    before, started = _peak(), time.process_time()
    if task == "make":
        _make(here, packets)
    elif task == "import":
        import_trace(Foreign(path=here / "t.csv", kind="csv"), here / "i.parquet")
    else:
        name = "t.parquet" if task == "check" else "one.parquet"
        assert survey(TraceStream(here / name)).packets == packets
    return time.process_time() - started, _peak() - before


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def _render(data: dict[str, Any]) -> None:
    table = Table(title=f"Traces, {data['unit']}", title_justify="left")
    for name in ("packets", *TASKS.values(), "bytes"):
        table.add_column(name, justify="right")
    for row in data["rows"]:
        figures = (f"{row[task]['rate']:.1f}, {row[task]['mib']}" for task in TASKS)
        table.add_row(f"{row['packets']:,}", *figures, f"{row['bytes']:,}")
    console.print(table)
    console.print(f"Verdict: {'; '.join(data['missed']) or 'all of it holds'}", soft_wrap=True)
    console.print(f"Again: {data['reproduce']}", soft_wrap=True)

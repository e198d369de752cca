"""Driving a run of ``wafermesh simulate``: progress, records, checkpoints, interruption."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

from model.atomic import check_target
from tools.common import again, progress, progress_console
from tools.measure_options import meter_of

if TYPE_CHECKING:
    from model.engine import Simulation
    from model.image import ConfigImage
    from model.long_run import LongRun
    from model.measure import Meter
    from model.runlog import Counters
    from model.schedule import StallPattern
    from model.summary import Summary
    from model.traffic import PacketStream
    from model.traffic.closed_loop import ClosedLoop

TWO_THREADS: Final = 128 * 128
"""Tiles from which two threads are the default: below, a cycle is too short to share."""

INTERRUPTED: Final = 128
"""Exit code of an interrupted run, with the signal's number added."""


@dataclass(frozen=True)
class RunFiles:
    """What a run writes: records, and where it is kept when it is interrupted."""

    output: str | None
    checkpoint: str | None
    every: float | None

    def __post_init__(self) -> None:
        if self.checkpoint is not None:
            check_target("--checkpoint", self.checkpoint)

    @property
    def spill(self) -> Path:
        """Beside the checkpoint: records until the run has ended."""
        return Path(f"{self.checkpoint}.records")


def _threads(image: ConfigImage, given: dict[str, Any]) -> int:
    """As asked for, else by the size of the fabric."""
    usable = len(os.sched_getaffinity(0))
    default = min(2, usable) if image.spec.tiles >= TWO_THREADS else 1
    return int(given["threads"] or default)


def drive(
    image: ConfigImage,
    stream: PacketStream,
    loop: ClosedLoop | None,
    stalls: StallPattern,
    stop: int,
    files: RunFiles,
    given: dict[str, Any],
) -> tuple[dict[str, Any], Counters]:
    """Run to the end, or to a signal, which ends the program.

    Returns
    -------
    figures : dict
        For the report.
    counters : Counters
    """
    from model.engine import Simulation
    from model.long_run import LongRun, thaw
    from model.measure import write_ports
    from model.records import record_writer
    from model.spill import Spill
    from model.summary import run_figures

    threads = _threads(image, given)
    until_drained = given["measure"] is not None
    window = None if given["traffic"] or until_drained else given["cycles"]
    fixed, meter = bool(given["no_drain"]), meter_of(image, given)
    with _display() as show:
        show("loading the engine")
        run = Simulation(
            image, stream, loop=loop, stalls=stalls, record_events=False, threads=threads
        )
        summary, rows, sums = _summary(image, stream, loop, window, meter), 0, {}
        if files.checkpoint is not None:
            sums = _sums(image, loop, stalls, given, threads, files)
            if Path(files.checkpoint).exists():
                show(f"reading {files.checkpoint}")
                summary, rows = thaw(run, files.checkpoint, sums)
                progress_console.print(f"going on at cycle {run.cycle:,}", style="dim")
        with contextlib.ExitStack() as stack:
            records: Any = None
            if files.output is not None and files.checkpoint is not None:
                records = Spill(files.spill, rows)
                stack.callback(records.close)
            elif files.output is not None:
                records = stack.enter_context(record_writer(image, files.output))
            long = LongRun(run, stop, fixed, summary, records, until_drained=until_drained)
            _go(long, files, sums, show, _whole(stream, given))
            long.finish()
            if isinstance(records, Spill):
                show("writing records")
                with record_writer(image, files.output or "") as writer:
                    for block in records.blocks():
                        writer.add(block)
        result = run.result(long.cycles)
    if files.checkpoint is not None:
        Path(files.checkpoint).unlink(missing_ok=True)
        files.spill.unlink(missing_ok=True)
    meter = summary.meter or meter
    if given["ports"] is not None:
        write_ports(image, meter, given["ports"])
    figures = run_figures(summary, result, stream.silent_sources)
    return figures | {"measured": meter.figures()}, result.log.counters


def _summary(
    image: ConfigImage,
    stream: PacketStream,
    loop: ClosedLoop | None,
    window: int | None,
    meter: Meter,
) -> Summary:
    from model.loop_summary import LoopSummary
    from model.summary import Summary

    if loop is None:
        return Summary(image, window, meter)
    return LoopSummary(image, loop, stream.silent_sources, window, meter)


def _go(long: LongRun, files: RunFiles, sums: dict[str, str], show: Any, whole: Any) -> None:
    """Run on until the run is done; a signal ends the program, after a checkpoint."""
    run, saved = long.run, time.perf_counter()
    begin, last = (saved, whole(run) if whole else 0.0), (saved, run.cycle)
    with _signals(files.checkpoint is not None) as caught:
        while not long.done:
            long.step()
            now = time.perf_counter()
            if caught:
                show("writing a checkpoint")
                long.save(files.checkpoint or "", sums)
                _leave(files, run.cycle, caught[0])
            if files.every is not None and now - saved >= files.every:
                show("writing a checkpoint")
                long.save(files.checkpoint or "", sums)
                saved = now = time.perf_counter()
            rate = (run.cycle - last[1]) / max(1e-9, now - last[0])
            last = now, run.cycle
            show(f"{_standing(run, rate)}{_left(now - begin[0], begin[1], whole and whole(run))}")


def _standing(run: Simulation, rate: float) -> str:
    return (
        f"cycle {run.cycle:,}: {rate:,.0f} cycles/s,"
        f" {rate * run.tiles / 1e6:,.0f} M router-cycles/s,"
        f" {run.flits:,} flits in flight, {run.loaded.first:,} packets done"
    )


def _left(seconds: float, before: float, done: float | None) -> str:
    """Time left, from what part was done before and is done now."""
    if done is None or done <= before:
        return ""
    return f", {timedelta(seconds=round((1 - done) * seconds / (done - before)))} left"


def _whole(stream: PacketStream, given: dict[str, Any]) -> Any:
    """What part of a run is done, from 0 to 1, where its end is known; else None."""
    packets = getattr(stream, "packets", None) or given["packets"]
    if packets:
        return lambda run: min(1.0, run.loaded.requests / packets)
    if given["traffic"]:
        return None
    return lambda run: min(1.0, run.cycle / max(1, given["cycles"]))


def _leave(files: RunFiles, cycle: int, number: int) -> None:
    click.echo(
        f"wafermesh: interrupted in cycle {cycle:,}; checkpoint written: {files.checkpoint};"
        f" go on with: {again('seed')}",
        err=True,
    )
    sys.exit(INTERRUPTED + number)


@contextlib.contextmanager
def _signals(catch: bool) -> Iterator[list[int]]:
    """Numbers of the signals that came meanwhile; the second of a kind has its usual effect."""
    caught: list[int] = []
    if not catch:
        yield caught
        return

    def note(number: int, _: Any) -> None:
        caught.append(number)
        signal.signal(number, before[number])

    kinds = (signal.SIGINT, signal.SIGTERM)
    before = {int(kind): signal.getsignal(kind) for kind in kinds}
    for kind in kinds:
        signal.signal(kind, note)
    try:
        yield caught
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _display() -> Iterator[Any]:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with progress(*columns, transient=True) as display:
        task = display.add_task("", total=None)
        yield lambda text: display.update(task, description=text)


def _sums(
    image: ConfigImage,
    loop: ClosedLoop | None,
    stalls: StallPattern,
    given: dict[str, Any],
    threads: int,
    files: RunFiles,
) -> dict[str, str]:
    """What a checkpoint belongs to; a change of any of it is refused."""
    import model.traffic
    from model.checkpoint import file_sum, image_sum
    from model.engine.kernel import source_sum

    drawn = ("pattern", "load", "length", "gap", "hotspots", "hotspot_share", "burst", "peak")
    if given["traffic"]:
        traffic = file_sum(given["traffic"])
    else:
        folder = Path(model.traffic.__file__).parent
        told = {name: given[name] for name in (*drawn, "cycles", "packets")}
        rates = file_sum(given["rates"]) if given["rates"] else ""
        traffic = repr((sorted(told.items()), stalls.seed, rates, source_sum(folder)))
    names = ("cycles", "packets", "no_drain", "max_cycles", "warm_up", "measure", "stretches")
    ends = {name: given[name] for name in names}
    found = {
        "engine": str(source_sum()),
        "image": image_sum(image),
        "traffic": traffic,
        "closed loop": repr(loop),
        "stalls": repr(stalls),
        "end": repr(sorted(ends.items())),
        "number of threads": str(threads),
        "choice of -o": repr(files.output is not None),
    }
    return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in found.items()}

"""``wafermesh bench engine``: speed of the golden engine by size, load, length, VCs, threads."""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from typing import Any, Final

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table

from model.atomic import atomic_open, check_target
from tools.bench_stream import measure_streams, missed_streams, stream_lines
from tools.common import OutputType, console, emit, json_option, progress_console, reproduce

Row = dict[str, Any]

HOPS: Final = 4_000_000
"""Flit-hops of one measured window, as expected from the load; some tenths of a second."""

FIRST_MOST, LATER_MOST, RATIO_LEAST, GROWTH_MOST, LANES_MOST = 15.0, 1.0, 0.85, 2.5, 1.6
"""What must hold: seconds of the first and of later starts; two threads over two processes; time
per flit-hop of the whole wafer over 16 x 16, and of long packets and more VCs over short and 1."""

_meeting: list[Barrier] = []
"""In a measuring process: where all of them wait before they start."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One fault-free mesh under traffic, and what must hold: million router-cycles/s, cycles/s."""

    width: int
    height: int
    load: float
    pattern: str = "uniform"
    length: int = 1
    vcs: int = 1
    threads: int = 1
    rate: float = 0.0
    cycles: float = 0.0

    @property
    def hops(self) -> float:
        """Flits that leave an input VC per tile and cycle, about."""
        far = (self.width + self.height) / 3 if self.pattern == "uniform" else 1
        return self.load * (far + 1)


def _near_saturation(side: int) -> float:
    """Load of 76 % of what fills the busiest link under x-then-y, as SAT-1's search expects."""
    return round(0.76 * 4 / side, 4)


def _square(side: int, load: float, **more: Any) -> Case:
    return Case(width=side, height=side, load=load, **more)


WAFER: Final = Case(width=762, height=1172, load=0.0014)
CASES: Final = {
    "speed": (
        _square(8, 0.05, rate=100),
        _square(8, 0.05, length=4, rate=150),
        _square(8, _near_saturation(8)),
        _square(16, 0.05),
        _square(16, _near_saturation(16)),
        _square(32, 0.05, rate=60),
        _square(32, _near_saturation(32)),
        _square(64, 0.02),
        _square(64, 0.02, threads=2, rate=100),
        _square(64, _near_saturation(64), rate=25),
        _square(256, 0.005),
        _square(256, 0.005, threads=2),
    ),
    "lanes": tuple(
        _square(side, 0.05, length=length, vcs=vcs)
        for side in (8, 32)
        for vcs in (1, 2, 4)
        for length in (1, 4)
    ),
    "growth": (
        *(_square(side, round(1.25 / side, 5)) for side in (16, 32, 64, 128, 256, 512)),
        WAFER,
    ),
    "wafer": (
        replace(WAFER, pattern="neighbour", load=0.05),
        replace(WAFER, pattern="neighbour", load=0.05, threads=2, cycles=60),
    ),
}
"""Parts of the bench. ``growth`` has 0.3 times the load that fills the busiest link."""


@click.command()
@click.option(
    "--part",
    "parts",
    type=click.Choice([*CASES, "start", "ratio", "stream"]),
    multiple=True,
    default=("start", "speed", "lanes", "wafer"),
    show_default=True,
    help="What to measure; ratio: two threads over two processes, growth: up to a whole wafer, "
    "stream: memory of long traces.",
)
@click.option("--repeat", type=click.IntRange(1, 100), default=5, show_default=True)
@click.option("-o", "output", type=OutputType(".json"), help="Write the figures as JSON, too.")
@json_option
def command(parts: tuple[str, ...], repeat: int, output: str | None, as_json: bool) -> None:
    """Measure the golden engine on fault-free meshes, x-then-y, depth 4, warmed up.

    A figure is the median of --repeat windows of one run, each case in a process of its own. One
    thread counts its CPU time, so that other work on the machine matters little; several count
    wall time. Exit code 1 when a figure misses what must hold.
    """
    if output is not None:
        check_target("-o", output)
    data: dict[str, Any] = {"machine": f"{platform.machine()}, {os.cpu_count()} cores"}
    missed: list[str] = []
    with progress_console.status("starting") as status:
        for part in parts:
            status.update(part)
            if part == "start":
                data[part] = _starts()
                missed += _late(data[part])
            elif part == "stream":
                data[part] = measure_streams(status.update)
                missed += missed_streams(data[part])
            elif part == "ratio":
                data[part] = _ratio(repeat)
                if data[part]["ratio"] < RATIO_LEAST:
                    missed.append(f"two threads reach {data[part]['ratio']}, not {RATIO_LEAST}")
            else:
                rows = []
                for case in CASES[part]:
                    status.update(f"{part}: {case}")
                    rows += _together(case, repeat, 1)
                data[part] = rows
                missed += [line for row in rows for line in _missed(row)]
    missed += _compared(data)
    data["missed"] = missed
    words = [word for part in parts for word in ("--part", part)]
    data["reproduce"] = reproduce("bench", "engine", *words, "--repeat", repeat)
    if output is not None:
        with atomic_open(output) as file:
            file.write(json.dumps(data, indent=2).encode())
    emit(as_json, data, lambda: _render(data, parts))
    if missed:
        raise SystemExit(1)


def _missed(row: Row) -> list[str]:
    missed = []
    for name, what in (("rate", "million router-cycles/s"), ("cycles", "cycles/s")):
        least = row["must"][name]
        if row[name] < least:
            missed.append(f"{row['case']}: {row[name]} {what}, not {least:g}")
    return missed


def _compared(data: dict[str, Any]) -> list[str]:
    """Figures that must hold as ratios."""
    missed = []
    if "growth" in data:
        first, *_, last = data["growth"]
        growth = round(last["ns_per_hop"] / first["ns_per_hop"], 2)
        if growth > GROWTH_MOST:
            missed.append(f"time per flit-hop grows by {growth}, not {GROWTH_MOST}")
    rows = data.get("lanes", [])
    for row in rows:
        base = next(other for other in rows if other["tiles"] == row["tiles"])
        row["over_plain"] = round(row["ns_per_hop"] / base["ns_per_hop"], 2)
        if row["over_plain"] > LANES_MOST:
            missed.append(f"{row['case']}: {row['over_plain']} times the time, not {LANES_MOST}")
    return missed


def _late(starts: dict[str, float]) -> list[str]:
    missed = []
    for name, most in (("first", FIRST_MOST), ("later", LATER_MOST)):
        if starts[name] > most:
            missed.append(f"the {name} start takes {starts[name]} s, not {most:g}")
    return missed


def _starts() -> dict[str, float]:
    """CPU seconds to import and start the engine, with an empty and with a filled cache."""
    code = (
        "import time\nbefore = time.process_time()\n"
        "from tools.bench_engine import start\nstart()\n"
        "print(time.process_time() - before)\n"
    )
    with tempfile.TemporaryDirectory() as empty:
        environment = {**os.environ, "NUMBA_CACHE_DIR": empty}
        first, *later = (_run(code, environment) for _ in range(4))
    return {"first": round(first, 2), "later": round(statistics.median(later), 2)}


def start() -> None:
    """Run the engine over as little as there is."""
    from model.engine import simulate
    from model.spec import FabricSpec
    from model.traffic import make_schedule
    from verif.mesh_image import mesh_image

    image = mesh_image(FabricSpec(width=2, height=1))
    simulate(image, make_schedule(image, load=0.1, packets=1))


def _run(code: str, environment: dict[str, str]) -> float:
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, check=True, capture_output=True, text=True
    )
    return float(done.stdout)


def _ratio(repeat: int) -> dict[str, float]:
    """Two threads over the sum of two processes that run together, 256 x 256, in wall time."""
    case = replace(CASES["growth"][4], threads=2)
    two, pair = [], []
    for _ in range(repeat):
        two.append(_together(case, 1, 1)[0]["wall_rate"])
        alone = _together(replace(case, threads=1), 1, 2)
        pair.append(sum(row["wall_rate"] for row in alone))
    both, each = statistics.median(two), statistics.median(pair)
    return {"two_threads": both, "two_processes": each, "ratio": round(both / each, 3)}


def _together(case: Case, repeat: int, processes: int) -> list[Row]:
    """A case in so many processes that start at the same moment."""
    context = get_context("spawn")
    barrier = context.Barrier(processes)
    with context.Pool(processes, _join, (barrier,)) as pool:
        return pool.starmap(_measure, [(case, repeat)] * processes, chunksize=1)


def _join(barrier: Barrier) -> None:
    _meeting.append(barrier)


def _digits(value: float) -> float:
    """Four digits, however small: a busy machine's rates do not vanish."""
    return float(f"{value:.4g}")


def _measure(case: Case, repeat: int) -> Row:
    """Build a mesh, warm it up, and time windows of cycles."""
    import numpy as np

    from model.engine.run import Simulation
    from model.engine.state import bytes_per_tile
    from model.spec import FabricSpec
    from model.traffic import make_schedule
    from verif.mesh_image import mesh_image

    spec = FabricSpec(width=case.width, height=case.height, vcs=case.vcs)
    image = mesh_image(spec)
    image.remap_vc[:] = np.arange(spec.tiles) % spec.vcs
    cycles = max(10, round(HOPS / (case.hops * spec.tiles)))
    warm_up = max(cycles, spec.width + spec.height if case.pattern == "uniform" else 20)
    end = warm_up + repeat * cycles
    schedule = make_schedule(
        image, pattern=case.pattern, load=case.load, length=str(case.length), cycles=end
    )
    used, started = _peak(), time.process_time()
    run = Simulation(image, schedule, record_events=False, threads=case.threads)
    built = time.process_time() - started
    run.advance(warm_up, end)
    _meeting[0].wait()
    rates: list[float] = []
    walls: list[float] = []
    hops: list[float] = []
    moved = _moved(run)
    for window in range(repeat):
        wall, cpu = time.perf_counter(), time.process_time()
        run.advance(warm_up + (window + 1) * cycles, end)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        seconds = cpu if case.threads == 1 else wall
        before, moved = moved, _moved(run)
        rates.append(spec.tiles * cycles / seconds / 1e6)
        walls.append(spec.tiles * cycles / wall / 1e6)
        hops.append((moved - before) / seconds / 1e6)
    rate, hop = statistics.median(rates), statistics.median(hops)
    return {
        "case": f"{case.width}x{case.height} {case.pattern} {case.load:g}, length {case.length},"
        f" {case.vcs} VC, {case.threads} thread{'s' * (case.threads > 1)}",
        "tiles": spec.tiles,
        "rate": _digits(rate),
        "wall_rate": _digits(statistics.median(walls)),
        "hops": _digits(hop),
        "ns_per_hop": round(case.threads * 1000 / hop, 2),
        "cycles": round(rate * 1e6 / spec.tiles, 1),
        "build_seconds": round(built, 2),
        "state_bytes_per_tile": bytes_per_tile(spec.vcs, spec.depth),
        "peak_bytes_per_tile": round((_peak() - used) / spec.tiles),
        "packets": len(schedule),
        "windows": [round(one, 1) for one in rates],
        "must": {"rate": case.rate, "cycles": case.cycles},
    }


def _moved(run: Any) -> int:
    return int(run.counters().moved.sum(dtype="uint64"))


def _peak() -> int:
    """Bytes at most that this process held so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _render(data: dict[str, Any], parts: tuple[str, ...]) -> None:
    for part in parts:
        if part == "stream":
            for line in stream_lines(data[part]):
                console.print(line, soft_wrap=True)
            continue
        if part in ("start", "ratio"):
            figures = ", ".join(f"{name} {value}" for name, value in data[part].items())
            console.print(f"{part}: {figures}")
            continue
        table = Table(box=SIMPLE_HEAD, title=f"Golden engine: {part}", title_justify="left")
        names = ("case", "M router-cycles/s", "M flit-hops/s", "ns/hop", "cycles/s", "must hold")
        for name in names:
            table.add_column(name, justify="left" if name == "case" else "right")
        for row in data[part]:
            must = row["must"]["rate"] or row["must"]["cycles"]
            table.add_row(
                row["case"],
                f"{row['rate']:.1f}",
                f"{row['hops']:.1f}",
                f"{row['ns_per_hop']:.1f}",
                f"{row['cycles']:,.1f}",
                f"≥ {must:g}" if must else "",
            )
        console.print(table)
    console.print(f"{data['machine']}; one thread: CPU time, several: wall time")
    console.print(f"Verdict: {'; '.join(data['missed']) or 'all of it holds'}", soft_wrap=True)
    console.print(f"Again: {data['reproduce']}", soft_wrap=True)

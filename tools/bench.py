"""``wafermesh bench``: figures from scripts, as tables and JSON."""

from __future__ import annotations

import click

from tools.cli import LazyGroup

BENCHES = {
    "engine": "Golden engine: router-cycles and flit-hops per second, memory, starts.",
    "tile-array": "RTL tile-cycles per second of the tile array, by size and threads.",
    "capacity": "Bound on what any routing of an image could carry, and its share of that.",
    "routing": "Share of the capacity bound that routing reaches, stretch and table entries.",
    "sweep": "Latency and throughput over loads, patterns, routings and maps, with pictures.",
    "defects": "Seconds to draw a wafer of each kind of defects.",
    "repair": "Cores lost and moved, distance of neighbours, by strategy and place of the spares.",
    "wide": "Whole wafers: time, memory, stretch, loads, and what was walked.",
    "window": "Closed loops: round trip and throughput by the window of outstanding requests.",
    "traffic": "Traces: packets per second and peak memory, by their length.",
    "compile": "Compile time and peak memory, by size, defect rate and effort.",
}


@click.group(cls=LazyGroup, modules=BENCHES, prefix="tools.bench_")
def command() -> None:
    """Measure speed; figures depend on the machine and name it."""

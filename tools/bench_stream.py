"""``wafermesh bench engine --part stream``: memory and time of long traces."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

PACKETS: Final = (1_000_000, 10_000_000)
SIDE, LOAD = 32, 0.05
GROWTH_MOST: Final = 32
"""MiB that the longer trace may take more."""

_MAIN: Final = "from tools.cli import main; main()"

Row = dict[str, Any]


def measure_streams(tell: Callable[[str], None]) -> list[Row]:
    """Make a trace of each length and run it, records included, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        image, trace, records = (
            Path(folder) / name for name in ("i.npz", "t.parquet", "r.parquet")
        )
        _save_mesh(image)
        rows = []
        for packets in PACKETS:
            tell(f"stream: a trace of {packets:,} packets")
            drawn = ["--load", str(LOAD), "--packets", str(packets), "-o", str(trace)]
            _run(["traffic", "make", str(image), *drawn])
            tell(f"stream: {packets:,} packets")
            words = ["simulate", str(image), "--traffic", str(trace), "-o", str(records), "--json"]
            rows.append({"packets": packets, **_run(words)})
        return rows


def missed_streams(rows: list[Row]) -> list[str]:
    """What must hold and does not: equal memory, whatever the length."""
    least, most = rows[0], rows[-1]
    growth = most["peak_mib"] - least["peak_mib"]
    if growth <= GROWTH_MOST:
        return []
    return [
        f"{most['packets']:,} packets take {growth} MiB more than {least['packets']:,},"
        f" not {GROWTH_MOST}"
    ]


def stream_lines(rows: list[Row]) -> list[str]:
    """For people."""
    return [
        f"stream: {row['packets']:,} packets, {row['cycles']:,} cycles: {row['seconds']} s,"
        f" {row['cpu_seconds']} s CPU, {row['peak_mib']} MiB at most"
        for row in rows
    ]


def _save_mesh(path: Path) -> None:
    from model.image_file import save_image
    from model.spec import FabricSpec
    from verif.mesh_image import mesh_image

    save_image(mesh_image(FabricSpec(width=SIDE, height=SIDE)), path)


def _run(words: list[str]) -> Row:
    """A command's seconds, processor seconds and most memory; and how many cycles it ran."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        child = subprocess.Popen([sys.executable, "-c", _MAIN, *words], stdout=out)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        if child.returncode:
            raise subprocess.CalledProcessError(child.returncode, words)
        out.seek(0)
        report = json.loads(out.read()) if "--json" in words else {}
    return {
        "cycles": report.get("cycles"),
        "seconds": round(time.perf_counter() - started, 2),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 2),
        "peak_mib": used.ru_maxrss // 1024,
    }

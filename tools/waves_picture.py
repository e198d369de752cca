"""Draw the README's waveform: two packets meet in a row of three tiles, from a real VCD.

``python -m tools.waves_picture docs/waves.png`` runs the fabric under cocotb, dumps a VCD and draws
what it holds; nothing in the picture is invented. With ``--golden`` it draws the golden engine's
VCD of the same run below.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
import matplotlib
import numpy as np
from matplotlib.patches import FancyBboxPatch

from model.atomic import atomic_path
from model.schedule import PacketSchedule, StallPattern
from model.spec import FabricSpec, Fields
from verif.bench.stimulus import payloads
from verif.bench.window import run_window
from verif.golden_waves import golden_beside
from verif.mesh_image import mesh_image
from verif.waves import WaveReader
from verif.words import unpack

SPEC: Final = FabricSpec(width=3, height=1, depth=2)
PACKETS: Final = ((0, 2, 4, 0), (1, 2, 2, 4))
"""Source, destination, flits, first cycle: A from the west end, B from the middle."""
STALLS: Final = StallPattern(threshold=int(0.25 * 2**32), burst_log2=1, seed=11)
CYCLES: Final = range(14)

INK, FAINT, GRID = "#1f2933", "#7b8794", "#e4e7eb"
COLOURS: Final = (("#0072b2", "#d6eaf5"), ("#d55e00", "#fbe3d3"))
"""Line and fill per packet, from the colour-blind-safe palette of Okabe and Ito."""


@dataclass(frozen=True)
class Row:
    """One port of one tile: ``<scope>.<port>_valid``, ``_ready`` and ``_<word>``."""

    tile: int
    port: str
    word: str
    fields: Fields
    text: str

    @property
    def signal(self) -> str:
        """Name of the port's signals up to the underscore."""
        return f"fabric.tile_x{self.tile}_y0.{self.port}"


ROWS: Final = (
    Row(0, "core_in", "payload", SPEC.core_in_fields, "core in"),
    Row(0, "east_out", "flit", SPEC.flit_fields, "EAST out"),
    Row(1, "core_in", "payload", SPEC.core_in_fields, "core in"),
    Row(1, "east_out", "flit", SPEC.flit_fields, "EAST out"),
    Row(2, "core_out", "payload", SPEC.core_out_fields, "core out"),
)


def schedule() -> PacketSchedule:
    """The two packets."""
    source, destination, length, offered = np.array(PACKETS).T
    return PacketSchedule(
        source=source.astype(np.int32),
        destination=destination.astype(np.int32),
        length=length.astype(np.int32),
        offered=offered.astype(np.int64),
        gap=np.zeros(len(PACKETS), np.int32),
    )


def draw(panels: Sequence[tuple[str, WaveReader]], target: Path) -> None:
    """Draw :data:`ROWS` over :data:`CYCLES` into a PNG, once for each titled wave file."""
    matplotlib.use("Agg")
    from matplotlib import pyplot

    matplotlib.rcParams["font.family"] = ["DejaVu Sans"]
    size, dpi = (11.2, 4.5 * len(panels)), 160 if len(panels) == 1 else 100
    figure, all_axes = pyplot.subplots(len(panels), figsize=size, dpi=dpi, squeeze=False)
    for axes, (title, reader) in zip(all_axes[:, 0], panels, strict=True):
        _panel(axes, title, reader)
    figure.subplots_adjust(left=0.01, right=0.995, top=0.99, bottom=0.01, hspace=0.02)
    with atomic_path(target) as temporary:
        figure.savefig(temporary, facecolor="white")
    pyplot.close(figure)


def _panel(axes: Any, title: str, reader: WaveReader) -> None:
    names = {
        word: (packet, flit)
        for packet, words in enumerate(payloads(schedule(), SPEC.payload_width))
        for flit, word in enumerate(words)
    }
    places = _places()
    for cycle in (*CYCLES, CYCLES.stop):
        axes.plot([cycle, cycle], [places[-1] - 0.5, 0.45], color=GRID, linewidth=0.8, zorder=0)
    for cycle in CYCLES:
        axes.text(cycle + 0.5, 0.62, str(cycle), ha="center", color=FAINT, fontsize=9)
    axes.text(-0.2, 0.62, "cycle", ha="right", color=FAINT, fontsize=9)
    axes.text(-3.3, 0.62, title, color=INK, fontsize=10.5, fontweight="bold")
    for row, y in zip(ROWS, places, strict=True):
        axes.text(-0.2, y, row.text, ha="right", va="center", color=INK, fontsize=10.5)
        axes.plot([0, CYCLES.stop], [y, y], color=GRID, linewidth=1.2, zorder=1)
        for cycle in CYCLES:
            _flit(axes, reader, row, cycle, y, names)
    _tiles(axes, places)
    axes.set_xlim(-3.4, CYCLES.stop + 0.1)
    axes.set_ylim(places[-1] - 1.25, 1.0)
    axes.axis("off")
    _legend(axes, places[-1] - 0.95)


def _places() -> list[float]:
    """Height of each row; a new tile leaves more room."""
    heights = [-0.15]
    for before, after in itertools.pairwise(ROWS):
        heights.append(heights[-1] - (0.8 if before.tile == after.tile else 1.15))
    return heights


def _flit(
    axes: Any,
    reader: WaveReader,
    row: Row,
    cycle: int,
    y: float,
    names: dict[int, tuple[int, int]],
) -> None:
    valid, ready = (reader.value(f"{row.signal}_{pin}", cycle) for pin in ("valid", "ready"))
    if not valid:
        return
    bits = reader.bits(f"{row.signal}_{row.word}", cycle)
    # The engine leaves the dst of a core's body flits open (x); it is not drawn.
    fields = unpack(row.fields, int(bits.replace("x", "0"), 2))
    packet, flit = names[fields["payload"]]
    line, fill = COLOURS[packet]
    box = FancyBboxPatch(
        (cycle + 0.07, y - 0.26),
        0.86,
        0.52,
        boxstyle="round,pad=0,rounding_size=0.1",
        linewidth=1.4,
        edgecolor=line,
        facecolor=fill if ready else "white",
        linestyle="-" if ready else (0, (2, 1.5)),
        zorder=3,
    )
    axes.add_patch(box)
    name = f"{'AB'[packet]}{flit}"
    axes.text(
        cycle + 0.5,
        y + 0.07,
        name,
        ha="center",
        va="center",
        color=line if ready else FAINT,
        fontsize=10,
        fontweight="bold",
        zorder=4,
    )
    note = "waits" if not ready else "last" if fields["last"] else f"{fields['payload']:08x}"[-4:]
    axes.text(
        cycle + 0.5, y - 0.14, note, ha="center", va="center", color=FAINT, fontsize=7, zorder=4
    )


def _tiles(axes: Any, places: list[float]) -> None:
    """A bracket and a name beside the rows of each tile."""
    for tile in sorted({row.tile for row in ROWS}):
        rows = [y for row, y in zip(ROWS, places, strict=True) if row.tile == tile]
        top, bottom = max(rows) + 0.3, min(rows) - 0.3
        axes.plot([-1.75, -1.75], [bottom, top], color=INK, linewidth=2, solid_capstyle="round")
        axes.text(
            -1.95,
            (top + bottom) / 2,
            f"tile x{tile}",
            ha="right",
            va="center",
            color=INK,
            fontsize=11.5,
            fontweight="bold",
        )


def _legend(axes: Any, y: float) -> None:
    lines = [
        f"{'AB'[packet]}: core x{source} to core x{destination}, {length} flits"
        for packet, (source, destination, length, _) in enumerate(PACKETS)
    ]
    x = 0.05
    for packet, text in enumerate(lines):
        line, fill = COLOURS[packet]
        patch = FancyBboxPatch(
            (x, y - 0.09),
            0.3,
            0.18,
            boxstyle="round,pad=0,rounding_size=0.06",
            edgecolor=line,
            facecolor=fill,
        )
        axes.add_patch(patch)
        axes.text(x + 0.45, y, text, va="center", color=INK, fontsize=9)
        x += 4.6
    axes.text(x, y, "dashed: offered, not yet taken", va="center", color=FAINT, fontsize=9)


@click.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.option("--simulator", type=click.Choice(["verilator", "icarus"]), default="icarus")
@click.option("--golden", is_flag=True, help="Draw the golden engine's waves below the RTL's.")
def main(target: Path, simulator: Any, golden: bool) -> None:
    """Run two packets through three tiles and draw their waveform into TARGET (a PNG)."""
    signals = [f"{row.signal}_{pin}" for row in ROWS for pin in ("valid", "ready", row.word)]
    with tempfile.TemporaryDirectory() as scratch:
        waves = Path(scratch) / "run.vcd"
        result = run_window(mesh_image(SPEC), schedule(), STALLS, waves=waves, simulator=simulator)
        if result.difference:
            raise click.ClickException(result.difference)
        start = result.cycle0_ns
        panels = [("RTL" if golden else "", WaveReader(waves, signals, start))]
        if golden:
            panels.append(("engine", WaveReader(golden_beside(waves), signals, start)))
        draw(panels, target)


if __name__ == "__main__":
    main()

"""Options for waves of chosen tiles and cycles, shared by the commands that write some (SIM-3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import click

from model.atomic import check_target
from model.errors import InputError
from model.image import ConfigImage
from model.schedule import PacketSchedule, StallPattern
from tools.common import OutputType, progress_console

MOST_TILES: Final = 4096
"""Tiles whose waves fit a file that a viewer still opens."""

_OPTIONS: Final = (
    click.option("--waves", type=OutputType(".vcd", ".fst"), help="Dump waves, .vcd or .fst."),
    click.option("--wave-cycles", metavar="A:B", help="Dump cycles A to B - 1 only."),
    click.option(
        "--wave-tile",
        "wave_tiles",
        metavar="X,Y",
        multiple=True,
        help="Only these tiles; X and Y may be ranges, as 3-6,0-2.",
    ),
)


def wave_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def check_wave_options(given: dict[str, Any]) -> None:
    """Refuse a window without waves (InputError)."""
    if given["waves"] is None and (given["wave_cycles"] or given["wave_tiles"]):
        raise InputError("--wave-cycles and --wave-tile: allowed: with --waves")


def wave_window(image: ConfigImage, given: dict[str, Any]) -> dict[str, Any] | None:
    """What the options ask for, or None without waves.

    Returns
    -------
    dict or None
        ``path``, ``tiles`` (ids, or None for all live ones), ``begin`` and ``end``: fields of
        :class:`verif.tile_array.Waves`, arguments of :func:`verif.golden_waves.write_golden_waves`.

    Raises
    ------
    InputError
        Naming the option.
    """
    if given["waves"] is None:
        return None
    check_target("--waves", given["waves"])
    tiles = _tiles(image, given["wave_tiles"]) if given["wave_tiles"] else None
    count = int(image.live.sum()) if tiles is None else len(tiles)
    if count > MOST_TILES:
        raise InputError(f"--wave-tile selects {count} tiles; allowed: at most {MOST_TILES}")
    begin, end = _numbers("--wave-cycles", given["wave_cycles"] or f"0:{2**40}", "3:5", r"(\d+)")
    if begin >= end:
        raise InputError(f"--wave-cycles is {begin}:{end}; allowed: A:B with A below B")
    return {"path": Path(given["waves"]), "tiles": tiles, "begin": begin, "end": end}


def write_engine_waves(
    window: dict[str, Any],
    image: ConfigImage,
    schedule: PacketSchedule,
    stalls: StallPattern,
    stop: int,
    threads: int = 1,
) -> None:
    """Write the engine's waves where ``wafermesh verify`` puts the RTL's (SIM-5).

    Parameters
    ----------
    window : dict
        From :func:`wave_window`.
    image, schedule, stalls
        Of the run.
    stop : int
        Its last cycle at the latest.
    threads : int
    """
    from verif.golden_waves import write_golden_waves
    from verif.tile_array.build import array_spec

    with progress_console.status("engine waves") as status:
        write_golden_waves(
            image=image,
            schedule=schedule,
            stalls=stalls,
            widths=array_spec(image.spec),
            threads=threads,
            progress=lambda cycle: status.update(f"engine waves: cycle {cycle:,}"),
            **{**window, "end": min(window["end"], stop)},
        )


def _tiles(image: ConfigImage, texts: Sequence[str]) -> list[int]:
    """Live tiles that are named, each once, in the order of their names."""
    spec, tiles = image.spec, []
    for text in texts:
        x, x_to, y, y_to = _numbers("--wave-tile", text, "3,5 or 3-6,5", r"(\d+)(?:-(\d+))?")
        if not (x <= x_to < spec.width and y <= y_to < spec.height):
            raise InputError(
                f"--wave-tile is {text}; allowed: 0,0 to {spec.width - 1},{spec.height - 1}"
            )
        named = [b * spec.width + a for b in range(y, y_to + 1) for a in range(x, x_to + 1)]
        living = [tile for tile in named if image.live[tile]]
        if not living:
            raise InputError(f"--wave-tile is {text}, a dead tile; allowed: tiles that live")
        tiles += living
    return list(dict.fromkeys(tiles))


def _numbers(option: str, text: str, example: str, number: str) -> list[int]:
    """Two numbers or ranges with the mark between them that ``example`` shows."""
    mark = "," if "," in example else ":"
    match = re.fullmatch(f"{number}{mark}{number}", text, re.ASCII)
    if match is None:
        raise InputError(f"{option} is {text}; allowed: two whole numbers as {example}")
    found = match.groups()  # of one number as a range, the second is missing
    return [int(value or found[place - 1]) for place, value in enumerate(found)]

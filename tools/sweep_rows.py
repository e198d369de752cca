"""One row of a sweep: a map under one traffic at one load, or where that traffic saturates it."""

from __future__ import annotations

import functools
import hashlib
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Final, Literal

from model.compile import CompileOptions, compile_wafer
from model.defects import bernoulli
from model.errors import InputError
from model.image import ConfigImage
from model.image_file import load_image, save_image
from model.measure import measure as measured_run
from model.routing import Effort
from model.saturation import WARM_UP, find_saturation
from tools import rows
from tools.common import reproduce
from tools.rows import Row

AUTO: Final = (
    0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 1.0, 1.06, 1.25, 1.5
)  # fmt: skip
"""Loads of an automatic curve, as shares of the saturation load."""

SATURATED: Final = 2
"""Saturated points, in the order of their loads, after which a curve ends."""

Kind = Literal["point", "saturation"]
_images = Path()
"""In a worker: where compiled images lie."""


@dataclass(frozen=True, kw_only=True)
class Map:
    """What is compiled, or an image that was.

    Members
    -------
    image, image_sum : str
        File of an image and the hash of what is in it; empty for what is compiled. All else is
        then as the image says.
    width, height, tile_rate, link_rate, map_seed, vcs, depth, routing, effort
        The seed of wafers without defects is 0, as they are all the same.
    """

    image: str = ""
    image_sum: str = ""
    width: int
    height: int
    tile_rate: float
    link_rate: float
    map_seed: int
    vcs: int
    depth: int
    routing: str
    effort: Effort


@dataclass(frozen=True, kw_only=True)
class Point(Map):
    """What a row is about; equal points give equal figures, seconds apart.

    Members
    -------
    pattern, length, load, seed
        Traffic, as :class:`model.traffic.Traffic` has it. ``load`` is 0 in a row of kind
        ``saturation``, which is about the largest load that passes (SAT-1).
    warm_up, cycles, drain
        As :func:`model.measure.measure` has them.
    kind : "point" or "saturation"
    """

    pattern: str
    length: str
    load: float
    seed: int
    warm_up: int | None
    cycles: int
    drain: int
    kind: Kind = "point"

    @property
    def map(self) -> Map:
        """What has to be compiled for it."""
        return Map(**{field.name: getattr(self, field.name) for field in fields(Map)})

    @property
    def curve(self) -> Point:
        """What the points of one curve have in common: its saturation."""
        return replace(self, load=0.0, kind="saturation")

    def command(self) -> str:
        """The command that makes this row alone."""
        words: list[object] = ["bench", "sweep"]
        if self.image:
            words += ["--image", self.image]
        else:
            words += ["--size", f"{self.width}x{self.height}"]
            words += ["--rates", f"{100 * self.tile_rate:g}/{100 * self.link_rate:g}"]
            words += ["--vcs", self.vcs, "--depth", self.depth, "--routing", self.routing]
            words += ["--effort", self.effort]
        words += ["--pattern", self.pattern, "--length", self.length]
        words += ["--load", "saturation" if self.kind == "saturation" else self.load]
        words += [
            "--seed",
            self.seed,
            "--warm-up",
            "auto" if self.warm_up is None else self.warm_up,
        ]
        words += ["--cycles", self.cycles]
        return reproduce(*words, "--drain", self.drain)


def map_of(path: str) -> Map:
    """The map that an image file is.

    Raises
    ------
    InputError
        When it cannot be read.
    """
    image = load_image(path)
    return Map(
        image=path,
        image_sum=hashlib.sha256(Path(path).read_bytes()).hexdigest()[:16],
        width=image.spec.width,
        height=image.spec.height,
        tile_rate=0.0,
        link_rate=0.0,
        map_seed=0,
        vcs=image.spec.vcs,
        depth=image.spec.depth,
        routing=image.report.get("routing", "unknown"),
        effort=image.report.get("effort", "fast"),
    )


def use_images(folder: Path) -> None:
    """Keep compiled images in a folder, from where all workers take them."""
    global _images
    _images = folder


@functools.lru_cache(maxsize=2)
def image_of(what: Map) -> ConfigImage:
    """Compile a map, or load what was compiled.

    Raises
    ------
    InputError
        When it cannot be compiled, or its file is not what it was.
    """
    if what.image:
        if map_of(what.image) != what:
            raise InputError(
                f"{what.image} has changed; allowed: the image that the sweep began with"
            )
        return load_image(what.image)
    name = "-".join(str(value) for value in asdict(what).values())
    path = _images / f"{name}.npz"
    if _images != Path() and path.exists():
        return load_image(path)
    wafer = bernoulli(
        what.width,
        what.height,
        tile_rate=what.tile_rate,
        link_rate=what.link_rate,
        seed=what.map_seed,
    )
    options = CompileOptions(routing=what.routing, effort=what.effort)
    image = compile_wafer(wafer, options, vcs=what.vcs, depth=what.depth)
    if _images != Path():
        save_image(image, path)
    return image


def prepare(what: Map) -> None:
    """Compile a map into the folder; what cannot be compiled says so in its rows."""
    try:
        image_of(what)
    except InputError:
        return


def measure(point: Point) -> Row:
    """Make a row.

    Returns
    -------
    dict
        The point; ``error`` (empty unless it is bad input); the figures by flat names, or
        ``saturation`` and ``saturation_fails``; and the command that makes the row again.
    """
    row: Row = {**asdict(point), "error": "", "command": point.command()}
    run: dict[str, Any] = {
        name: getattr(point, name) for name in ("pattern", "length", "seed", "cycles")
    }
    try:
        image = image_of(point.map)
        if point.kind == "saturation":
            begin = WARM_UP if point.warm_up is None else point.warm_up
            limit = find_saturation(image, warm_up=begin, **run)
            return row | {"saturation": limit.load, "saturation_fails": limit.above}
        started = time.perf_counter()
        run |= {"load": point.load, "warm_up": point.warm_up, "drain": point.drain}
        found = measured_run(image, **run)
        seconds = round(time.perf_counter() - started, 3)
        found |= {"cycles": point.cycles, "cycles_run": found["cycles"], "seconds": seconds}
        return row | flat(found)
    except InputError as error:
        return row | {"error": str(error)}


def flat(figures: dict[str, Any]) -> Row:
    """Figures of a run by names of one level; lists are left out."""
    found: Row = {}
    for name, value in figures.items():
        if isinstance(value, dict):
            inner = flat(value).items()
            found |= {f"{name}_{key}".replace(".", "_"): what for key, what in inner}
        elif not isinstance(value, list):
            found[name] = value
    return found


def is_saturated(row: Row) -> bool:
    """A point that is beyond saturation, or cannot be run."""
    return bool(row["error"]) or bool(row.get("saturated"))


def ended(kept: dict[Point, Row], point: Point, curve: Iterable[Point]) -> bool:
    """Whether so many of the points of its curve at lower loads are saturated that it ends."""
    lower = [other for other in curve if other.load < point.load and other in kept]
    return sum(is_saturated(kept[other]) for other in lower) >= SATURATED


def code() -> str:
    """Hash of the program that makes the figures."""
    return rows.code(__file__)

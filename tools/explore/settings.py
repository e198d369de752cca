"""What a session shows, as one frozen value: checked, and carried whole by a link."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Final
from urllib.parse import urlencode

from model.defects import CLUSTERS, SEED_MAX, clustered
from model.errors import InputError, require_int
from model.presets import preset
from model.repair import NO_REPAIR, REPAIRS
from model.repair.homes import PLACES, HomePlan
from model.routing import ROUTINGS
from model.traffic import PATTERNS, parse_lengths
from model.wafer import WaferMap
from tools.explore.edits import Edits, apply_edits, parse_edits, unpack_map

MOST_TILES: Final = 1_000_000
"""Tiles of the largest wafer: the published chips fit."""

FILM_TILES: Final = 96 * 96
"""Tiles up to which all pairs are routed and traffic is shown packet by packet."""

FILM_CYCLES: Final = 2000
"""Cycles in which traffic is offered: those of the film, and of the run that is measured."""

RATES: Final = ("tile_rate", "core_rate", "link_rate", "pair_rate")
_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "cluster": CLUSTERS,
    "spare_place": PLACES,
    "repair": (*REPAIRS, NO_REPAIR),
    "routing": tuple(ROUTINGS),
    "pattern": PATTERNS,
}
_INTEGERS: Final[Mapping[str, tuple[int, int]]] = {
    "width": (1, 2048),
    "height": (1, 2048),
    "alpha": (1, 100),
    "seed": (0, SEED_MAX),
    "source": (-1, MOST_TILES - 1),
    "goal": (-1, MOST_TILES - 1),
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that decides what the page shows.

    Parameters
    ----------
    width, height : int
        Tiles, :data:`MOST_TILES` at most together.
    tile_rate, core_rate, link_rate, pair_rate, cluster, alpha, seed
        As :func:`model.defects.clustered` takes them.
    spares, spare_place, repair, routing, vcs
        As the compiler takes them; repair may be ``none``: the remap is off.
    pattern, load, length
        Traffic, as :class:`model.traffic.Traffic` takes it.
    source, goal : int
        Logical ids of the pair whose way is shown; -1: the first and the last hosted one.
    map : str
        A whole map (:func:`tools.explore.edits.pack_map`) instead of the drawn one.
    edits : tuple of str
        Defects drawn by hand on it.

    Raises
    ------
    InputError
        One line that names the field, its value and what is allowed.
    """

    width: int = 32
    height: int = 18
    tile_rate: float = 0.04
    core_rate: float = 0.0
    link_rate: float = 0.03
    pair_rate: float = 0.0
    cluster: str = "none"
    alpha: int = 2
    seed: int = 1
    spares: str = "7%"
    spare_place: str = "columns"
    repair: str = "displacement"
    routing: str = "ordered"
    vcs: int = 1
    pattern: str = "uniform"
    load: float = 0.02
    length: str = "1-4"
    source: int = -1
    goal: int = -1
    map: str = ""
    edits: Edits = ()

    def __post_init__(self) -> None:
        for name, (low, high) in _INTEGERS.items():
            require_int(name, getattr(self, name), low, high)
        if self.width * self.height > MOST_TILES:
            raise InputError(
                f"size is {self.width}x{self.height}; allowed: at most {MOST_TILES:,} tiles"
            )
        for name in (*RATES, "load"):
            value = getattr(self, name)
            if type(value) not in (int, float) or not 0 <= value <= 1:
                raise InputError(f"{name} is {value!r}; allowed: a number from 0 to 1")
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise InputError(
                    f"{name} is {getattr(self, name)!r}; allowed: {', '.join(allowed)}"
                )
        if self.vcs not in (1, 2, 4) or type(self.vcs) is not int:
            raise InputError(f"vcs is {self.vcs!r}; allowed: 1, 2 or 4")
        parse_lengths(self.length, 64)
        HomePlan.build(self.width, self.height, self.spares, self.spare_place)

    # What they make -------------------------------------------------------------------------------

    def wafer(self) -> WaferMap:
        """The map: drawn from the seed or given whole, then edited."""
        rates = {name: getattr(self, name) for name in RATES}
        if self.map:
            wafer = unpack_map(self.map)
            if (wafer.width, wafer.height) != (self.width, self.height):
                raise InputError(
                    f"map is {wafer.width}x{wafer.height}; allowed: the size given,"
                    f" {self.width}x{self.height}"
                )
        else:
            wafer = clustered(
                self.width, self.height, rates, cluster=self.cluster, alpha=self.alpha,
                seed=self.seed,
            )  # fmt: skip
        return apply_edits(wafer, self.edits)

    @property
    def drawn(self) -> bool:
        """The map comes from the seed alone, so that a command makes it again."""
        return not self.map and not self.edits

    def with_preset(self, name: str) -> Settings:
        """These settings on another kind of wafer."""
        kind = preset(name)
        return replace(
            self, width=kind.width, height=kind.height, spares=kind.spares,
            spare_place=kind.spare_place, tile_rate=kind.tile_rate, link_rate=kind.link_rate,
            core_rate=0.0, pair_rate=0.0, cluster="none", map="", edits=(), source=-1, goal=-1,
        )  # fmt: skip

    def commands(self) -> list[str]:
        """Command lines that make the same map, image and traffic."""
        words = ["defects", "--size", f"{self.width}x{self.height}", "--seed", self.seed]
        for name in RATES:
            if getattr(self, name):
                words += [f"--{name.replace('_', '-')}", getattr(self, name)]
        if self.cluster != "none":
            words += ["--cluster", self.cluster, "--alpha", self.alpha]
        build = ["compile", "wafer.json", "--spares", self.spares, "--spare-place"]
        build += [self.spare_place, "--repair", self.repair, "--routing", self.routing]
        run = ["simulate", "image.json", "--pattern", self.pattern, "--load", self.load]
        run += ["--length", self.length, "--cycles", FILM_CYCLES, "--seed", self.seed]
        lines = [] if not self.drawn else [[*words, "-o", "wafer.json"]]
        lines += [[*build, "--vcs", self.vcs, "-o", "image.json"], run]
        return ["wafermesh " + shlex.join(map(str, line)) for line in lines]

    # Links ----------------------------------------------------------------------------------------

    def to_query(self) -> str:
        """What differs from the defaults, as a URL's query without the question mark."""
        given = {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if getattr(self, f.name) != f.default
        }
        if self.edits:
            given["edits"] = "-".join(self.edits)
        return urlencode(given)

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> Settings:
        """Settings of a link.

        Raises
        ------
        InputError
            When a name is unknown or a value not allowed.
        """
        types = {f.name: type(f.default) for f in fields(cls)}
        values: dict[str, Any] = {}
        for name, text in query.items():
            if name not in types:
                raise InputError(f"{name[:40]!r} is unknown; allowed: {', '.join(types)}")
            values[name] = parse_edits(text) if name == "edits" else _parse(name, text, types[name])
        return cls(**values)


def _parse(name: str, text: str, kind: type) -> Any:
    """One value of a link."""
    if kind is str:
        return text
    try:
        value = kind(text)
    except ValueError:
        value = math.nan
    if value != value or len(text) > 24:
        raise InputError(f"{name} is {text[:40]!r}; allowed: a number")
    return value

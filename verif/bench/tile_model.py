"""What a lone tile may do with each flit: routing from its tables, and where flits must leave."""

from __future__ import annotations

import dataclasses
import random
from collections import defaultdict, deque
from dataclasses import dataclass, field

import numpy as np

from model.image import ConfigImage
from model.spec import FabricSpec, Port
from verif.bench.scoreboard import lane_of


@dataclass(frozen=True)
class Flit:
    """A flit on its way through the tile."""

    dst_x: int
    dst_y: int
    src: int
    last: int
    payload: int


def random_image(spec: FabricSpec, tile: int, rng: random.Random) -> ConfigImage:
    """Tables, fuses and remap of one live tile drawn at random; no other tile lives.

    Routes, turns and ``to`` take every value the words can hold, legal or not: the tile must
    do something defined with each (RTR-7). ``out_ok`` and ``in_ok`` differ at one port at most.
    """
    image = ConfigImage.blank(spec, spec.width, spec.height)
    image.live[tile] = True
    image.core_ok[tile] = rng.random() < 0.9
    image.identity[tile] = rng.randrange(spec.tiles)
    y, x = divmod(tile, spec.width)
    edge = (y > 0, x < spec.width - 1, y < spec.height - 1, x > 0)
    for fuses in (image.in_ok, image.out_ok):
        fuses[tile] = [inside and rng.random() < 0.85 for inside in edge]
    image.turns[tile] = np.array(
        [rng.random() < 0.85 for _ in range(25 * spec.vcs)], np.bool_
    ).reshape(5, 5, spec.vcs)
    for table, rows in (("route", image.routes[tile]), ("rule", image.rules[tile])):
        for row in rows:
            row["valid"] = rng.random() < 0.8
            for axis, size in (("x", spec.width), ("y", spec.height)):
                low, high = sorted(rng.randrange(size) for _ in range(2))
                row[f"{axis}_lo"], row[f"{axis}_hi"] = low, high
            if table == "route":
                row["from_ports"] = rng.getrandbits(5)
                row["vcs"] = rng.getrandbits(spec.vcs)
                row["to"] = rng.choice((0, 1, 2, 3, 4, rng.randrange(8)))
            else:
                row["vc"] = rng.randrange(spec.vcs)
    for logical in range(spec.tiles):
        if rng.random() < 0.8:
            image.remap_tile[logical] = tile if rng.random() < 0.2 else rng.randrange(spec.tiles)
            image.remap_vc[logical] = rng.randrange(spec.vcs)
    return image


def route(image: ConfigImage, tile: int, port: int, vc: int, dst: tuple[int, int]) -> int | None:
    """Output port of a first flit, or None for an offender (RTR-7)."""
    x, y = dst
    output: int | None = None
    if y * image.spec.width + x == tile:
        output = Port.LOCAL
    else:
        for row in image.routes[tile]:
            if (
                row["valid"]
                and row["x_lo"] <= x <= row["x_hi"]
                and row["y_lo"] <= y <= row["y_hi"]
                and row["from_ports"] >> port & 1
                and row["vcs"] >> vc & 1
            ):
                output = int(row["to"])
                break
    if output is None or output > Port.LOCAL or not image.turns[tile, port, output, vc]:
        return None
    alive = image.core_ok[tile] if output == Port.LOCAL else image.out_ok[tile, output]
    return output if alive else None


@dataclass
class TileModel:
    """Expected contents of a lone tile: every flit that entered and has not left.

    Members
    -------
    offenders, refused : int
        Packets that the tables forbid, counted at their first flit; packets without destination.
    moved : list of int
        Flits that left per output.
    findings : list of str
    """

    image: ConfigImage
    tile: int
    offenders: int = 0
    refused: int = 0
    moved: list[int] = field(default_factory=lambda: [0] * 5)
    findings: list[str] = field(default_factory=list)
    _way: dict[tuple[int, int], int | None] = field(default_factory=dict)
    _inside: dict[tuple[int, int, int], deque[Flit]] = field(
        default_factory=lambda: defaultdict(deque)
    )
    _owner: dict[tuple[int, int], int] = field(default_factory=dict)
    _begun: bool = False
    _header: tuple[int, int] | None = None

    def accept(self, word: dict[str, int]) -> None:
        """The NI took a flit from the core; place and VC come from the packet's first (NI-1)."""
        image = self.image
        if not self._begun:
            host = int(image.remap_tile[word["dst"]]) if word["dst"] < image.logical else -1
            self.refused += host < 0
            self._header = None
            if host >= 0:
                vc = lane_of(image, self.tile, host, int(image.remap_vc[word["dst"]]))
                self._header = (host, vc)
        self._begun = not word["last"]
        if self._header is not None:
            host, vc = self._header
            y, x = divmod(host, image.spec.width)
            source = int(image.identity[self.tile])
            self.enter(Port.LOCAL, vc, Flit(x, y, source, word["last"], word["payload"]))

    def enter(self, port: int, vc: int, flit: Flit) -> None:
        """A flit entered input VC (port, vc), or is on its way there from the core."""
        key = (port, vc)
        if key not in self._way:
            self._way[key] = route(self.image, self.tile, port, vc, (flit.dst_x, flit.dst_y))
            self.offenders += self._way[key] is None
        output = self._way[key]
        if output is not None:
            self._inside[output, vc, port].append(flit)
        if flit.last:
            del self._way[key]

    def deliver(self, cycle: int, word: dict[str, int]) -> None:
        """The core took a flit, which no longer shows its destination."""
        y, x = divmod(self.tile, self.image.spec.width)
        flit = Flit(x, y, word["src"], word["last"], word["payload"])
        self.leave(cycle, Port.LOCAL, word["vc"], flit)

    def leave(self, cycle: int, output: int, vc: int, flit: Flit) -> None:
        """A flit left through output VC (output, vc)."""
        self.moved[output] += 1
        owner = self._owner.get((output, vc))
        for port in range(5) if owner is None else [owner]:
            queue = self._inside[output, vc, port]
            if queue and _same(queue[0], flit, output):
                queue.popleft()
                self._owner[output, vc] = port
                break
        else:
            name = Port(output).name
            why = "no input holds it" if owner is None else f"{Port(owner).name} owns the VC"
            self.findings.append(f"cycle {cycle}, {name} VC {vc}: unexpected {flit}, {why} (LNK-3)")
            return
        if flit.last:
            del self._owner[output, vc]

    @property
    def inside(self) -> int:
        """Flits that should still be in the tile."""
        return sum(map(len, self._inside.values()))


def _same(expected: Flit, seen: Flit, output: int) -> bool:
    """Equal in everything the output shows; an entry may send any ``dst`` to LOCAL (RTR-7)."""
    if output == Port.LOCAL:
        expected = dataclasses.replace(expected, dst_x=seen.dst_x, dst_y=seen.dst_y)
    return expected == seen

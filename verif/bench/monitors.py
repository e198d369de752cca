"""Watch the fabric's core side without asking the drivers what they meant to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from model.image import ConfigImage
from model.runlog import Event
from model.spec import total_width
from verif.bench.case import Taken
from verif.bench.pins import bits, lane
from verif.words import unpack

Vector = tuple[int, int]
EventRow = tuple[int, int, int, int, int, int, int]
MAX_COMPLAINTS: Final = 20


@dataclass(frozen=True)
class Sample:
    """The core-side pins in one cycle, each (value, unknown bits)."""

    cycle: int
    in_valid: Vector
    in_ready: Vector
    in_payload: Vector
    out_valid: Vector
    out_ready: Vector
    out_payload: Vector
    refused: Vector


class Complaints:
    """Findings that need no reference, at most :data:`MAX_COMPLAINTS` of them."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def add(self, cycle: int, tile: int, text: str) -> None:
        """Note a finding at a tile in a cycle."""
        if len(self.found) < MAX_COMPLAINTS:
            self.found.append(f"cycle {cycle}, tile {tile}: {text}")


def _check_known(complaints: Complaints, cycle: int, vector: Vector, lanes: int, name: str) -> None:
    for tile in bits(vector[1] & lanes):
        complaints.add(cycle, tile, f"{name} is X")


class InputMonitor:
    """See flits move into the fabric.

    Members
    -------
    taken : list of Taken
    """

    def __init__(self, image: ConfigImage, complaints: Complaints) -> None:
        self.taken: list[Taken] = []
        self._complaints = complaints
        self._fields = image.spec.core_in_fields
        self._width = total_width(self._fields)
        self._live = sum(1 << t for t in range(image.spec.tiles) if image.live[t])
        self._refusing = self._live & ~sum(
            1 << t
            for t in range(image.spec.tiles)
            if image.live[t] and image.core_ok[t] and image.identity[t] >= 0
        )

    def observe(self, s: Sample) -> None:
        """Take in one cycle."""
        _check_known(self._complaints, s.cycle, s.in_ready, self._live, "core_in_ready")
        for tile in bits(s.in_ready[0] & self._refusing):
            self._complaints.add(s.cycle, tile, "core_in_ready of a core that may not send (NI-1)")
        for tile in bits(s.in_valid[0] & s.in_ready[0] & self._live & ~self._refusing):
            word = unpack(self._fields, lane(s.in_payload, tile, self._width).value)
            self.taken.append(Taken(s.cycle, tile, word["dst"], word["last"], word["payload"]))


class OutputMonitor:
    """See flits move out of the fabric and refusals, and check that streams hold (LNK-4).

    Members
    -------
    rows : list of tuple
        DELIVER and REFUSE events in the field order of ``EVENT_DTYPE``.
    """

    def __init__(self, image: ConfigImage, complaints: Complaints) -> None:
        self.rows: list[EventRow] = []
        self._complaints = complaints
        self._fields = image.spec.core_out_fields
        self._width = total_width(self._fields)
        self._live = sum(1 << t for t in range(image.spec.tiles) if image.live[t])
        self._held: dict[int, int] = {}

    def observe(self, s: Sample) -> None:
        """Take in one cycle."""
        for name, vector in (("core_out_valid", s.out_valid), ("core_refused", s.refused)):
            _check_known(self._complaints, s.cycle, vector, self._live, name)
        for tile in bits(s.refused[0] & self._live):
            self.rows.append((s.cycle, tile, Event.REFUSE, 0, 0, 0, 0))
        shown = s.out_valid[0] & self._live
        held, self._held = self._held, {}
        for tile in bits(shown):
            word, unknown = self._word(s, tile)
            if unknown:
                self._complaints.add(s.cycle, tile, "core_out_payload has X bits while valid")
            if held.pop(tile, word) != word:
                self._complaints.add(s.cycle, tile, "core_out_payload changed before ready (LNK-4)")
            if s.out_ready[0] >> tile & 1:
                flit = unpack(self._fields, word)
                row = (flit["vc"], flit["last"], flit["src"], flit["payload"])
                self.rows.append((s.cycle, tile, Event.DELIVER, *row))
            else:
                self._held[tile] = word
        for tile in held:
            self._complaints.add(s.cycle, tile, "core_out_valid fell before ready (LNK-4)")

    def _word(self, s: Sample, tile: int) -> tuple[int, int]:
        seen = lane(s.out_payload, tile, self._width)
        return seen.value, seen.unknown

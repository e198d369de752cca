"""Defects that were measured: what an inspection tool found becomes dead parts (INS-1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from model.defects.canvas import F64, Canvas, Mask
from model.defects.places import checked_bytes
from model.defects.spots import hits_field
from model.defects.touch import Shapes, strike
from model.described import Choice, Described, Number, Rows, Text, field, number
from model.inspection import parse_points

_DRAWN, _KILL = 0, 1
_CLASSES = Rows(Number(-(2**31), 2**31, whole=True), "a list of integers")
_TURNS = {"0": (1, 0), "90": (0, 1), "180": (-1, 0), "270": (0, -1)}


@dataclass(frozen=True, kw_only=True)
class Inspection(Described):
    """Every defect of a file is a disc: what it touches dies."""

    kind: ClassVar[str] = "inspection"
    about: ClassVar[str] = "defects of an inspection file, KLARF 1.8 or CSV"

    file: str = field(Text("a file's name"), "KLARF 1.8, or CSV with x, y, size in mm")
    sha256: str | None = field(Text("64 hex digits"), "that the file must have", None)
    wafer: str | None = field(Text("a wafer's name"), "which wafer of a KLARF file", None)
    min_size: float = number(0, 1000, "mm: smaller defects are harmless", 0)
    max_size: float | None = number(0, 1e4, "mm: larger ones are set aside as wrong; none", None)
    skip: tuple[int, ...] = field(_CLASSES, "classes of harmless defects", ())
    kill: float = number(0, 1, "probability that a defect is no mere nuisance", 1)
    rotate: str = field(
        Choice(tuple(_TURNS)), "degrees to turn the file's coordinates, counter-clockwise", "0"
    )
    hits: tuple[str, ...] = hits_field()

    def draw(self, canvas: Canvas) -> None:
        """Add this part's defects, and note how many fell where."""
        notes = canvas.notes
        points = parse_points(checked_bytes(self.file, self.sha256, notes), self.file, self.wafer)
        cos, sin = _TURNS[self.rotate]
        x, y = points.x * cos - points.y * sin, points.x * sin + points.y * cos
        shapes = Shapes.discs(*canvas.places.to_array(x, y), points.size * 0.5)
        most = np.inf if self.max_size is None else self.max_size
        harmful = (points.size >= self.min_size) & (points.size <= most)
        harmful &= ~np.isin(points.group, self.skip)
        harmful &= canvas.uniform(_DRAWN, len(x)) < self.kill
        chosen = np.flatnonzero(harmful)
        kept = Shapes.discs(shapes.x0[chosen], shapes.y0[chosen], shapes.reach[chosen])
        touched = np.zeros(len(x), np.bool_)
        touched[chosen] = strike(canvas, kept, 1.0, self.hits, _KILL)
        off = ~_on_array(canvas, shapes.x0, shapes.y0)
        geometry = canvas.places.geometry
        radius = np.sqrt(x * x + y * y)
        notes |= {
            "wafer": points.wafer,
            "defects": len(x),
            "harmless": int((~harmful & (points.size <= most)).sum()),
            "too_large": int((points.size > most).sum()),
            "touching_tiles": int(touched.sum()),
            "outside_the_array": int(off.sum()),
            "outside_the_wafer": int((radius > geometry.diameter * 0.5).sum()),
            "in_the_edge_ring": int(
                (radius > geometry.diameter * 0.5 - geometry.edge_exclusion).sum()
                - (radius > geometry.diameter * 0.5).sum()
            ),
            "in_streets": int((harmful & ~off & ~touched).sum()),
        }


def _on_array(canvas: Canvas, x: F64, y: F64) -> Mask:
    half = canvas.places.half_size
    return np.asarray((abs(x) <= half[0]) & (abs(y) <= half[1]))

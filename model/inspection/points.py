"""Defects that an inspection tool found on one wafer, as points with a size."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from model.described import finite
from model.errors import InputError
from model.files import decode
from model.inspection.klarf import FIRST_WORD, Table, parse_klarf, wafer_records
from model.schema import shown

F64 = npt.NDArray[np.float64]

FARTHEST: Final = 1e4
"""Largest distance and size in mm that is believed."""
NM: Final = 1e6
"""KLARF 1.8 counts in nanometres: this many to a millimetre."""


@dataclass(frozen=True, eq=False)
class Points:
    """Defects in wafer coordinates.

    Members
    -------
    x, y : float64[defects]
        Middle of the defect in mm east and north of the wafer's centre.
    size : float64[defects]
        Its diameter in mm, 0 when unknown.
    group : int64[defects]
        Its class, as the file numbers them; 0 when it gives none.
    wafer : str
        Name of the wafer, empty when the file gives none.
    """

    x: F64
    y: F64
    size: F64
    group: npt.NDArray[np.int64]
    wafer: str = ""

    @classmethod
    def checked(cls, name: str, columns: Mapping[str, F64], wafer: str = "") -> Points:
        """Points of the columns x, y, size and class; absurd values are refused."""
        count = len(columns["x"])
        size, group = (columns.get(key, np.zeros(count)) for key in ("size", "class"))
        for key, values, low, high in (
            ("x", columns["x"], -FARTHEST, FARTHEST),
            ("y", columns["y"], -FARTHEST, FARTHEST),
            ("size", size, 0.0, FARTHEST),
            ("class", group, -(2.0**31), 2.0**31),
        ):
            bad = np.flatnonzero(~((values >= low) & (values <= high)))
            if len(bad):
                unit = "" if key == "class" else " mm"
                raise InputError(
                    f"{name}: defect {bad[0] + 1} has {key} {values[bad[0]]:g}{unit}; "
                    f"allowed: {low:g} to {high:g}{unit}"
                )
        return cls(columns["x"], columns["y"], size, group.astype(np.int64), wafer)


def parse_points(data: bytes, name: str, wafer: str | None = None) -> Points:
    """Read the defects of one wafer from a file's bytes, KLARF 1.8 or CSV.

    Parameters
    ----------
    data : bytes
    name : str
        The file's name, for messages.
    wafer : str or None
        Which wafer of a KLARF file; may be left out when it has one.

    Raises
    ------
    InputError
        One line for a file that is truncated, of another version, or makes no sense.
    """
    start = data[:4096].lstrip()
    if start[: len(FIRST_WORD)].lower() == FIRST_WORD.lower():
        return _from_klarf(parse_klarf(data.decode("latin-1"), name), name, wafer)
    if start.lower().startswith(b"fileversion"):
        version = " ".join(start[:40].decode("latin-1").split(";")[0].split()[1:])
        raise InputError(f"{name} is KLARF version {version.replace(' ', '.')}; allowed: KLARF 1.8")
    if wafer is not None:
        raise InputError(f"wafer is {wafer!r}; allowed: with KLARF files")
    return _from_csv(decode(data, name), name)


# KLARF --------------------------------------------------------------------------------------------


def _from_klarf(root: Table, name: str, wafer: str | None) -> Points:
    found = list(wafer_records(root))
    names = [record.name for _, record in found]
    if not found:
        raise InputError(f"{name} has no WaferRecord; allowed: one for each wafer")
    if wafer is None and len(found) > 1:
        raise InputError(f"{name} holds several wafers; allowed: wafer = {' or '.join(names)}")
    if wafer is not None and wafer not in names:
        raise InputError(f"{name} has no wafer {shown(wafer)}; allowed: {' or '.join(names)}")
    lot, record = found[names.index(wafer) if wafer is not None else 0]

    fields = lot.fields | record.fields

    def pair(field: str) -> F64:
        if field not in fields:
            raise InputError(f"{name} has no {field}; allowed: in the WaferRecord or LotRecord")
        try:
            x, y = (finite(field, float(value)) for value in fields[field])
        except ValueError as error:
            told = ", ".join(fields[field])
            raise InputError(f"{name}: {field} is {{{told}}}; allowed: two numbers") from error
        return np.array([x, y])

    if "DieOrigin" in fields and pair("DieOrigin").any():
        told = ", ".join(fields["DieOrigin"])
        raise InputError(f"{name}: DieOrigin is {{{told}}}; allowed: {{0, 0}}")
    mirrored = " ".join(fields.get("CoordinatesMirrored", ["NO"]))
    if mirrored.upper() != "NO":
        raise InputError(f"{name}: CoordinatesMirrored is {{{mirrored}}}; allowed: {{NO}}")
    pitch, centre = pair("DiePitch"), pair("SampleCenterLocation")
    if "DefectList" not in record.lists:
        raise InputError(f"{name}: wafer {record.name} has no DefectList; allowed: one")
    listed = record.lists["DefectList"]
    columns = {
        axis.lower(): (
            listed.numbers(f"{axis}INDEX", name) * pitch[k]
            + listed.numbers(f"{axis}REL", name)
            - centre[k]
        )
        / NM
        for k, axis in enumerate("XY")
    }
    if "DSIZE" in listed.columns:
        columns["size"] = listed.numbers("DSIZE", name) / NM
    elif {"XSIZE", "YSIZE"} <= set(listed.columns):
        sides = [listed.numbers(column, name) for column in ("XSIZE", "YSIZE")]
        columns["size"] = np.maximum(*sides) / NM
    if "CLASSNUMBER" in listed.columns:
        columns["class"] = listed.numbers("CLASSNUMBER", name)
    return Points.checked(name, columns, record.name)


# CSV ----------------------------------------------------------------------------------------------


def _from_csv(text: str, name: str) -> Points:
    """A header line with x, y, size and class (if known), in any order; others are passed over."""
    rows = csv.reader(text.splitlines())
    try:
        header = [cell.strip().lower() for cell in next(rows, [])]
        known = [word for word in ("x", "y", "size", "class") if word in header]
        if known[:2] != ["x", "y"] or any(header.count(word) > 1 for word in known):
            raise InputError(
                f"{name} has columns {shown(header)}; allowed: x, y, size (mm) and class once "
                "each, or KLARF 1.8"
            )
        values: list[list[float]] = []
        for row in rows:
            where = f"{name} line {rows.line_num}"
            if row and len(row) != len(header):
                raise InputError(f"{where} has {len(row)} cells; allowed: {len(header)}")
            if row:
                cells = {word: row[header.index(word)] for word in known}
                values.append([_number(cell, f"{where}: {word}") for word, cell in cells.items()])
    except csv.Error as error:
        raise InputError(f"{name} is not valid CSV: {error}, line {rows.line_num}") from error
    table = np.array(values, np.float64).reshape(-1, len(known))
    return Points.checked(name, dict(zip(known, table.T, strict=True)))


def _number(text: str, where: str) -> float:
    try:
        return finite(where, float(text))
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"{where} is {shown(text.strip())}; allowed: a number") from error

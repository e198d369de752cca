"""Defects that an inspection tool found on one wafer, as points with a size."""

from __future__ import annotations

import csv
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
    wafer : str
        Name of the wafer, empty when the file gives none.
    """

    x: F64
    y: F64
    size: F64
    wafer: str = ""


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

    def pair(field: str, default: tuple[float, float] | None = None) -> F64:
        for table in (record, lot):
            if field in table.fields:
                values = table.fields[field]
                try:
                    x, y = (finite(field, float(value)) for value in values)
                except ValueError as error:
                    told = ", ".join(values)
                    raise InputError(
                        f"{name}: {field} is {{{told}}}; allowed: two numbers"
                    ) from error
                return np.array([x, y])
        if default is None:
            raise InputError(f"{name} has no {field}; allowed: in the WaferRecord or LotRecord")
        return np.array(default)

    for field, good in (("DieOrigin", ("0", "0")), ("CoordinatesMirrored", ("NO",))):
        values = tuple(record.fields.get(field) or lot.fields.get(field) or good)
        if values != good and not (field == "DieOrigin" and not pair(field).any()):
            raise InputError(
                f"{name}: {field} is {{{', '.join(values)}}}; allowed: {{{', '.join(good)}}}"
            )
    pitch, centre = pair("DiePitch"), pair("SampleCenterLocation")
    if "DefectList" not in record.lists:
        raise InputError(f"{name}: wafer {record.name} has no DefectList; allowed: one")
    listed = record.lists["DefectList"]
    along = [
        listed.numbers(f"{axis}INDEX", name) * pitch[k] + listed.numbers(f"{axis}REL", name)
        for k, axis in enumerate("XY")
    ]
    if "DSIZE" in listed.columns:
        size = listed.numbers("DSIZE", name)
    elif {"XSIZE", "YSIZE"} <= set(listed.columns):
        size = np.maximum(listed.numbers("XSIZE", name), listed.numbers("YSIZE", name))
    else:
        size = np.zeros(len(along[0]))
    if (size < 0).any():
        row = int(np.argmax(size < 0))
        told = f"row {row + 1} of DefectList has size {size[row]:g}"
        raise InputError(f"{name}: {told}; allowed: 0 or more")
    x, y = ((along[k] - centre[k]) / NM for k in (0, 1))
    return Points(x, y, size / NM, record.name)


# CSV ----------------------------------------------------------------------------------------------


def _from_csv(text: str, name: str) -> Points:
    """A header line with x, y and size (if known), in any order; others are passed over."""
    rows = csv.reader(text.splitlines())
    try:
        header = [cell.strip().lower() for cell in next(rows, [])]
        for wanted in ("x", "y"):
            if header.count(wanted) != 1:
                raise InputError(
                    f"{name} has columns {shown(header)}; allowed: x, y and size (mm) once each, "
                    "or KLARF 1.8"
                )
        columns = [header.index("x"), header.index("y")]
        columns += [header.index("size")] if "size" in header else []
        values = []
        for row in rows:
            if not row:
                continue
            where = f"{name} line {rows.line_num}"
            if len(row) != len(header):
                raise InputError(f"{where} has {len(row)} cells; allowed: {len(header)}")
            values.append([_number(row[k], f"{where}: {header[k]}") for k in columns])
            if len(columns) > 2 and values[-1][2] < 0:
                raise InputError(f"{where}: size is {values[-1][2]:g}; allowed: 0 mm or more")
    except csv.Error as error:
        raise InputError(f"{name} is not valid CSV: {error}, line {rows.line_num}") from error
    table = np.array(values, np.float64).reshape(-1, len(columns))
    size = table[:, 2] if len(columns) > 2 else np.zeros(len(table))
    return Points(table[:, 0], table[:, 1], size)


def _number(text: str, where: str) -> float:
    try:
        return finite(where, float(text))
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"{where} is {shown(text.strip())}; allowed: a number of mm") from error

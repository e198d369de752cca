"""Traffic from files: packets to send, and how busy each source is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from model.errors import InputError
from model.image import ConfigImage
from model.schedule import PacketSchedule

REQUIRED = ("source", "destination", "length", "offered")
OPTIONAL = ("gap",)


def load_schedule(path: str | Path, image: ConfigImage) -> PacketSchedule:
    """Read packets with columns source, destination, length, offered and, if you like, gap.

    Parameters
    ----------
    path : path
        ``.parquet``, else CSV with a header line. Rows may come in any order; packets of equal
        ``offered`` keep theirs.
    image : ConfigImage
        Sources must be hosted on it; destinations may be lost, they are then refused.

    Raises
    ------
    InputError
        Naming the file, the column, the row (from 0) and what is allowed.
    """
    table = _read(path)
    for name in table.column_names:
        if name not in REQUIRED + OPTIONAL:
            allowed = ", ".join(REQUIRED + OPTIONAL)
            raise InputError(f"{path}: column {name!r} is unknown; allowed: {allowed}")
    for name in REQUIRED:
        if name not in table.column_names:
            raise InputError(f"{path}: column {name} is missing; allowed: {', '.join(REQUIRED)}")
    spec, logical = image.spec, image.logical
    source = _integers(path, table, "source", 0, logical - 1)
    lost = np.flatnonzero(image.remap_tile[source] < 0)
    if len(lost):
        row, value = int(lost[0]), int(source[lost[0]])
        raise InputError(f"{path}: source[{row}] is {value}; allowed: a hosted logical id")
    offered = _integers(path, table, "offered", 0, 2**32 - 1)
    order = np.argsort(offered, kind="stable")
    gap = np.zeros(len(source), np.int64)
    if "gap" in table.column_names:
        gap = _integers(path, table, "gap", 0, 65535)
    destination = _integers(path, table, "destination", 0, 2**spec.id_width - 1)
    return PacketSchedule(
        source=source[order].astype(np.int32),
        destination=destination[order].astype(np.int32),
        length=_integers(path, table, "length", 1, spec.max_packet)[order].astype(np.int32),
        offered=offered[order],
        gap=gap[order].astype(np.int32),
    )


def load_rates(path: str | Path, image: ConfigImage) -> npt.NDArray[np.float64]:
    """Read factors on the load, columns source and rate; sources not named keep 1.

    Raises
    ------
    InputError
        Naming the file, the column, the row and what is allowed.
    """
    table = _read(path)
    if set(table.column_names) != {"source", "rate"}:
        names = ", ".join(table.column_names)
        raise InputError(f"{path}: columns are {names}; allowed: source, rate")
    source = _integers(path, table, "source", 0, image.logical - 1)
    rate = _numbers(path, table, "rate").astype(np.float64)
    wrong = np.flatnonzero(~((rate >= 0) & (rate < np.inf)))
    if len(wrong):
        value = rate[wrong[0]]
        raise InputError(f"{path}: rate[{wrong[0]}] is {value:g}; allowed: a number from 0 on")
    rates = np.ones(image.logical)
    rates[source] = rate
    return rates


def load_demand(path: str | Path, image: ConfigImage) -> npt.NDArray[np.float64]:
    """Read a traffic matrix, columns source, destination and rate; pairs not named have rate 0.

    Returns
    -------
    float64[logical, logical]
        [source, destination] flits per cycle, up to a common factor.

    Raises
    ------
    InputError
        Naming the file, the column, the row and what is allowed.
    """
    table = _read(path)
    if set(table.column_names) != {"source", "destination", "rate"}:
        names = ", ".join(table.column_names)
        raise InputError(f"{path}: columns are {names}; allowed: source, destination, rate")
    ends = [
        _integers(path, table, name, 0, image.logical - 1) for name in ("source", "destination")
    ]
    for name, end in zip(("source", "destination"), ends, strict=True):
        lost = np.flatnonzero(image.remap_tile[end] < 0)
        if len(lost):
            row, value = int(lost[0]), int(end[lost[0]])
            raise InputError(f"{path}: {name}[{row}] is {value}; allowed: a hosted logical id")
    rate = _numbers(path, table, "rate").astype(np.float64)
    wrong = np.flatnonzero(~((rate >= 0) & (rate < np.inf)))
    if len(wrong):
        value = rate[wrong[0]]
        raise InputError(f"{path}: rate[{wrong[0]}] is {value:g}; allowed: a number from 0 on")
    demand = np.zeros((image.logical, image.logical))
    np.add.at(demand, tuple(ends), rate)
    return demand


def _read(path: str | Path) -> Any:
    try:
        if str(path).endswith(".parquet"):
            return pa.parquet.read_table(path)
        return pa.csv.read_csv(path)
    except OSError as error:
        reason = error.strerror or "not a table"
        raise InputError(f"{path} cannot be read: {reason}") from error
    except pa.ArrowInvalid as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"{path} is not a table: {reason}") from error


def _numbers(path: str | Path, table: Any, name: str) -> npt.NDArray[Any]:
    column = table.column(name)
    if column.null_count or not (
        pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
    ):
        raise InputError(f"{path}: column {name} has {column.type}; allowed: numbers in every row")
    return np.asarray(column.to_numpy())


def _integers(
    path: str | Path, table: Any, name: str, low: int, high: int
) -> npt.NDArray[np.int64]:
    values = _numbers(path, table, name)
    wrong = np.flatnonzero(~((values >= low) & (values <= high) & (values == np.floor(values))))
    if len(wrong):
        row, value = int(wrong[0]), values[wrong[0]]
        raise InputError(
            f"{path}: {name}[{row}] is {value}; allowed: an integer from {low} to {high}"
        )
    return np.asarray(values, np.int64)

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
from model.traffic import columns
from model.traffic.stream import PacketStream, ScheduleStream, packed
from model.traffic.trace import TraceStream


def load_schedule(path: str | Path, image: ConfigImage) -> PacketSchedule:
    """Read packets with columns source, destination, length, offered and, if you like, gap.

    Parameters
    ----------
    path : path
        ``.parquet``, else CSV with a header line; all of it is read. Rows may come in any order;
        packets of equal ``offered`` keep theirs. For long ones see :func:`open_packets`.
    image : ConfigImage
        Sources must be hosted on it; destinations may be lost, they are then refused.

    Raises
    ------
    InputError
        Naming the file, the column, the row (from 0) and what is allowed.
    """
    table = _read(path)
    columns.check_names(path, table.column_names)
    columns.check_logical(path, table.schema.metadata or {}, image)
    found = columns.packets(path, table, image)
    order = np.argsort(found["offered"], kind="stable")
    return packed({name: values[order] for name, values in found.items()})


def open_packets(path: str | Path, image: ConfigImage) -> PacketStream:
    """Packets from a file as a stream: a Parquet file in order of ``offered`` in bounded memory.

    CSV, and Parquet files in any other order, are read whole by :func:`load_schedule`, whose
    errors these are; :class:`model.traffic.trace.TraceStream` has those of the others.
    """
    if str(path).endswith(".parquet"):
        trace = TraceStream(path, image)
        if trace.in_order():
            return trace
    return ScheduleStream(load_schedule(path, image))


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
    rates = np.ones(image.logical)
    rates[columns.integers(path, table, "source", (0, image.logical - 1))] = _rate(path, table)
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
        columns.integers(path, table, name, (0, image.logical - 1))
        for name in ("source", "destination")
    ]
    for name, end in zip(("source", "destination"), ends, strict=True):
        columns.hosted(path, image, name, end)
    demand = np.zeros((image.logical, image.logical))
    np.add.at(demand, tuple(ends), _rate(path, table))
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


def _rate(path: str | Path, table: Any) -> npt.NDArray[np.float64]:
    rate = columns.numbers(path, table, "rate").astype(np.float64)
    wrong = np.flatnonzero(~((rate >= 0) & (rate < np.inf)))
    if len(wrong):
        value = rate[wrong[0]]
        raise InputError(f"{path}: rate[{wrong[0]}] is {value:g}; allowed: a number from 0 on")
    return rate

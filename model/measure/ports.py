"""The file of links and buffers: a row for each working port of each tile and stretch of time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from model.atomic import atomic_path
from model.image import ConfigImage
from model.measure.links import working_ports
from model.measure.meter import Meter
from model.spec import Port


def ports_table(image: ConfigImage, meter: Meter, stretch: int) -> Any:
    """One stretch as an Arrow table, by tile and port.

    Returns
    -------
    pyarrow.Table
        ``begin``, ``end`` (cycles), ``x``, ``y``, ``port``; of the output: ``flits`` and
        ``utilisation`` (flits per cycle); of the input: ``held`` (mean flits in its buffers, all
        VCs together) and ``full`` (share of the looks in which a buffer was full, mean of the VCs).
        Null where only the other direction works, or nobody looked.
    """
    outputs, inputs = working_ports(image, outputs=True), working_ports(image)
    tile, port = np.nonzero(outputs | inputs)
    cycles = meter.links.cycles
    begin = meter.begin + int(cycles[:stretch].sum())
    flits = meter.links.flits[stretch][tile, port]
    samples = int(meter.buffers.samples[stretch])
    held = meter.buffers.held[stretch].sum(axis=2)[tile, port] / max(1, samples)
    full = meter.buffers.full[stretch].mean(axis=2)[tile, port] / max(1, samples)
    no_output, no_input = ~outputs[tile, port], ~inputs[tile, port] | (samples == 0)
    names = pa.array([port.name.lower() for port in Port])
    return pa.table(
        {
            "begin": np.full(len(tile), begin),
            "end": np.full(len(tile), begin + int(cycles[stretch])),
            "x": (tile % image.spec.width).astype(np.int32),
            "y": (tile // image.spec.width).astype(np.int32),
            "port": pa.DictionaryArray.from_arrays(port.astype(np.int8), names),
            "flits": pa.array(flits, mask=no_output),
            "utilisation": pa.array(flits / max(1, int(cycles[stretch])), mask=no_output),
            "held": pa.array(held, mask=no_input),
            "full": pa.array(full, mask=no_input),
        }
    )


def write_ports(image: ConfigImage, meter: Meter, path: str | Path) -> None:
    """Write all stretches as Parquet, one row group each; the file appears whole or not at all."""
    tables = (ports_table(image, meter, stretch) for stretch in range(len(meter.links.cycles)))
    first = next(tables)
    with (
        atomic_path(path) as temporary,
        pa.parquet.ParquetWriter(temporary, first.schema, compression="zstd") as writer,
    ):
        writer.write_table(first)
        for table in tables:
            writer.write_table(table)

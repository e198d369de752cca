"""Traces of other tools as columns of packets: CSV with a header, and Netrace's text.

Files may be compressed (``.gz``, ``.bz2``, ``.zst``). Packets come in blocks, as the file has them,
unsorted; each block is read, checked and forgotten, so memory does not depend on the file's length.

References
----------
J. Hestness, B. Grot, S. W. Keckler, *Netrace: Dependency-Driven Trace-Based Network-on-Chip
Simulation*, NoCArc 2010.
"""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv

from model.errors import InputError
from model.traffic.columns import Ints

LINES: Final = 1 << 16
"""Lines of Netrace text in a block."""

BYTES: Final = 1 << 20
"""Bytes of CSV text in a block, of which Arrow reads up to 32 ahead, and of the longest line of
Netrace text."""

NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "offered": ("offered", "cycle", "cyc", "time", "timestamp"),
    "source": ("source", "src"),
    "destination": ("destination", "dest", "dst"),
    "length": ("length", "flits"),
    "bytes": ("bytes",),
    "type": ("type", "typ"),
    "gap": ("gap",),
}
"""Names under which a CSV file may have a column, in small or capital letters."""

SIZES: Final = ("length", "bytes", "type")
"""Columns that tell how long a packet is; the first that is there does."""

PACKET_BYTES: Final[Mapping[str, int]] = {
    **dict.fromkeys(("ReadReq", "WriteResp", "UpgradeReq", "UpgradeResp", "ReadExReq"), 8),
    **dict.fromkeys(("BadAddressError", "InvalidateReq", "InvalidateResp", "DowngradeReq"), 8),
    **dict.fromkeys(("ReadResp", "ReadRespWithInvalidate", "WriteReq", "Writeback"), 72),
    **dict.fromkeys(("ReadExResp", "DowngradeResp"), 72),
}
"""Size of Netrace's packet types: 8 bytes of control, and 64 of a cache line where there is one."""

_NETRACE: Final = re.compile(r"\s*ID:\d+ CYC:(\d+) SRC:(\d+) DST:(\d+) ADR:\w+ TYP:(\w+)\b.*")

Raw = dict[str, Ints]


def read_csv(path: str | Path, flit_bytes: int) -> Iterator[Raw]:
    """Packets of a CSV file with a header line; columns it does not need are passed over.

    Parameters
    ----------
    path : path
    flit_bytes : int
        Payload of a flit, where lengths come as ``bytes`` or as Netrace's ``type``.

    Yields
    ------
    dict of int64[rows]
        offered, source, destination, length, and gap if there is one; ranges are not checked.

    Raises
    ------
    InputError
        Naming the file and the column, the row (from 0) and its value, and what is allowed.
    """
    uneven: list[Any] = []

    def refuse(row: Any) -> str:
        uneven.append(row)
        return "error"

    try:
        reader = pa.csv.open_csv(
            pa.input_stream(str(path), compression="detect"),
            read_options=pa.csv.ReadOptions(block_size=BYTES, use_threads=False),
            parse_options=pa.csv.ParseOptions(invalid_row_handler=refuse),
            convert_options=pa.csv.ConvertOptions(default_column_type=pa.string()),
        )
        known = _known(path, reader.schema.names)
        row = 0
        for batch in reader:
            texts = {name: batch.column(own) for name, own in known.items()}
            yield _packets(path, texts, known, row, flit_bytes)
            row += batch.num_rows
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or 'damaged'}") from error
    except pa.ArrowInvalid as error:
        if uneven:
            found, at = uneven[0].actual_columns, uneven[0].number - 2
            raise InputError(
                f"{path}: row {at} has {found} columns; allowed: {uneven[0].expected_columns}"
            ) from error
        raise InputError(f"{path} is not a table: {str(error).splitlines()[0]}") from error


def _known(path: str | Path, names: list[str]) -> dict[str, str]:
    """Columns of the file by our names."""
    known: dict[str, str] = {}
    for name, others in NAMES.items():
        found = [own for own in names if own.strip().lower() in others]
        if len(found) > 1:
            raise InputError(f"{path}: columns {' and '.join(found)}; allowed: one of them")
        if found:
            known[name] = found[0]
    missing = [name for name in ("offered", "source", "destination") if name not in known]
    missing += [] if any(name in known for name in SIZES) else ["length"]
    for name in missing:
        allowed = NAMES[name] if name != "length" else [*NAMES["length"], "bytes", "type"]
        raise InputError(f"{path}: column {name} is missing; allowed: {', '.join(allowed)}")
    for name in SIZES[SIZES.index(next(size for size in SIZES if size in known)) + 1 :]:
        known.pop(name, None)
    return known


def _packets(
    path: str | Path, texts: Mapping[str, Any], own: Mapping[str, str], row: int, flit_bytes: int
) -> Raw:
    """Columns of text as numbers."""
    raw = {
        name: _numbers(path, own[name], text, row) for name, text in texts.items() if name != "type"
    }
    if "bytes" in raw:
        raw["length"] = -(-raw.pop("bytes") // flit_bytes)
    if "type" in texts:
        raw["length"] = _flits(path, own["type"], texts["type"], row, flit_bytes)
    return raw


def _numbers(path: str | Path, name: str, text: Any, row: int) -> Ints:
    text = pa.compute.utf8_trim_whitespace(text)
    try:
        return np.asarray(text.cast(pa.int64()).to_numpy(zero_copy_only=False), np.int64)
    except (pa.ArrowInvalid, ValueError, TypeError):
        for at, value in enumerate(text.to_pylist()):
            if not re.fullmatch(r"-?\d{1,18}", value or ""):
                raise InputError(
                    f"{path}: {name}[{row + at}] is {value!r}; allowed: an integer"
                ) from None
        raise


def _flits(path: str | Path, name: str, text: Any, row: int, flit_bytes: int) -> Ints:
    """Lengths of Netrace's packet types."""
    kinds = pa.compute.dictionary_encode(pa.compute.utf8_trim_whitespace(text))
    known = [PACKET_BYTES.get(kind, 0) for kind in kinds.dictionary.to_pylist()]
    sizes = np.array(known, np.int64)[kinds.indices.to_numpy()]
    if not sizes.all():
        at = int(np.argmin(sizes))
        raise InputError(
            f"{path}: {name}[{row + at}] is {text[at].as_py()!r}; allowed:"
            f" {', '.join(PACKET_BYTES)}"
        )
    return np.asarray(-(-sizes // flit_bytes))


def read_netrace(path: str | Path, flit_bytes: int) -> Iterator[Raw]:
    """Packets as Netrace's tools print them, one line each.

    ``ID:0 CYC:12 SRC:3 DST:17 ADR:0x00f01c40 TYP:ReadReq NDEP:1 4``: address and dependencies are
    passed over, the type gives the length. Empty lines are, too.

    Parameters, yields and raises as :func:`read_csv`; lines count from 1.
    """
    first = 1
    try:
        with pa.input_stream(str(path), compression="detect") as packed:
            file = io.BufferedReader(packed, BYTES)
            lines = iter(lambda: file.readline(BYTES), b"")
            while block := list(itertools.islice(lines, LINES)):
                yield _parsed(path, block, first, flit_bytes)
                first += len(block)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "damaged, or not text"
        raise InputError(f"{path} cannot be read: {reason}") from error


def _parsed(path: str | Path, lines: list[bytes], first: int, flit_bytes: int) -> Raw:
    found = []
    for at, line in enumerate(lines):
        text = line.decode().rstrip()
        match = _NETRACE.fullmatch(text)
        if match and match[4] in PACKET_BYTES:
            found.append((int(match[1]), int(match[2]), int(match[3]), PACKET_BYTES[match[4]]))
        elif match:
            raise InputError(
                f"{path}: TYP of line {first + at} is {match[4]!r}; allowed:"
                f" {', '.join(PACKET_BYTES)}"
            )
        elif text:
            raise InputError(
                f"{path}: line {first + at} is {text[:40]!r}; allowed:"
                " ID:… CYC:… SRC:… DST:… ADR:… TYP:… NDEP:…"
            )
    try:
        columns = np.array(found, np.int64).reshape(-1, 4).T
    except OverflowError:
        raise InputError(f"{path}: a number from line {first} on; allowed: below 2**63") from None
    offered, source, destination, size = columns
    length = -(-size // flit_bytes)
    return {"offered": offered, "source": source, "destination": destination, "length": length}

"""What wafer maps and images share as files: bytes in, NumPy archives, exact errors."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.errors import InputError
from model.schema import parse_json, shown

ZIP_MAGIC: Final = b"PK\x03\x04"
"""First bytes of a NumPy archive; JSON never starts so."""


def write_npz(meta: dict[str, Any], **arrays: npt.NDArray[Any]) -> bytes:
    """A compressed archive of ``arrays`` and of ``meta`` as JSON; equal input, equal bytes."""
    out = io.BytesIO()
    text = json.dumps(meta, ensure_ascii=False).encode()
    members: dict[str, Any] = {"meta": np.frombuffer(text, np.uint8), **arrays}
    np.savez_compressed(out, **members)
    return out.getvalue()


def read_npz(
    data: bytes, name: str, fields: tuple[str, ...]
) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
    """Open an archive of exactly ``fields`` plus ``meta``; return the arrays and the parsed meta.

    Raises
    ------
    InputError
        When the archive is damaged, holds objects, or holds other members.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            if unknown := set(archive.files) - {"meta", *fields}:
                raise InputError(f"{name}: member {min(unknown)} is unknown; allowed: {fields}")
            arrays = {key: archive[key] for key in ("meta", *fields)}
        meta = parse_json(bytes(arrays.pop("meta").astype(np.uint8)).decode(), f"{name} meta")
    except KeyError as error:
        raise InputError(f"{name}: a member is missing: {error.args[0]}") from error
    except InputError:
        raise
    except (OSError, EOFError, ValueError, TypeError, MemoryError, zipfile.BadZipFile) as error:
        raise InputError(f"{name} is not a valid NumPy archive: {error}") from error
    if not isinstance(meta, dict):
        raise InputError(f"{name} meta is {shown(meta)}; allowed: an object")
    return arrays, meta


def require_array(
    field_name: str, value: npt.NDArray[Any], dtype: Any, shape: tuple[int, ...], high: int
) -> npt.NDArray[Any]:
    """Return ``value`` when it has this type and shape and no element above ``high``."""
    want = f"{np.dtype(dtype)}{list(shape)}"
    if value.dtype != dtype or value.shape != shape:
        raise InputError(f"{field_name} is {value.dtype}{list(value.shape)}; allowed: {want}")
    if value.dtype.names is None and value.size and int(value.max()) > high:
        raise InputError(f"{field_name} holds {int(value.max())}; allowed: 0 to {high}")
    return value


def read_bytes(path: str | Path) -> bytes:
    """Contents of a file; a missing one is an :class:`InputError`."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error


def decode(data: bytes, name: str) -> str:
    """Bytes as UTF-8 text."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not UTF-8 text: byte {error.start}") from error

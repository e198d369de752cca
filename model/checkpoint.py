"""Files from which an interrupted run goes on (docs/engine.md).

A line that names the format; a line of JSON with the *sums*, which say of what run it is, and the
names, types and shapes of arrays; these arrays in pieces, each compressed behind its length; the
SHA-256 of all that. The file appears whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from model.atomic import atomic_open
from model.errors import InputError
from model.files import read_bytes
from model.image import ConfigImage

FORMAT: Final = b"wafermesh-checkpoint/1\n"
DIGEST: Final = 32
STRIDE: Final = 1 << 22
"""Bytes compressed or hashed at a time."""

Arrays = Mapping[str, npt.NDArray[Any]]


def write_checkpoint(path: str | Path, sums: Mapping[str, str], arrays: Arrays) -> None:
    """Write arrays and what they belong to."""
    about = {name: [array.dtype.str, array.shape] for name, array in arrays.items()}
    digest, codec = hashlib.sha256(), pa.Codec("zstd")
    with atomic_open(path) as file:

        def put(data: bytes) -> None:
            digest.update(data)
            file.write(data)

        put(FORMAT + json.dumps({"sums": dict(sums), "arrays": about}).encode() + b"\n")
        for array in arrays.values():
            plain = np.ascontiguousarray(array).reshape(-1).view(np.uint8)
            for at in range(0, len(plain), STRIDE):
                piece = codec.compress(plain[at : at + STRIDE], asbytes=True)
                put(len(piece).to_bytes(4, "little"))
                put(piece)
        file.write(digest.digest())


def read_checkpoint(path: str | Path, sums: Mapping[str, str]) -> dict[str, npt.NDArray[Any]]:
    """Read the arrays of a run's checkpoint.

    Parameters
    ----------
    sums : mapping
        Of the run that is to go on; each name says in a message what differs.

    Raises
    ------
    InputError
        When the file is damaged, no checkpoint, or one of another run.
    """
    data = read_bytes(path)
    if not data.startswith(FORMAT):
        raise InputError(f"{path} is no checkpoint; allowed: one of this version")
    body = memoryview(data)[:-DIGEST]
    if hashlib.sha256(body).digest() != data[-DIGEST:]:
        raise InputError(f"{path} is damaged; allowed: a whole checkpoint, or none")
    end = data.index(b"\n", len(FORMAT))
    about = json.loads(data[len(FORMAT) : end])
    for name, value in sums.items():
        if about["sums"].get(name) != value:
            raise InputError(f"{path} belongs to another {name}; allowed: the {name} of this run")
    arrays, at, codec = {}, end + 1, pa.Codec("zstd")
    for name, (dtype, shape) in about["arrays"].items():
        arrays[name] = np.empty(shape, dtype)
        plain = arrays[name].reshape(-1).view(np.uint8)
        for begin in range(0, len(plain), STRIDE):
            piece, size = plain[begin : begin + STRIDE], int.from_bytes(data[at : at + 4], "little")
            packed = body[at + 4 : at + 4 + size]
            piece[:] = np.frombuffer(codec.decompress(packed, len(piece)), np.uint8)
            at += 4 + size
    return arrays


def image_sum(image: ConfigImage) -> str:
    """A sum over all that a run sees of an image."""
    found = hashlib.sha256(repr(image.spec).encode())
    found.update(repr((image.logical_width, image.logical_height)).encode())
    for name, value in sorted(vars(image).items()):
        if isinstance(value, np.ndarray):
            found.update(f"{name} {value.dtype} {value.shape}".encode())
            found.update(np.ascontiguousarray(value).tobytes())
    return found.hexdigest()


def file_sum(path: str | Path) -> str:
    """A sum over a file."""
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error

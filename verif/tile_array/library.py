"""The C interface of the harness, seen from Python."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from ctypes import POINTER, c_char_p, c_int, c_int32, c_int64, c_uint8, c_uint32, c_uint64, c_void_p
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt


class Setup(ctypes.Structure):
    """Size, threads, fuses and seed of an array; mirrors ``Setup`` in array.h."""

    _fields_ = (
        ("width", c_int32),
        ("height", c_int32),
        ("threads", c_int32),
        ("live", c_void_p),
        ("core_ok", c_void_p),
        ("in_ok", c_void_p),
        ("out_ok", c_void_p),
        ("traced", c_void_p),
        ("seed", c_uint64),
    )


class Bus(ctypes.Structure):
    """Pins of the configuration bus in one cycle; mirrors ``Bus`` in array.h."""

    _fields_ = (
        ("valid", c_uint8),
        ("write", c_uint8),
        ("any_x", c_uint8),
        ("any_y", c_uint8),
        ("table", c_uint8),
        ("x", c_uint32),
        ("y", c_uint32),
        ("index", c_uint32),
        ("data", c_void_p),
        ("stride", c_uint64),
    )


class Traffic(ctypes.Structure):
    """Packets grouped by source tile; mirrors ``Traffic`` in tile.h."""

    _fields_ = (
        ("first", c_void_p),
        ("id", c_void_p),
        ("destination", c_void_p),
        ("length", c_void_p),
        ("offered", c_void_p),
        ("gap", c_void_p),
    )


class Stalls(ctypes.Structure):
    """STL-1's parameters; mirrors ``Stalls`` in tile.h."""

    _fields_ = (("threshold", c_uint64), ("burst_log2", c_uint64), ("seed", c_uint64))


class Violation(ctypes.Structure):
    """The first broken rule that no event shows; mirrors ``Violation`` in tile.h.

    Bit p of ``what`` is a flit at dead mesh port p, bit 4 a stray remap write.
    """

    _fields_ = (("cycle", c_int64), ("tile", c_uint32), ("what", c_uint32))


SIGNATURES: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    "wm_new": (c_void_p, (POINTER(Setup),)),
    "wm_free": (None, (c_void_p,)),
    "wm_step": (c_int, (c_void_p, c_int, c_int, POINTER(Bus), c_int)),
    "wm_traffic": (None, (c_void_p, POINTER(Traffic), POINTER(Stalls))),
    "wm_run": (None, (c_void_p, c_int64)),
    "wm_read": (None, (c_void_p, c_uint32, c_uint32, c_void_p)),
    "wm_remap": (c_void_p, (c_void_p,)),
    "wm_quiet": (None, (c_void_p, c_void_p)),
    "wm_sent": (c_int, (c_void_p,)),
    "wm_violation": (c_int, (c_void_p, POINTER(Violation))),
    "wm_bands": (c_uint32, (c_void_p,)),
    "wm_events": (c_uint64, (c_void_p, c_uint32, POINTER(c_void_p))),
    "wm_tile_bytes": (c_uint64, ()),
}

TRACE_SIGNATURES: Final[dict[str, tuple[Any, tuple[Any, ...]]]] = {
    "wm_trace": (None, (c_void_p, c_char_p, c_int64, c_int64)),
    "wm_close_trace": (None, (c_void_p,)),
}


def load(path: Path, trace: bool) -> ctypes.CDLL:
    """Load a library made by :func:`verif.tile_array.build.build` and declare its functions."""
    library = ctypes.CDLL(str(path))
    for name, (result, arguments) in (SIGNATURES | (TRACE_SIGNATURES if trace else {})).items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    return library


class Pinned:
    """Arrays handed to C by address, kept alive as long as this object."""

    def __init__(self) -> None:
        self._arrays: list[npt.NDArray[Any]] = []

    def __call__(self, values: npt.ArrayLike, dtype: npt.DTypeLike) -> int:
        """Address of ``values`` as a contiguous array of ``dtype``."""
        array = np.ascontiguousarray(values, dtype)
        self._arrays.append(array)
        return array.ctypes.data


def view(address: int | None, count: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Array over memory of the library; valid until the library changes it."""
    kind = np.dtype(dtype)
    if not count or not address:
        return np.empty(0, kind)
    make: Callable[[int], Any] = (ctypes.c_char * (count * kind.itemsize)).from_address
    return np.frombuffer(make(address), kind)

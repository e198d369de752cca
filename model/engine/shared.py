"""What Numba lacks: memory that threads share, and fetching memory ahead of its use.

In plain Python there is one thread, and nothing to fetch.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic as numba_intrinsic
from numba.extending import overload

intrinsic: Any = numba_intrinsic

sleep: Any = types.ExternalFunction("usleep", types.int32(types.uint32))
"""Leave the processor for so many microseconds: a thread that waits elsewhere may come over."""


def read(array: Any, index: int) -> int:
    """``array[index]`` of int64, and what other threads wrote before they wrote that."""
    return int(array[index])


def write(array: Any, index: int, value: int) -> None:
    """``array[index] = value`` of int64, after all that this thread wrote before."""
    array[index] = value


def fetch(array: Any, index: int) -> None:
    """Bring the cache line of ``array[index]`` near; nothing else happens."""


def _pointer(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    data = context.make_array(kind)(context, builder, array).data
    return cgutils.gep_inbounds(builder, data, index)


@intrinsic
def _read(typing_context: Any, array: Any, index: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(_pointer(context, builder, array, *arguments), "acquire", 8)

    return types.int64(array, types.int64), code


@intrinsic
def _write(typing_context: Any, array: Any, index: Any, value: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _pointer(context, builder, array, *arguments[:2])
        builder.store_atomic(arguments[2], pointer, "release", 8)

    return types.void(array, types.int64, types.int64), code


@intrinsic
def _fetch(typing_context: Any, array: Any, index: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        pointer = builder.bitcast(_pointer(context, builder, array, *arguments), byte)
        builder.call(function, [pointer, *(ir.Constant(number, value) for value in (0, 3, 1))])

    return types.void(array, types.uint64), code


INLINE: Any = {"_nrt": False, "forceinline": True}


@overload(read, jit_options=INLINE, strict=False)
def _compiled_read(array: Any, index: Any) -> Any:
    return lambda array, index: _read(array, index)


@overload(write, jit_options=INLINE, strict=False)
def _compiled_write(array: Any, index: Any, value: Any) -> Any:
    return lambda array, index, value: _write(array, index, value)


@overload(fetch, jit_options=INLINE, strict=False)
def _compiled_fetch(array: Any, index: Any) -> Any:
    return lambda array, index: _fetch(array, index)

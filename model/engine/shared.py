"""What Numba lacks: memory that threads share, and fetching memory ahead of its use."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

WORD = types.Array(types.int64, 1, "C")

give_way = types.ExternalFunction("sched_yield", types.int32())
"""Let another thread of the machine run."""


def _pointer(context: Any, builder: Any, array: Any, index: Any) -> Any:
    data = context.make_array(WORD)(context, builder, array).data
    return cgutils.gep_inbounds(builder, data, index)


@intrinsic
def read(typing_context: Any, array: Any, index: Any) -> Any:
    """``array[index]`` of int64, not before what other threads wrote ahead of it is seen."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.load_atomic(_pointer(context, builder, *arguments), "acquire", 8)

    return types.int64(WORD, types.int64), code


@intrinsic
def write(typing_context: Any, array: Any, index: Any, value: Any) -> Any:
    """``array[index] = value`` of int64, after all that this thread wrote before."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = _pointer(context, builder, arguments[0], arguments[1])
        builder.store_atomic(arguments[2], pointer, "release", 8)
        return ir.Constant(ir.IntType(64), 0)

    return types.int64(WORD, types.int64, types.int64), code


@intrinsic
def fetch(typing_context: Any, array: Any, index: Any) -> Any:
    """Bring the cache line of ``array[index]`` near; nothing else changes."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(array)(context, builder, arguments[0]).data
        pointer = cgutils.gep_inbounds(builder, data, arguments[1])
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        numbers = [ir.Constant(number, value) for value in (0, 3, 1)]
        builder.call(function, [builder.bitcast(pointer, byte), *numbers])
        return ir.Constant(ir.IntType(64), 0)

    return types.int64(array, types.uint64), code

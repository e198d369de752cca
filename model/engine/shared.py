"""Memory that threads of a run share: reads and writes that the compiler leaves where they stand."""

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

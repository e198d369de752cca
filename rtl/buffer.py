"""First-in first-out buffer of one input VC, also the queue of the network interface."""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal, Value, unsigned
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.bugs import Bug
from rtl.place import name_ports


class Buffer(wiring.Component):
    """Queue of ``depth`` words in a register file that is not reset.

    Parameters
    ----------
    shape : ShapeLike
        One word.
    depth : int
        Words, at least 2; any number.
    module : str
        Name of its Verilog module; one name for one shape and depth.
    bug : Bug, optional
        ``OVERFLOW``.

    Members
    -------
    i : In(stream.Signature(shape))
        ``i.ready`` is a function of the occupancy before the edge only (LNK-1).
    o : Out(stream.Signature(shape))
        Front of the queue.

    Timing
    ------
    A word that enters at a clock edge is at the front in the next cycle when the queue was empty
    (RTR-1). With depth 2 one word can enter and leave in every cycle (RTR-2). Reset empties it.
    """

    i: Any
    o: Any

    def __init__(self, shape: Any, depth: int, *, module: str = "buffer", bug: Bug | None = None):
        self.shape, self.depth, self.module = shape, depth, module
        self._full = depth + 1 if bug is Bug.OVERFLOW else depth
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bits = unsigned(Value.cast(self.i.payload).shape().width)
        m.submodules.words = words = memory.Memory(shape=bits, depth=self.depth, init=[])
        write, read = words.write_port(), words.read_port(domain="comb")
        name_ports(write, "write_")
        name_ports(read, "read_")
        level = Signal(range(self._full + 1))
        push = Signal()
        pop = Signal()

        def behind(pointer: Signal) -> Any:
            return Mux(pointer == self.depth - 1, 0, pointer + 1)

        m.d.comb += [
            self.i.ready.eq(level < self._full),
            self.o.valid.eq(level != 0),
            push.eq(self.i.valid & self.i.ready),
            pop.eq(self.o.valid & self.o.ready),
            write.en.eq(push),
            write.data.eq(self.i.payload),
            self.o.payload.eq(read.data),
        ]
        m.d.sync += level.eq(level + push - pop)
        with m.If(push):
            m.d.sync += write.addr.eq(behind(write.addr))
        with m.If(pop):
            m.d.sync += read.addr.eq(behind(read.addr))
        return m

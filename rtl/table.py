"""Storage of a small table whose words are all used at once: routes and VC rules."""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux, Signal, Value
from amaranth.lib import memory

from rtl.place import name_ports


def add_table(m: Module, port: Any, size: int) -> list[tuple[Value, Any]]:
    """Add the storage of a table to ``m`` and connect it to the configuration bus.

    The words live in a register file without reset; one ``written`` bit per word is reset, and a
    word that was not written since reads 0 and is not valid, so stale words are not observable
    (CFG-3).

    Parameters
    ----------
    m : Module
        Module of the component that uses the table.
    port : interface of table_signature
        Its ``index`` may name no word while ``write`` is low.
    size : int
        Words.

    Returns
    -------
    list of (valid, word)
        Per entry whether it counts, and the word as a view of its layout.
    """
    shape = port.wdata.shape()
    m.submodules.entries = entries = memory.Memory(shape=shape, depth=max(2, size), init=[])
    write, read = entries.write_port(), entries.read_port(domain="comb")
    name_ports(write, "write_")
    name_ports(read, "read_")
    written = Signal(size)
    named = Signal(size)
    with m.If(port.write):
        m.d.sync += written.eq(written | named)
    m.d.comb += [
        named.eq(1 << port.index),
        write.en.eq(port.write),
        write.addr.eq(port.index),
        write.data.eq(port.wdata),
        read.addr.eq(port.index),
        port.rdata.eq(Mux((written & named).any(), read.data, 0)),
    ]
    words = []
    for k in range(size):
        entry = entries.read_port(domain="comb")
        name_ports(entry, f"entry{k}_")
        m.d.comb += entry.addr.eq(k)
        words.append((written[k] & entry.data.valid, entry.data))
    return words


def inside(word: Any, dst: Any) -> Value:
    """Whether place ``dst`` (x, y) lies in the inclusive rectangle of ``word``."""
    return (dst.x >= word.x_lo) & (dst.x <= word.x_hi) & (dst.y >= word.y_lo) & (dst.y <= word.y_hi)

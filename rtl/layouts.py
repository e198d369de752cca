"""Struct layouts and signatures, built from the field orders of :class:`FabricSpec`."""

from __future__ import annotations

from typing import Any

from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from model.spec import FabricSpec, Fields, Port, Status, Table

MESH_PORTS = (Port.NORTH, Port.EAST, Port.SOUTH, Port.WEST)
INPUTS = 5
"""Router inputs, and outputs: four mesh ports and the local one."""


def layout(fields: Fields) -> data.StructLayout:
    """Layout with ``fields``, least significant first, as on every wire and in every table."""
    return data.StructLayout(dict(fields))


def flit_layout(spec: FabricSpec) -> data.StructLayout:
    """A flit on a mesh link (design.md §4)."""
    return layout(spec.flit_fields)


def point_layout(spec: FabricSpec) -> data.StructLayout:
    """Physical coordinates of a tile."""
    return data.StructLayout({"x": spec.x_width, "y": spec.y_width})


def place_layout(spec: FabricSpec) -> data.StructLayout:
    """What the remap memory says about a logical id (RMP-1)."""
    return layout(spec.table_fields(Table.REMAP))


def table_layout(spec: FabricSpec, table: Table) -> data.StructLayout:
    """One word of a writable table (CFG-1)."""
    return layout(spec.table_fields(table))


def fuse_layout(spec: FabricSpec) -> data.StructLayout:
    """``core_ok``, ``in_ok`` and ``out_ok``, the latter two with a bit per mesh port (FUS-1)."""
    return layout(spec.status_fields(Status.FUSES))


def offender_layout(spec: FabricSpec) -> data.StructLayout:
    """The status word about the first offender (CFG-4)."""
    return layout(spec.status_fields(Status.FIRST_OFFENDER))


def link_signature(spec: FabricSpec) -> wiring.Signature:
    """One mesh link, seen from its sender (LNK-1).

    Members
    -------
    valid : Out(1)
        A flit moves in this cycle; raised only while ``ready[vc]`` is high.
    vc : Out(spec.vc_width)
    flit : Out(flit_layout(spec))
    ready : In(spec.vcs)
        Bit v: the receiver has space for a flit of VC v.
    """
    return wiring.Signature(
        {
            "valid": Out(1),
            "vc": Out(spec.vc_width),
            "flit": Out(flit_layout(spec)),
            "ready": In(spec.vcs),
        }
    )


def table_signature(spec: FabricSpec, table: Table) -> wiring.Signature:
    """Access to one table, seen from the configuration bus.

    Members
    -------
    write : Out(1)
        Store ``wdata`` at ``index`` at the end of this cycle.
    index : Out(as many bits as the table needs)
        Word to read or write; below the table's size while ``write`` is high.
    wdata : Out(table_layout(spec, table))
    rdata : In(table_layout(spec, table))
        Word at ``index``, in the same cycle; anything when there is no such word.
    """
    word = table_layout(spec, table)
    return wiring.Signature(
        {
            "write": Out(1),
            "index": Out(range(max(2, spec.table_size(table)))),
            "wdata": Out(word),
            "rdata": In(word),
        }
    )


def cfg_signature(spec: FabricSpec) -> wiring.Signature:
    """The configuration bus (CFG-1), seen from its master; ``rdata`` comes back one cycle later."""
    return wiring.Signature(
        {
            "valid": Out(1),
            "write": Out(1),
            "any_x": Out(1),
            "any_y": Out(1),
            "x": Out(spec.x_width),
            "y": Out(spec.y_width),
            "table": Out(3),
            "index": Out(spec.cfg_index_width),
            "wdata": Out(spec.cfg_data_width),
            "rdata": In(spec.cfg_data_width),
        }
    )


def input_vcs(spec: FabricSpec) -> list[tuple[int, int]]:
    """All (input, VC) in the order of their bits in vectors: bit = vc * 5 + input."""
    return [(i, v) for v in range(spec.vcs) for i in range(INPUTS)]


def union(vectors: list[Any]) -> Any:
    """Bitwise OR of vectors of one length."""
    total: Any = vectors[0]
    for vector in vectors[1:]:
        total = total | vector
    return total

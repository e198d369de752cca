"""Pack words by the field orders of the specification, independently of the hardware."""

from __future__ import annotations

from model.spec import FabricSpec, Fields, Table


def pack(fields: Fields, **values: int) -> int:
    """Word with the named fields, the others 0."""
    word, offset, left = 0, 0, dict(values)
    for name, width in fields:
        value = left.pop(name, 0)
        assert 0 <= value < 1 << width, f"{name}={value} does not fit {width} bits"
        word |= value << offset
        offset += width
    assert not left, f"no such fields: {left}"
    return word


def unpack(fields: Fields, word: int) -> dict[str, int]:
    """Values of all fields."""
    values = {}
    for name, width in fields:
        values[name] = word & ((1 << width) - 1)
        word >>= width
    return values


def route(spec: FabricSpec, to: int, **values: int) -> int:
    """Valid route entry that matches everything unless told otherwise."""
    fields = spec.table_fields(Table.ROUTE)
    widths = dict(fields)
    everything = {
        "valid": 1,
        "x_hi": (1 << widths["x_hi"]) - 1,
        "y_hi": (1 << widths["y_hi"]) - 1,
        "from_ports": 31,
        "vcs": (1 << spec.vcs) - 1,
    }
    return pack(fields, **(everything | values), to=to)

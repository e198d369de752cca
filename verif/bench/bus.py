"""Master of the configuration bus (CFG-1), shared by the fabric and the tile bench."""

from __future__ import annotations

from collections import deque
from typing import Any

from model.spec import Table
from verif.bench.pins import Output
from verif.config_stream import BusWrite


class ConfigBus:
    """Drive the ``cfg_*`` inputs, one operation per cycle.

    Parameters
    ----------
    dut : handle
        Anything with the ``cfg_*`` ports of design.md "Names".
    latency : int
        Cycles from a read to its data: 2 at the fabric, 1 at the tile.
    """

    def __init__(self, dut: Any, latency: int) -> None:
        names = ("valid", "write", "any_x", "any_y", "x", "y", "table", "index", "wdata")
        self._pins = {name: Output(getattr(dut, f"cfg_{name}")) for name in names}
        self._latency = latency
        self._pending: deque[int] = deque()
        self.idle()

    def idle(self) -> None:
        """Present nothing."""
        for pin in self._pins.values():
            pin.set(0)

    def write(self, write: BusWrite) -> None:
        """Present a write for the coming cycle."""
        self._present(1, write.table, write.index, write.data, write.x, write.y)

    def read(self, cycle: int, table: Table, index: int, x: int | None, y: int | None) -> None:
        """Present a read for ``cycle``, the coming one."""
        self._present(0, table, index, 0, x, y)
        self._pending.append(cycle + self._latency)

    def expects_data(self, cycle: int) -> bool:
        """A read's data is due in ``cycle``; ask exactly once per cycle."""
        if self._pending and self._pending[0] == cycle:
            self._pending.popleft()
            return True
        return False

    def _present(
        self, write: int, table: Table, index: int, data: int, x: int | None, y: int | None
    ) -> None:
        values = {"valid": 1, "write": write, "table": int(table), "index": index, "wdata": data}
        values |= {"any_x": int(x is None), "any_y": int(y is None), "x": x or 0, "y": y or 0}
        for name, value in values.items():
            self._pins[name].set(value)

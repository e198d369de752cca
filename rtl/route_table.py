"""Route lookup of one tile: rectangles of destinations, the first match wins (TBL-1)."""

from __future__ import annotations

from typing import Any

from amaranth import Module, Mux
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from model.spec import FabricSpec, Table
from rtl.bugs import Bug
from rtl.layouts import input_vcs, point_layout, table_signature
from rtl.table import add_table, inside

NO_ROUTE = 7
"""``to`` when no entry matches."""


class RouteTable(wiring.Component):
    """The route table, and one lookup for every input VC at once.

    Parameters
    ----------
    spec : FabricSpec
    bug : Bug, optional
        ``LAST_MATCH``.

    Members
    -------
    table : In(table_signature(spec, Table.ROUTE))
    lookup : array of 5 * vcs, index vc * 5 + input
        ``dst`` : In, the place looked up; ``to`` : Out(3), the output port of the first valid
        entry that matches place, input and VC, or 7 when there is none.

    Timing
    ------
    ``to`` answers in the same cycle; a write counts from the next cycle on.
    """

    module = "route_table"

    table: Any
    lookup: Any

    def __init__(self, spec: FabricSpec, *, bug: Bug | None = None):
        self._spec, self._bug = spec, bug
        self._input_vcs = input_vcs(spec)
        lookup = wiring.Signature({"dst": In(point_layout(spec)), "to": Out(3)})
        super().__init__(
            {
                "table": In(table_signature(spec, Table.ROUTE)),
                "lookup": Out(lookup).array(len(self._input_vcs)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        entries = add_table(m, self.table, self._spec.route_entries)
        if self._bug is not Bug.LAST_MATCH:
            entries.reverse()  # the chain below is built from its end
        for (i, v), lookup in zip(self._input_vcs, self.lookup, strict=True):
            to: Any = NO_ROUTE
            for valid, word in entries:
                hit = valid & word.from_ports[i] & word.vcs[v] & inside(word, lookup.dst)
                to = Mux(hit, word.to, to)
            m.d.comb += lookup.to.eq(to)
        return m

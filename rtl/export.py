"""Write Verilog: one module per kind of component, the tile's text once."""

from __future__ import annotations

from typing import Any

from amaranth._toolchain.yosys import find_yosys

from model.spec import FabricSpec
from rtl.bugs import Bug
from rtl.fabric import Fabric
from rtl.place import Library, flat_ports
from rtl.remap import RemapMemory
from rtl.tile import Tile

# `proc` instead of always @* blocks: Icarus never runs a block whose inputs do not change at time
# 0, and loses packets silently (this needs no SystemVerilog either).
SCRIPT = "hierarchy -top {top}\nproc\nopt_expr\nwreduce\nopt_clean -purge\nwrite_verilog -noattr\n"


def _verilog(top: Any) -> str:
    library = Library()
    library.convert(top, flat_ports(top))
    rtlil = "\n".join(library.texts.values())
    script = f"read_rtlil <<rtlil\n{rtlil}\nrtlil\n" + SCRIPT.format(top=top.module)
    yosys = find_yosys(lambda version: True)
    return str(yosys.run(["-q", "-"], script, ignore_warnings=True))


def tile_verilog(spec: FabricSpec, bug: Bug | None = None) -> str:
    """Verilog of module ``tile`` and what it is made of.

    Parameters
    ----------
    spec : FabricSpec
        Of its size only the header widths, the number of remap words and the width of the bus
        index matter to a tile.
    bug : Bug, optional
        Build it wrongly.

    Returns
    -------
    str
        Plain Verilog 2005, the same bytes for the same arguments.
    """
    return _verilog(Tile(spec, bug=bug))


def remap_verilog(spec: FabricSpec) -> str:
    """Verilog of module ``remap``, the memory beside a tile (RMP-1)."""
    return _verilog(RemapMemory(spec))


def fabric_verilog(spec: FabricSpec, defects: bool = False, bug: Bug | None = None) -> str:
    """Verilog of module ``fabric`` with modules ``tile`` and ``remap``, each once.

    Parameters
    ----------
    spec : FabricSpec
    defects : bool
        Add the benches' ports ``dead_links``, ``dead_tiles`` and ``noise``.
    bug : Bug, optional
        Build the fabric or every tile wrongly.
    """
    return _verilog(Fabric(spec, defects=defects, bug=bug))

"""Histories of the flip-flops of chosen tiles, from an Icarus VCD and the design's Verilog."""

from __future__ import annotations

import re
from pathlib import Path

from vcdvcd import VCDVCD

from model.spec import FabricSpec
from verif.bench.launch import fabric_text
from verif.waves import tile_scope

History = dict[str, tuple[tuple[int, str], ...]]
"""Signal → its (time, value) changes."""


def register_history(path: Path, spec: FabricSpec, tiles: list[int]) -> History:
    """Changes of every flip-flop inside ``tiles``; memories are not in a VCD.

    Parameters
    ----------
    path : Path
        VCD of an Icarus run of the bench's fabric, in which nothing is left out.
    spec : FabricSpec
    tiles : list of int
    """
    registers = set(re.findall(r"(?m)^\s+(\w+) <= ", fabric_text(spec)))
    scopes = {tile_scope(spec, tile) for tile in tiles}
    wanted = []
    for signal in VCDVCD(str(path), only_sigs=True).signals:
        parts = signal.split("[")[0].split(".")
        if len(parts) > 2 and parts[1] in scopes and parts[-1] in registers:
            wanted.append(signal)
    waves = VCDVCD(str(path), signals=wanted, store_tvs=True)
    return {signal: tuple(waves[signal].tv) for signal in wanted}

"""RTL fabrics of any size from one compiled tile (design.md §8b)."""

from verif.tile_array.array import ProtocolError, TileArray, Waves, simulate
from verif.tile_array.build import BuildOptions, array_spec, build, tile_text

__all__ = [
    "BuildOptions",
    "ProtocolError",
    "TileArray",
    "Waves",
    "array_spec",
    "build",
    "simulate",
    "tile_text",
]

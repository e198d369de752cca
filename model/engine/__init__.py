"""The golden engine: what a fabric does, cycle by cycle (design.md §8)."""

from model.engine.blocks import PacketStatus, RecordBlock, join_blocks
from model.engine.check import accepting, check_image, check_schedule, source_tiles
from model.engine.result import TRACE_COLUMNS, EngineResult, payload
from model.engine.run import MARGIN, Simulation
from model.engine.whole import MAX_CYCLES, simulate

__all__ = [
    "MARGIN",
    "MAX_CYCLES",
    "TRACE_COLUMNS",
    "EngineResult",
    "PacketStatus",
    "RecordBlock",
    "Simulation",
    "accepting",
    "check_image",
    "check_schedule",
    "join_blocks",
    "payload",
    "simulate",
    "source_tiles",
]

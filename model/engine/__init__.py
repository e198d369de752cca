"""The golden engine: what a fabric does, cycle by cycle (design.md §8)."""

from model.engine.check import accepting, check_image, check_schedule, source_tiles
from model.engine.result import (
    TRACE_COLUMNS,
    EngineResult,
    PacketRecords,
    PacketStatus,
    RecordBlock,
    payload,
    record_block,
)
from model.engine.run import MARGIN, MAX_CYCLES, simulate

__all__ = [
    "MARGIN",
    "MAX_CYCLES",
    "TRACE_COLUMNS",
    "EngineResult",
    "PacketRecords",
    "PacketStatus",
    "RecordBlock",
    "accepting",
    "check_image",
    "check_schedule",
    "payload",
    "record_block",
    "simulate",
    "source_tiles",
]

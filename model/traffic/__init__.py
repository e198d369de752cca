"""Traffic: packet schedules from patterns on logical coordinates, or from a file."""

from model.traffic.file import load_demand, load_rates, load_schedule
from model.traffic.make import Lengths, make_schedule, parse_lengths
from model.traffic.patterns import PATTERNS, partners

__all__ = [
    "PATTERNS",
    "Lengths",
    "load_demand",
    "load_rates",
    "load_schedule",
    "make_schedule",
    "parse_lengths",
    "partners",
]

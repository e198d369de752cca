"""Traffic: packet schedules from patterns on logical coordinates, or from a file."""

from model.traffic.catalogue import CATALOGUE, PATTERNS, Kind
from model.traffic.demand import demand
from model.traffic.file import load_demand, load_rates, load_schedule, open_packets
from model.traffic.lengths import Lengths, parse_lengths
from model.traffic.make import DrawnStream, Traffic, make_schedule
from model.traffic.patterns import partners
from model.traffic.phases import phase
from model.traffic.stream import PacketStream, ScheduleStream, collect

__all__ = [
    "CATALOGUE",
    "PATTERNS",
    "DrawnStream",
    "Kind",
    "Lengths",
    "PacketStream",
    "ScheduleStream",
    "Traffic",
    "collect",
    "demand",
    "load_demand",
    "load_rates",
    "load_schedule",
    "make_schedule",
    "open_packets",
    "parse_lengths",
    "partners",
    "phase",
]

"""Measuring a run the way the field does (docs/measurements.md; design.md §10, MEA-1 to MEA-8)."""

from model.measure.breakdown import PARTS, Split, split
from model.measure.buffers import Occupancy
from model.measure.confidence import Interval, interval
from model.measure.fairness import Fairness, Sources
from model.measure.histogram import Histogram
from model.measure.links import Link, LinkUse
from model.measure.meter import Meter
from model.measure.ports import ports_table, write_ports
from model.measure.run import MEASURED, WARM_UP, drive, measure
from model.measure.steady import Steadiness, mser, steadiness
from model.measure.timeline import Timeline
from model.measure.window import Measurement

__all__ = [
    "MEASURED",
    "PARTS",
    "WARM_UP",
    "Fairness",
    "Histogram",
    "Interval",
    "Link",
    "LinkUse",
    "Measurement",
    "Meter",
    "Occupancy",
    "Sources",
    "Split",
    "Steadiness",
    "Timeline",
    "drive",
    "interval",
    "measure",
    "mser",
    "ports_table",
    "split",
    "steadiness",
    "write_ports",
]

"""Defect lists of inspection tools: KLARF 1.8 and CSV (docs/defects.md, INS-1)."""

from model.inspection.points import Points, parse_points

__all__ = ["Points", "parse_points"]

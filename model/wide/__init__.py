"""Whole wafers: routes for fabrics too large to look at all pairs (docs/whole-wafer.md)."""

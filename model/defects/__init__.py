"""Defect models: random, measured and explicit defects of a wafer (docs/defects.md)."""

from model.defects.bernoulli import CLUSTERS, DIE_COLUMNS, SEED_MAX, bernoulli, clustered
from model.defects.model import FORMAT, KINDS, DefectModel, parse_model, recreate, sample

__all__ = [
    "CLUSTERS",
    "DIE_COLUMNS",
    "FORMAT",
    "KINDS",
    "SEED_MAX",
    "DefectModel",
    "bernoulli",
    "clustered",
    "parse_model",
    "recreate",
    "sample",
]

"""Blocks of records made by hand, and cut out of others."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np

from model.engine import PacketStatus, RecordBlock, simulate
from model.image import ConfigImage
from model.spec import FabricSpec
from tests.images import random_image, random_schedule, random_stalls


def block_of(**columns: Any) -> RecordBlock:
    """Delivered single-flit packets, columns not given derived: no hops, no waiting."""
    count = len(columns["offered"])
    offered = np.asarray(columns["offered"], np.int64)
    length = np.asarray(columns.get("length", np.ones(count)), np.int64)
    accepted = np.asarray(columns.get("accepted", offered), np.int64)
    usual = {
        "id": np.arange(count),
        "source": np.zeros(count, np.int32),
        "destination": np.zeros(count, np.int32),
        "length": length,
        "gap": np.zeros(count, np.int32),
        "vc": np.zeros(count, np.int8),
        "accepted": accepted,
        "delivered_first": accepted + 3,
        "delivered_last": accepted + 2 + length,
        "hops": np.zeros(count, np.int32),
        "status": np.full(count, PacketStatus.DELIVERED, np.uint8),
        "tile": np.zeros(count, np.int32),
    }
    given = {name: np.asarray(values) for name, values in columns.items()}
    return RecordBlock(**(usual | given))


def some(block: RecordBlock, which: Any) -> RecordBlock:
    """Chosen packets of a block."""
    return RecordBlock(**{field.name: getattr(block, field.name)[which] for field in fields(block)})


def random_run(seed: int) -> tuple[ConfigImage, RecordBlock]:
    """A random fabric under random packets, bubbles and stalls, cut short; all its records."""
    rng = np.random.default_rng(seed)
    spec = FabricSpec(width=5, height=4, vcs=int(rng.choice([1, 2, 4])), depth=4)
    image = random_image(rng, spec, noise=0.05)
    schedule = random_schedule(rng, image, 600, stray=0.1, span=500, gaps=0.4)
    result = simulate(image, schedule, stalls=random_stalls(rng), cycles=600, record_events=False)
    return image, result.records

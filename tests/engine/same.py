"""Equality of everything two runs show."""

from __future__ import annotations

import numpy as np

from model.engine import EngineResult
from model.runlog import RunLog


def assert_same_log(seen: RunLog, expected: RunLog) -> None:
    """Fail with the first event or the counter that differs."""
    assert seen.cycles == expected.cycles
    count = min(len(seen.events), len(expected.events))
    differs = np.flatnonzero(seen.events[:count] != expected.events[:count])
    if len(differs):
        assert seen.events[differs[0]].tolist() == expected.events[differs[0]].tolist()
    assert seen.events[count:].tolist() == expected.events[count:].tolist()
    for name, value in vars(expected.counters).items():
        got = getattr(seen.counters, name)
        assert np.array_equal(got, value), f"{name}: {got.tolist()} != {value.tolist()}"
        assert got.dtype == value.dtype
    assert seen.quiet == expected.quiet


def assert_same_result(seen: EngineResult, expected: EngineResult) -> None:
    """Logs, records, occupancy and trace."""
    assert_same_log(seen.log, expected.log)
    assert (seen.finished, seen.stuck) == (expected.finished, expected.stuck)
    for name, value in vars(expected.records).items():
        assert np.array_equal(getattr(seen.records, name), value), name
    for name in ("occupancy", "trace"):
        assert np.array_equal(getattr(seen, name), getattr(expected, name)), name

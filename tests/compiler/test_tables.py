"""Rectangles: every demand is answered by its first match, and few entries suffice (TBL-1)."""

from __future__ import annotations

import importlib
import pkgutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba.core.dispatcher import Dispatcher

import model
from model.random import draws
from model.tables.kernel import cover

WIDTH = 6
ALL_SETS = np.arange(1, 32)


def _answers(entries: np.ndarray, count: int, port: int, cell: int) -> int:
    x, y = cell % WIDTH, cell // WIDTH
    for x_lo, x_hi, y_lo, y_hi, ports, out in entries[:count]:
        if x_lo <= x <= x_hi and y_lo <= y <= y_hi and ports >> port & 1:
            return int(out)
    return -1


@settings(max_examples=60, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), empty=st.integers(0, 3), few_sets=st.booleans())
def test_tbl_1_every_demand_gets_a_good_output(seed: int, empty: int, few_sets: bool) -> None:
    noise = draws(seed, 2, 5 * 4 * WIDTH).reshape(5, 4 * WIDTH)
    demand = (noise >> np.uint64(60)).astype(np.uint8)
    demand[noise % np.uint64(4) < np.uint64(empty)] = 0
    entries = np.zeros((120, 6), np.int32)
    sets = np.array([31]) if few_sets else ALL_SETS
    count = cover(demand, WIDTH, sets, 120, entries)
    assert 0 <= count <= 120
    for port, cell in np.argwhere(demand).tolist():
        out = _answers(entries, count, port, cell)
        assert out >= 0
        assert demand[port, cell] >> out & 1


def test_too_many_entries_are_reported_not_cut_off() -> None:
    demand = np.zeros((5, 4 * WIDTH), np.uint8)
    demand[0] = [1 << (cell + cell // WIDTH) % 2 for cell in range(4 * WIDTH)]
    entries = np.zeros((8, 6), np.int32)
    assert cover(demand, WIDTH, ALL_SETS, 8, entries) == -1


@pytest.mark.parametrize(
    ("picture", "most"),
    [
        (["111111", "111111"], 1),
        (["111222", "111222"], 2),
        (["111111", "112211"], 2),  # the exception comes first, the rest covers it
        (["1.2.1.", "......"], 3),
        (["1.1.1.", ".1.1.1"], 1),  # nobody asks for the gaps
        (["333333", "333333"], 1),  # both outputs are good
    ],
)
def test_priorities_and_gaps_save_entries(picture: list[str], most: int) -> None:
    cells = [0 if c == "." else int(c) for row in picture for c in row]
    demand = np.zeros((5, len(cells)), np.uint8)
    demand[4] = cells
    entries = np.zeros((16, 6), np.int32)
    assert cover(demand, WIDTH, ALL_SETS, 16, entries) <= most


def test_compiled_functions_call_only_those_of_their_own_file() -> None:
    """Numba's cache would not notice a change in another file (CONTRIBUTING.md)."""
    strangers = set()
    for found in pkgutil.walk_packages(model.__path__, "model."):
        module = importlib.import_module(found.name)
        compiled = [f for f in vars(module).values() if isinstance(f, Dispatcher)]
        names = [f.py_func.__code__.co_names for f in compiled if f.__module__ == found.name]
        for name, value in vars(module).items():
            foreign = isinstance(value, Dispatcher) and value.__module__ != found.name
            if foreign and any(name in used for used in names):
                strangers.add(f"{found.name}: {value.__module__}.{name}")
    assert strangers == {"model.engine.kernel: model.random.mix64"}  # its bits are in the contract

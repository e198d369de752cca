"""Rectangles: every demand is answered by its first match, and few entries suffice (TBL-1)."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba.core.dispatcher import Dispatcher

import model
from model.random import draws
from model.tables import cover as covering
from model.tables.cover import cover
from model.tables.decode import answered

WIDTH, HEIGHT = 6, 4
MOST = 64


def _demand(goods: np.ndarray) -> np.ndarray:
    """uint32[layers, rows, cols] of uint8[layers, port, rows, cols]."""
    shifts = np.arange(0, 20, 4, dtype=np.uint32)[:, None, None]
    return np.bitwise_or.reduce(goods.astype(np.uint32) << shifts, axis=1)


def _answer(entries: np.ndarray, layer: int, port: int, y: int, x: int) -> int:
    for x_lo, x_hi, y_lo, y_hi, ports, layers, out in entries.tolist():
        inside = x_lo <= x <= x_hi and y_lo <= y <= y_hi
        if inside and ports >> port & 1 and layers >> layer & 1:
            return int(out)
    return -1


def _goods(seed: int, layers: int, empty: int, calm: int) -> np.ndarray:
    """Random good outputs, ``empty`` quarters of them not asked, ``calm`` of four lines alike."""
    noise = draws(seed, 2, layers * 5 * HEIGHT * WIDTH).reshape(layers, 5, HEIGHT, WIDTH)
    goods = (noise >> np.uint64(60)).astype(np.uint8)
    goods[:, :, : calm + 1] = goods[:, :, :1]
    goods[noise % np.uint64(4) < np.uint64(empty)] = 0
    return goods


CASES = given(
    seed=st.integers(0, 2**32 - 1),
    layers=st.integers(1, 4),
    empty=st.integers(0, 3),
    calm=st.integers(0, 3),
    rounds=st.integers(1, 4),
)


@settings(max_examples=80, deadline=None, derandomize=True)
@CASES
def test_tbl_1_every_demand_gets_a_good_output(
    seed: int, layers: int, empty: int, calm: int, rounds: int
) -> None:
    goods = _goods(seed, layers, empty, calm)
    entries = np.zeros((500, 7), np.int32)
    count = cover(_demand(goods), MOST, rounds, entries)
    assert 0 <= count <= np.count_nonzero(goods)
    for layer, port, y, x in np.argwhere(goods).tolist():
        out = _answer(entries[:count], layer, port, y, x)
        assert out >= 0
        assert goods[layer, port, y, x] >> out & 1


@settings(max_examples=80, deadline=None, derandomize=True)
@CASES
def test_tbl_1_the_quick_decoder_agrees_with_a_naive_one(
    seed: int, layers: int, empty: int, calm: int, rounds: int
) -> None:
    goods = _goods(seed, layers, 3, calm)
    entries = np.zeros((MOST, 7), np.int32)
    count = cover(_demand(goods), MOST, rounds, entries)
    if count < 1:
        return
    assert answered(_demand(goods), entries, count)
    entries[seed % count, empty] += 1  # some border moves
    right = all(
        goods[tuple(at)] >> max(0, _answer(entries[:count], *at)) & 1
        and _answer(entries[:count], *at) >= 0
        for at in np.argwhere(goods).tolist()
    )
    assert answered(_demand(goods), entries, count) == right


def test_too_many_entries_are_reported_not_cut_off() -> None:
    goods = np.zeros((1, 5, HEIGHT, WIDTH), np.uint8)
    goods[0, 0] = [[1 << (x + y) % 2 for x in range(WIDTH)] for y in range(HEIGHT)]
    entries = np.zeros((8, 7), np.int32)
    assert cover(_demand(goods), 8, 4, entries) == -1


@pytest.mark.parametrize(
    ("picture", "most"),
    [
        (["111111", "111111"], 1),
        (["111222", "111222"], 2),
        (["111111", "112211"], 2),  # the exception comes first, the rest covers it
        (["1.2.1.", "......"], 3),
        (["1.1.1.", ".1.1.1"], 1),  # nobody asks for the gaps
        (["333333", "333333"], 1),  # both outputs are good
        (["333111", "333222"], 2),  # either suits the left half
    ],
)
def test_priorities_and_gaps_save_entries(picture: list[str], most: int) -> None:
    goods = np.zeros((1, 5, len(picture), len(picture[0])), np.uint8)
    goods[0, 4] = [[0 if c == "." else int(c) for c in row] for row in picture]
    entries = np.zeros((16, 7), np.int32)
    assert cover(_demand(goods), 0, 4, entries) <= most


def test_layers_that_agree_share_their_entries() -> None:
    goods = np.zeros((2, 5, HEIGHT, WIDTH), np.uint8)
    goods[:, 3:, :, :3] = 1
    goods[:, 3:, :, 3:] = 2
    entries = np.zeros((16, 7), np.int32)
    assert cover(_demand(goods), 0, 1, entries) == 2
    assert (entries[:2, 5] == 3).all()


def test_a_round_starts_without_the_owners_of_the_joined_demand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They number entries of another round: beyond its own, shares are not to be looked up."""
    goods = _goods(1, 1, 3, 0)  # few cells ask, so ports are joined
    greedy, calls = covering._greedy, []

    def watched(asked: Any, weight: Any, most: Any, entries: Any, owner: Any) -> int:
        calls.append(owner[asked == 0].any())
        used: int = greedy(asked, weight, most, entries, owner)
        return used

    monkeypatch.setattr(covering, "_greedy", watched)
    monkeypatch.setattr(covering, "_cover_each", covering._cover_each.py_func)
    monkeypatch.setattr(covering, "_cover", covering._cover.py_func)
    entries = np.zeros((MOST, 7), np.int32)
    least = cover(_demand(goods), MOST, 1, entries)
    calls.clear()
    cover(_demand(goods), least - 1, 2, entries)
    assert calls[:1] == [False]
    assert len(calls) > 1, "no further round"
    assert not any(calls[1:])


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
    assert strangers == {"model.traffic.starts: model.random.mix64"}  # bits of the contract

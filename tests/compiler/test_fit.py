"""Fitting whole plans (TBL-4): exact where there is room, traded but right where there is not."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import InputError
from model.graph import neighbours
from model.random import draws
from model.routing.plan import NOWHERE, PathPlan
from model.tables.fit import Freedom, fit_tables

WIDTH, HEIGHT = 6, 5
TILES = WIDTH * HEIGHT


def _west_first(mirror: bool) -> np.ndarray:
    """Turns of west-first routing (east-first when mirrored), LOCAL's and no U-turns."""
    first = 1 if mirror else 3
    turns = ~np.eye(5, dtype=np.bool_)
    turns[[0, 2], first] = False
    turns[4, 4] = True
    return turns


def _plan(seed: int, layers: int, noise: int) -> PathPlan:
    """All shortest ways of west-first and, second layer, east-first; ``noise`` of 4 at random."""
    near = neighbours(WIDTH, HEIGHT)
    hosts = np.flatnonzero(draws(seed, 1, TILES) >> np.uint64(61) != 0).astype(np.int32)
    opposite = np.array([2, 3, 0, 1])
    forward = np.where(near >= 0, near * 5 + opposite, -1).astype(np.int32)
    turns = np.stack([np.stack([_west_first(k == 1)] * TILES) for k in range(layers)])
    luck = draws(seed, 2, layers * len(hosts) * TILES * 5)
    luck = luck.reshape(layers, len(hosts), TILES * 5)
    layer_of = (hosts % layers).astype(np.uint8)
    hop = np.full((TILES * 5, len(hosts)), NOWHERE, np.uint8)
    good = np.zeros(hop.shape, np.uint8)
    for state, k in np.ndindex(hop.shape):
        tile, came = divmod(state, 5)
        layer = layer_of[k]
        dx = hosts[k] % WIDTH - tile % WIDTH
        dy = hosts[k] // WIDTH - tile // WIDTH
        first = 3 if layer == 0 else 1
        wanted = [p for p, d in enumerate((-dy, dx, dy, -dx)) if d > 0]
        outs = [first] if first in wanted else wanted
        if outs and all(turns[layer, tile, came, p] for p in outs):
            good[state, k] = sum(1 << p for p in outs)
            pick = int(luck[layer, k, state])
            hop[state, k] = outs[pick % len(outs) if (pick >> 40) % 4 < noise else 0]
    return PathPlan(
        width=WIDTH, height=HEIGHT, hosts=hosts, turns=turns, forward=forward,
        layer_of=layer_of, hop=hop, good=good, asked=_asked(hosts, forward, hop),
    )  # fmt: skip


def _asked(hosts: np.ndarray, forward: np.ndarray, hop: np.ndarray) -> np.ndarray:
    """Every state that a packet from some host comes by, with the output it takes."""
    asked = np.zeros((TILES, len(hosts)), np.uint32)
    for k, goal in enumerate(hosts):
        for state in hosts[hosts != goal] * 5 + 4:
            while state // 5 != goal:
                out = hop[state, k]
                asked[state // 5, k] |= np.uint32(1 << 4 * (state % 5) + out)
                state = forward[state // 5, out]
    return asked


def _output(entries: np.ndarray, came: int, vc: int, goal: int) -> int:
    x, y = goal % WIDTH, goal // WIDTH
    for x_lo, x_hi, y_lo, y_hi, ports, vcs, out in entries.tolist():
        if x_lo <= x <= x_hi and y_lo <= y <= y_hi and ports >> came & 1 and vcs >> vc & 1:
            return int(out)
    raise AssertionError("no entry matches")


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    layers=st.integers(1, 2),
    noise=st.integers(0, 4),
    most=st.sampled_from([8, 10, 16]),
)
def test_tbl_4_every_pair_arrives_over_legal_turns_whatever_was_traded(
    seed: int, layers: int, noise: int, most: int
) -> None:
    plan = _plan(seed, layers, noise)
    fitted = fit_tables(plan, most, vcs=4)
    again = fit_tables(plan, most, vcs=4)
    assert (fitted.entries == again.entries).all()
    assert (fitted.count <= most).all()
    near = neighbours(WIDTH, HEIGHT)
    for b, goal in enumerate(plan.hosts.tolist()):
        for source in plan.hosts.tolist():
            layer = int(plan.layer_of[b])
            for vc in range(layer, 4, layers):
                tile, came, hops = source, 4, 0
                while tile != goal:
                    out = _output(fitted.entries[tile, : fitted.count[tile]], came, vc, goal)
                    assert plan.turns[layer, tile, came, out]
                    assert near[tile, out] >= 0
                    bit = 1 << out
                    if fitted.freedom[tile] == Freedom.CHOSEN:
                        assert out == plan.hop[tile * 5 + came, b]
                    elif fitted.freedom[tile] == Freedom.GOOD:
                        assert plan.good[tile * 5 + came, b] & bit
                    tile, came, hops = int(near[tile, out]), out ^ 2, hops + 1
                    assert hops <= TILES * 5


def test_tbl_4_noise_is_traded_for_fit_and_reported() -> None:
    calm, noisy = _plan(3, 1, 0), _plan(3, 1, 4)
    assert (fit_tables(calm, 8, 1).freedom == Freedom.CHOSEN).all()
    traded = fit_tables(noisy, 8, 1).freedom
    assert (traded == Freedom.GOOD).any()
    assert (fit_tables(noisy, 64, 1).freedom == Freedom.CHOSEN).all()


def test_tbl_4_more_effort_trades_less() -> None:
    plan = _plan(7, 2, 4)
    fast, best = (fit_tables(plan, 9, 2, effort).freedom for effort in ("fast", "best"))
    assert 0 < (best > 0).sum() < (fast > 0).sum()


def test_tbl_4_when_nothing_fits_the_tile_and_its_need_are_named() -> None:
    plan = _plan(1, 1, 1)
    entries = 1
    for _ in range(10):
        try:
            assert fit_tables(plan, entries, 1).count.max() == entries
            return
        except InputError as misfit:
            found = re.fullmatch(
                rf"route_entries is {entries}; allowed: (\d+) or more,"
                r" which tile \(\d+, \d+\) needs",
                str(misfit),
            )
            assert found
            assert int(found[1]) > entries
            entries = int(found[1])
    pytest.fail("the need named was never enough")


def test_tbl_4_a_pair_without_a_way_in_its_layer_is_refused() -> None:
    plan = _plan(seed=1, layers=2, noise=0)
    source, goal = 3, 7
    layer = plan.layer_of[goal]
    plan.hop[plan.hosts[source] * 5 + 4, goal] = NOWHERE
    told = f"from tile {plan.hosts[source]} to tile {plan.hosts[goal]} in layer {layer};"
    with pytest.raises(InputError, match=re.escape(told)):
        fit_tables(plan, 16, 2)

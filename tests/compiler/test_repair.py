"""Homes, spares and the repair strategies (RMP-3)."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from model.errors import InputError
from model.random import draws
from model.repair import REPAIRS, Strategy, repair_strategy
from model.repair.displacement import least_displacement
from model.repair.grid_flow import pair
from model.repair.homes import PLACES, HomePlan, spare_lines
from model.repair.neighbours import neighbour_sum, neighbours
from model.repair.ripple import lines_of, ripple


@pytest.mark.parametrize(
    ("spares", "side", "lines"),
    [
        ("7%", 32, 2),  # 2.24
        ("7%", 18, 1),  # 1.26
        ("7.8125%", 32, 3),  # 2.5 rounds up
        ("7.8124%", 32, 2),
        ("25%", 10, 3),  # 2.5 rounds up
        ("0", 32, 0),
        (0, 32, 0),
        ("0%", 1, 0),
        ("2", 32, 2),
        (31, 32, 31),
    ],
)
def test_rmp_3_shares_are_rounded_half_up(spares: str | int, side: int, lines: int) -> None:
    assert spare_lines(spares, side) == lines


@pytest.mark.parametrize("spares", ["x", "", "-1", "1.5", "nan%", "100%", "32", "1e3", "99%"])
def test_spares_that_make_no_sense_are_refused(spares: str) -> None:
    with pytest.raises(InputError) as caught:
        spare_lines(spares, 32)
    assert str(caught.value).startswith(f"spares is {spares!r}; allowed: a share as 7%, or a count")


def _spare(width: int, height: int, spares: str | int, place: str) -> np.ndarray:
    return HomePlan.build(width, height, spares, place).spare.reshape(height, width)


def test_rmp_3_spares_lie_at_the_edge_spread_or_at_the_end_of_each_die() -> None:
    assert _spare(5, 3, 2, "columns").tolist() == [[False] * 3 + [True] * 2] * 3
    assert _spare(5, 3, 1, "rows").tolist() == [[False] * 5] * 2 + [[True] * 5]
    spread = _spare(12, 2, "25%", "spread")  # the middles of three parts of four columns
    assert np.flatnonzero(spread[0]).tolist() == [2, 6, 10]
    assert (spread[0] == spread[1]).all()
    dies = _spare(3, 30, 1, "dies")  # rows of dies end at 4, 8, 12, 17, 21, 25, 30
    assert np.flatnonzero(dies[:, 0]).tolist() == [3, 7, 11, 16, 20, 24, 29]
    assert dies.all(axis=1).sum() == 7
    chip = HomePlan.build(816, 1190, 12, "dies")
    assert (chip.logical_width, chip.logical_height) == (816, 7 * 158)
    with pytest.raises(InputError, match="spare_place is 'ring'; allowed: columns, rows, spread"):
        HomePlan.build(5, 3, 1, "ring")
    with pytest.raises(InputError, match="spare_place is 'dies'; allowed: a wafer of at least 7"):
        HomePlan.build(5, 6, 1, "dies")
    with pytest.raises(InputError, match=r"spares is 4; allowed: .* at least one of 4"):
        HomePlan.build(5, 30, 4, "dies")


# Every strategy -----------------------------------------------------------------------------------


def faults(homes: HomePlan, usable: np.ndarray, host: np.ndarray) -> list[str]:
    """What a repair must hold and does not."""
    hosted = host[host >= 0]
    found = []
    if len(set(hosted.tolist())) != len(hosted):
        found.append("two cores share a tile")
    if not usable[hosted].all():
        found.append("a host is not usable")
    if len(hosted) != min(len(homes.home), int(usable.sum())):
        found.append("a core is lost that could be hosted")
    return found


@st.composite
def wafers(draw: st.DrawFn) -> tuple[HomePlan, np.ndarray]:
    """A size, spares and defects: single tiles at any rate, then whole rows and columns."""
    place = draw(st.sampled_from(PLACES))
    width = draw(st.integers(1, 14))
    height = draw(st.integers(7 if place == "dies" else 1, 14))
    side = {"rows": height, "dies": height // 7}.get(place, width)
    homes = HomePlan.build(width, height, draw(st.integers(0, side - 1)), place)
    rate = draw(st.sampled_from([0, 1, 3, 8, 24, 48]))
    usable = draws(draw(st.integers(0, 999)), 1, width * height) % np.uint64(64) >= rate
    grid = usable.reshape(height, width)
    grid[draw(st.lists(st.integers(0, height - 1), max_size=3))] = False
    grid[:, draw(st.lists(st.integers(0, width - 1), max_size=3))] = False
    return homes, usable


@pytest.mark.parametrize("name", list(REPAIRS))
@settings(max_examples=150, deadline=None, derandomize=True)
@given(wafers())
def test_rmp_3_all_are_hosted_whenever_enough_cores_reach_each_other(
    name: str, wafer: tuple[HomePlan, np.ndarray]
) -> None:
    homes, usable = wafer
    host = repair_strategy(name)(homes, usable)
    assert host.dtype == np.int32
    assert host.shape == homes.home.shape
    assert faults(homes, usable, host) == []
    assert (host == repair_strategy(name)(homes, usable)).all()


def test_rmp_3_none_leaves_cores_at_home_or_loses_them() -> None:
    homes = HomePlan.build(6, 4, 2, "columns")
    usable = np.ones(24, np.bool_)
    usable[[0, 7]] = False
    host = repair_strategy("none")(homes, usable)
    assert host.dtype == np.int32
    assert (host == np.where(usable[homes.home], homes.home, -1)).all()
    assert (host < 0).sum() == 2


def test_the_check_of_repairs_fails_on_broken_strategies() -> None:
    homes = HomePlan.build(6, 4, 2, "columns")
    usable = np.ones(24, np.bool_)
    usable[[0, 7]] = False

    def stays(homes: HomePlan, usable: np.ndarray) -> np.ndarray:
        return homes.home.copy()

    def loses(homes: HomePlan, usable: np.ndarray) -> np.ndarray:
        return np.where(usable[homes.home], homes.home, -1)

    def shares(homes: HomePlan, usable: np.ndarray) -> np.ndarray:
        return np.where(usable[homes.home], homes.home, 4)

    broken: dict[Strategy, str] = {
        stays: "a host is not usable",
        loses: "a core is lost that could be hosted",
        shares: "two cores share a tile",
    }
    for strategy, fault in broken.items():
        assert fault in faults(homes, usable, strategy(homes, usable))


@pytest.mark.parametrize("name", list(REPAIRS))
@pytest.mark.parametrize("place", PLACES)
def test_nobody_moves_on_a_perfect_wafer_or_neighbours_come_closer(name: str, place: str) -> None:
    homes = HomePlan.build(9, 14, 1, place)
    host = repair_strategy(name)(homes, np.ones(126, np.bool_))
    if name == "neighbours":
        assert neighbour_sum(homes, host) <= neighbour_sum(homes, homes.home)
    else:
        assert (host == homes.home).all()


# Displacement -------------------------------------------------------------------------------------


def _total(homes: HomePlan, host: np.ndarray) -> int:
    home = homes.home[host >= 0]
    host = host[host >= 0]
    across = abs(home % homes.width - host % homes.width)
    return int((across + abs(home // homes.width - host // homes.width)).sum())


@pytest.mark.parametrize("seed", range(12))
def test_displacement_is_least_by_brute_force(seed: int) -> None:
    homes = HomePlan.build(5, 4, 1, "columns")
    usable = draws(seed, 1, 20) >> np.uint64(62) != 0
    host = least_displacement(homes, usable)
    dead = [h for h in homes.home.tolist() if not usable[h]]
    free = np.flatnonzero(usable & homes.spare).tolist()
    moves = min(len(dead), len(free))
    least = min(
        sum(abs(h % 5 - f % 5) + abs(h // 5 - f // 5) for h, f in zip(some, order, strict=True))
        for some in itertools.combinations(dead, moves)
        for order in itertools.permutations(free, moves)
    )
    assert _total(homes, host) == least


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 999), st.integers(1, 60))
def test_grid_flow_equals_the_assignment_of_scipy(w: int, h: int, seed: int, share: int) -> None:
    numbers = draws(seed, 2, w * h) % np.uint64(64)
    one, other = np.flatnonzero(numbers < share), np.flatnonzero(numbers >= share)
    few, many = sorted((one, other), key=len)
    ends = pair(few, many, w, h)
    assert set(ends.tolist()) <= set(many.tolist())
    assert len(set(ends.tolist())) == len(few)
    distance = abs(few[:, None] % w - many % w) + abs(few[:, None] // w - many // w)
    rows, columns = linear_sum_assignment(distance)
    made = abs(few % w - ends % w) + abs(few // w - ends // w)
    assert made.sum() == distance[rows, columns].sum()


def test_displacement_leaves_working_homes_alone() -> None:
    homes = HomePlan.build(6, 6, 2, "columns")
    usable = np.ones(36, np.bool_)
    usable[[0, 7]] = False
    host = least_displacement(homes, usable)
    stays = usable[homes.home]
    assert (host[stays] == homes.home[stays]).all()
    assert (host >= 0).all()


# Ripple -------------------------------------------------------------------------------------------


def _hosts(width: int, height: int, spares: int, place: str, dead: list[int]) -> list[list[int]]:
    usable = np.ones(width * height, np.bool_)
    usable[dead] = False
    homes = HomePlan.build(width, height, spares, place)
    grid = ripple(homes, usable).reshape(homes.logical_height, homes.logical_width)
    rows: list[list[int]] = grid.tolist()
    return rows


def test_ripple_moves_all_between_dead_tile_and_spare_by_one() -> None:
    assert _hosts(5, 2, 1, "columns", [1]) == [[0, 2, 3, 4], [5, 6, 7, 8]]
    assert _hosts(5, 2, 2, "columns", [0, 2]) == [[1, 3, 4], [5, 6, 7]]
    assert _hosts(2, 4, 1, "rows", [2]) == [[0, 1], [4, 3], [6, 5]]


def test_ripple_goes_to_the_nearest_spare_of_its_line() -> None:
    # Spare columns 1 and 4 of 6: columns 0, 2, 3, 5 are homes.
    assert _hosts(6, 1, 2, "spread", [2]) == [[0, 1, 3, 5]]
    assert _hosts(6, 1, 2, "spread", [3]) == [[0, 2, 4, 5]]
    assert _hosts(6, 1, 2, "spread", [2, 3]) == [[0, 1, 4, 5]]


def test_ripple_crosses_to_the_next_line_where_its_spares_are_used_up() -> None:
    # Row 0 has one spare for two dead tiles: core 0 takes its place one row further south, and
    # the core of that place ripples along row 1 to the spare there.
    assert _hosts(4, 2, 1, "columns", [0, 2]) == [[4, 1, 3], [5, 6, 7]]
    # Through a line without a spare: the middle row passes the core at that place on.
    rows = _hosts(4, 3, 1, "columns", [0, 2, 7])
    assert rows == [[4, 1, 3], [8, 5, 6], [9, 10, 11]]


@pytest.mark.parametrize("place", ["columns", "rows", "spread"])
@pytest.mark.parametrize("seed", range(4))
def test_ripple_keeps_the_order_of_lines_that_need_no_help(place: str, seed: int) -> None:
    homes = HomePlan.build(20, 20, "25%", place)
    usable = draws(seed, 3, 400) % np.uint64(16) != 0
    tile, core = lines_of(homes)
    usable[tile[usable[tile].sum(axis=1) < core.shape[1]]] = True
    host = ripple(homes, usable)
    assert all((np.diff(hosts) > 0).all() for hosts in host[core])
    assert all(set(hosts) <= set(tiles) for hosts, tiles in zip(host[core], tile, strict=True))


# Neighbours ---------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None, derandomize=True)
@given(wafers())
def test_neighbours_are_never_farther_apart_than_after_a_ripple(
    wafer: tuple[HomePlan, np.ndarray],
) -> None:
    homes, usable = wafer
    near, far = neighbours(homes, usable), ripple(homes, usable)
    assert ((near >= 0) == (far >= 0)).all()
    assert neighbour_sum(homes, near) <= neighbour_sum(homes, far)


@pytest.mark.parametrize("seed", range(6))
def test_no_order_keeping_layout_of_one_line_beats_the_neighbours(seed: int) -> None:
    homes = HomePlan.build(6, 3, 2, "columns")
    usable = draws(seed, 4, 18) % np.uint64(16) != 0
    host = neighbours(homes, usable)
    least = neighbour_sum(homes, host)
    for y in range(3):
        cores = sorted(np.flatnonzero(host // 6 == y), key=lambda core: host[core])
        for tiles in itertools.combinations(np.flatnonzero(usable[y * 6 : y * 6 + 6]), len(cores)):
            other = host.copy()
            other[cores] = np.array(tiles, np.int32) + y * 6
            assert neighbour_sum(homes, other) >= least


def test_one_wasted_column_keeps_all_rows_alongside() -> None:
    usable = np.ones(12 * 4, np.bool_)
    usable[[1, 13, 25, 37]] = False  # the same place in every row
    usable[2] = False
    homes = HomePlan.build(12, 4, 2, "columns")
    host = neighbours(homes, usable).reshape(4, 10)
    assert (np.diff(host, axis=0) == 12).all()


def test_rows_and_columns_are_treated_alike() -> None:
    usable = draws(2, 6, 30 * 30) % np.uint64(50) != 0
    sums = []
    for place, turned in (("columns", usable), ("rows", usable.reshape(30, 30).T.ravel())):
        homes = HomePlan.build(30, 30, 2, place)
        sums.append(neighbour_sum(homes, neighbours(homes, turned)))
    assert sums[0] == pytest.approx(sums[1], rel=0.01)


@pytest.mark.parametrize("name", list(REPAIRS))
@pytest.mark.slow
def test_repair_of_a_whole_wafer_takes_seconds(name: str) -> None:
    homes = HomePlan.build(762, 1172, "7%", "columns")
    usable = draws(1, 5, 762 * 1172) % np.uint64(100) != 0
    assert faults(homes, usable, repair_strategy(name)(homes, usable)) == []


def test_unknown_strategies_are_refused() -> None:
    with pytest.raises(InputError, match="repair is 'magic'; allowed: displacement, ripple, neigh"):
        repair_strategy("magic")

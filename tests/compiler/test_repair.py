"""Homes, spares and least displacement (RMP-3)."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from model.errors import InputError
from model.random import draws
from model.repair.displacement import least_displacement
from model.repair.homes import HomePlan, spare_lines


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


def test_spares_lie_at_the_east_or_south_edge() -> None:
    columns = HomePlan.build(5, 3, 2, "columns").spare.reshape(3, 5)
    assert columns[:, 3:].all()
    assert not columns[:, :3].any()
    rows = HomePlan.build(5, 3, 1, "rows").spare.reshape(3, 5)
    assert rows[2].all()
    assert not rows[:2].any()
    with pytest.raises(InputError, match="spare_place is 'ring'; allowed: columns, rows, spread, dies"):
        HomePlan.build(5, 3, 1, "ring")


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
    hosted = host[host >= 0]
    assert usable[hosted].all()
    assert len(set(hosted.tolist())) == len(hosted)
    dead = [h for h in homes.home.tolist() if not usable[h]]
    free = np.flatnonzero(usable & homes.spare).tolist()
    moves = min(len(dead), len(free))
    assert (host < 0).sum() == len(dead) - moves
    least = min(
        sum(abs(h % 5 - f % 5) + abs(h // 5 - f // 5) for h, f in zip(some, order, strict=True))
        for some in itertools.combinations(dead, moves)
        for order in itertools.permutations(free, moves)
    )
    assert _total(homes, host) == least


def test_working_homes_stay() -> None:
    homes = HomePlan.build(6, 6, 2, "columns")
    usable = np.ones(36, np.bool_)
    usable[[0, 7]] = False
    host = least_displacement(homes, usable)
    stays = usable[homes.home]
    assert (host[stays] == homes.home[stays]).all()
    assert (host >= 0).all()

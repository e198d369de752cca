"""Sampled wafers against closed forms, by exact 99.9 % intervals and fixed seeds (DEF-3, YLD-1, 2).

Each comparison is between numbers that share no code: thresholds on hashed counters here, formulas
there. Comparisons with a wrong formula must fail.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from model import yields
from model.defects import DefectModel, parse_model, sample
from model.wafer import TileState
from tests.defects.intervals import agrees

D0, AREA = 0.5, 3.0
"""Defects per cm²; mm² of a core: 0.015 defects a core, 1.26 on the 84 cores of a wafer."""
M = D0 / 100 * AREA
WAFERS = 600
ONLY = f"d0={D0},core_area={AREA},router_area=0,link_area=0"


@cache
def dead_cores(text: str, width: int = 12, height: int = 7, wafers: int = WAFERS) -> np.ndarray:
    """int[wafers, height, width]: 1 where a core is dead."""
    model: DefectModel = parse_model(text)
    maps = [sample(model, width, height, seed) for seed in range(wafers)]
    return np.array([wafer.state == TileState.CORE_DEFECT for wafer in maps]).reshape(
        wafers, height, width
    )


def wafers_with_at_most(text: str, spares: int) -> int:
    return int((dead_cores(text).sum(axis=(1, 2)) <= spares).sum())


FORMS = {
    "poisson": (f"poisson:{ONLY}", yields.poisson(84 * M)),
    "negative binomial 0.5": (
        f"poisson:{ONLY},wafer_alpha=0.5", yields.negative_binomial(84 * M, 0.5),
    ),
    "negative binomial 2": (f"poisson:{ONLY},wafer_alpha=2", yields.negative_binomial(84 * M, 2)),
    "negative binomial 3.7": (
        f"poisson:{ONLY},wafer_alpha=3.7", yields.negative_binomial(84 * M, 3.7),
    ),
    "seeds": (f"poisson:{ONLY},wafer_alpha=1", yields.seeds(84 * M)),
    "murphy": (f"poisson:{ONLY},murphy=wafer", yields.murphy(84 * M)),
    "bose-einstein": (
        "+".join([f"poisson:{ONLY},wafer_alpha=1"] * 3), yields.bose_einstein(84 * M, 3),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "share"), FORMS.values(), ids=FORMS)
def test_yld_1_def_3_wafers_without_a_defect_are_the_closed_form(text: str, share: float) -> None:
    assert agrees(wafers_with_at_most(text, 0), WAFERS, float(share))


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        (FORMS["poisson"][0], FORMS["negative binomial 2"][1]),
        (FORMS["negative binomial 0.5"][0], FORMS["negative binomial 2"][1]),
        (FORMS["negative binomial 2"][0], FORMS["poisson"][1]),
        (FORMS["seeds"][0], FORMS["negative binomial 3.7"][1]),
        (FORMS["bose-einstein"][0], FORMS["seeds"][1]),
    ],
)
def test_a_wrong_formula_or_alpha_is_found_out(text: str, wrong: float) -> None:
    assert not agrees(wafers_with_at_most(text, 0), WAFERS, float(wrong))


@pytest.mark.parametrize("spares", [1, 2, 4])
def test_yld_2_redundant_wafers_are_k_of_n(spares: int) -> None:
    share = yields.k_of_n(84, spares, float(-np.expm1(-M)))
    assert agrees(wafers_with_at_most(FORMS["poisson"][0], spares), WAFERS, share)


@pytest.mark.parametrize("alpha", [0.5, 2, 3.7])
@pytest.mark.parametrize("spares", [1, 3])
def test_yld_2_redundant_wafers_under_clustering(alpha: float, spares: int) -> None:
    hits = wafers_with_at_most(FORMS[f"negative binomial {alpha}"][0], spares)
    assert agrees(hits, WAFERS, yields.clustered_k_of_n(84, spares, M, alpha))


def test_a_clustered_wafer_is_not_taken_for_k_of_n() -> None:
    hits = wafers_with_at_most(FORMS["negative binomial 0.5"][0], 1)
    assert not agrees(hits, WAFERS, yields.k_of_n(84, 1, float(-np.expm1(-M))))


DIES = f"poisson:{ONLY},die_alpha=0.7"


def test_def_3_each_die_has_a_density_of_its_own() -> None:
    """60 x 56 tiles: dies of 5 x 8. Good dies follow the negative binomial of a die's area."""
    dead = dead_cores(DIES, 60, 56, 40).reshape(40, 7, 8, 12, 5).sum(axis=(2, 4))
    good, of = int((dead == 0).sum()), dead.size
    assert agrees(good, of, float(yields.negative_binomial(40 * M, 0.7)))
    assert not agrees(good, of, float(yields.poisson(40 * M)))
    first, second = dead[:, :, :-1].ravel(), dead[:, :, 1:].ravel()
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.08  # dies share nothing


def test_def_3_wafer_and_die_factors_multiply() -> None:
    """Variance of a die's count: m + m² ((1 + 1/a)(1 + 1/b) − 1); dies of a wafer correlate."""
    a, b, d0 = 2.0, 1.0, 0.5
    text = f"poisson:d0={d0},core_area=1,router_area=0,link_area=0,wafer_alpha={a},die_alpha={b}"
    dead = dead_cores(text, 60, 56, 150).reshape(150, 7, 8, 12, 5).sum(axis=(2, 4))
    m = 40 * d0 / 100
    variance = m + m * m * ((1 + 1 / a) * (1 + 1 / b) - 1)
    assert 0.85 * m <= dead.mean() <= 1.15 * m
    assert 0.8 * variance <= dead.var() <= 1.25 * variance
    of_wafers = dead.mean(axis=(1, 2)).var()
    assert 0.7 * m * m / a <= of_wafers <= 1.4 * (m * m / a + variance / 84)


def test_def_3_the_three_areas_break_cores_tiles_and_links() -> None:
    d0, width, height = 5.0, 60, 56
    text = f"poisson:d0={d0},core_area=0.4,router_area=0.2,link_area=0.1,pair_area=0.05"
    n = width * height * 10
    core = tile = link = 0
    for seed in range(10):
        wafer = sample(parse_model(text), width, height, seed)
        tile += int((wafer.state == TileState.TILE_DEFECT).sum())
        core += int((wafer.state == TileState.CORE_DEFECT).sum())
        link += int(wafer.dead_link.sum())
    dies = [float(-np.expm1(-d0 / 100 * area)) for area in (0.4, 0.2, 0.15)]
    assert agrees(tile, n, dies[1])
    assert agrees(core, n, dies[0] * (1 - dies[1]))
    links = (1 - dies[1]) ** 2 * 10 * 2 * (59 * 56 + 60 * 55)
    assert 0.9 * links * dies[2] <= link <= 1.1 * links * dies[2]

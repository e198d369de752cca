"""Closed forms of yield: published values, limits, and two ways to the same number (YLD-1, 2)."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from scipy import special

from model import yields
from model.errors import InputError

M = 8.14 * 0.1
"""Mean defects of 814 mm² at 0.1/cm²."""


@pytest.mark.parametrize(
    ("share", "published"),
    [
        (yields.poisson(M), 44.31),
        (yields.murphy(M), 46.81),
        (yields.negative_binomial(M, 2), 50.51),
        (yields.negative_binomial(M, 3), 48.67),
        (yields.seeds(M), 55.13),
    ],
)
def test_yld_1_published_values_of_814_mm2_at_0_1_per_cm2(share: float, published: float) -> None:
    assert round(100 * float(share), 2) == published


def test_yld_1_a_wafer_without_redundancy_yields_8e_21() -> None:
    assert float(yields.poisson(46_225 / 100 * 0.1)) == pytest.approx(8.4e-21, rel=0.01)


def test_yld_1_limits_and_order_of_the_forms() -> None:
    m = np.array([0.0, 1e-9, 0.3, 2.0, 50.0])
    forms = [
        yields.poisson(m), yields.murphy(m), yields.negative_binomial(m, 2), yields.seeds(m),
    ]  # fmt: skip
    for form in forms:
        assert form[0] == 1
        assert form[1] == pytest.approx(1 - 1e-9, abs=1e-15)
        assert (np.diff(form) < 0).all()
    assert (forms[0][2:] < forms[1][2:]).all()
    assert (forms[1][2:4] < forms[3][2:4]).all()
    assert yields.negative_binomial(m, 1) == pytest.approx(yields.seeds(m))
    assert yields.negative_binomial(m, 1e9) == pytest.approx(yields.poisson(m), rel=1e-5)
    assert yields.bose_einstein(0.3, 1) == pytest.approx(yields.seeds(0.3))
    assert yields.bose_einstein(0.3, 5) == pytest.approx(1.3**-5)


@pytest.mark.parametrize(("units", "spares"), [(1, 0), (1, 1), (7, 0), (7, 3), (40, 5), (300, 20)])
@pytest.mark.parametrize("p", [Fraction(1, 7), Fraction(1, 1000), Fraction(9, 10)])
def test_yld_2_k_of_n_is_the_exact_binomial_sum(units: int, spares: int, p: Fraction) -> None:
    exact = sum(math.comb(units, j) * p**j * (1 - p) ** (units - j) for j in range(spares + 1))
    got = yields.log_k_of_n(units, spares, float(p))
    assert got == pytest.approx(math.log(exact), rel=1e-10, abs=1e-13)


def test_yld_2_the_binomial_tail_does_not_underflow() -> None:
    assert yields.log_k_of_n(1_000_000, 0, 0.5) == pytest.approx(-1_000_000 * math.log(2))
    exact = math.log(1 + 1_000_000) - 1_000_000 * math.log(2)
    assert yields.log_k_of_n(1_000_000, 1, 0.5) == pytest.approx(exact)
    assert yields.k_of_n(970_000, 70_000, 5e-5) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("p", [0.0, 1.0])
def test_yld_2_units_that_never_or_always_fail(p: float) -> None:
    assert yields.k_of_n(9, 8, p) == 1 - p
    assert yields.k_of_n(9, 9, p) == 1


@pytest.mark.parametrize("alpha", [0.3, 1.0, 2.0, 17.5])
@pytest.mark.parametrize(("units", "m"), [(1, 0.5), (100, 0.01), (970_000, 5e-5), (970_000, 1e-7)])
def test_yld_2_clustered_without_spares_is_the_negative_binomial(
    units: int, m: float, alpha: float
) -> None:
    exact = float(yields.negative_binomial(units * m, alpha))
    assert yields.clustered_k_of_n(units, 0, m, alpha) == pytest.approx(exact, rel=1e-8)


@pytest.mark.parametrize("alpha", [0.3, 2.0, 9.0])
@pytest.mark.parametrize(("units", "spares", "m"), [(12, 3, 0.2), (30, 1, 0.05), (20, 15, 1.3)])
def test_yld_2_clustered_redundancy_is_the_alternating_sum(
    units: int, spares: int, m: float, alpha: float
) -> None:
    """P(j fail) = C(n, j) Σ_i C(j, i) (−1)^i E[exp(−m g (n − j + i))], exactly."""
    total = Fraction(0)
    for j in range(spares + 1):
        inner = sum(
            (-1) ** i * math.comb(j, i) * Fraction((1 + m * (units - j + i) / alpha) ** -alpha)
            for i in range(j + 1)
        )
        total += math.comb(units, j) * inner
    got = yields.clustered_k_of_n(units, spares, m, alpha)
    assert got == pytest.approx(float(total), rel=1e-6)


def test_yld_2_clustered_redundancy_is_the_mean_over_many_densities() -> None:
    rng = np.random.default_rng(2)
    part = (np.arange(100_000) + 0.5) / 100_000
    for _ in range(25):
        units = int(10 ** rng.uniform(0, 6))
        spares = int(min(units - 1, 10 ** rng.uniform(0, 3)))
        m = 10 ** rng.uniform(-1, 1) * (spares + 0.5) / units
        alpha = 10 ** rng.uniform(-1, 1.5)
        density = special.gammaincinv(alpha, part) / alpha
        works = special.betainc(units - spares, spares + 1, np.exp(-m * density)).mean()
        got = yields.clustered_k_of_n(units, spares, m, alpha)
        assert got == pytest.approx(float(works), abs=1e-6), (units, spares, m, alpha)


def test_yld_2_weak_clusters_are_k_of_n_and_strong_ones_are_not() -> None:
    units, spares, m = 1000, 12, 0.01
    plain = yields.k_of_n(units, spares, -math.expm1(-m))
    assert yields.clustered_k_of_n(units, spares, m, 1e7) == pytest.approx(plain, abs=1e-4)
    assert yields.clustered_k_of_n(units, spares, m, 2) < plain - 0.05


def test_yld_2_gamma_and_beta_mixing_agree_where_failures_are_rare() -> None:
    gamma = yields.clustered_k_of_n(100_000, 60, 5e-4, 1.7)
    beta = yields.beta_k_of_n(100_000, 60, 5e-4, 1.7)
    assert beta == pytest.approx(gamma, abs=1e-3)


def test_yld_2_more_spares_never_hurt() -> None:
    shares = [yields.clustered_k_of_n(500, s, 0.01, 0.8) for s in range(0, 500, 20)]
    assert (np.diff(shares) > -1e-12).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: yields.poisson(-1), "m is -1; allowed: numbers from 0 on"),
        (lambda: yields.murphy(float("nan")), "m is nan; allowed: numbers from 0 on"),
        (lambda: yields.negative_binomial(1, 0), "alpha is 0; allowed: a number above 0"),
        (lambda: yields.bose_einstein(1, 0), "layers is 0; allowed: an integer from 1 to 1000"),
        (lambda: yields.k_of_n(0, 0, 0.1), "units is 0; allowed: an integer from 1 to 100000000"),
        (lambda: yields.k_of_n(5, 6, 0.1), "spares is 6; allowed: an integer from 0 to 5"),
        (lambda: yields.k_of_n(5, 1, 1.1), "p is 1.1; allowed: a number from 0 to 1"),
        (lambda: yields.beta_k_of_n(5, 1, 0, 2), "p is 0; allowed: a number between 0 and 1"),
    ],
)
def test_nonsense_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value) == message

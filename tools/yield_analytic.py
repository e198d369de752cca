"""``wafermesh yield analytic``: the closed forms of model/yields.py as a table."""

from __future__ import annotations

from typing import Any

import click
import numpy as np

from model import yields
from model.errors import InputError
from tools.common import RateType, again, emit, json_option, key_values
from tools.options import several


@click.command()
@click.option("--area", type=RateType(0, 1e6), required=True, help="Of a chip, or unit, in mm².")
@click.option("--d0", type=RateType(0, 1e4), required=True, help="Killing defects per cm².")
@several("--alpha", RateType(0.01, 1000), "2", "Shapes of the clustered density.")
@click.option("--layers", type=click.IntRange(1, 1000), help="Critical layers: Bose–Einstein.")
@click.option("--units", type=click.IntRange(1, yields.UNITS_MAX), help="Units of an array.")
@click.option("--spares", type=click.IntRange(0), help="Units that may fail; with --units.")
@json_option
def command(
    area: float,
    d0: float,
    alpha: tuple[float, ...],
    layers: int | None,
    units: int | None,
    spares: int | None,
    as_json: bool,
) -> None:
    """Yield by the closed forms, without redundancy and with it.

    One unit of --area works when no defect falls on it. With --units and --spares: an array of
    units works when at most so many of them fail; each unit for itself (k of n), or all under one
    gamma-distributed density (clustered).
    """
    if (units is None) != (spares is None):
        given, other = ("--units", "--spares") if spares is None else ("--spares", "--units")
        raise InputError(f"{other} is missing; allowed: together with {given}")
    m = area / 100 * d0
    rows: dict[str, float] = {
        "Poisson": float(yields.poisson(m)),
        "Murphy": float(yields.murphy(m)),
        "Seeds": float(yields.seeds(m)),
    }
    for a in alpha:
        rows[f"negative binomial, alpha {a:g}"] = float(yields.negative_binomial(m, a))
    if layers is not None:
        rows[f"Bose–Einstein, {layers} layers"] = float(yields.bose_einstein(m, layers))
    array: dict[str, float] = {}
    if units is not None and spares is not None:
        fails = float(-np.expm1(-m))
        array[f"{spares} of {units} may fail"] = yields.k_of_n(units, spares, fails)
        for a in alpha:
            array[f"… clustered, alpha {a:g}"] = yields.clustered_k_of_n(units, spares, m, a)
    data: dict[str, Any] = {
        "area_mm2": area, "d0_per_cm2": d0, "mean_defects": m, "unit": rows, "array": array,
        "reproduce": f"wafermesh yield {again().removeprefix('wafermesh ')}",
    }  # fmt: skip

    def render() -> None:
        key_values(f"Mean defects on {area:g} mm²: {m:g}", _told(rows))
        if array:
            mean = units * -np.expm1(-m) if units else 0.0
            key_values(f"Array of {units} such units, {mean:.4g} fail in the mean", _told(array))
        click.echo(f"Again: {data['reproduce']}")

    emit(as_json, data, render)


def _told(rows: dict[str, float]) -> list[tuple[str, str]]:
    def text(share: float) -> str:
        if share < 1e-4:
            return f"{share:.3g}"
        if share < 0.9999:
            return f"{100 * share:.2f} %"
        return f"1 − {1 - share:.2g}" if share < 1 else "1"

    return [(name, text(share)) for name, share in rows.items()]

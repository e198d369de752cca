"""Options of ``wafermesh defects`` that make a defect model, and what they make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import click

from model.defects import CLUSTERS, KINDS, DefectModel, parse_model
from model.defects.density import ALPHA_MAX, ALPHA_MIN
from model.defects.model import read_pairs
from model.errors import InputError
from model.geometry import Geometry
from model.presets import REAL_DENSITY, Preset
from tools.common import RATE, RateType

_AREA: Final = RateType(0, 1e5)
_RATES: Final = ("tile_rate", "core_rate", "link_rate", "pair_rate")
RATE_OPTIONS: Final = ("density", *_RATES, "cluster", "alpha")
"""Names of the options of :func:`rate_options`."""


def rate_options(function: Any) -> Any:
    """Add the rates of broken parts and how they cluster; see :func:`rates_of`."""
    for option in reversed(
        (
            click.option(
                "--density",
                type=click.Choice(["real"]),
                help=f"Tile and link rates of a real wafer: {REAL_DENSITY:g}.",
            ),
            click.option("--tile-rate", type=RATE, help="Share of dead tiles.  [default: 0]"),
            click.option(
                "--core-rate", type=RATE, default=0.0, help="Share of dead cores, of live tiles."
            ),
            click.option(
                "--link-rate", type=RATE, help="Share of dead directed links.  [default: 0]"
            ),
            click.option(
                "--pair-rate", type=RATE, default=0.0, help="Share of wire pairs dead both ways."
            ),
            click.option(
                "--cluster",
                type=click.Choice(CLUSTERS),
                default="none",
                show_default=True,
                help="One gamma-distributed density for the wafer, or for each of its 12 x 7 dies.",
            ),
            click.option(
                "--alpha",
                type=RateType(ALPHA_MIN, ALPHA_MAX),
                default=2,
                show_default=True,
                help="Shape of that density; small means strong clusters.",
            ),
        )
    ):
        function = option(function)
    return function


def rates_of(given: Mapping[str, Any], preset: Preset | None = None) -> dict[str, float]:
    """Rates by the options: as given, else the real density if asked for, else the preset's."""
    rates = {}
    for name in _RATES:
        rate = given[name]
        if name in ("tile_rate", "link_rate") and rate is None:
            rate = getattr(preset, name) if preset else 0.0
            rate = REAL_DENSITY if given["density"] else rate
        rates[name] = rate
    return rates


EXAMPLES: Final = {
    "bernoulli": "bernoulli:tile_rate=0.01,core_rate=0.01,link_rate=0.01",
    "poisson": "poisson:d0=1.5",
    "poisson, dies vary": "poisson:d0=1.5,die_alpha=0.5",
    "poisson, radial": "poisson:d0=0.5,radial=[[0,1],[90,1],[150,12]]",
    "clusters": "clusters:count=12,radius=power(2,25,2),kill=0.6",
    "scratches": "scratches:count=12,length=power(10,200,1.5)",
    "stitching": "stitching:link_rate=0.2,seam_rate=0.05",
    "edge": "edge:exclusion=5",
    "union": "poisson:d0=0.5,die_alpha=1.5+edge:exclusion=2"
    "+scratches:count=2,length=power(10,200,1.5)",
}
"""One model of each kind that is drawn, for pictures and benches."""


def model_options(function: Any) -> Any:
    """Add the options; they come as keyword arguments to :func:`model_of`."""
    geometry = ", ".join(Geometry.__dataclass_fields__)
    for option in (
        click.option(
            "--model",
            "models",
            multiple=True,
            metavar="FILE|TEXT",
            help="A defect model: a .toml or .json file, or parts as kind:key=value,…+kind:…; "
            f"kinds: {', '.join(KINDS)}; docs/defects.md lists the keys. Models add up.",
        ),
        click.option("--d0", type=RateType(0, 1e6), help="Poisson defects per cm²."),
        click.option("--core-area", type=_AREA, help="mm² where one kills a core."),
        click.option("--router-area", type=_AREA, help="mm² where one kills a tile."),
        click.option("--link-area", type=_AREA, help="mm² where one kills a directed link."),
        click.option("--klarf", metavar="FILE", help="Defects of a KLARF 1.8 file."),
        click.option("--csv", metavar="FILE", help="Defects of a CSV file: x, y, size in mm."),
        click.option("--wafer", metavar="NAME", help="Which wafer of the KLARF file."),
        click.option("--min-size", type=RateType(0, 1000), help="mm: smaller ones are harmless."),
        click.option(
            "--geometry",
            metavar="KEY=VALUE,…",
            help=f"Where tiles lie, in mm: {geometry}.",
        ),
    ):
        function = option(function)
    return function


def model_of(
    given: Mapping[str, Any], rates: Mapping[str, float], cluster: str, alpha: float, own: Geometry
) -> DefectModel | None:
    """The model that the options describe; None when only rates are given.

    Parameters
    ----------
    given : mapping
        The options of :func:`model_options`.
    rates : mapping
        Bernoulli rates; when any is above zero they become a part, too.
    cluster, alpha
        Of the rates, and of ``--d0``.
    own : Geometry
        The preset's.
    """
    files = [(name, given[name]) for name in ("klarf", "csv") if given[name] is not None]
    areas = {f"{kind}_area": given[f"{kind}_area"] for kind in ("core", "router", "link")}
    areas = {name: area for name, area in areas.items() if area is not None}
    _only_with(given["d0"] is not None, "--d0", areas)
    about = {"wafer": given["wafer"], "min_size": given["min_size"]}
    about = {name: value for name, value in about.items() if value is not None}
    _only_with(bool(files), "--klarf or --csv", about)
    if not (given["models"] or files or given["d0"] is not None):
        _only_with(False, "--model, --d0, --klarf or --csv", {"geometry": given["geometry"]}
                   if given["geometry"] is not None else {})  # fmt: skip
        return None
    parts: list[dict[str, Any]] = []
    if any(rates.values()):
        shared = {"cluster": cluster, "alpha": alpha} if cluster != "none" else {}
        parts.append({"kind": "bernoulli", **rates, **shared})
    if given["d0"] is not None:
        levels = {"wafer": {"wafer_alpha": alpha}, "dies": {"die_alpha": alpha}}
        parts.append({"kind": "poisson", "d0": given["d0"], **areas, **levels.get(cluster, {})})
    elif cluster != "none" and not parts:
        raise InputError(f"--cluster is {cluster!r}; allowed: with rates or --d0")
    geometry = own.to_dict()
    for text in given["models"]:
        model = parse_model(text).to_dict()
        geometry |= model.get("geometry", {})
        parts += model["parts"]
    for _, name in files:
        parts.append({"kind": "inspection", "file": name, **about})
    geometry |= read_pairs(given["geometry"] or "")
    return DefectModel.from_dict({"geometry": geometry, "parts": parts})


def _only_with(there: bool, what: str, given: Mapping[str, Any]) -> None:
    """Refuse options that mean nothing without another one."""
    if given and not there:
        name, value = next(iter(given.items()))
        raise InputError(f"--{name.replace('_', '-')} is {value}; allowed: with {what}")

"""Kinds of defects one by one, and models as data (DEF-1, DEF-2, DEF-4, DEF-5)."""

from __future__ import annotations

import _pydecimal
import hashlib
import json
import math
import os
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema_rs
import numpy as np
import pytest
from numpy._core._multiarray_umath import __cpu_features__ as cpu_features

from model.defects import KINDS, DefectModel, bernoulli, clustered, parse_model, recreate, sample
from model.defects.canvas import Canvas
from model.defects.density import EXACT, at_least_one, logarithm, mean_one, unit
from model.defects.laws import Law
from model.defects.model import json_schema
from model.defects.poisson import profile
from model.defects.touch import PARTS, Shapes, strike
from model.errors import InputError
from model.geometry import Geometry, Places
from model.random import draws
from model.schema import load_schema
from model.spec import Port
from model.wafer import TileState, WaferMap, save_wafer, wafer_from_json, wafer_to_json
from tests.defects.intervals import agrees

EVERY = {
    "bernoulli": "bernoulli:tile_rate=0.05,link_rate=0.05,cluster=dies,alpha=0.7",
    "poisson": "poisson:d0=0.4,wafer_alpha=2,die_alpha=1.5,pair_area=0.3",
    "radial": "poisson:d0=0.2,radial=[[0,0.5],[100,1],[150,6]],murphy=dies",
    "clusters": "clusters:count=6,alpha=1.2,radius=power(2,30,2.2),kill=0.8",
    "scratches": "scratches:count=6,length=exponential(40),width=0.5",
    "stitching": "stitching:link_rate=0.1,pair_rate=0.05,seam_rate=0.05",
    "edge": "edge:exclusion=10",
    "map": 'map:tiles=[[3,4]],cores=[[5,6]],links=[[7,8,"EAST"]]',
    "union": "poisson:d0=0.1+clusters:count=2,radius=9+protect:columns=[0,47]",
}
DIGESTS = json.loads((Path(__file__).parent / "digests.json").read_text())


def digest(wafer: WaferMap) -> str:
    return hashlib.sha256(wafer_to_json(wafer).encode()).hexdigest()


@pytest.mark.parametrize("name", list(EVERY))
def test_def_1_equal_seeds_make_equal_bytes_on_every_machine(name: str) -> None:
    wafer = sample(parse_model(EVERY[name]), 48, 40, 11)
    assert digest(wafer) == DIGESTS[name]
    assert digest(sample(parse_model(EVERY[name]), 48, 40, 12)) != digest(wafer)


def test_every_kind_is_on_record() -> None:
    assert {text.split(":")[0] for text in EVERY.values()} | {"inspection", "protect"} == set(KINDS)


@pytest.mark.parametrize("name", list(EVERY))
def test_def_1_a_map_is_drawn_again_from_its_file(name: str) -> None:
    wafer = sample(parse_model(EVERY[name]), 48, 40, 5)
    read = wafer_from_json(wafer_to_json(wafer))
    assert digest(recreate(read)) == digest(wafer)
    assert DefectModel.from_dict(read.origin["model"]) == parse_model(EVERY[name])


def test_def_1_maps_of_the_old_generators_are_drawn_again() -> None:
    rates = {"tile_rate": 0.1, "core_rate": 0.1, "link_rate": 0.0, "pair_rate": 0.2}
    for wafer in (bernoulli(9, 8, **rates, seed=4), clustered(9, 8, rates, alpha=1.5, seed=4)):
        assert digest(recreate(wafer)) == digest(wafer)


def test_def_2_bernoulli_as_a_part_is_the_old_generator() -> None:
    rates = {"tile_rate": 0.1, "core_rate": 0.1, "link_rate": 0.1, "pair_rate": 0.1}
    for cluster in ("none", "wafer", "dies"):
        old = clustered(60, 30, rates, cluster=cluster, alpha=3, seed=8)
        part = {"kind": "bernoulli", **rates, "cluster": cluster, "alpha": 3}
        new = sample({"parts": [part]}, 60, 30, 8)
        assert (new.state == old.state).all()
        assert (new.dead_link == old.dead_link).all()


def test_def_1_defects_of_several_parts_add_up_and_are_independent() -> None:
    one, two = "bernoulli:tile_rate=0.2", "bernoulli:tile_rate=0.2,core_rate=0.3"
    alone = sample(parse_model(one), 100, 80, 3)
    both = sample(parse_model(f"{one}+{two}"), 100, 80, 3)
    assert (both.state[alone.state == TileState.TILE_DEFECT] == TileState.TILE_DEFECT).all()
    dead = int((both.state == TileState.TILE_DEFECT).sum())
    assert agrees(dead, 8000, 1 - 0.8 * 0.8)


@pytest.mark.parametrize("text", ["poisson:d0=%s", "clusters:count=%s,radius=5"])
def test_def_1_a_higher_density_keeps_the_defects_of_a_lower_one(text: str) -> None:
    few, many = (sample(parse_model(text % density), 60, 60, 6) for density in (2, 9))
    assert not (few.state > many.state).any()
    assert (few.state < many.state).any()


@pytest.mark.parametrize(
    "origin",
    [
        {},
        {"generator": "hand"},
        {"generator": "model"},
        {"generator": "model", "seed": 1, "model": {"parts": [{"kind": "x"}]}},
        {"generator": "model", "seed": 1, "model": {}, "notes": [{"part": 9, "sha256": "0"}]},
        {"generator": "bernoulli", "seed": 1},
        {"generator": "model", "window": [0, 0, 1, 1]},
    ],
)
def test_def_1_origins_that_no_generator_wrote_are_refused(origin: dict[str, Any]) -> None:
    wafer = WaferMap.perfect(4, 4)
    wafer.origin = origin
    with pytest.raises(InputError):
        recreate(wafer)


# Densities ----------------------------------------------------------------------------------------


def test_def_1_decimal_logarithms_and_powers_are_the_same_in_c_and_in_python() -> None:
    """What another machine's library computes, too: both round correctly."""
    plain = _pydecimal.Context(prec=25)
    for number in draws(9, 0, 60):
        u = unit(number)
        assert str(logarithm(number)) == str(plain.ln(_pydecimal.Decimal(str(u))))
        low = logarithm(number)
        assert str(EXACT.exp(low)) == str(plain.exp(_pydecimal.Decimal(str(low))))


def test_def_1_maps_do_not_depend_on_the_processors_vector_units() -> None:
    code = (
        "from tests.defects.test_models import EVERY, digest, parse_model, sample;"
        "print(*[digest(sample(parse_model(text), 48, 40, 11)) for text in EVERY.values()])"
    )
    off = "AVX2 FMA3 X86_V3 X86_V4 AVX512F AVX512CD AVX512_SKX AVX512_ICL AVX512_SPR"
    known = " ".join(name for name in off.split() if cpu_features.get(name))
    made = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "NPY_DISABLE_CPU_FEATURES": known},
        capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert made.stdout.split() == list(DIGESTS.values())


@pytest.mark.parametrize("alpha", [0.05, 0.5, 1, 1.5, 7.7])
def test_def_3_gamma_factors_of_any_shape_have_their_moments(alpha: float) -> None:
    factors = mean_one(lambda s, n, k: draws(3, s, n, k), 0, 1500, alpha)
    assert abs(factors.mean() - 1) < 5 / math.sqrt(alpha * 1500)
    fourth = 3 / alpha**2 + 6 / alpha**3  # central moment of a gamma variate of mean 1
    assert abs(factors.var() - 1 / alpha) < 5 * math.sqrt((fourth - 1 / alpha**2) / 1500)


def test_def_3_the_chance_of_a_defect_is_within_1e_13_of_the_exponential() -> None:
    means = np.array([0, 1e-12, 5e-5, 0.01, 0.3, 1, 7, 63, 1e6])
    exact = [float(1 - (-Decimal(float(m))).exp()) for m in means]
    assert at_least_one(means) * 2.0**-53 == pytest.approx(exact, rel=1e-13, abs=2e-16)


def test_def_3_radial_profiles_are_linear_between_their_rows() -> None:
    table = ((10.0, 1.0), (20.0, 3.0), (40.0, 0.0))
    radius = np.array([0.0, 10.0, 15.0, 20.0, 30.0, 40.0, 99.0])
    assert profile(radius, table).tolist() == [1, 1, 2, 3, 1.5, 0, 0]
    assert profile(radius, ((5.0, 2.0),)).tolist() == [2] * 7


def test_def_3_density_grows_towards_the_edge() -> None:
    text = "poisson:d0=0.3,radial=[[0,1],[70,1],[75,8],[160,8]]"
    dead = np.zeros((60, 60))
    for seed in range(40):
        dead += sample(parse_model(text), 60, 60, seed).state.reshape(60, 60) > 0
    middle, rim = dead[20:40, 20:40].mean(), dead[:, :6].mean()
    assert 5 < rim / middle < 11


# Extent -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("law", "mean", "low", "high"),
    [
        (Law(law="fixed", value=3), 3, 3, 3),
        (Law(law="uniform", min=1, max=4), 2.5, 1, 4),
        (Law(law="exponential", mean=2), 2, 0, 100),
        (Law(law="power", min=1, max=50, exponent=2), math.log(50) / (1 - 1 / 50), 1, 50),
        (Law(law="power", min=1, max=50, exponent=1), 49 / math.log(50), 1, 50),
        (Law(law="power", min=1, max=9, exponent=0), 5, 1, 9),
    ],
)
def test_def_4_sizes_follow_their_law(law: Law, mean: float, low: float, high: float) -> None:
    sizes = law.sizes(draws(2, 0, 4000))
    assert abs(sizes.mean() - mean) <= 5 * sizes.std() / math.sqrt(4000)
    assert low <= sizes.min()
    assert sizes.max() <= high


def test_def_4_a_power_law_has_its_tail() -> None:
    sizes = Law(law="power", min=1, max=100, exponent=2.5).sizes(draws(4, 0, 4000))
    share = (10**-1.5 - 100**-1.5) / (1 - 100**-1.5)
    assert agrees(int((sizes > 10).sum()), 4000, share)


@pytest.mark.parametrize(("alpha", "dispersion"), [("", 1.0), (",alpha=2", 1 + 4 / 2)])
def test_def_4_numbers_of_clusters_are_poisson_or_negative_binomial(
    alpha: str, dispersion: float
) -> None:
    """Tiny discs on the routers of a coarse wafer, so that none hides another."""
    model = parse_model(f"clusters:count=4{alpha},radius=0.0001")
    counts = []
    for seed in range(500):
        wafer = sample(model, 100, 100, seed)
        counts.append((wafer.state > 0).sum() + wafer.dead_link.sum())
    mean, variance = np.mean(counts), np.var(counts)
    assert abs(mean - 4) < 5 * math.sqrt(4 * dispersion / 500)
    assert 0.75 * dispersion < variance / 4 < 1.3 * dispersion


def test_def_4_kill_is_the_share_of_touched_parts_that_die() -> None:
    canvas = Canvas(60, 60, 3, Places.build(Geometry(), 60, 60))
    disc = Shapes.discs(*(np.array([number]) for number in (0.0, 0.0, 400.0)))
    assert strike(canvas, disc, 0.3, PARTS, 0).all()
    assert agrees(int(canvas.tile.sum()), 3600, 0.3)
    assert agrees(int(canvas.core.sum()), 3600, 0.3)
    assert agrees(int(canvas.link.sum()), 4 * 60 * 59, 0.3)


def test_def_4_scratches_have_no_favourite_direction() -> None:
    wide = high = 0
    for seed in range(200):
        wafer = sample(parse_model("scratches:count=3,length=60"), 50, 50, seed)
        y, x = np.nonzero(wafer.state.reshape(50, 50))
        if len(x):
            wide, high = wide + int(np.ptp(x)), high + int(np.ptp(y))
    assert 0.85 < wide / high < 1.18


# Places -------------------------------------------------------------------------------------------


def test_def_5_stitching_breaks_links_across_dies_only() -> None:
    wafer = sample(parse_model("stitching:link_rate=1"), 24, 14, 1)
    dead = wafer.dead_link.reshape(14, 24, 4)
    x = np.arange(24)
    assert (dead[:, :, Port.EAST] == ((x % 2 == 1) & (x < 23))).all()
    assert (dead[:, :, Port.WEST] == ((x % 2 == 0) & (x > 0))).all()
    y = np.arange(14)[:, None]
    assert (dead[:, :, Port.SOUTH] == ((y % 2 == 1) & (y < 13))).all()
    assert (dead[:, :, Port.NORTH] == ((y % 2 == 0) & (y > 0))).all()


def test_def_5_whole_seams_tear_both_ways() -> None:
    torn, of = 0, 0
    for seed in range(60):
        wafer = sample(parse_model("stitching:seam_rate=0.2,cells=[4,3]"), 24, 15, seed)
        dead = wafer.dead_link.reshape(15, 24, 4)
        seams = dead[:, [5, 11, 17], Port.EAST].reshape(3, 5, 3)
        assert (seams.all(axis=1) == seams.any(axis=1)).all()
        assert (dead[:, [6, 12, 18], Port.WEST] == dead[:, [5, 11, 17], Port.EAST]).all()
        torn, of = torn + int(seams.all(axis=1).sum()), of + 9
    assert agrees(torn, of, 0.2)


def test_def_5_the_edge_ring_is_dead() -> None:
    wafer = sample(parse_model("edge:exclusion=20"), 43, 43, 1)
    x = (np.arange(43) - 21) * 5.0
    far = np.hypot(x[None, :], x[:, None]) > 130
    assert (wafer.live.reshape(43, 43) == ~far).all()


def test_def_5_protected_lines_lose_links_only() -> None:
    text = "bernoulli:tile_rate=0.9,core_rate=1,link_rate=0.5+protect:columns=[0,9],rows=[3]"
    wafer = sample(parse_model(text), 10, 8, 1)
    state = wafer.state.reshape(8, 10)
    assert (state[:, [0, 9]] == TileState.HEALTHY).all()
    assert (state[3] == TileState.HEALTHY).all()
    assert (state[:3, 1:9] != TileState.HEALTHY).all()
    assert wafer.dead_link.any()


def test_def_5_explicit_maps_come_from_lists_and_files(tmp_path: Path) -> None:
    path = tmp_path / "wafer.json"
    listed = sample(parse_model(EVERY["map"]), 48, 40, 1)
    assert listed.state[4 * 48 + 3] == TileState.TILE_DEFECT
    assert listed.state[6 * 48 + 5] == TileState.CORE_DEFECT
    assert np.argwhere(listed.dead_link).tolist() == [[8 * 48 + 7, Port.EAST]]
    save_wafer(listed, path)
    again = sample({"parts": [{"kind": "map", "file": str(path)}]}, 48, 40, 1)
    assert (again.state == listed.state).all()
    assert (again.dead_link == listed.dead_link).all()
    save_wafer(sample(parse_model("edge"), 48, 40, 1), path)
    with pytest.raises(InputError, match=r"wafer.json has sha256 \w+; allowed: \w+"):
        recreate(again)


# Descriptions -------------------------------------------------------------------------------------


def test_a_description_is_the_same_in_toml_json_and_text(tmp_path: Path) -> None:
    toml, plain = tmp_path / "model.toml", tmp_path / "model.json"
    toml.write_text(
        'format = "wafermesh-defects/1"\n[geometry]\nedge_exclusion = 3.0\n'
        '[[parts]]\nkind = "scratches"\ncount = 5\nwidth = 0.02\n'
        'length = {law = "power", min = 1, max = 100, exponent = 2}\n[[parts]]\nkind = "edge"\n'
    )
    model = parse_model(str(toml))
    plain.write_text(json.dumps(model.to_dict()))
    assert parse_model(str(plain)) == model
    text = parse_model("scratches:count=5e+0,width=2e-2,length=power(1,100,2)+edge")
    assert text.parts == model.parts
    assert model.to_dict() == {
        "geometry": {"edge_exclusion": 3},
        "parts": [
            {
                "kind": "scratches", "count": 5, "width": 0.02,
                "length": {"law": "power", "min": 1, "max": 100, "exponent": 2},
            },
            {"kind": "edge"},
        ],
    }  # fmt: skip


def test_values_of_a_model_vary_by_name() -> None:
    model = parse_model("poisson:d0=0.1+edge+clusters:count=1,radius=2+edge")
    made = model.varied({"poisson.d0": 0.3, "geometry.edge_exclusion": 3, "3.exclusion": 5})
    assert (
        made.parts
        == parse_model("poisson:d0=0.3+edge+clusters:count=1,radius=2+edge:exclusion=5").parts
    )
    assert made.geometry.edge_exclusion == 3
    assert model.varied({}) == model
    for name, told in (
        ("edge.exclusion", '"edge.exclusion" fits 2 parts; allowed: geometry.<key>'),
        ("map.file", '"map.file" fits 0 parts'),
        ("poisson", '"poisson" fits 1 parts'),
        ("poisson.rate", "poisson.rate is unknown"),
    ):
        with pytest.raises(InputError) as caught:
            model.varied({name: 1})
        assert str(caught.value).startswith(told)


BAD: list[tuple[Any, str]] = [
    (5, "model is 5; allowed: a table"),
    ({}, "model.parts is missing; allowed: a list of 1 to 64 parts"),
    ({"parts": []}, "model.parts is []; allowed: a list of 1 to 64 parts"),
    ({"part": []}, "model.part is unknown; allowed: format, geometry, parts"),
    ({"format": "x/1", "parts": []}, 'model.format is "x/1"; allowed: wafermesh-defects/1'),
    ({"parts": [5]}, "model.parts[0] is 5; allowed: a table with a kind"),
    ({"parts": [{}]}, "model.parts[0].kind is missing; allowed: bernoulli, poisson, clusters"),
    ({"parts": [{"kind": "x"}]}, 'model.parts[0].kind is "x"; allowed: bernoulli, poisson'),
    ({"parts": [{"kind": ["x"]}]}, 'model.parts[0].kind is ["x"]; allowed: bernoulli'),
]
BAD_TEXT = {
    "poisson": "poisson.d0 is missing; allowed: d0, core_area",
    "poisson:d0=nan": "poisson.d0 is NaN; allowed: a number from 0 to 1e+06",
    "poisson:d0=true": "poisson.d0 is true; allowed: a number",
    "poisson:d0=1,alpha=2": "poisson.alpha is unknown; allowed: d0, core_area",
    "poisson:d0=1,die_alpha=0.01": "poisson.die_alpha is 0.01; allowed: a number from 0.05 to 100",
    "poisson:d0=1,radial=[[5,1],[5,2]]": "poisson.radial has radii [5, 5]; allowed: growing ones",
    "poisson:d0=1,radial=[[5]]": "poisson.radial[0] is [5]; allowed: [radius in mm, factor]",
    "poisson:d0=1,d0=2": '"d0=1,d0=2" has "d0=2"; allowed: key=value, each key once',
    "edge:exclusion": '"exclusion" has "exclusion"; allowed: key=value, each key once',
    "clusters:count=1,radius=big": 'clusters.radius is "big"; allowed: mm, or fixed(value)',
    "clusters:count=1,radius=power(1,2)": 'clusters.radius is "power(1,2)"; allowed: mm, or fix',
    "clusters:count=1,radius=power(3,2,1)": "law.min is 3; allowed: at most law.max, 2",
    'clusters:count=1,radius={law="power",min=1}': "law.max is missing; allowed with power: min",
    'clusters:count=1,radius={law="fixed",value=1,min=1}': "law.min is given; allowed with fixed",
    "clusters:count=1,radius=1,hits=[disk]": 'clusters.hits[0] is "disk"; allowed: router, core',
    "stitching:cells=[0,1]": "stitching.cells[0] is 0; allowed: an integer from 1 to 2048",
    "protect:columns=[99]": "protect.columns holds 99; allowed: below 8",
    "map:tiles=[[8,0]]": "map.tiles holds [8, 0]; allowed: tiles of the 8x8 wafer",
    'map:links=[[0,0,"UP"]]': 'map.links[0][2] is "UP"; allowed: NORTH, EAST, SOUTH, WEST',
    "map:file=nope.json": "nope.json cannot be read: No such file or directory",
    "nope.toml": "nope.toml cannot be read: No such file or directory",
    "": 'model.parts[0].kind is ""; allowed: bernoulli',
}


@pytest.mark.parametrize(("data", "message"), BAD)
def test_wrong_descriptions_get_one_line(data: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        sample(data, 8, 8, 1)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(("text", "message"), BAD_TEXT.items())
def test_wrong_texts_get_one_line(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        sample(parse_model(text), 8, 8, 1)
    assert str(caught.value).startswith(message)


def test_a_wafer_of_the_chips_size_takes_less_than_a_second_of_each_kind() -> None:
    for name in ("poisson", "radial", "clusters", "scratches", "stitching", "edge"):
        begin = time.process_time()
        sample(parse_model(EVERY[name]), 762, 1172, 1)
        assert time.process_time() - begin < 2.5, name  # 0.05 to 0.5 s on a quiet machine


def test_the_published_schema_is_that_of_the_classes_and_takes_every_model() -> None:
    """Made again by: json.dumps(json_schema(), indent=2, ensure_ascii=False)."""
    published = load_schema("defects")
    assert published == json.loads(json.dumps(json_schema()))
    validator = jsonschema_rs.Draft202012Validator(published)
    for text in EVERY.values():
        validator.validate(parse_model(text).to_dict())
    assert not validator.is_valid({"parts": [{"kind": "edge", "ring": 3}]})

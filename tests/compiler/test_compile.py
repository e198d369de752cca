"""Compiled images hold what TBL-4 promises, in the eyes of an independent checker."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.compile import CompileOptions, compile_wafer
from model.defects import bernoulli
from model.errors import InputError
from model.image_file import image_to_json
from model.routing import ROUTINGS
from model.spec import Port
from model.wafer import WaferMap
from tests.compiler.accepted import accepted
from tests.image_checker import complaints

OPTIONS = CompileOptions(spares="7%")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    width=st.integers(1, 12),
    height=st.integers(1, 12),
    tile_rate=st.sampled_from([0.0, 0.05, 0.12, 0.3]),
    link_rate=st.sampled_from([0.0, 0.06, 0.3]),
    core_rate=st.sampled_from([0.0, 0.1]),
    vcs=st.sampled_from([1, 2, 4]),
    routing=st.sampled_from(sorted(ROUTINGS)),
    seed=st.integers(0, 2**32 - 1),
)
def test_tbl_4_every_hosted_pair_arrives_over_live_parts_without_a_cycle(
    width: int,
    height: int,
    tile_rate: float,
    link_rate: float,
    core_rate: float,
    vcs: int,
    routing: str,
    seed: int,
) -> None:
    rates = {"tile_rate": tile_rate, "link_rate": link_rate, "core_rate": core_rate}
    wafer = bernoulli(width, height, seed=seed, **rates)
    image = accepted(wafer, CompileOptions(routing=routing), vcs=vcs)
    if image is None:
        return
    report = image.report
    assert report["reachable_pairs"] == 1.0
    assert report["hosted"] + report["lost"] == image.logical
    assert report["lost_no_spare"] + report["lost_cut_off"] == report["lost"]


@pytest.mark.parametrize("seed", [1, 2, 3, 7])
def test_the_main_jobs_wafer_compiles_and_convinces_the_checker(seed: int) -> None:
    wafer = bernoulli(32, 18, tile_rate=0.12, link_rate=0.06, seed=seed)
    image = compile_wafer(wafer, OPTIONS)
    assert complaints(image, wafer) == []
    assert image.report["entries_max"] <= 16
    assert image.report["spare_share"] == 0.0625
    assert image.logical_width == 30


@pytest.mark.slow
@pytest.mark.parametrize("first", [1, 51, 101, 151])
@pytest.mark.parametrize("vcs", [1, 2, 4])
@pytest.mark.parametrize(
    ("width", "height", "tile_rate", "link_rate"),
    [(32, 18, 0.12, 0.06), (16, 16, 0.12, 0.06), (32, 32, 0.01, 0.005)],
)
def test_16_entries_carry_200_wafers(
    width: int, height: int, tile_rate: float, link_rate: float, vcs: int, first: int
) -> None:
    for seed in range(first, first + 50):
        wafer = bernoulli(width, height, tile_rate=tile_rate, link_rate=link_rate, seed=seed)
        image = compile_wafer(wafer, vcs=vcs)
        assert complaints(image, wafer) == [], seed
        assert image.report["entries_max"] <= 16, seed


def test_equal_input_makes_equal_bytes() -> None:
    wafer = bernoulli(9, 7, tile_rate=0.15, link_rate=0.1, seed=4)
    texts = {image_to_json(compile_wafer(wafer, OPTIONS, vcs=2)) for _ in range(3)}
    assert len(texts) == 1


@pytest.mark.parametrize("place", ["columns", "rows"])
def test_rmp_3_without_defects_everyone_is_at_home_and_spares_idle(place: str) -> None:
    image = compile_wafer(WaferMap.perfect(8, 6), CompileOptions(spares=2, spare_place=place))
    assert image.logical == (6 * 6 if place == "columns" else 8 * 4)
    y, x = np.divmod(np.arange(image.logical), image.logical_width)
    assert (image.remap_tile == y * 8 + x).all()
    assert image.report["repaired"] == image.report["lost"] == 0
    assert image.report["neighbour_adjacent"] == 1.0


def test_a_tile_joined_by_one_way_links_only_is_served() -> None:
    wafer = WaferMap.perfect(3, 2)
    corner, east = 0, 1
    wafer.dead_link[east, Port.WEST] = True  # the corner hears only its southern neighbour
    wafer.dead_link[corner, Port.SOUTH] = True  # and is heard only by its eastern one
    image = compile_wafer(wafer)
    assert image.report["hosted"] == 6
    assert complaints(image, wafer) == []


def test_what_cannot_be_joined_is_cut_off_and_counted() -> None:
    wafer = WaferMap.perfect(5, 1)
    wafer.dead_link[3, Port.EAST] = True  # tile 4 can send, but nobody reaches it
    image = compile_wafer(wafer)
    report = image.report
    assert (report["hosted"], report["lost"], report["cut_off"]) == (4, 1, 1)
    assert (report["lost_no_spare"], report["lost_cut_off"]) == (0, 1)
    assert complaints(image, wafer) == []


def test_too_few_entries_name_the_tile_and_its_need() -> None:
    wafer = bernoulli(12, 12, tile_rate=0.12, link_rate=0.06, seed=3)
    with pytest.raises(InputError, match=r"route_entries is 2; allowed: \d+ or more, which tile"):
        compile_wafer(wafer, route_entries=2)


def test_paths_are_traded_where_a_tile_has_few_entries_and_the_proof_still_holds() -> None:
    wafer = bernoulli(12, 12, tile_rate=0.12, link_rate=0.06, seed=3)
    plenty = compile_wafer(wafer, route_entries=64)
    few = compile_wafer(wafer, route_entries=9)
    assert plenty.report["entries_max"] > 9 >= few.report["entries_max"]
    assert few.report["tiles_rechosen"] + few.report["tiles_traded"] > 0
    assert complaints(few, wafer) == []


@pytest.mark.parametrize("vcs", [2, 4])
def test_destinations_are_spread_over_the_vcs(vcs: int) -> None:
    image = compile_wafer(WaferMap.perfect(8, 8), vcs=vcs)
    assert np.bincount(image.remap_vc).tolist() == [64 // vcs] * vcs


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"routing": "grown"}, "routing is 'grown'; allowed: ordered, updown, xy"),
        ({"repair": "best"}, "repair is 'best'; allowed: displacement"),
        ({"effort": "most"}, "effort is 'most'; allowed: fast, best"),
    ],
)
def test_unknown_strategies_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        CompileOptions(**change)
    assert str(caught.value).startswith(message)

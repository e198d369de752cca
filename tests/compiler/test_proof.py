"""The proof itself (TBL-2, TBL-4): what it must refuse, and how it says so."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.compile import compile_wafer
from model.defects import bernoulli
from model.errors import InputError
from model.image import ConfigImage
from model.proof import find_cycle, prove, require_acyclic, walk_pairs
from model.random import draws
from model.spec import PORT_DX, PORT_DY, Port
from model.wafer import WaferMap
from tests.image_checker import complaints


def _ring() -> ConfigImage:
    """2 x 2 tiles whose only turns drive round in a circle, in VC 1."""
    image = compile_wafer(WaferMap.perfect(2, 2), vcs=2)
    image.turns[:, :4, :4] = False
    circle = [(1, Port.WEST, Port.SOUTH), (3, Port.NORTH, Port.WEST), (2, Port.EAST, Port.NORTH)]
    for tile, came, out in [*circle, (0, Port.SOUTH, Port.EAST)]:
        image.turns[tile, came, out, 1] = True
    return image


def test_tbl_4_the_cycle_is_printed_with_tiles_ports_and_vc() -> None:
    with pytest.raises(InputError) as caught:
        require_acyclic(_ring())
    assert str(caught.value) == (
        "image.turns is a cycle in VC 1: (0, 0) EAST > (1, 0) SOUTH > (1, 1) WEST > (0, 1) NORTH"
        " > (0, 0) EAST; allowed: turns without a cycle (TBL-2)"
    )


def test_tbl_2_a_dead_link_breaks_the_cycle() -> None:
    image = _ring()
    image.out_ok[0, Port.EAST] = image.in_ok[1, Port.WEST] = False
    assert find_cycle(image) is None


@settings(max_examples=40, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32 - 1), density=st.integers(1, 15))
def test_cycle_search_agrees_with_the_independent_checker(seed: int, density: int) -> None:
    image = compile_wafer(bernoulli(5, 4, tile_rate=0.1, link_rate=0.1, seed=seed))
    noise = draws(seed, 9, image.turns.size).reshape(image.turns.shape)
    image.turns |= noise >> np.uint64(59) < np.uint64(density)
    cycle = find_cycle(image)
    seen = [text for text in complaints(image) if "cycle" in text]
    assert (cycle is None) == (not seen)
    if cycle is not None:
        for (tile, port, vc), (after, out, same) in zip(cycle, cycle[1:] + cycle[:1], strict=True):
            assert after == tile + PORT_DX[port] + PORT_DY[port] * 5
            assert vc == same
            assert image.turns[after, Port(port).opposite, out, vc]
            assert image.out_ok[tile, port]


def test_tbl_4_an_image_that_loses_a_pair_is_refused() -> None:
    good = compile_wafer(WaferMap.perfect(4, 4))
    assert prove(good).arrived == 16 * 15
    bad = copy.deepcopy(good)
    bad.routes["valid"][5] = 0
    with pytest.raises(InputError, match=r"image\.routes loses logical \d+ to \d+; allowed: every"):
        prove(bad)
    assert walk_pairs(bad).arrived < 16 * 15


def test_the_walk_heeds_vc_rules_and_the_vcs_of_entries() -> None:
    image = compile_wafer(WaferMap.perfect(4, 1), vcs=2)
    image.routes["vcs"][0] = 1  # tile 0 routes VC 0 only; ids 1 and 3 travel in VC 1
    assert walk_pairs(image).first_failure == (0, 1)
    image.rules[0, 0] = (1, 0, 3, 0, 0, 0)  # unless a rule puts them into VC 0
    assert walk_pairs(image).first_failure is None


def test_hops_and_load_of_a_row_are_as_counted_by_hand() -> None:
    walk = walk_pairs(compile_wafer(WaferMap.perfect(4, 1)))
    assert (walk.pairs, walk.arrived, walk.hops, walk.most_hops) == (12, 12, 20, 3)
    assert (walk.shortest, walk.stretch, walk.worst_stretch) == (20, 1.0, 1.0)
    assert walk.load[:, Port.EAST].tolist() == [3, 4, 3, 0]

"""Who sends to whom, by definitions written down a second time (PAT-1)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import InputError
from model.image import ConfigImage
from model.traffic import CATALOGUE, PATTERNS, Kind, demand, make_schedule, partners, phase
from model.traffic.patterns import FIXED
from model.traffic.phases import Phase
from tests.traffic.meshes import hosted, mesh, meshes

BITS = ("complement", "reverse", "shuffle", "rotation", "butterfly")
TREES = ("row_reduce", "row_broadcast", "column_reduce", "column_broadcast", "allreduce")
PHASED = [name for name, pattern in CATALOGUE.items() if pattern.kind is Kind.PHASED]
OFTEN = settings(max_examples=60, deadline=None, derandomize=True)


def by_text(name: str, value: int, bits: int) -> int:
    """The pattern on the id written in binary."""
    text = f"{value:0{bits}b}" if bits else ""
    return int(
        {
            "complement": "".join("10"[int(bit)] for bit in text),
            "reverse": text[::-1],
            "shuffle": text[1:] + text[:1],
            "rotation": text[-1:] + text[:-1],
            "butterfly": text[-1:] + text[1:-1] + text[:1] if bits > 1 else text,
        }[name]
        or "0",
        2,
    )


def test_the_catalogue_and_the_definitions_name_the_same_patterns() -> None:
    fixed = {name for name, pattern in CATALOGUE.items() if pattern.kind is Kind.FIXED}
    assert fixed == {*FIXED, "permutation"}
    for name in PATTERNS:
        assert (partners(name, 3, 2) is not None) == (name in fixed)


@pytest.mark.parametrize("name", BITS)
@pytest.mark.parametrize("size", [(1, 1), (2, 1), (4, 2), (8, 8), (16, 4), (1, 32)])
def test_bit_patterns_are_those_of_the_literature_where_sizes_are_powers_of_two(
    name: str, size: tuple[int, int]
) -> None:
    found = partners(name, *size)
    count = size[0] * size[1]
    bits = (count - 1).bit_length()
    assert found is not None
    assert found.tolist() == [by_text(name, i, bits) for i in range(count)]


@pytest.mark.parametrize("name", BITS)
@pytest.mark.parametrize("size", [(3, 1), (3, 4), (7, 7), (5, 3), (30, 18)])
def test_bit_patterns_of_other_sizes_are_ranks_of_the_permuted_bits(
    name: str, size: tuple[int, int]
) -> None:
    found = partners(name, *size)
    count = size[0] * size[1]
    bits = (count - 1).bit_length()
    keys = [by_text(name, i, bits) for i in range(count)]
    assert found is not None
    assert found.tolist() == [sorted(keys).index(key) for key in keys]


@OFTEN
@given(
    st.sampled_from([*FIXED, "permutation"]),
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(0, 2**32 - 1),
)
def test_every_fixed_pattern_is_a_permutation_at_every_size(
    name: str, width: int, height: int, seed: int
) -> None:
    found = partners(name, width, height, seed)
    assert found is not None
    assert sorted(found.tolist()) == list(range(width * height))


def test_rotation_undoes_shuffle_where_sizes_are_powers_of_two() -> None:
    shuffle, rotation = partners("shuffle", 8, 4), partners("rotation", 8, 4)
    assert shuffle is not None
    assert rotation is not None
    assert rotation[shuffle].tolist() == list(range(32))


def test_permutations_differ_with_the_seed_and_only_with_it() -> None:
    first, second, again = (partners("permutation", 8, 8, seed) for seed in (1, 2, 1))
    assert first is not None
    assert np.array_equal(first, again)
    assert not np.array_equal(first, second)


# Phases -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "most"), [("stencil5", 1), ("stencil9", 2)])
@OFTEN
@given(image=meshes())
def test_stencils_are_all_hosted_neighbours_once(name: str, most: int, image: ConfigImage) -> None:
    width, here = image.logical_width, hosted(image)
    wanted = {
        (a, b)
        for a in here
        for b in here - {a}
        if max(abs(a % width - b % width), abs(a // width - b // width)) == 1
        and abs(a % width - b % width) + abs(a // width - b // width) <= most
    }
    what = phase(name, image)
    assert what.steps == 1
    pairs = list(zip(what.source.tolist(), what.destination.tolist(), strict=True))
    assert len(pairs) == len(wanted)
    assert set(pairs) == wanted


def test_a_stencil_tile_sends_clockwise_from_north() -> None:
    what = phase("stencil9", mesh(3, 3))
    assert what.destination[what.source == 4].tolist() == [1, 2, 5, 8, 7, 6, 3, 0]


def heard(what: Phase, words: dict[int, set[int]]) -> dict[int, set[int]]:
    """Whose words every tile has after one iteration in which all tell what they know."""
    known = {tile: set(own) for tile, own in words.items()}
    for step in range(what.steps):
        now = what.step == step
        news = [
            (goal, set(known[source]))
            for source, goal in zip(
                what.source[now].tolist(), what.destination[now].tolist(), strict=True
            )
        ]
        for goal, told in news:
            known[goal] |= told
    return known


def keeps_its_promise(name: str, what: Phase, image: ConfigImage) -> bool:
    """Everybody who should has heard of all whom it should hear of, and of nobody else."""
    here = hosted(image)
    if name == "allreduce":
        return all(told == here for told in heard(what, {i: {i} for i in here}).values())
    way, _, kind = name.partition("_")
    ends = {line[0] for line in lines(image, way) if line}
    if kind == "reduce":
        known = heard(what, {i: {i} for i in here})
        return all(known[line[0]] == set(line) for line in lines(image, way) if line)
    known = heard(what, {i: {i} & ends for i in here})
    return all(known[tile] == {line[0]} for line in lines(image, way) for tile in line)


def lines(image: ConfigImage, way: str) -> list[list[int]]:
    ids = np.arange(image.logical).reshape(image.logical_height, image.logical_width)
    rows = ids if way == "row" else ids.T
    return [[i for i in row.tolist() if image.remap_tile[i] >= 0] for row in rows]


@pytest.mark.parametrize("name", TREES)
@OFTEN
@given(image=meshes())
def test_after_one_iteration_of_a_tree_everybody_has_heard_what_it_should(
    name: str, image: ConfigImage
) -> None:
    assert keeps_its_promise(name, phase(name, image), image)


@pytest.mark.parametrize("name", TREES)
def test_a_tree_with_one_message_less_is_found_out(name: str) -> None:
    image = mesh(5, 4, 7)
    what = phase(name, image)
    for left_out in range(len(what.source)):
        keep = np.arange(len(what.source)) != left_out
        less = Phase(what.steps, what.step[keep], what.source[keep], what.destination[keep])
        assert not keeps_its_promise(name, less, image)


@pytest.mark.parametrize("way", ["row", "column"])
@OFTEN
@given(image=meshes())
def test_trees_are_binomial(way: str, image: ConfigImage) -> None:
    reduce, broadcast = phase(f"{way}_reduce", image), phase(f"{way}_broadcast", image)
    assert len(np.unique(reduce.source)) == len(reduce.source), "everybody sends at most once"
    assert len(np.unique(broadcast.destination)) == len(broadcast.destination)
    longest = max(len(line) for line in lines(image, way))
    assert reduce.steps == broadcast.steps == max(1, (max(1, longest) - 1).bit_length())


@pytest.mark.parametrize("name", PHASED)
def test_an_iteration_begins_every_period_and_its_steps_share_it_evenly(name: str) -> None:
    image = mesh(6, 5, 8)
    what = phase(name, image)
    senders = len(np.unique(what.source))
    schedule = make_schedule(image, pattern=name, load=0.05, length="2", cycles=5000)
    period = len(what.source) * 2 / (0.05 * senders)
    count = len(what.source)
    whole = len(schedule) // count * count
    steps = np.arange(whole) // count + np.tile(what.step, whole // count) / what.steps
    assert (abs(schedule.offered[:whole] - np.floor(steps * period)) <= 1).all()
    assert np.array_equal(schedule.source[:whole], np.tile(what.source, whole // count))
    assert np.array_equal(schedule.destination[:whole], np.tile(what.destination, whole // count))


# Demand -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PATTERNS)
def test_demand_is_what_the_packets_add_up_to(name: str) -> None:
    image = mesh(5, 4, 7, 12)
    wanted = demand(image, name, seed=3)
    schedule = make_schedule(image, pattern=name, load=1.0, cycles=20_000, seed=3)
    found = np.zeros_like(wanted)
    np.add.at(found, (schedule.source, schedule.destination), 1 / 20_000)
    assert found == pytest.approx(wanted, abs=0.012)
    assert not found[wanted == 0].any()
    rows = wanted.sum(axis=1)
    assert rows[rows > 0].mean() == pytest.approx(1.0)


def test_an_unknown_pattern_is_refused_with_the_list() -> None:
    with pytest.raises(
        InputError, match=r"pattern is 'x'; allowed: uniform, transpose, .*allreduce"
    ):
        demand(mesh(2, 2), "x")

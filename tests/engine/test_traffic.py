"""Schedules from patterns and files: who sends to whom, how much, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from model.engine import simulate
from model.errors import InputError
from model.image import ConfigImage
from model.spec import FabricSpec
from model.traffic import PATTERNS, load_rates, load_schedule, make_schedule, partners
from tests.images import xy_image


def mesh(width: int, height: int, *lost: int) -> ConfigImage:
    image = xy_image(FabricSpec(width=width, height=height))
    image.remap_tile[list(lost)] = -1
    return image


def at(width: int, x: int, y: int) -> int:
    return y * width + x


@pytest.mark.parametrize(
    ("pattern", "to"),
    [
        ("transpose", (2, 5)),
        ("complement", (2, 5)),
        ("tornado", (0, 5)),
        ("neighbour", (6, 2)),
    ],
)
def test_fixed_partners_on_a_square(pattern: str, to: tuple[int, int]) -> None:
    found = partners(pattern, 8, 8)
    assert found is not None
    assert found[at(8, 5, 2)] == at(8, *to)


@pytest.mark.parametrize("pattern", ["transpose", "complement", "tornado", "neighbour"])
@pytest.mark.parametrize("size", [(1, 1), (1, 5), (5, 1), (3, 4), (7, 7), (32, 18)])
def test_fixed_partners_are_permutations(pattern: str, size: tuple[int, int]) -> None:
    found = partners(pattern, *size)
    assert found is not None
    assert sorted(found.tolist()) == list(range(size[0] * size[1]))


def test_complement_of_powers_of_two_is_the_complement_of_the_bits() -> None:
    found = partners("complement", 8, 4)
    assert found is not None
    assert found.tolist() == [i ^ 31 for i in range(32)]


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("length", ["1", "4", "1-16"])
def test_load_is_the_offered_flits_per_hosted_tile_and_cycle(pattern: str, length: str) -> None:
    image = mesh(8, 8, 3, 17)
    schedule = make_schedule(image, pattern=pattern, load=0.3, length=length, cycles=4000, seed=4)
    senders = 62 - schedule.silent_sources
    assert schedule.length.sum() / (senders * 4000) == pytest.approx(0.3, rel=0.04)
    assert (np.diff(schedule.offered) >= 0).all()
    assert np.isin(image.remap_tile[schedule.source], range(64)).all()
    assert (image.remap_tile[schedule.destination] >= 0).all()
    low, high = (int(part) for part in (length.split("-") * 2)[:2])
    assert set(schedule.length.tolist()) == set(range(low, high + 1))


def test_uniform_reaches_every_hosted_pair_alike_but_none_itself() -> None:
    image = mesh(3, 2, 4)
    schedule = make_schedule(image, load=1, cycles=20000, seed=2)
    counts = np.zeros((6, 6), np.int64)
    np.add.at(counts, (schedule.source, schedule.destination), 1)
    expected = np.full((6, 6), 5000)
    expected[4, :] = expected[:, 4] = 0
    expected[np.diag_indices(6)] = 0
    assert (abs(counts - expected) < 300).all()
    assert (counts[expected == 0] == 0).all()


def test_a_source_whose_partner_is_lost_is_silent_and_counted() -> None:
    image = mesh(4, 4, at(4, 1, 2))
    schedule = make_schedule(image, pattern="transpose", load=1, cycles=50)
    assert schedule.silent_sources == 1
    assert at(4, 2, 1) not in schedule.source
    assert len(set(schedule.source.tolist())) == 14
    assert make_schedule(mesh(1, 1), cycles=50).silent_sources == 1


def test_hotspot_share_goes_to_the_hosted_tile_nearest_to_the_middle() -> None:
    image = mesh(8, 8, at(8, 4, 4))
    schedule = make_schedule(image, pattern="hotspot", load=0.5, cycles=4000, hotspot_share=0.5)
    hot = np.bincount(schedule.destination).argmax()
    assert hot == at(8, 4, 3)
    others = schedule.source != hot
    share = (schedule.destination[others] == hot).mean()
    assert share == pytest.approx(0.5 + 0.5 / 62, abs=0.01)
    assert not (schedule.destination[~others] == hot).any()


def test_rates_scale_single_sources() -> None:
    image = mesh(4, 1)
    rates = np.array([0.0, 1.0, 2.0, 4.0])
    schedule = make_schedule(image, load=0.2, cycles=20000, rates=rates)
    assert np.bincount(schedule.source) / 20000 == pytest.approx(rates * 0.2, abs=0.012)


def test_eng_3_equal_arguments_give_equal_schedules_and_seeds_differ() -> None:
    def columns(seed: int) -> list[list[int]]:
        made = make_schedule(mesh(5, 5), length="1-4", packets=300, seed=seed)
        return [v.tolist() for v in vars(made).values() if isinstance(v, np.ndarray)]

    assert columns(3) == columns(3)
    assert columns(3) != columns(4)
    assert len(columns(3)[0]) == 300


def test_a_tile_starts_packets_in_the_same_cycles_whoever_else_is_lost() -> None:
    whole = make_schedule(mesh(5, 5), load=0.3, cycles=500)
    less = make_schedule(mesh(5, 5, 7, 8, 9), load=0.3, cycles=500)
    assert np.array_equal(whole.offered[whole.source == 3], less.offered[less.source == 3])


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"pattern": "bla"}, "pattern is 'bla'; allowed: uniform, transpose, complement,"),
        ({"length": "0"}, "length is '0'; allowed: N or LOW-HIGH, from 1 to 64"),
        ({"length": "4-2"}, "length is '4-2'"),
        ({"length": "1-65"}, "length is '1-65'"),
        ({"load": float("nan")}, "load is nan; allowed: a number from 0 to 1"),
        ({"load": 1.5}, "load is 1.5; allowed: a number from 0 to 1"),
        ({"cycles": 0}, "cycles is 0; allowed: an integer from 1"),
        ({"cycles": None}, "cycles and packets: allowed: exactly one"),
        ({"cycles": None, "packets": 5, "load": 0.0}, "packets is 5; allowed: at most 0"),
        ({"seed": -1}, "seed is -1; allowed: an integer from 0"),
        ({"gap": -1}, "gap is -1; allowed: an integer from 0"),
        ({"rates": np.ones(3)}, "rates has shape (3,); allowed: (4,)"),
        ({"rates": np.array([1, 1, 20, 1])}, "rates[2] is 20; allowed: a number from 0 to 10"),
        ({"pattern": "hotspot", "hotspot_share": 2}, "hotspot share is 2; allowed:"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, Any], text: str) -> None:
    with pytest.raises(InputError) as caught:
        make_schedule(mesh(2, 2), **{"cycles": 10, **arguments})
    assert text in str(caught.value)
    assert "allowed: " in str(caught.value)


# Files --------------------------------------------------------------------------------------------


def test_files_csv_and_parquet_give_the_same_sorted_schedule(tmp_path: Path) -> None:
    text = "offered,source,destination,length,gap\n9,0,3,2,1\n4,1,2,1,0\n4,0,1,3,2\n"
    (tmp_path / "t.csv").write_text(text)
    first = load_schedule(tmp_path / "t.csv", mesh(2, 2))
    table = {"offered": [9, 4, 4], "source": [0, 1, 0], "destination": [3, 2, 1]}
    table |= {"length": [2, 1, 3], "gap": [1, 0, 2]}
    pa.parquet.write_table(pa.table(table), tmp_path / "t.parquet")
    second = load_schedule(tmp_path / "t.parquet", mesh(2, 2))
    for schedule in (first, second):
        assert schedule.offered.tolist() == [4, 4, 9]
        assert schedule.source.tolist() == [1, 0, 0]
        assert schedule.destination.tolist() == [2, 1, 3]
        assert schedule.length.tolist() == [1, 3, 2]
        assert schedule.gap.tolist() == [0, 2, 1]
        assert simulate(mesh(2, 2), schedule).finished


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source,destination,length\n0,1,1\n", "column offered is missing"),
        ("source,destination,length,offered,x\n0,1,1,0,0\n", "column 'x' is unknown; allowed:"),
        ("source,destination,length,offered\n0,1,1,0\n4,1,1,0\n", "source[1] is 4; allowed: an"),
        ("source,destination,length,offered\n3,1,1,0\n", "source[0] is 3; allowed: a hosted"),
        (
            "source,destination,length,offered\n0,9,1,0\n",
            "destination[0] is 9; allowed: an integer",
        ),
        ("source,destination,length,offered\n0,1,65,0\n", "length[0] is 65; allowed: an integer"),
        ("source,destination,length,offered\n0,1,1,-5\n", "offered[0] is -5; allowed: an integer"),
        ("source,destination,length,offered\n0,1,1.5,0\n", "length[0] is 1.5; allowed: an integer"),
        ("source,destination,length,offered\n0,1,a,0\n", "column length has string; allowed"),
        ("source,destination,length,offered\n0,1,,0\n", "column length has null; allowed"),
        ("source,destination,length,offered\n0,1,1\n", "is not a table"),
        ("", "is not a table"),
    ],
)
def test_bad_traffic_files_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(InputError) as caught:
        load_schedule(tmp_path / "t.csv", mesh(2, 2, 3))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_and_broken_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_schedule(tmp_path / "none.csv", mesh(2, 2))
    (tmp_path / "t.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(InputError, match=r"t\.parquet"):
        load_schedule(tmp_path / "t.parquet", mesh(2, 2))


def test_rates_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "r.csv").write_text("source,rate\n2,0.5\n0,3\n")
    assert load_rates(tmp_path / "r.csv", mesh(2, 2)).tolist() == [3, 1, 0.5, 1]
    (tmp_path / "r.csv").write_text("source,rate\n2,-1\n")
    with pytest.raises(InputError, match=r"rate\[0\] is -1; allowed: a number from 0 on"):
        load_rates(tmp_path / "r.csv", mesh(2, 2))
    (tmp_path / "r.csv").write_text("source,load\n2,1\n")
    with pytest.raises(InputError, match=r"columns are source, load; allowed: source, rate"):
        load_rates(tmp_path / "r.csv", mesh(2, 2))

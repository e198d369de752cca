"""Defect lists of inspection tools: KLARF 1.8 and CSV, good and bad (INS-1)."""

from __future__ import annotations

import random
import re
from pathlib import Path

import numpy as np
import pytest

from model.defects import recreate, sample
from model.errors import InputError
from model.inspection import parse_points
from model.spec import Port
from model.wafer import TileState
from tests.defects.klarfs import klarf

ROWS = [
    (1, 10_000_000, 15_000_000, 0, 0, 0, 0, 0, 0),
    (2, 1_000_000, 2_000_000, 2, -1, 300, 400, 500, 7),
    (3, 0, 0, -3, 1, 1_000_000, 2_000_000, 2_500_000, 0),
]
GOOD = klarf(ROWS)


def test_ins_1_klarf_places_are_index_times_pitch_plus_place_minus_centre() -> None:
    points = parse_points(GOOD.encode(), "lot.klarf")
    assert points.wafer == "W01"
    assert points.x.tolist() == [0, 31, -70]
    assert points.y.tolist() == [0, -43, 15]
    assert points.size.tolist() == [0, 0.0005, 2.5]


def test_ins_1_without_dsize_the_larger_side_counts_and_without_sizes_none() -> None:
    sides = ("DEFECTID", "XREL", "YREL", "XINDEX", "YINDEX", "XSIZE", "YSIZE")
    text = klarf([row[:7] for row in ROWS], columns=sides)
    assert parse_points(text.encode(), "a").size.tolist() == [0, 0.0004, 2]
    text = klarf([row[:5] for row in ROWS], columns=sides[:5])
    assert parse_points(text.encode(), "a").size.tolist() == [0, 0, 0]


def two_wafers() -> str:
    begin, end = GOOD.index("    Record WaferRecord"), GOOD.index("    Field DiePitch")
    second = GOOD[begin:end].replace('"W01"', '"W02"').replace("2 -1 300", "3 -1 300")
    return GOOD[:end] + second + GOOD[end:]


def test_ins_1_one_of_several_wafers_is_chosen_by_name() -> None:
    data = two_wafers().encode()
    assert parse_points(data, "a", "W01").x[1] == 31
    assert parse_points(data, "a", "W02").x[1] == 51
    with pytest.raises(InputError, match=r"a holds several wafers; allowed: wafer = W01 or W02"):
        parse_points(data, "a")
    with pytest.raises(InputError, match=r'a has no wafer "W3"; allowed: W01 or W02'):
        parse_points(data, "a", "W3")


def test_ins_1_csv_columns_come_in_any_order_and_others_are_passed_over() -> None:
    points = parse_points(b"id, Y ,x,Size\n7,-2.5,1e1,0.5\n\n8,0,0,0\n", "a.csv")
    assert points.x.tolist() == [10, 0]
    assert points.y.tolist() == [-2.5, 0]
    assert points.size.tolist() == [0.5, 0]
    assert parse_points(b"x,y\r\n1,2\r\n", "a.csv").size.tolist() == [0]
    assert len(parse_points(b"x,y,size\n", "a.csv").x) == 0


BAD_KLARF = {
    "1.2": ("FileVersion 1 2;\nDefectList\n", "a is KLARF version 1.2; allowed: KLARF 1.8"),
    "2.0": (GOOD.replace('"1.8"', '"2.0"'), 'a line 1 says KLARF version "2.0"; allowed: 1.8'),
    "another record": ('Record LotRecord "1.8" {', 'a line 1 has "LotRecord"; allowed: FileRecord'),
    "no record": ("Recordings of birds\n", 'a line 1 has "Recordings"; allowed: Record'),
    "no end": (GOOD.replace("EndOfFile;", ""), "ends too early; allowed: a whole file"),
    "open quote": (GOOD.replace('"04:57:03"', '"04:57:03'), "has a quote that is never closed"),
    "count": (GOOD.replace("Data 3", "Data x"), 'has "x"; allowed: the number of rows'),
    "more rows": (GOOD.replace("Data 3", "Data 2"), 'has "3"; allowed: }'),
    "fewer rows": (GOOD.replace("Data 3", "Data 4"), 'has "}"; allowed: a value'),
    "short row": (GOOD.replace("2 1000000", "1000000"), 'allowed: the number of entries'),
    "word": (GOOD.replace("1000000 2000000 2", "1000000 NA 2"), 'row 2 of DefectList has YREL '),
    "infinite": (GOOD.replace("1000000 2000000 2", "1000000 1e999 2"), 'YREL "1e999"'),
    "no column": (GOOD.replace("XINDEX", "XINDEX_"), "a: DefectList has no column XINDEX"),
    "no list": (GOOD.replace("DefectList", "Defects"), "a: wafer W01 has no DefectList"),
    "no wafer": (GOOD.replace("WaferRecord", "Wafers"), "a has no WaferRecord"),
    "no pitch": (GOOD.replace("DiePitch", "Pitch"), "a has no DiePitch"),
    "pitch": (GOOD.replace("2 {20000000, 30000000}", "1 {5}"), "a: DiePitch is {5}"),
    "origin": (GOOD.replace("{0, 0}", "{5, 0}"), "a: DieOrigin is {5, 0}; allowed: {0, 0}"),
    "mirrored": (
        klarf(ROWS, extra='Field CoordinatesMirrored 1 {"YES"}'),
        "a: CoordinatesMirrored is {YES}; allowed: {NO}",
    ),
    "size": (GOOD.replace("300 400 500", "300 400 -500"), "defect 2 has size -0.0005 mm"),
    "deep": (GOOD[:27] + "Record a {" * 5000, "nests records; allowed: 32 deep"),
    "two lists": (
        klarf(ROWS, extra="List DefectList { Columns 0 { } Data 0 { } }"),
        "begins a second DefectList; allowed: one in a record",
    ),
    "nested": (GOOD.replace("N ;", "N 3 ;", 1), 'has "3"; allowed: ;'),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), BAD_KLARF.values(), ids=BAD_KLARF)
def test_ins_1_bad_klarf_files_get_one_line(text: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_points(text.encode(), "a")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


BAD_CSV = {
    "empty": (b"", "a has columns []; allowed: x, y, size (mm) and class once each, or KLARF 1.8"),
    "no header": (b"1,2,3\n", 'a has columns ["1", "2", "3"]; allowed: x, y, size'),
    "twice": (b"x,y,x\n", "allowed: x, y, size (mm) and class once each"),
    "ragged": (b"x,y,size\n1,2\n", "a line 2 has 2 cells; allowed: 3"),
    "word": (b"x,y,size\n1,2,3\n1,two,3\n", 'a line 3: y is "two"; allowed: a number'),
    "far": (b"x,y\n0,0\n1e300,0\n", "a: defect 2 has x 1e+300 mm; allowed: -10000 to 10000 mm"),
    "nan": (b"x,y,size\nnan,2,3\n", "a line 2: x is nan; allowed: a finite number"),
    "negative": (b"x,y,size\n1,2,-3\n", "a: defect 1 has size -3 mm; allowed: 0 to 10000 mm"),
    "binary": (b"\xff\xfe\x00x", "a is not UTF-8 text: byte 0"),
    "nul": (b"x,y\n1,\x00\n", "a line 2: y is"),
}


@pytest.mark.parametrize(("data", "message"), BAD_CSV.values(), ids=BAD_CSV)
def test_ins_1_bad_csv_files_get_one_line(data: bytes, message: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_points(data, "a")
    assert message in str(caught.value)


def test_ins_1_a_file_cut_anywhere_is_refused() -> None:
    whole = GOOD.strip()
    for cut in range(7, len(whole) - len("EndOfFile;"), 13):
        with pytest.raises(InputError):
            parse_points(whole[:cut].encode(), "a")


def test_ins_1_random_damage_is_read_or_refused_but_never_crashes() -> None:
    rng = random.Random(7)
    tokens = re.findall(r'"[^"]*"|\S', GOOD)
    refused: list[str] = []
    for _ in range(400):
        text = list(GOOD)
        for _ in range(rng.randint(1, 4)):
            text[rng.randrange(len(text))] = rng.choice([*'{};,"\0 ', rng.choice(tokens), ""])
        try:
            parse_points("".join(text).encode("latin-1"), "a")
        except InputError as error:
            refused.append(str(error))
    assert len(refused) > 200
    assert not [line for line in refused if "\n" in line]


# On the wafer -------------------------------------------------------------------------------------

GEOMETRY = {"pitch": [2.0, 2.0], "router_share": 0.16, "link_share": 0.12, "edge_exclusion": 5}


def drawn(path: Path, **more: object) -> tuple[np.ndarray, np.ndarray, dict[str, object]]:
    """State and dead links of a 5 x 5 wafer around the wafer's centre, and the notes."""
    part = {"kind": "inspection", "file": str(path), **more}
    wafer = sample({"geometry": GEOMETRY, "parts": [part]}, 5, 5, 1)
    assert (recreate(wafer).state == wafer.state).all()
    (note,) = wafer.origin["notes"]
    return wafer.state.reshape(5, 5), wafer.dead_link.reshape(5, 5, 4), note


def test_ins_1_each_defect_breaks_what_lies_there_and_others_are_told(tmp_path: Path) -> None:
    path = tmp_path / "found.csv"
    path.write_text(
        "x,y,size\n"
        "0,0,0.01\n"  # router of the middle tile
        "2.7,4.6,0.01\n"  # core of the tile one to the east, two to the north
        "-3.0,-3.95,0.01\n"  # lane between two tiles, north of their middle: westward
        "9,9,0.01\n"  # beyond the array
        "147,0,0.01\n"  # in the edge ring
        "0,-151,0.01\n"  # beyond the wafer
    )
    state, dead, note = drawn(path)
    assert np.argwhere(state == TileState.TILE_DEFECT).tolist() == [[2, 2]]
    assert np.argwhere(state == TileState.CORE_DEFECT).tolist() == [[0, 3]]
    assert np.argwhere(dead).tolist() == [[4, 1, Port.WEST]]
    told = {key: value for key, value in note.items() if isinstance(value, int)}
    assert told == {
        "part": 0, "defects": 6, "harmless": 0, "too_large": 0, "touching_tiles": 3,
        "outside_the_array": 3, "outside_the_wafer": 1, "in_the_edge_ring": 1, "in_streets": 0,
    }  # fmt: skip


def test_ins_1_size_decides_how_many_parts_break(tmp_path: Path) -> None:
    path = tmp_path / "found.csv"
    broken = []
    for size in (0.01, 1.0, 2.5, 9.0):
        path.write_text(f"x,y,size\n0.6,0.6,{size}\n")
        state, _, _ = drawn(path)
        broken.append(int((state > 0).sum()))
    assert broken == [1, 3, 4, 24]


def test_ins_1_small_defects_nuisances_and_turned_files(tmp_path: Path) -> None:
    path = tmp_path / "found.csv"
    path.write_text("x,y,size\n4,0.6,0.2\n-4.5,-0.6,0.02\n")
    state, _, note = drawn(path, min_size=0.1)
    assert (int((state > 0).sum()), note["harmless"]) == (1, 1)
    state, _, note = drawn(path, kill=0.0)
    assert (int((state > 0).sum()), note["harmless"]) == (0, 2)
    state, _, note = drawn(path, max_size=0.1)
    assert (int((state > 0).sum()), note["harmless"], note["too_large"]) == (1, 0, 1)
    path.write_text("class,x,y,size\n7,4,0.6,0.2\n8,-4.5,-0.6,0.2\n")
    state, _, note = drawn(path, skip=[7, 9])
    assert (np.argwhere(state > 0).tolist(), note["harmless"]) == ([[2, 0]], 1)
    path.write_text("x,y,size\n4,0.6,0.2\n-4.5,-0.6,0.02\n")
    where = {}
    for turn in ("0", "90", "180", "270"):
        state, _, _ = drawn(path, min_size=0.1, rotate=turn)
        where[turn] = np.argwhere(state > 0)[0].tolist()
    assert where == {"0": [2, 4], "90": [0, 2], "180": [2, 0], "270": [4, 2]}


def test_ins_1_a_klarf_file_with_many_defects_is_read_in_seconds(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    rows = [
        (k, int(x), int(y), int(i), int(j), 0, 0, int(s), 0)
        for k, (x, y, i, j, s) in enumerate(
            zip(
                rng.integers(0, 20_000_000, 5000),
                rng.integers(0, 30_000_000, 5000),
                rng.integers(-7, 7, 5000),
                rng.integers(-5, 5, 5000),
                rng.integers(0, 200_000, 5000),
                strict=True,
            )
        )
    ]
    path = tmp_path / "lot.klarf"
    path.write_text(klarf(rows))
    part = {"kind": "inspection", "file": str(path)}
    wafer = sample({"parts": [part]}, 762, 1172, 1)
    (note,) = wafer.origin["notes"]
    assert note["defects"] == 5000
    assert note["touching_tiles"] + note["outside_the_array"] >= 5000
    assert 0.5 < (wafer.state > 0).sum() / note["touching_tiles"] < 3

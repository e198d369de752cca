"""Traces of other tools: read as they are, placed, sorted, and refused by row and value."""

from __future__ import annotations

import bz2
import gzip
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import InputError
from model.schedule import PacketSchedule
from model.traffic import collect, foreign
from model.traffic.importing import Foreign, import_trace
from model.traffic.sort import sort_blocks
from model.traffic.stream import join, packed, part
from model.traffic.trace import TraceStream
from tests.traffic.test_draws import same

CSV = "cycle,src,dst,flits\n9,0,3,2\n4,1,2,1\n4,0,1,3\n"
NETRACE = """  ID:0 CYC:12 SRC:3 DST:17 ADR:0x00f01c40 TYP:ReadReq NDEP:1 4
  ID:1 CYC:11 SRC:4 DST:63 ADR:0x00f01c80 TYP:Writeback NDEP:0

  ID:4 CYC:12 SRC:17 DST:3 ADR:0x00f01c40 TYP:ReadResp NDEP:2 7 9
"""


def imported(tmp_path: Path, text: str | bytes, kind: str = "csv", **how: Any) -> PacketSchedule:
    """Packets of a text, by way of its trace."""
    name = str(how.pop("name", "in.csv"))
    (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
    run = int(str(how.pop("run", 1 << 20)))
    what = Foreign(path=tmp_path / name, kind=kind, **how)
    facts = import_trace(what, tmp_path / "t.parquet", run=run)
    found = collect(TraceStream(tmp_path / "t.parquet"))
    assert facts.packets == len(found)
    return found


@settings(max_examples=100, deadline=None, derandomize=True)
@given(
    cycles=st.lists(st.integers(0, 30), max_size=120),
    cuts=st.lists(st.integers(0, 120), max_size=6),
    run=st.integers(1, 40),
)
def test_sorting_keeps_every_packet_and_the_order_within_a_cycle(
    tmp_path_factory: pytest.TempPathFactory, cycles: list[int], cuts: list[int], run: int
) -> None:
    count = len(cycles)
    ids = np.arange(count)
    whole = packed(
        {
            "offered": np.array(cycles, np.int64),
            **dict.fromkeys(("source", "destination", "length", "gap"), ids),
        }
    )
    ends = sorted({0, count, *(cut for cut in cuts if cut < count)})
    blocks = [part(whole, slice(a, b)) for a, b in pairwise(ends)]
    scratch = tmp_path_factory.getbasetemp()
    found = join(sort_blocks(blocks, scratch, run))
    order = np.argsort(np.array(cycles, np.int64), kind="stable")
    assert found.source.tolist() == ids[order].tolist()
    assert found.offered.tolist() == sorted(cycles)


def test_csv_by_any_names_and_in_any_order_of_columns_and_rows(tmp_path: Path) -> None:
    found = imported(tmp_path, CSV)
    assert found.offered.tolist() == [4, 4, 9]
    assert found.source.tolist() == [1, 0, 0]
    assert found.length.tolist() == [1, 3, 2]
    other = "id,Dest, SOURCE ,Time,addr,Length,gap\n7,3,0,9,x,2,0\n8,2, 1 ,4,y,1,0\n9,1,0,4,z,3,0\n"
    assert same(imported(tmp_path, other), found)


@pytest.mark.parametrize(
    ("name", "packer"), [("in.csv", bytes), ("in.csv.gz", gzip.compress), ("in.bz2", bz2.compress)]
)
def test_compressed_files_are_read(tmp_path: Path, name: str, packer: object) -> None:
    assert callable(packer)
    assert len(imported(tmp_path, packer(CSV.encode()), name=name)) == 3


@pytest.mark.parametrize(("flit", "lengths"), [(16, [5, 1, 5]), (8, [9, 1, 9]), (100, [1, 1, 1])])
def test_netrace_text_with_the_lengths_of_its_types(
    tmp_path: Path, flit: int, lengths: list[int]
) -> None:
    found = imported(tmp_path, NETRACE, "netrace", flit_bytes=flit)
    assert found.offered.tolist() == [11, 12, 12]
    assert found.source.tolist() == [4, 3, 17]
    assert found.destination.tolist() == [63, 17, 3]
    assert found.length.tolist() == lengths


def test_csv_with_bytes_or_types_instead_of_lengths(tmp_path: Path) -> None:
    bytes_ = "cycle,src,dst,bytes\n1,0,1,1\n2,0,1,16\n3,0,1,17\n"
    assert imported(tmp_path, bytes_).length.tolist() == [1, 1, 2]
    types = "cycle,src,dst,typ\n1,0,1,ReadReq\n2,0,1,ReadResp\n3,0,1, ReadReq\n"
    assert imported(tmp_path, types, flit_bytes=8).length.tolist() == [1, 9, 1]


def test_nodes_of_a_grid_are_placed_at_the_same_coordinates(tmp_path: Path) -> None:
    text = "cycle,src,dst,flits\n0,9,63,1\n"
    alone = imported(tmp_path, text, grid=(8, 8))
    assert (alone.source[0], alone.destination[0]) == (9, 63)
    assert TraceStream(tmp_path / "t.parquet").logical == (8, 8)
    placed = imported(tmp_path, text, grid=(8, 8), logical=(30, 18))
    assert (placed.source[0], placed.destination[0]) == (1 * 30 + 1, 7 * 30 + 7)
    assert TraceStream(tmp_path / "t.parquet").logical == (30, 18)


def test_cycles_count_from_the_first_packet_on_demand(tmp_path: Path) -> None:
    late = CSV.replace("\n9,", f"\n{2**40 + 5},").replace("\n4,", f"\n{2**40},")
    assert imported(tmp_path, late, from_zero=True).offered.tolist() == [0, 0, 5]
    with pytest.raises(InputError, match=r"the last cycle is 1099511627781; .* --from-zero counts"):
        imported(tmp_path, late)


def test_eng_3_blocks_and_runs_change_no_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(3)
    rows = rng.integers(0, [50, 16, 16, 9], (500, 4)) + np.array([0, 0, 0, 1])
    text = "cycle,src,dst,flits\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)
    imported(tmp_path, text)
    first = (tmp_path / "t.parquet").read_bytes()
    monkeypatch.setattr(foreign, "BYTES", 64)
    imported(tmp_path, text, run=37)
    assert (tmp_path / "t.parquet").read_bytes() == first
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "t.parquet"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("cycle,src,flits\n", "column destination is missing; allowed: destination, dest, dst"),
        ("cycle,src,dst\n", "column length is missing; allowed: length, flits, bytes, type"),
        ("cycle,time,src,dst,flits\n", "columns cycle and time; allowed: one of them"),
        (CSV + "5,1,2\n", "row 3 has 3 columns; allowed: 4"),
        (CSV + "5,1,2,a\n", "flits[3] is 'a'; allowed: an integer"),
        (CSV + "5,,2,1\n", "src[3] is ''; allowed: an integer"),
        (CSV + "5.5,1,2,1\n", "cycle[3] is '5.5'; allowed: an integer"),
        (CSV + f"{2**63},1,2,1\n", "cycle[3] is '9223372036854775808'; allowed: an integer"),
        (CSV + "-5,1,2,1\n", "offered[3] is -5; allowed: an integer from 0"),
        (CSV + "5,1,16,1\n", "destination[3] is 16; allowed: an integer from 0 to 15"),
        (CSV + "5,1,2,0\n", "length[3] is 0; allowed: an integer from 1 to 1024"),
        ("cycle,src,dst,typ\n1,1,1,Nothing\n", "typ[0] is 'Nothing'; allowed: ReadReq, "),
        ("", "is not a table: "),
    ],
)
@pytest.mark.parametrize("block", [32, 1 << 22])
def test_bad_csv_is_refused_and_nothing_is_written(
    tmp_path: Path, text: str, told: str, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign, "BYTES", block)
    with pytest.raises(InputError) as caught:
        imported(tmp_path, text, grid=(4, 4))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("hello", "line 5 is 'hello'; allowed: ID:… CYC:… SRC:…"),
        ("ID:1 CYC:-1 SRC:0 DST:0 ADR:0x0 TYP:ReadReq NDEP:0", "line 5 is 'ID:1 CYC:-1"),
        ("ID:1 CYC:1 SRC:0 DST:0 ADR:0x0 TYP:InvalidCmd NDEP:0", "TYP of line 5 is 'InvalidCmd'"),
        ("ID:1 CYC:1 SRC:64 DST:0 ADR:0x0 TYP:ReadReq NDEP:0", "source[3] is 64; allowed: an"),
        (f"ID:1 CYC:{2**63} SRC:0 DST:0 ADR:0x0 TYP:ReadReq NDEP:0", "allowed: below 2**63"),
    ],
)
def test_bad_netrace_text_is_refused(tmp_path: Path, line: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        imported(tmp_path, NETRACE + line + "\n", "netrace", grid=(8, 8))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="cannot be read: damaged, or not text"):
        imported(tmp_path, b"\xff\xfe", "netrace")


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"kind": "vcd"}, "format is 'vcd'; allowed: csv, netrace"),
        ({"flit_bytes": 0}, "flit_bytes is 0; allowed: an integer from 1 to 65536"),
        ({"grid": (8, 8), "logical": (9, 7)}, "grid is 8x8; allowed: at most 9x7, the logical"),
    ],
)
def test_bad_arguments_are_refused(tmp_path: Path, how: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError, match=told):
        imported(tmp_path, CSV, **{"kind": "csv", **how})


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for kind in ("csv", "netrace"):
        with pytest.raises(InputError, match="cannot be read: "):
            import_trace(Foreign(path=tmp_path / "no", kind=kind), tmp_path / "t.parquet")

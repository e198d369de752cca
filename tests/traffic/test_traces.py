"""Trace files: what is written comes back, in bounded memory, and what is wrong is named."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import InputError
from model.schedule import PacketSchedule
from model.traffic import collect, load_schedule, make_schedule, trace
from model.traffic.stream import COLUMNS, ScheduleStream, join, packed, part
from model.traffic.trace import TraceStream, survey, write_trace
from tests.traffic.meshes import mesh, stream
from tests.traffic.test_draws import same

GOOD = {
    "offered": [0, 4, 4, 9],
    "source": [0, 1, 0, 2],
    "destination": [3, 2, 1, 0],
    "length": [1, 2, 3, 4],
    "gap": [0, 0, 5, 0],
}


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row groups and blocks of a few rows."""
    monkeypatch.setattr(trace, "GROUP", 16)
    monkeypatch.setattr(trace, "BATCH", 5)


def write(path: Path, *, rows: int | None = None, metadata: Any = None, **changed: Any) -> Path:
    """A Parquet file by hand: ``GOOD`` with columns changed, or left out when None."""
    columns = {name: value for name, value in (GOOD | changed).items() if value is not None}
    table = pa.table(columns).replace_schema_metadata(metadata)
    pa.parquet.write_table(table, path, row_group_size=rows)
    return path


@st.composite
def schedules(draw: st.DrawFn) -> PacketSchedule:
    """Any packets that a trace can hold."""
    count = draw(st.integers(0, 60))

    def numbers(low: int, high: int) -> list[int]:
        return draw(st.lists(st.integers(low, high), min_size=count, max_size=count))

    return packed(
        {
            "offered": np.sort(np.array(numbers(0, 2**32 - 1), np.int64)),
            "source": np.array(numbers(0, 2**22 - 1), np.int64),
            "destination": np.array(numbers(0, 2**22 - 1), np.int64),
            "length": np.array(numbers(1, 1024), np.int64),
            "gap": np.array(numbers(0, 65535), np.int64),
        }
    )


@settings(max_examples=60, deadline=None, derandomize=True)
@given(schedules(), st.integers(1, 20), st.integers(1, 20), st.integers(0, 70))
def test_what_is_written_comes_back_wherever_one_begins(
    tmp_path_factory: pytest.TempPathFactory,
    schedule: PacketSchedule,
    group: int,
    batch: int,
    first: int,
) -> None:
    path = tmp_path_factory.mktemp("traces") / "t.parquet"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trace, "GROUP", group)
        patch.setattr(trace, "BATCH", batch)
        facts = write_trace(path, ScheduleStream(schedule))
        found = TraceStream(path)
        blocks = list(found.blocks(first))
    assert all(0 < len(block) <= batch for block in blocks)
    assert same(join(blocks), part(schedule, slice(first, None)))
    assert found.packets == facts.packets == len(schedule)
    assert facts == survey(found)
    assert facts.flits == schedule.length.sum()


@pytest.mark.usefixtures("small")
def test_eng_3_bytes_depend_on_the_packets_only(tmp_path: Path) -> None:
    image = mesh(4, 4)
    what = {"pattern": "uniform", "load": 0.5, "cycles": 40, "seed": 3}
    write_trace(tmp_path / "a.parquet", stream(image, **what), (4, 4))
    write_trace(tmp_path / "b.parquet", ScheduleStream(make_schedule(image, **what)), (4, 4))
    write_trace(tmp_path / "c.parquet", stream(image, **(what | {"seed": 4})), (4, 4))
    first = (tmp_path / "a.parquet").read_bytes()
    assert first == (tmp_path / "b.parquet").read_bytes()
    assert first != (tmp_path / "c.parquet").read_bytes()


def test_the_format_is_what_the_page_says(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_trace(path, stream(mesh(4, 3), packets=50), (4, 3))
    with pa.parquet.ParquetFile(path) as file:
        types = {field.name: str(field.type) for field in file.schema_arrow}
        assert types == {"offered": "int64", **dict.fromkeys(COLUMNS[1:], "int32")}
        assert file.schema_arrow.metadata[b"format"] == b"wafermesh-trace/1"
        assert file.schema_arrow.metadata[b"logical"] == b"4x3"
    assert TraceStream(path).logical == (4, 3)
    assert same(collect(TraceStream(path)), load_schedule(path, mesh(4, 3)))


def test_files_of_other_makers_are_read(tmp_path: Path) -> None:
    types = {"offered": pa.uint64(), "source": pa.int16(), "length": pa.uint8()}
    table = pa.table({name: pa.array(GOOD[name], types.get(name)) for name in COLUMNS[:4]})
    pa.parquet.write_table(table, tmp_path / "t.parquet")
    found = collect(TraceStream(tmp_path / "t.parquet", mesh(2, 2)))
    assert found.offered.tolist() == GOOD["offered"]
    assert found.gap.tolist() == [0, 0, 0, 0]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"offered": [0, 4, 3, 9]}, "offered[2] is 3; allowed: from 4 on, as rows are sorted"),
        ({"offered": [-1, 4, 4, 9]}, "offered[0] is -1; allowed: an integer from 0 to 4294967295"),
        ({"offered": [0, 4, 4, 2**32]}, "offered[3] is 4294967296; allowed: an integer from 0"),
        ({"source": [0, 1, 4, 2]}, "source[2] is 4; allowed: an integer from 0 to 3"),
        ({"source": [0, 1, 3, 2]}, "source[2] is 3; allowed: a hosted logical id"),
        ({"destination": [0, 1, 0, 9]}, "destination[3] is 9; allowed: an integer from 0 to 3"),
        ({"length": [1, 0, 1, 1]}, "length[1] is 0; allowed: an integer from 1 to 64"),
        ({"length": [1, 65, 1, 1]}, "length[1] is 65; allowed: an integer from 1 to 64"),
        ({"length": [1.0, 1.5, 1.0, 1.0]}, "length[1] is 1.5; allowed: an integer"),
        ({"length": [1, 1, None, 1]}, "length[2] is null; allowed: a number"),
        ({"length": ["a"] * 4}, "column length has string; allowed: numbers in every row"),
        ({"gap": [0, 0, 65536, 0]}, "gap[2] is 65536; allowed: an integer from 0 to 65535"),
        ({"offered": None}, "column offered is missing; allowed: source, destination, length"),
        ({"id": [1, 2, 3, 4]}, "column 'id' is unknown; allowed: source, destination, length"),
        ({"metadata": {"format": "x/2"}}, "format is 'x/2'; allowed: wafermesh-trace/1"),
        ({"metadata": {"logical": "3x3"}}, "logical size is 3x3; allowed: 2x2, the image's"),
    ],
)
@pytest.mark.parametrize("rows", [1, 2, 4])
def test_wrong_rows_are_named_whichever_block_they_are_in(
    tmp_path: Path, rows: int, changed: dict[str, Any], told: str
) -> None:
    path = write(tmp_path / "t.parquet", rows=rows, **changed)
    with pytest.raises(InputError) as caught:
        survey(TraceStream(path, mesh(2, 2, 3)))
    assert told in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_ids_need_no_image_to_be_checked(tmp_path: Path) -> None:
    survey(TraceStream(write(tmp_path / "t.parquet", source=[0, 1, 99, 2])))
    wrong = write(tmp_path / "t.parquet", source=[0, 1, 2**22, 2])
    with pytest.raises(InputError, match=r"source\[2\] is 4194304; allowed: .* 0 to 4194303"):
        survey(TraceStream(wrong))


def test_files_that_are_no_traces_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    with pytest.raises(InputError, match="cannot be read: "):
        TraceStream(path)
    path.write_bytes(b"PAR1 not really")
    with pytest.raises(InputError, match="is not a table: "):
        TraceStream(path)


def test_a_damaged_page_is_told_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    write_trace(path, stream(mesh(4, 4), packets=3000, load=1.0))
    data = bytearray(path.read_bytes())
    data[40:400] = bytes(360)
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"t\.parquet is damaged: |is not a table: ") as caught:
        survey(TraceStream(path))
    assert "\n" not in str(caught.value)


def test_a_trace_that_cannot_be_finished_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="packets is 5; allowed: at most 0"):
        write_trace(tmp_path / "t.parquet", stream(mesh(1, 1), packets=5))
    assert list(tmp_path.iterdir()) == []


MEASURE = """
import resource, sys
from model.traffic.trace import TraceStream, survey
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
assert survey(TraceStream(sys.argv[1])).packets == int(sys.argv[2])
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def peak_mib(path: Path, packets: int) -> int:
    """Memory that reading a trace takes, in a process of its own."""
    words = [sys.executable, "-c", MEASURE, str(path), str(packets)]
    return int(subprocess.run(words, check=True, capture_output=True, text=True).stdout)


@pytest.mark.slow
@pytest.mark.parametrize("rows", [None, 10**8])
def test_ten_million_packets_need_no_more_memory_than_one_million(
    tmp_path: Path, rows: int | None
) -> None:
    peaks = []
    for packets in (1_000_000, 10_000_000):
        path = tmp_path / "t.parquet"
        write_trace(path, stream(mesh(32, 32), packets=packets, load=0.5))
        if rows is not None:  # one row group only, as other makers may write it
            table = pa.parquet.read_table(path)
            pa.parquet.write_table(table, path, row_group_size=rows)
        peaks.append(peak_mib(path, packets))
    assert max(peaks) < 100, f"{peaks} MiB"
    assert peaks[1] < peaks[0] + 16, f"{peaks} MiB"

"""Runs that are interrupted and gone on with end like runs that are not, in every byte."""

from __future__ import annotations

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.checkpoint import image_sum, read_checkpoint, write_checkpoint
from model.engine import RecordBlock, Simulation, join_blocks, run, simulate
from model.errors import InputError
from model.long_run import LongRun, thaw
from model.records import GROUP, RecordWriter, record_writer, write_records
from model.schedule import NO_STALLS
from model.spec import FabricSpec
from model.spill import ROW, Spill
from model.summary import Summary, summarise
from model.traffic import ScheduleStream, make_schedule
from tests.engine.same import assert_same_result
from tests.engine.streamed import Cut
from tests.engine.test_properties import Case, cases, quick
from tests.images import xy_image

SUMS = {"image": "1", "traffic": "2"}
STOP = 10**7


def begin(case: Case, seed: int, folder: Path, threads: int) -> LongRun:
    """A run with its records beside the checkpoint; goes on where there is one."""
    stream = Cut(case.schedule, np.random.default_rng(seed), 20)
    fed = Simulation(case.image, stream, stalls=case.stalls, record_events=False, threads=threads)
    summary, rows = Summary(case.image), 0
    if (folder / "run").exists():
        summary, rows = thaw(fed, folder / "run", SUMS)
    return LongRun(fed, STOP, False, summary, Spill(folder / "rows", rows))


@quick(25)
@given(cases(), st.integers(0, 2**32), st.sampled_from([1, 2]))
def test_eng_5_interruptions_do_not_show(
    tmp_path_factory: pytest.TempPathFactory, case: Case, seed: int, threads: int
) -> None:
    folder, rng = tmp_path_factory.mktemp("run"), np.random.default_rng(seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "PART_TILES", 1)
        patch.setattr(run, "AHEAD", 11)
        patch.setattr("model.long_run.MOST", 30)
        long = begin(case, seed, folder, threads)
        while not long.done:
            long.step()
            if not rng.integers(4):
                long.save(folder / "run", SUMS)
            if not rng.integers(6):  # what happened after the checkpoint is lost, and done again
                assert isinstance(long.records, Spill)
                long.records.close()
                long = begin(case, seed, folder, threads)
        long.finish()
    whole = case.run(record_events=False)
    result = long.run.result(long.cycles)
    assert isinstance(long.records, Spill)
    result.records = join_blocks([*long.records.blocks(), whole.records.some(slice(0, 0))])
    assert_same_result(result, whole)
    found: Any = long.summing
    assert found.figures().items() <= summarise(case.image, whole).items()
    assert long.records.path.stat().st_size == len(case.schedule) * ROW.itemsize


def halted(folder: Path) -> tuple[LongRun, Case]:
    image = xy_image(FabricSpec(width=4, height=4))
    schedule = make_schedule(image, load=0.1, packets=300)
    case = Case(image, schedule, NO_STALLS)
    long = begin(case, 1, folder, 1)
    long.step()
    long.save(folder / "run", SUMS)
    return long, case


def test_eng_5_a_checkpoint_of_another_run_is_refused(tmp_path: Path) -> None:
    halted(tmp_path)
    for name in SUMS:
        with pytest.raises(InputError, match=f"belongs to another {name}; allowed: the {name} of"):
            read_checkpoint(tmp_path / "run", {**SUMS, name: "other"})


def test_eng_5_a_damaged_checkpoint_is_refused_wherever_it_is_damaged(tmp_path: Path) -> None:
    halted(tmp_path)
    path = tmp_path / "run"
    data = path.read_bytes()
    for at in (len(data) // 3, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(InputError, match="is damaged; allowed: a whole checkpoint"):
            read_checkpoint(path, SUMS)
    path.write_bytes(data[:-1])
    with pytest.raises(InputError, match="is damaged"):
        read_checkpoint(path, SUMS)
    path.write_bytes(b"something else")
    with pytest.raises(InputError, match="is no checkpoint"):
        read_checkpoint(path, SUMS)


def test_a_checkpoint_whose_records_are_lost_is_refused(tmp_path: Path) -> None:
    long, case = halted(tmp_path)
    assert isinstance(long.records, Spill)
    assert long.records.rows > 10
    (tmp_path / "rows").write_bytes(b"few")
    with pytest.raises(InputError, match="rows has 0 records; allowed: "):
        begin(case, 1, tmp_path, 1)


def test_checkpoints_bring_back_every_type_and_shape(tmp_path: Path) -> None:
    arrays = {
        "empty": np.zeros((0, 3), np.int32),
        "bytes": np.arange(7, dtype=np.uint8),
        "long": np.arange(10**6, dtype=np.int64).reshape(1000, 1000)[:, ::2],
    }
    write_checkpoint(tmp_path / "run", SUMS, arrays)
    back = read_checkpoint(tmp_path / "run", SUMS)
    for name, array in arrays.items():
        assert back[name].dtype == array.dtype
        assert np.array_equal(back[name], array)


def test_nothing_but_sums_comes_out_of_a_checkpoint(tmp_path: Path) -> None:
    long, case = halted(tmp_path)
    arrays = read_checkpoint(tmp_path / "run", SUMS)
    foreign = np.frombuffer(b"cposix\nsystem\n(S'true'\ntR.", np.uint8)
    write_checkpoint(tmp_path / "run", SUMS, {**arrays, "summing": foreign})
    with pytest.raises(InputError, match=r"checkpoint holds posix\.system; allowed"):
        thaw(long.run, tmp_path / "run", SUMS)
    assert len(case.schedule) == 300


def test_the_sum_of_an_image_shows_every_table() -> None:
    image = xy_image(FabricSpec(width=3, height=2))
    before = image_sum(image)
    assert image_sum(dataclasses.replace(image, report={"other": 1})) == before
    seen = {before}
    for name, value in vars(image).items():
        if isinstance(value, np.ndarray):
            changed = value.copy()
            changed.reshape(-1).view(np.uint8)[0] ^= 1
            seen.add(image_sum(dataclasses.replace(image, **{name: changed})))
    assert len(seen) == 11


@pytest.mark.parametrize("name", ["p.parquet", "p.csv"])
def test_eng_5_files_of_records_do_not_depend_on_how_they_come(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("model.records.GROUP", 64)
    image = xy_image(FabricSpec(width=4, height=4))
    records = simulate(image, make_schedule(image, load=0.1, packets=300)).records
    write_records(image, records, tmp_path / f"whole-{name}")
    rng = np.random.default_rng(3)
    with record_writer(image, tmp_path / name) as writer:
        cuts = [0, *np.sort(rng.integers(0, 300, 20)).tolist(), 300]
        for low, high in itertools.pairwise(cuts):
            writer.add(records.some(slice(low, high)))
    assert (tmp_path / name).read_bytes() == (tmp_path / f"whole-{name}").read_bytes()
    assert [path.name for path in tmp_path.glob(".*")] == []


def test_a_writer_holds_one_group_back() -> None:
    image = xy_image(FabricSpec(width=4, height=4))
    records = simulate(image, make_schedule(image, load=0.1, packets=300)).records
    rows: list[int] = []
    writer = RecordWriter(lambda table: rows.append(table.num_rows))
    for _ in range(GROUP // 300 + 1):
        writer.add(records)
    assert rows == [GROUP]
    writer.close()
    assert sum(rows) == 300 * (GROUP // 300 + 1)


def test_rates_of_a_run_that_ends_before_all_is_offered_count_its_own_cycles() -> None:
    """Also of packets that came before anybody knew where the run ends."""
    image = xy_image(FabricSpec(width=3, height=2))
    image.core_ok[0] = False
    schedule = make_schedule(image, load=0.2, packets=200)
    schedule.source[100:] = 0
    whole = simulate(image, schedule, record_events=False)
    assert whole.finished
    fed = Simulation(image, ScheduleStream(schedule), record_events=False)
    long = LongRun(fed, STOP, False, Summary(image))
    while not long.done:
        long.step()
    long.finish()
    found: Any = long.summing
    figures = summarise(image, whole)
    assert found.figures().items() <= figures.items()
    blocks: list[RecordBlock] = [whole.records]
    within = blocks[0].offered < whole.log.cycles
    assert not within.all()
    expected = blocks[0].length[within].sum() / (whole.log.cycles * 6)
    assert figures["offered_load"] == pytest.approx(expected, abs=1e-6)

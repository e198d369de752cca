"""The engine against what is on record of its first form, however it divides the work."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from model.engine import run, simulate
from model.engine.state import FIELD
from model.random import below, draws
from model.schedule import StallPattern
from model.spec import FabricSpec, Port
from tests.engine.naive import naive_log
from tests.engine.recorded import COUNT, FILE, WINDOWS, digest, digests, runs
from tests.engine.same import assert_same_log, assert_same_result
from tests.images import xy_image
from tests.schedules import packets

RECORDED = json.loads(FILE.read_text())


def test_eng_1_results_are_those_on_record() -> None:
    some = [25, *range(3, COUNT, 5)]
    found = digests(some)
    assert found == [RECORDED["bare"][number] for number in some]
    assert len(set(RECORDED["bare"])) == COUNT


def test_eng_1_occupancies_and_movements_are_those_on_record() -> None:
    some = range(1, COUNT, 10)
    assert digests(some, **WINDOWS) == [RECORDED["windows"][number] for number in some]


def test_a_digest_shows_a_single_flit_more() -> None:
    image = xy_image(FabricSpec(width=2, height=1))
    one = digest(simulate(image, packets((0, 1, 1, 0, 0)), cycles=20))
    assert one != digest(simulate(image, packets((0, 1, 2, 0, 0)), cycles=20))


@pytest.mark.parametrize("threads", [2, 3])
def test_eng_3_threads_and_parts_do_not_show(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for image, schedule, stalls in runs(range(2, COUNT, 12)):
        alone = simulate(image, schedule, stalls=stalls)
        together = simulate(image, schedule, stalls=stalls, threads=threads)
        assert_same_result(together, alone)
        with monkeypatch.context() as small:
            small.setattr(run, "PART_TILES", 1)  # a part for each row
            divided = simulate(image, schedule, stalls=stalls, threads=threads)
            assert_same_result(divided, alone)


@pytest.mark.slow
def test_eng_2_eng_3_all_on_record_in_one_thread_two_threads_and_uncompiled() -> None:
    every = range(COUNT)
    assert digests(every) == RECORDED["bare"]
    assert digests(every, threads=2) == RECORDED["bare"]
    assert digests(every, compiled=False) == RECORDED["bare"]
    assert digests(every, **WINDOWS) == RECORDED["windows"]


def test_hops_beyond_the_field_of_a_flit_are_counted() -> None:
    length = FIELD + 400
    image = xy_image(FabricSpec(width=length + 1, height=1))
    schedule = packets((0, length, 2, 0, 0), (length, 0, 1, 5, 0), (0, 900, 1, 9, 0))
    result = simulate(image, schedule)
    assert result.records.hops.tolist() == [length, length, 900]
    under_way = simulate(image, schedule, cycles=1300).records
    assert under_way.hops.tolist() == [1300 - 2, 1300 - 7, 900]


@pytest.mark.parametrize("watchdog", [2, 127, 128, 129, 255, 256, 257, 383, 384, 1000])
def test_cfg_4_the_watchdog_rises_after_exactly_so_many_cycles(watchdog: int) -> None:
    """A packet waits at LOCAL behind one that its receiver does not take."""
    image = xy_image(FabricSpec(width=2, height=1, watchdog=watchdog))
    never = StallPattern(threshold=2**32 - 1)
    schedule = packets(*[(0, 1, 1, 0, 0)] * 3)
    rose = [
        int(simulate(image, schedule, stalls=never, cycles=cycles).log.counters.watchdog[1])
        for cycles in (watchdog + 4, watchdog + 5)
    ]
    assert rose == [0, 1]
    for cycles in (watchdog + 4, watchdog + 5):
        log = simulate(image, schedule, stalls=never, cycles=cycles).log
        assert_same_log(log, naive_log(image, schedule, never, cycles))


@pytest.mark.parametrize("vcs", [1, 4])
def test_cfg_4_counters_go_on_beyond_a_byte(vcs: int) -> None:
    image = xy_image(FabricSpec(width=3, height=1, vcs=vcs), spread_vcs=True)
    rng = draws(1, 0, 3000)
    rows = [(int(a), int(b), 1, n, 0) for n, (a, b) in enumerate(below(rng, 3).reshape(-1, 2))]
    schedule, half = packets(*rows), StallPattern(threshold=2**31 + 2**30)
    log = simulate(image, schedule, stalls=half).log
    assert log.counters.moved.max() > 256
    assert log.counters.stalled.max() > 512
    assert_same_log(log, naive_log(image, schedule, half, log.cycles))


def test_idle_threads_meet_and_end() -> None:
    """A run that mostly skips cycles, and one that ends at once."""
    image = xy_image(FabricSpec(width=3, height=4))
    schedule = packets((0, 11, 3, 0, 5), (11, 0, 1, 900_000, 0))
    assert_same_result(simulate(image, schedule, threads=4), simulate(image, schedule))
    assert simulate(image, packets(), threads=4).finished
    assert threading.active_count() < 5


def test_a_change_in_any_file_of_the_engine_is_compiled_anew(tmp_path: Path) -> None:
    """The cache would otherwise go on with old code (CONTRIBUTING.md)."""
    kernel = importlib.import_module("model.engine.kernel")
    before = kernel.source_sum()
    folder = Path(kernel.__file__).parent
    for file in folder.glob("*.py"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert kernel.source_sum(tmp_path) == before
    with (tmp_path / "router.py").open("a") as text:
        text.write("\n")
    assert kernel.source_sum(tmp_path) != before


def test_a_second_start_finds_the_compiled_engine(tmp_path: Path) -> None:
    code = (
        "import time\nfrom model.engine import simulate\nfrom tests.images import xy_image\n"
        "from tests.schedules import packets\nfrom model.spec import FabricSpec\n"
        "image, schedule = xy_image(FabricSpec(width=2, height=2)), packets((0, 3, 1, 0))\n"
        "started = time.perf_counter()\nsimulate(image, schedule)\n"
        "print(time.perf_counter() - started)\n"
    )
    env = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    seconds = [
        float(subprocess.run([sys.executable, "-c", code], env=env, check=True, text=True,
                             capture_output=True).stdout)
        for _ in range(2)
    ]  # fmt: skip
    assert seconds[1] < seconds[0] / 2


def test_many_entries_and_wide_rows_have_their_classes() -> None:
    """A tile with 64 entries on a fabric of several parts."""
    rng = np.random.default_rng(3)
    spec = FabricSpec(width=40, height=3, route_entries=64, vcs=2)
    image = xy_image(spec)
    edges = np.sort(rng.integers(0, spec.width, (spec.tiles, 60, 2)))
    image.routes[:, 4:]["valid"] = 1
    image.routes["x_lo"][:, 4:], image.routes["x_hi"][:, 4:] = edges[..., 0], edges[..., 1]
    image.routes["y_hi"][:, 4:], image.routes["to"][:, 4:] = spec.height - 1, Port.EAST
    image.routes["from_ports"][:, 4:], image.routes["vcs"][:, 4:] = 31, 3
    image.routes[:] = np.roll(image.routes, 60, axis=1)
    schedule = packets(*((int(a), int(b), 2, n, 0) for n, (a, b) in enumerate(
        rng.integers(0, spec.tiles, (300, 2)))))  # fmt: skip
    log = simulate(image, schedule, cycles=400).log
    assert_same_log(log, naive_log(image, schedule, StallPattern(), 400))

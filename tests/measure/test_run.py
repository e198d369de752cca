"""Runs that warm up, are measured and drain; links and buffers."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest

from model.compile import compile_wafer
from model.defects import bernoulli
from model.engine import RecordBlock, simulate
from model.engine import run as engine_run
from model.engine.run import Simulation
from model.errors import InputError
from model.image import ConfigImage
from model.measure import LinkUse, Meter, measure, write_ports
from model.measure.run import settle
from model.measure.timeline import PACKETS, Timeline
from model.runlog import Counters
from model.spec import FabricSpec, Port
from model.traffic import make_schedule
from model.wafer import WaferMap
from tests.images import random_image, random_schedule, random_stalls
from tests.measure.blocks import block_of

SHORT = {"warm_up": 500, "cycles": 2000}


@pytest.fixture(scope="module")
def mesh() -> ConfigImage:
    return compile_wafer(WaferMap.perfect(4, 4))


def test_mea_1_measured_packets_are_those_offered_in_the_measured_cycles(mesh: ConfigImage) -> None:
    found = measure(mesh, load=0.2, seed=3, **SHORT)
    schedule = make_schedule(mesh, load=0.2, cycles=5000, seed=3)
    within = (schedule.offered >= 500) & (schedule.offered < 2500)
    assert found["measured"] == found["delivered"] == within.sum()
    assert found["complete"]
    assert not found["saturated"]
    assert 2500 < found["cycles"] <= 2500 + 256


def test_mea_1_traffic_goes_on_while_measured_packets_drain(mesh: ConfigImage) -> None:
    # Near saturation packets of the last cycles meet as many others as those before them. In a
    # run whose traffic ends with the measured cycles they are faster.
    load = 0.75
    found = measure(mesh, load=load, **SHORT)
    assert found["complete"]
    schedule = make_schedule(mesh, load=load, cycles=2500)
    records = simulate(mesh, schedule, record_events=False).records
    longer = make_schedule(mesh, load=load, cycles=4500)
    in_traffic = simulate(mesh, longer, record_events=False).records
    last = np.flatnonzero((schedule.offered >= 500) & (schedule.offered < 2500))
    means = [
        float((run.delivered_last[last] - schedule.offered[last]).mean())
        for run in (records, in_traffic)
    ]
    assert found["total_latency"]["mean"] == pytest.approx(means[1], abs=1e-3)
    assert means[0] < means[1]


def test_mea_1_beyond_saturation_the_run_ends_and_says_so(mesh: ConfigImage) -> None:
    found = measure(mesh, load=1.0, **SHORT)
    assert found["cycles"] == 4500
    assert (found["complete"], found["saturated"], found["steady"]) == (False, True, False)
    assert found["waiting"] + found["in_flight"] > 0
    assert found["fairness"]["starved"] > 0
    assert found["throughput"] < 0.9 * found["offered_load"]


def test_figures_do_not_depend_on_threads_and_tell_equal_runs(mesh: ConfigImage) -> None:
    def figures(**more: Any) -> dict[str, Any]:
        return measure(mesh, load=0.3, **SHORT, **more)

    assert figures() == figures(threads=2)
    assert figures() != figures(seed=2)


@pytest.mark.parametrize(("length", "load"), [(4, 0.5), (8, 0.8)])
def test_mea_3_source_queueing_is_that_of_a_queue_with_fixed_service(
    length: int, load: float
) -> None:
    # Two tiles that send to each other never wait for anything but their own stream: packets of
    # L flits that start in a cycle with probability p wait p L (L - 1) / 2 (1 - p L) cycles in the
    # mean (Geo/D/1, the discrete M/D/1).
    image = compile_wafer(WaferMap.perfect(2, 1))
    found = measure(image, load=load, length=str(length), warm_up=20_000, cycles=400_000)
    expected = load * (length - 1) / 2 / (1 - load)
    assert found["split"]["queueing"] == pytest.approx(expected, rel=0.05)
    half_width = found["total_latency"]["half_width"]
    total = expected + 1 + 3 + length - 1
    assert abs(found["total_latency"]["mean"] - total) < 2 * half_width
    assert half_width < 0.1 * total
    assert found["split"]["contention"] == 0


def test_mea_6_a_run_warms_up_for_as_long_as_it_takes(mesh: ConfigImage) -> None:
    given = {"warm_up": None, "cycles": 1000}
    assert measure(mesh, load=0.2, **given)["begin"] == 1000
    # One that never settles is measured all the same.
    never = measure(mesh, load=1.0, **given)
    assert (never["begin"], never["saturated"]) == (32_000, True)
    fixed = measure(mesh, load=0.2, warm_up=1000, cycles=1000)
    assert fixed == measure(mesh, load=0.2, **given)


class Told:
    """A run that shows one packet offered in every cycle, with these latencies."""

    def __init__(self, latency: Any) -> None:
        self.latency, self.cycle, self.taken, self.ended = np.asarray(latency), 0, 0, False

    @property
    def oldest(self) -> int:
        return self.taken

    def advance(self, until: int, stop: int) -> None:
        assert until == stop
        self.cycle = min(until, self.cycle + 700)

    def take(self) -> RecordBlock:
        offered = np.arange(self.taken, max(self.taken, self.cycle - 300))
        self.taken += len(offered)
        return block_of(offered=offered, accepted=offered + self.latency[offered])


@pytest.mark.parametrize(("transient", "begin"), [(0, 1000), (300, 1000), (3000, 8000)])
def test_mea_6_half_of_the_warm_up_at_least_has_settled(transient: int, begin: int) -> None:
    flat = 20 + np.random.default_rng(1).integers(0, 10, 40_000)
    latency = flat.copy()
    latency[:transient] += np.linspace(0, 300, transient).astype(int)[::-1]
    past = Timeline()
    assert settle(Told(latency), past) == begin
    assert past.rows[PACKETS].sum() == begin - 300
    assert settle(Told(flat + np.arange(40_000)), Timeline()) == 32_000


def test_bad_arguments_are_refused_in_one_line(mesh: ConfigImage) -> None:
    with pytest.raises(InputError, match="cycles is 10; allowed: "):
        measure(mesh, cycles=10)
    with pytest.raises(InputError, match="drain is -1; allowed: "):
        measure(mesh, drain=-1)


# Links and buffers ------------------------------------------------------------------------------


def test_mea_8_link_use_counts_every_flit_of_every_link_in_the_measured_cycles() -> None:
    image = compile_wafer(bernoulli(6, 5, tile_rate=0.1, link_rate=0.1, seed=3), vcs=2)
    load, end = 0.2, 2500
    found = measure(image, load=load, **SHORT)
    schedule = make_schedule(image, load=load, cycles=4500)
    trace = simulate(image, schedule, cycles=end, trace_window=(500, end)).trace
    assert trace is not None
    tile, port = trace[:, 1], trace[:, 3]
    counts = np.zeros((image.spec.tiles, 5))
    np.add.at(counts, (tile[port < 5], port[port < 5]), 1)
    use = counts[:, :4] / 2000
    assert (use[~image.out_ok] == 0).all()
    links = found["links"]
    assert links["links"] == image.out_ok.sum() < 2 * (5 * 5 + 6 * 4)
    assert links["mean"] == pytest.approx(use[image.out_ok].mean(), abs=1e-6)
    assert links["unused"] == (use[image.out_ok] == 0).sum()
    listed = [link["utilisation"] for link in links["busiest"]]
    assert listed == pytest.approx(np.sort(use.ravel())[::-1][: len(listed)], abs=1e-6)
    for link in links["busiest"]:
        tile = link["y"] * 6 + link["x"]
        assert link["utilisation"] == pytest.approx(use[tile, Port[link["port"]]], abs=1e-6)


def test_mea_8_counters_that_wrap_between_make_no_difference(mesh: ConfigImage) -> None:
    moved = np.zeros((16, 5), np.uint32)
    found = LinkUse(mesh, stretches=2)
    moved[5] = 2**32 - 10
    found.read(1000, moved)
    moved[5] = 30
    found.read(1100, moved, 0)
    moved[5] = 90
    found.read(1200, moved, 1)
    assert found.flits[:, 5].tolist() == [[40] * 5, [60] * 5]
    assert found.cycles.tolist() == [100, 100]
    assert found.utilisation()[5].tolist() == [0.5, 0.5, 0.5, 0.5]
    assert np.isnan(found.utilisation()[0, Port.NORTH])


def drive(image: ConfigImage, meter: Meter, load: float, cycles: int, stop: int) -> Simulation:
    """A run whose traffic ends after ``cycles``, measured; kept in a file after every look."""
    schedule = make_schedule(image, load=load, cycles=cycles)
    run = Simulation(image, schedule, record_events=False)
    while not run.finished and meter.stop_after(run.cycle) < stop:
        to = meter.stop_after(run.cycle)
        run.advance(to, to)
        meter.look(run)
        vars(meter).update(vars(pickle.loads(pickle.dumps(meter))))
    run.advance(stop, stop)
    meter.close(run, run.cycle)
    meter.packets.add(run.result().records)
    return run


def test_mea_8_stretches_add_up_to_the_whole(mesh: ConfigImage) -> None:
    whole, parts = Meter(mesh, 100, 1100), Meter(mesh, 100, 1100, stretches=3)
    for meter in (whole, parts):
        drive(mesh, meter, 0.3, 1200, 1200)
    assert whole.figures() == parts.figures()
    assert parts.links.cycles.tolist() == [333, 333, 334]
    assert parts.buffers.samples.tolist() == [21, 21, 20]
    assert (parts.links.flits.sum(axis=0) == whole.links.flits[0]).all()
    assert (parts.buffers.held.sum(axis=0) == whole.buffers.held[0]).all()
    assert parts.links.flits[0].any()
    assert (parts.links.flits[0] != parts.links.flits[1]).any()


def test_mea_8_a_fabric_that_is_empty_before_the_end_counts_as_empty(mesh: ConfigImage) -> None:
    busy, idle = Meter(mesh, 0, 500, stretches=2), Meter(mesh, 0, 1000, stretches=2)
    for meter in (busy, idle):
        run = drive(mesh, meter, 0.3, 480, 2000)
        assert run.finished
    assert idle.buffers.samples.tolist() == [31, 31]
    assert idle.links.cycles.tolist() == [500, 500]
    assert (idle.links.flits.sum(axis=0) == busy.links.flits.sum(axis=0)).all()
    mean = busy.figures()["buffers"]["mean"]
    assert idle.figures()["buffers"]["mean"] == pytest.approx(mean / 2, rel=0.1)


def test_mea_8_where_the_end_is_not_known_all_cycles_count(mesh: ConfigImage) -> None:
    meter = Meter(mesh)
    run = drive(mesh, meter, 0.3, 3000, 2**32)
    assert run.finished
    data = meter.figures()
    assert meter.links.cycles.tolist() == [run.cycle]
    assert (meter.links.flits[0] == run.counters().moved).all()
    assert data["buffers"]["samples"] == 12
    assert data["measured"] == data["delivered"] > 10_000
    assert data["offered_load"] == pytest.approx(0.3, rel=0.05)
    assert (data["begin"], data["end"]) == (0, run.cycle)
    with pytest.raises(ValueError, match="not known"):
        Meter(mesh).figures()


@pytest.mark.parametrize("part_tiles", [640, 6])
@pytest.mark.parametrize("vcs", [1, 2, 4])
def test_mea_8_buffers_are_seen_as_they_are_at_the_beginning_of_a_cycle(
    vcs: int, part_tiles: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(vcs)
    image = random_image(rng, FabricSpec(width=6, height=5, vcs=vcs, depth=3), noise=0.05)
    schedule, stalls = random_schedule(rng, image, 800, span=150), random_stalls(rng)
    window = (0, 200)
    seen = simulate(image, schedule, stalls=stalls, cycles=200, occupancy_window=window).occupancy
    assert seen is not None
    monkeypatch.setattr(engine_run, "PART_TILES", part_tiles)
    run = Simulation(image, schedule, stalls=stalls, record_events=False)
    total = 0
    for cycle in range(0, 200, 7):
        run.advance(cycle, cycle)
        assert (run.occupancy() == seen[cycle]).all()
        total += int(seen[cycle].sum())
    assert total > 100


class Held:
    """A run in which a buffer is full from some cycle on."""

    def __init__(self, image: ConfigImage, since: int) -> None:
        self.cycle, self.oldest, self.ended, self._since = 0, 0, False, since
        self._held = np.zeros((image.spec.tiles, 5, 1), np.uint8)
        self._depth, self._moved = image.spec.depth, Counters.zeros(image.spec.tiles)

    def counters(self) -> Counters:
        return self._moved

    def occupancy(self) -> Any:
        self._held[5, Port.EAST] = self._depth if self.cycle >= self._since else 0
        return self._held


@pytest.mark.parametrize("end", [4096, 100_000, None])
def test_mea_8_looks_weigh_what_they_stand_for_and_only_so_many_are_kept(
    mesh: ConfigImage, end: int | None
) -> None:
    cycles = end or 1_000_000
    meter, run = Meter(mesh, 0, end), Held(mesh, 3 * cycles // 4)
    looks = 0
    meter.look(run)
    while (stop := meter.stop_after(run.cycle)) < cycles:
        run.cycle, looks = stop, looks + 1
        meter.look(run)
    data = meter.buffers.figures()
    ports = np.count_nonzero(mesh.in_ok[:, Port.EAST])
    full = pytest.approx(0.25, rel=0.01)
    assert data["full_most"] == full
    assert data["fullest_mean"] / mesh.spec.depth == full
    assert data["by_port"]["EAST"]["full"] * ports == full
    assert data["by_port"]["EAST"]["mean"] * ports / mesh.spec.depth == full
    assert data["by_port"]["WEST"] == {"mean": 0, "full": 0}
    assert data["mean"] * (mesh.in_ok.sum() + 16) / mesh.spec.depth == full
    assert 128 <= len(data["over_time"]) <= 256
    assert looks <= 256 + 128 * 4
    steps = np.diff([cycle for cycle, _ in data["over_time"]])
    assert steps.max() - steps.min() <= 1


def test_mea_8_buffers_are_no_fuller_than_flits_need_by_littles_law() -> None:
    # Flits in buffers = rate x time in buffers; the NI's queues hold the rest of a packet's time.
    image = compile_wafer(WaferMap.perfect(5, 5))
    found = measure(image, load=0.3, warm_up=1000, cycles=20_000)
    held = np.mean([flits for _, flits in found["buffers"]["over_time"]])
    in_buffers = found["latency"]["mean"] - 2  # one cycle in each NI queue, at the least
    assert held == pytest.approx(found["throughput"] * 25 * in_buffers, rel=0.03)


def test_mea_8_the_file_of_ports_holds_what_was_added_up(tmp_path: Path) -> None:
    image = compile_wafer(bernoulli(6, 5, tile_rate=0.1, link_rate=0.1, seed=3), vcs=2)
    meter = Meter(image, 100, 1100, stretches=4)
    drive(image, meter, 0.15, 1200, 1200)
    write_ports(image, meter, tmp_path / "ports.parquet")
    file = pyarrow.parquet.ParquetFile(tmp_path / "ports.parquet")
    rows = file.read().to_pylist()
    assert file.num_row_groups == 4
    assert sorted({(row["begin"], row["end"]) for row in rows}) == [
        (100, 350), (350, 600), (600, 850), (850, 1100),
    ]  # fmt: skip
    outputs = [row for row in rows if row["flits"] is not None]
    assert len(outputs) == 4 * (image.out_ok.sum() + (image.live & image.core_ok).sum())
    assert sum(row["flits"] for row in outputs) == meter.links.flits.sum()
    inputs = [row for row in rows if row["held"] is not None]
    held, full = (
        sum((sums.sum(axis=(1, 2, 3)) / meter.buffers.samples).tolist())
        for sums in (meter.buffers.held, meter.buffers.full)
    )
    assert sum(row["held"] for row in inputs) == pytest.approx(held)
    assert sum(row["full"] for row in inputs) * 2 == pytest.approx(full)
    for row in rows[::97]:
        tile, port = row["y"] * 6 + row["x"], Port[row["port"].upper()]
        stretch = (row["begin"] - 100) // 250
        if row["flits"] is not None:
            assert row["flits"] == meter.links.flits[stretch, tile, port]
            assert row["utilisation"] == row["flits"] / 250
    assert any(row["flits"] is None for row in rows)

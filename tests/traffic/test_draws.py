"""When packets start and how long they are; streams and schedules are the same packets."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from model.errors import InputError
from model.image import ConfigImage
from model.random import GOLDEN, draws, mix64
from model.schedule import PacketSchedule
from model.traffic import PATTERNS, collect, make, make_schedule, parse_lengths
from model.traffic.starts import bursts, starts
from model.traffic.stream import COLUMNS, ScheduleStream, join, part, regroup
from tests.traffic.meshes import hosted, mesh, meshes, stream

OFTEN = settings(max_examples=60, deadline=None, derandomize=True)


def same(a: PacketSchedule, b: PacketSchedule) -> bool:
    """Equal in every column, types included."""
    columns = [(getattr(a, name), getattr(b, name)) for name in COLUMNS]
    return all(one.dtype == two.dtype and np.array_equal(one, two) for one, two in columns)


# Starts -------------------------------------------------------------------------------------------


@OFTEN
@given(
    seed=st.integers(0, 2**32),
    limits=st.lists(st.integers(0, 2**32), min_size=1, max_size=6),
    first=st.integers(0, 1000),
)
def test_bernoulli_starts_are_the_numbers_of_the_definition(
    seed: int, limits: list[int], first: int
) -> None:
    base, limit = draws(seed, 0, len(limits)), np.array(limits, np.uint64)
    cycles = np.arange(first, first + 50, dtype=np.uint64)
    numbers = mix64(base[None, :] + cycles[:, None] * np.uint64(GOLDEN)) >> np.uint64(32)
    wanted = np.argwhere(numbers < limit[None, :]) + np.array([first, 0])
    found = np.stack(starts(base, limit, first, first + 50), axis=1)
    assert np.array_equal(found, wanted)


def walked(seed: int, duty: float, length: float, cycles: int) -> np.ndarray:
    """On or off in every cycle, by the definition, one source."""
    numbers = mix64(draws(seed, 1, 1) + np.arange(cycles, dtype=np.uint64) * np.uint64(GOLDEN))
    on = (draws(seed, 2, 1)[0] >> np.uint64(32)) < round(duty * 2**32)
    enter = 1.0 if duty == 1 else duty / (1 - duty) / length
    states = []
    for number in (numbers >> np.uint64(32)).tolist():
        states.append(on)
        if duty < 1:
            on = number >= round(2**32 / length) if on else number < round(enter * 2**32)
    return np.array(states)


@OFTEN
@given(
    seed=st.integers(0, 2**32),
    duty=st.floats(0, 1),
    length=st.floats(1, 50),
    cut=st.integers(1, 99),
)
def test_bursts_are_the_chain_of_the_definition_however_cycles_are_cut(
    seed: int, duty: float, length: float, cut: int
) -> None:
    assume(duty == 1 or duty / (1 - duty) <= length)
    always = np.array([2**32], np.uint64)
    one = np.array([duty])
    state = bursts(draws(seed, 1, 1), draws(seed, 2, 1), one, length)
    found = [starts(draws(seed, 0, 1), always, *span, state)[0] for span in ((0, cut), (cut, 100))]
    wanted = np.flatnonzero(walked(seed, duty, length, 100))
    assert np.concatenate(found).tolist() == wanted.tolist()


@pytest.mark.parametrize(("load", "burst", "peak"), [(0.1, 20.0, None), (0.3, 8.0, 0.5)])
def test_bursts_keep_the_mean_load_and_have_the_length_and_the_peak_asked_for(
    load: float, burst: float, peak: float | None
) -> None:
    image, cycles = mesh(10, 10), 20_000
    schedule = make_schedule(image, load=load, cycles=cycles, burst=burst, peak=peak, seed=5)
    assert len(schedule) / (100 * cycles) == pytest.approx(load, rel=0.03)
    sent = np.zeros((100, cycles), np.bool_)
    sent[schedule.source, schedule.offered] = True
    if peak is None:  # while on, every cycle starts a packet: bursts show
        ends = np.count_nonzero(sent[:, :-1] & ~sent[:, 1:])
        assert sent.sum() / ends == pytest.approx(burst, rel=0.03)
    after = sent[:, 1:][sent[:, :-1]].mean()  # still on, and starts again
    assert after == pytest.approx((1 - 1 / burst) * (peak or 1.0), rel=0.03)


def test_bursty_traffic_is_burstier_than_bernoulli() -> None:
    def spread(**fields: Any) -> float:
        schedule = make_schedule(mesh(6, 6), load=0.1, cycles=20_000, **fields)
        counts = np.bincount(schedule.source * 200 + schedule.offered // 100, minlength=7200)
        return float(counts.var() / counts.mean())

    assert spread() == pytest.approx(0.9, abs=0.1)
    assert spread(burst=50.0) > 10


def test_sources_with_rates_keep_their_peak_and_have_their_own_share_of_time() -> None:
    rates = np.array([0.0, 1.0, 2.0, 10.0])
    schedule = make_schedule(mesh(4, 1), load=0.1, cycles=50_000, burst=10.0, rates=rates)
    assert np.bincount(schedule.source, minlength=4) / 50_000 == pytest.approx(rates / 10, rel=0.06)


# Lengths ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "shares"),
    [
        ("3", {3: 1.0}),
        ("2-4", {2: 1 / 3, 3: 1 / 3, 4: 1 / 3}),
        ("1:0.8,5:0.2", {1: 0.8, 5: 0.2}),
        ("1:.8,5:.2", {1: 0.8, 5: 0.2}),
        ("1:3,4-5:1", {1: 0.75, 4: 0.125, 5: 0.125}),
    ],
)
def test_lengths_come_in_their_shares(text: str, shares: dict[int, float]) -> None:
    lengths = parse_lengths(text, 64)
    found = np.bincount(lengths.draw(draws(1, 1, 40_000))) / 40_000
    wanted = np.array([shares.get(n, 0.0) for n in range(len(found))])
    assert found == pytest.approx(wanted, abs=0.01)
    assert not found[wanted == 0].any()
    assert lengths.mean == pytest.approx(sum(n * share for n, share in shares.items()))


@pytest.mark.parametrize(
    "text", ["", "x", "0", "65", "3-2", "1:1", "1,2", "1:0,2:1", "1:1,65:1", "1:1,", "1:-1,2:1"]
)
def test_bad_lengths_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"^length is '.*'; allowed: N or LOW-HIGH, from 1 to 64"):
        parse_lengths(text, 64)


# Streams ------------------------------------------------------------------------------------------


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    image=meshes(),
    pattern=st.sampled_from(PATTERNS),
    load=st.sampled_from([0.0, 0.02, 0.3, 1.0]),
    length=st.sampled_from(["1", "1-4", "1:0.9,7:0.1"]),
    burst=st.sampled_from([None, None, 40.0]),
    limit=st.sampled_from([{"cycles": 200}, {"packets": 90}]),
    block=st.integers(1, 400),
    first=st.integers(0, 120),
)
def test_eng_3_a_stream_is_its_schedule_however_it_is_cut_and_wherever_it_begins(
    image: ConfigImage,
    block: int,
    first: int,
    burst: float | None,
    limit: dict[str, int],
    **fields: Any,
) -> None:
    def made(most: int, begin: int) -> PacketSchedule | str:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(make, "BLOCK", most)
            try:
                source = stream(image, seed=7, burst=burst, **limit, **fields)
                return join(source.blocks(begin))
            except InputError as error:
                return str(error)

    whole = made(2**21, 0)
    cut = made(block, first)
    if isinstance(whole, str) or isinstance(cut, str):
        assert whole == cut
        return
    assert same(cut, part(whole, slice(first, None)))
    assert (np.diff(whole.offered) >= 0).all()
    assert {*whole.source.tolist(), *whole.destination.tolist()} <= hosted(image)


@OFTEN
@given(st.lists(st.integers(0, 9), max_size=8), st.integers(1, 12))
def test_regrouped_blocks_have_the_same_packets_in_equal_pieces(
    sizes: list[int], rows: int
) -> None:
    whole = make_schedule(mesh(3, 3), load=1.0, cycles=20)
    ends = np.cumsum([0, *sizes])
    blocks = [part(whole, slice(a, b)) for a, b in pairwise(ends)]
    found = list(regroup(blocks, rows))
    assert all(len(block) == rows for block in found[:-1])
    assert all(0 < len(block) <= rows for block in found[-1:])
    assert same(join(found), part(whole, slice(sum(sizes))))


def test_a_schedule_in_memory_is_a_stream_of_its_packets() -> None:
    whole = make_schedule(mesh(3, 3, 4), pattern="transpose", load=1.0, cycles=20)
    source = ScheduleStream(whole)
    assert same(collect(source), whole)
    assert same(join(source.blocks(7)), part(whole, slice(7, None)))
    assert list(source.blocks(len(whole))) == []
    assert collect(source).silent_sources == whole.silent_sources


# Hot tiles ----------------------------------------------------------------------------------------


def test_hot_tiles_get_their_shares_and_send_like_the_others() -> None:
    image = mesh(6, 6, 35)
    spots = ((3, 0.3), (20, 0.1))
    schedule = make_schedule(image, pattern="hotspot", hotspots=spots, load=1.0, cycles=4000)
    cold = ~np.isin(schedule.source, (3, 20))
    for tile, share in spots:
        found = (schedule.destination[cold] == tile).mean()
        assert found == pytest.approx(share + 0.6 / 34, abs=0.01)
    from_hot = schedule.destination[schedule.source == 3]
    assert not (from_hot == 3).any()
    assert (from_hot == 20).mean() == pytest.approx(0.1 + 0.9 / 34, abs=0.02)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"hotspots": ((1, 0.1),)}, "hotspots is given with uniform; allowed: with hotspot"),
        ({"pattern": "hotspot", "hotspots": ((3, 0.1),)}, "hotspots[0] is 3; allowed: a hosted"),
        ({"pattern": "hotspot", "hotspots": ((1, 1.5),)}, "hotspot share is 1.5; allowed: a num"),
        (
            {"pattern": "hotspot", "hotspots": ((1, 0.6), (2, 0.6))},
            "hotspot shares are 1.2 together; allowed: at most 1",
        ),
        ({"peak": 0.5}, "peak is 0.5; allowed: with burst"),
        ({"burst": 0.5}, "burst is 0.5; allowed: from 1 on, with this load and peak"),
        ({"burst": float("nan")}, "burst is nan; allowed: from 1 on"),
        ({"burst": 2.0, "load": 0.9}, "burst is 2.0; allowed: from 9 on, with this load and peak"),
        ({"burst": 20.0, "peak": 0.05}, "peak is 0.05; allowed: a number from 0.1 to 1"),
        ({"burst": 20.0, "peak": 1.5}, "peak is 1.5; allowed: a number from 0.1 to 1"),
        ({"burst": 9.0, "pattern": "stencil5"}, "burst is given with stencil5; allowed: with uni"),
        ({"rates": np.ones(4), "pattern": "allreduce"}, "rates is given with allreduce; allowed"),
    ],
)
def test_arguments_out_of_range_are_refused(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as caught:
        make_schedule(mesh(2, 2, 3), cycles=10, **fields)
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_phase_pattern_without_a_message_sends_nothing() -> None:
    image = mesh(3, 3, *range(1, 9))
    schedule = make_schedule(image, pattern="stencil5", cycles=100)
    assert len(schedule) == 0
    assert schedule.silent_sources == 1
    with pytest.raises(InputError, match="packets is 5; allowed: at most 0 as no hosted pair"):
        make_schedule(image, pattern="stencil5", packets=5)

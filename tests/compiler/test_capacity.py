"""The capacity bound against HiGHS, hand-made cases, cuts, and a second shortest-path program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import model.capacity as capacity_module
from model.capacity import Capacity, FlowProblem, capacity
from model.capacity.balance import balanced
from model.capacity.certificate import lower_bound, upper_bound
from model.capacity.exact import exact_capacity
from model.defects import bernoulli
from model.errors import InputError
from model.graph import LinkGraph
from model.routing.routable import largest_two_way_part
from model.spec import Port
from model.wafer import WaferMap

GAP = 0.02


def problem(wafer: WaferMap) -> FlowProblem:
    graph = LinkGraph.from_wafer(wafer)
    return FlowProblem.build(graph, np.flatnonzero(largest_two_way_part(graph) & graph.core_ok))


def of(wafer: WaferMap, method: capacity_module.Method = "bounds", gap: float = GAP) -> Capacity:
    graph = LinkGraph.from_wafer(wafer)
    hosts = np.flatnonzero(largest_two_way_part(graph) & graph.core_ok).astype(np.int32)
    return capacity(graph, hosts, method=method, gap=gap, keep=False)


def holds(bounds: Capacity, exact: float) -> bool:
    """What a bound claims is true of the exact value, and close."""
    inside = bounds.lower <= exact * (1 + 1e-7) and exact <= bounds.upper * (1 + 1e-7)
    return inside and bounds.upper <= bounds.lower * (1 + GAP + 1e-9)


def cut_bound(asked: FlowProblem, side: npt.NDArray[np.bool_]) -> float:
    """Links that leave a set of tiles over the demand that must."""
    links = int((side[asked.tail] & ~side[asked.head]).sum())
    here = side[asked.hosts]
    demand = float(asked.demand[np.ix_(here, ~here)].sum())
    return links / demand if demand > 0 else np.inf


def test_fault_free_8x8_is_63_of_128() -> None:
    assert of(WaferMap.perfect(8, 8), "exact").lower == pytest.approx(63 / 128, rel=1e-9)
    assert holds(of(WaferMap.perfect(8, 8)), 63 / 128)


def test_fault_free_16x16_is_between_the_bounds() -> None:
    assert holds(of(WaferMap.perfect(16, 16)), 255 / 1024)


@pytest.mark.parametrize("rates", [(0.03, 0.01), (0.12, 0.06)])
@pytest.mark.parametrize("seed", range(1, 9))
def test_bounds_hold_the_linear_program(rates: tuple[float, float], seed: int) -> None:
    side = 8 if seed == 1 else 6
    wafer = bernoulli(side, side, tile_rate=rates[0], link_rate=rates[1], seed=seed)
    exact = of(wafer, "exact").lower
    found = of(wafer)
    assert holds(found, exact)
    assert holds(of(wafer, gap=0.005), exact)
    # The same check sees bounds that are wrong, or too far apart.
    assert not holds(Capacity(lower=found.lower, upper=exact * 0.999, method="bounds"), exact)
    assert not holds(Capacity(lower=exact * 1.001, upper=found.upper, method="bounds"), exact)
    assert not holds(Capacity(lower=exact * 0.98, upper=exact * 1.01, method="bounds"), exact)


@pytest.mark.parametrize("seed", range(3))
def test_random_demands_agree_with_the_linear_program(seed: int) -> None:
    random = np.random.default_rng(seed)
    graph = LinkGraph.from_wafer(bernoulli(6, 5, tile_rate=0.1, link_rate=0.05, seed=seed))
    hosts = np.flatnonzero(largest_two_way_part(graph)).astype(np.int32)
    demand = random.exponential(size=(len(hosts),) * 2) * (random.random((len(hosts),) * 2) < 0.3)
    exact = capacity(graph, hosts, demand, method="exact", keep=False).lower
    assert holds(capacity(graph, hosts, demand, method="bounds", keep=False), exact)


def test_a_bridge_is_the_bottleneck() -> None:
    # Two blocks of 3 x 3 joined by one pair of links: 9 x 9 / 17 flits cross it per unit of load.
    wafer = WaferMap.perfect(6, 3)
    for y in (0, 2):
        wafer.dead_link[y * 6 + 2, Port.EAST] = wafer.dead_link[y * 6 + 3, Port.WEST] = True
    assert of(wafer, "exact").upper == pytest.approx(17 / 81, rel=1e-9)
    assert holds(of(wafer), 17 / 81)


def test_a_link_dead_in_one_direction_binds_that_direction_only() -> None:
    # A ring of 2 x 2 that can only be taken clockwise: 6 hops to serve 3 destinations, 4 links.
    wafer = WaferMap.perfect(2, 2)
    counter = [(1, Port.WEST), (3, Port.NORTH), (2, Port.EAST), (0, Port.SOUTH)]
    for tile, port in counter:
        wafer.dead_link[tile, port] = True
    graph = LinkGraph.from_wafer(wafer)
    hosts = np.arange(4, dtype=np.int32)
    for method in ("exact", "bounds"):
        found = capacity(graph, hosts, method=method, keep=False)
        assert found.lower == pytest.approx(0.5, rel=0.02)
        assert found.upper == pytest.approx(0.5, rel=0.02)


def test_local_links_bind_where_all_send_to_one() -> None:
    graph = LinkGraph.from_wafer(WaferMap.perfect(3, 3))
    hosts = np.arange(9, dtype=np.int32)
    demand = np.zeros((9, 9))
    demand[:, 4] = 1.0
    for method in ("exact", "bounds"):
        found = capacity(graph, hosts, demand, method=method, keep=False)
        assert found.lower == pytest.approx(1 / 9, rel=0.02)
        assert found.upper == pytest.approx(1 / 9)


def test_a_demanded_pair_without_a_path_has_no_capacity() -> None:
    wafer = WaferMap.perfect(2, 1)
    wafer.dead_link[1, Port.WEST] = True
    graph = LinkGraph.from_wafer(wafer)
    hosts = np.arange(2, dtype=np.int32)
    assert capacity(graph, hosts, keep=False).upper == 0
    assert exact_capacity(FlowProblem.build(graph, hosts)) == 0
    one_way = np.array([[0.0, 0.5], [0.0, 0.0]])
    for method in ("exact", "bounds"):
        found = capacity(graph, hosts, one_way, method=method, keep=False)
        assert found.lower == pytest.approx(2.0) == found.upper


@pytest.mark.parametrize("seed", range(1, 5))
def test_no_cut_is_below_the_lower_bound(seed: int) -> None:
    asked = problem(bernoulli(16, 16, tile_rate=0.12, link_rate=0.06, seed=seed))
    length, flow, _ = balanced(asked, GAP)
    lower, upper = lower_bound(asked, flow), upper_bound(asked, length)
    assert lower <= upper <= lower * (1 + GAP + 1e-9)
    y, x = np.divmod(np.arange(256), 16)
    sides = [axis < k for axis in (x, y, x + y, x - y + 15) for k in range(1, 31)]
    sides += [~side for side in sides]
    # Tiles near to each other in the lengths of the bound: the cuts that ought to be tight.
    random = np.random.default_rng(seed)
    sides += [(abs(x - a) + abs(y - b)) < r for a, b, r in random.integers(0, 16, (100, 3))]
    tightest = min(cut_bound(asked, side) for side in sides)
    assert lower <= tightest
    assert tightest < 3 * upper  # the cuts say something


def test_any_lengths_bound_but_only_positive_ones_are_taken() -> None:
    asked = problem(WaferMap.perfect(6, 6))
    exact = exact_capacity(asked)
    random = np.random.default_rng(1)
    for _ in range(20):
        assert upper_bound(asked, random.random(asked.links) + 1e-6) >= exact
    with pytest.raises(AssertionError):
        upper_bound(asked, np.zeros(asked.links))


def test_flows_that_lose_or_invent_flits_are_refused() -> None:
    asked = problem(bernoulli(6, 6, tile_rate=0.1, link_rate=0.05, seed=2))
    _, flow, _ = balanced(asked, GAP)
    assert lower_bound(asked, flow) > 0
    goal, link = np.unravel_index(flow.argmax(), flow.shape)
    lost = flow.copy()
    lost[goal, link] *= 0.9
    with pytest.raises(AssertionError, match="does not add up"):
        lower_bound(asked, lost)
    with pytest.raises(AssertionError, match="negative"):
        lower_bound(asked, flow - 1)


def test_equal_problems_give_equal_numbers_and_other_problems_other_names() -> None:
    wafer = bernoulli(10, 10, tile_rate=0.12, link_rate=0.06, seed=3)
    assert of(wafer) == of(wafer)
    first = problem(wafer)
    assert first.digest() == problem(wafer).digest()
    wafer.dead_link[55, :] = True
    assert first.digest() != problem(wafer).digest()


def test_a_result_is_kept_and_found_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity_module, "CACHE", tmp_path)
    graph = LinkGraph.from_wafer(WaferMap.perfect(4, 4))
    hosts = np.arange(16, dtype=np.int32)
    found = capacity(graph, hosts)
    assert len(list((tmp_path / "capacity").iterdir())) == 1
    monkeypatch.setattr(capacity_module, "_solve", None)
    assert capacity(graph, hosts) == found
    with pytest.raises(TypeError):  # another problem is not found
        capacity(graph, hosts[:-1])


def test_bad_arguments_are_refused_in_one_line() -> None:
    graph = LinkGraph.from_wafer(bernoulli(3, 3, tile_rate=0.2, seed=4))
    live = np.flatnonzero(graph.live).astype(np.int32)
    with pytest.raises(InputError, match="hosts is 1 tiles; allowed: 2 or more"):
        capacity(graph, live[:1])
    with pytest.raises(InputError, match="hosts is"):
        capacity(graph, live[::-1])
    with pytest.raises(InputError, match="hosts is"):
        capacity(graph, np.arange(9, dtype=np.int32))
    with pytest.raises(InputError, match="demand has shape"):
        capacity(graph, live, np.ones((2, 2)))
    with pytest.raises(InputError, match="demand is from"):
        capacity(graph, live, np.zeros((len(live), len(live))))
    with pytest.raises(InputError, match="gap is 0; allowed"):
        capacity(graph, live, gap=0)
    guess: Any = "guess"
    with pytest.raises(InputError, match="method is 'guess'; allowed: auto, exact, bounds"):
        capacity(graph, live, method=guess)

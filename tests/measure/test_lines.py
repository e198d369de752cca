"""What people are told of a measured run."""

from __future__ import annotations

from typing import Any

import pytest

from model.compile import compile_wafer
from model.image import ConfigImage
from model.measure import measure
from model.wafer import WaferMap
from tools.measured import measured_lines


@pytest.fixture(scope="module")
def image() -> ConfigImage:
    return compile_wafer(WaferMap.perfect(4, 4))


def lines(image: ConfigImage, load: float, **more: Any) -> dict[str, str]:
    return dict(measured_lines(measure(image, load=load, warm_up=500, cycles=2000, **more)))


def test_a_steady_run_is_told_in_full(image: ConfigImage) -> None:
    told = lines(image, 0.2)
    assert told["measured"].startswith("cycles 500 to 2,500, ")
    assert told["measured"].endswith(" delivered")
    assert told["offered load"].endswith(" flits per hosted tile and cycle")
    assert " ± " in told["with queueing"]
    assert told["of which"].startswith("source") or told["of which"].startswith("queueing 0.00, ")
    assert told["fairness"].startswith("1.000 (Jain), the worst source got 100.0 % in, mean by")
    assert told["links"].count(") ") == 3
    assert told["buffers"].startswith("mean 0.")
    assert told["verdict"].startswith("steady")


def test_a_saturated_run_says_what_is_wrong(image: ConfigImage) -> None:
    told = lines(image, 1.0)
    assert "waiting" in told["measured"]
    assert told["verdict"].startswith("saturated; measured packets had not ended: latencies are ")
    assert "sources are starved" in told["verdict"]


def test_a_run_without_packets_has_no_latency(image: ConfigImage) -> None:
    told = lines(image, 0.0)
    assert told["measured"] == "cycles 500 to 2,500, 0 packets"
    assert not {"latency", "with queueing", "of which", "fairness"} & set(told)
    assert told["verdict"] == "steady"

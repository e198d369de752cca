"""Compiled images of several VCs, with turns of their own and VC rules, on engine and RTL."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.compile import CompileOptions, compile_wafer
from model.defects import bernoulli
from model.proof import prove
from model.schedule import NO_STALLS
from model.traffic import make_schedule
from tests.image_checker import complaints
from verif.campaign import run_case
from verif.cases import Case
from verif.compiled_image import add_vc_rules, routing_evidence
from verif.parameter_sets import PARAMETER_SETS, ParameterSet

OF_4_VCS, OF_2_VCS = PARAMETER_SETS[16], PARAMETER_SETS[8]


def layered(parameters: ParameterSet, seed: int) -> Case:
    """A defective wafer, searched for turns of two layers, with VC rules and traffic."""
    wafer = bernoulli(6, 6, tile_rate=0.06, core_rate=0.03, link_rate=0.03, seed=seed)
    sizes = {name: getattr(parameters, name) for name in ("vcs", "depth", "payload_width")}
    image = compile_wafer(wafer, CompileOptions(effort="best"), **sizes)
    add_vc_rules(np.random.default_rng(seed), image)
    prove(image)
    assert complaints(image, wafer) == []
    return Case(
        seed=seed,
        image=image,
        schedule=make_schedule(image, load=0.3, length="1-4", packets=900, seed=seed),
        stalls=replace(NO_STALLS, threshold=2**30, seed=seed),
        netlist=parameters.netlist(),
        via_bus=bool(seed % 2),
        threads=1,
        summary={"compiled": True, **routing_evidence(image)},
    )


@pytest.mark.parametrize("parameters", [OF_2_VCS, OF_4_VCS], ids=["2 VCs", "4 VCs"])
def test_tbl_2_rmp_2_other_turns_in_other_vcs_and_rules_run_alike_on_engine_and_rtl(
    parameters: ParameterSet,
) -> None:
    outcomes = [run_case(layered(parameters, seed)) for seed in (3, 4, 5)]
    assert [outcome.failure for outcome in outcomes] == ["", "", ""]
    assert any(outcome.drawn["layers"] == 2 for outcome in outcomes)
    assert all(outcome.drawn["vc_rules"] > 9 for outcome in outcomes)
    assert all(outcome.delivered == outcome.packets == 900 for outcome in outcomes)

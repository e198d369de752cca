"""Corrupted images: the checker names what is wrong with each, loader and proof what they must."""

from __future__ import annotations

import copy

import pytest

from model.compile import CompileOptions, compile_wafer
from model.defects import bernoulli
from model.errors import InputError
from model.image import ConfigImage
from model.image_file import image_to_json, image_to_npz, parse_image
from model.proof import prove
from model.spec import Port
from model.wafer import WaferMap, inside
from tests.compiler import corrupt_fabric, corrupt_tables
from tests.compiler.corruption import CORNER, CORRUPTIONS, SIDE, Corruption
from tests.image_checker import complaints, sampled_complaints

Good = tuple[dict[int, ConfigImage], WaferMap]


@pytest.fixture(scope="module")
def good() -> Good:
    """Images with 1 and 2 VCs of a wafer with every kind of defect and one core cut off."""
    wafer = bernoulli(SIDE, SIDE, tile_rate=0.08, core_rate=0.05, link_rate=0.06, seed=5)
    wafer.state[CORNER] = 0
    wafer.dead_link[CORNER] = inside(SIDE, SIDE)[CORNER]
    wafer.dead_link[CORNER - SIDE, Port.SOUTH] = True
    wafer.dead_link[CORNER - 1, Port.EAST] = False
    assert {int(kind) for kind in wafer.state} == {0, 1, 2}
    options = CompileOptions(spares=1)
    return {vcs: compile_wafer(wafer, options, vcs=vcs) for vcs in (1, 2)}, wafer


def test_tbl_4_the_good_images_are_accepted_by_loader_proof_and_checker(good: Good) -> None:
    images, wafer = good
    for image in images.values():
        assert parse_image(image_to_json(image).encode()).report == image.report
        prove(image)
        assert complaints(image, wafer) == []
        assert image.report["cut_off"] == 1


def test_there_are_more_than_twenty_kinds_of_corruption() -> None:
    assert {each.spoil.__module__ for each in CORRUPTIONS} == {
        corrupt_fabric.__name__,
        corrupt_tables.__name__,
    }
    assert len({each.name for each in CORRUPTIONS}) == len(CORRUPTIONS) > 20


@pytest.mark.parametrize("vcs", [1, 2])
@pytest.mark.parametrize("case", CORRUPTIONS, ids=lambda case: case.name)
def test_the_checker_rejects_a_corrupted_image(good: Good, case: Corruption, vcs: int) -> None:
    images, wafer = good
    image = copy.deepcopy(images[max(vcs, case.least_vcs)])
    case.spoil(image)
    found = complaints(image, wafer)
    assert any(text.startswith(f"{case.kind}: ") for text in found), found
    if case.guard == "loader":
        with pytest.raises(InputError, match="; allowed: "):
            parse_image(image_to_npz(image))
        return
    parse_image(image_to_npz(image))
    if case.guard == "proof":
        with pytest.raises(InputError, match="; allowed: every hosted pair arrives"):
            prove(image)
    else:
        prove(image)  # only who knows the wafer or reads the report can tell


@pytest.mark.parametrize("case", CORRUPTIONS, ids=lambda case: case.name)
def test_the_checker_of_samples_rejects_it_too_but_for_the_report(
    good: Good, case: Corruption
) -> None:
    images, wafer = good
    image = copy.deepcopy(images[case.least_vcs])
    assert sampled_complaints(image, wafer, 4_000, seed=1) == []
    case.spoil(image)
    found = sampled_complaints(image, wafer, 4_000, seed=1)
    assert any(text.startswith(f"{case.kind}: ") for text in found) == (case.kind != "report")

"""What the page shows of a wafer: tile kinds, links, words, ways, facts, figures."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.repair import NO_REPAIR
from tools.explore.facts import tile_facts
from tools.explore.outcome import Kind, Outcome, make_outcome
from tools.explore.readouts import wafer_figures
from tools.explore.settings import Settings
from tools.explore.way import find_way
from tools.explore.words import spares_that_suffice, story, story_of_way

SMALL = Settings(width=12, height=9, tile_rate=0.1, core_rate=0.05, link_rate=0.05, spares="2")


@pytest.fixture(scope="module")
def broken() -> Outcome:
    return make_outcome(SMALL)


def test_every_tile_is_of_the_kind_that_map_and_image_say(broken: Outcome) -> None:
    image, wafer, kind = broken.image, broken.wafer, broken.kind
    hosts = image.identity >= 0
    assert (np.isin(kind, (Kind.HOME, Kind.REPAIRED)) == hosts).all()
    assert (np.isin(kind, (Kind.TILE_DEFECT, Kind.TILE_LOST)) == ~wafer.live).all()
    assert (np.isin(kind, (Kind.CORE_DEFECT, Kind.CORE_LOST)) == (wafer.state == 1)).all()
    assert (kind == Kind.REPAIRED).sum() == image.report["repaired"]
    assert (kind == Kind.CUT_OFF).sum() == image.report["cut_off"]


def test_lost_cores_show_at_their_homes() -> None:
    off = make_outcome(replace(SMALL, repair=NO_REPAIR))
    lost = np.isin(off.kind, (Kind.TILE_LOST, Kind.CORE_LOST, Kind.CUT_OFF))
    homes = np.zeros(off.image.spec.tiles, np.bool_)
    homes[off.homes.home[off.image.remap_tile < 0]] = True
    assert off.image.report["lost"] == homes.sum() > 0
    assert (lost & homes).sum() == homes.sum()


def test_dead_links_are_those_between_live_tiles(broken: Outcome) -> None:
    assert np.bitwise_count(broken.dead_links).sum() == broken.image.report["dead_links"] > 0


def test_the_story_follows_the_remap() -> None:
    calm = Settings(width=12, height=9, tile_rate=0.06, spares="2", seed=1)
    on, off = make_outcome(calm), make_outcome(replace(calm, repair=NO_REPAIR))
    assert on.image.report["lost"] == 0 < off.image.report["lost"]
    assert "All 90 logical cores are hosted" in " ".join(story(on))
    assert "The remap is off" in " ".join(story(off))
    assert (
        "Nothing is broken"
        in story(make_outcome(Settings(width=6, height=6, tile_rate=0, link_rate=0)))[0]
    )


@pytest.mark.parametrize("place", ["columns", "spread", "rows"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_spares_that_the_story_asks_for_are_enough_and_one_less_is_not(
    place: str, seed: int
) -> None:
    state = replace(SMALL, spares="0", spare_place=place, seed=seed)
    outcome = make_outcome(state)
    enough = spares_that_suffice(outcome)
    assert outcome.image.report["lost"] > 0
    assert make_outcome(replace(state, spares=str(enough))).image.report["lost"] == 0
    assert make_outcome(replace(state, spares=str(enough - 1))).image.report["lost"] > 0


def test_the_story_of_a_way_adds_up(broken: Outcome) -> None:
    hosted = np.flatnonzero(broken.image.remap_tile >= 0)
    detours = 0
    for goal in hosted[1:]:
        way = find_way(broken.image, int(hosted[0]), int(goal))
        assert way.tiles[0] == broken.image.remap_tile[hosted[0]]
        assert way.tiles[-1] == broken.image.remap_tile[goal]
        assert way.shortest is not None
        assert way.straight <= way.shortest <= way.hops
        detours += way.hops > way.straight
        assert (" would do without defects" in story_of_way(way)) == (way.hops > way.straight)
    assert detours


def test_facts_of_a_tile_agree_with_its_tables(broken: Outcome) -> None:
    for tile in range(broken.image.spec.tiles):
        facts = tile_facts(broken, tile)
        assert ("entries" in facts) == bool(broken.wafer.live[tile])
        if "entries" in facts:
            assert len(facts["entries"]) == broken.image.routes["valid"][tile].sum()
        assert facts["spare"] == bool(broken.homes.spare[tile])


def test_figures_count_spares_that_host(broken: Outcome) -> None:
    figures = {key: value for key, _, value, _ in wafer_figures(broken, None)}
    used = (broken.image.identity[broken.homes.spare] >= 0).sum()
    assert figures["spares"] == str(used)
    assert figures["lost"] == str(broken.image.report["lost"])

"""The page in a real browser: every control moves what it should, and the numbers are true."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from model.errors import InputError
from tests.explore.tab import Tab
from tools.explore.drive import Server
from tools.explore.film import measure
from tools.explore.outcome import make_outcome
from tools.explore.settings import Settings
from tools.explore.way import find_way

pytestmark = pytest.mark.xdist_group("explorer")  # one server and one browser serve them all

Open = Callable[..., Tab]
SMALL = "?width=12&height=9&spares=2"


def expected(query: str) -> Settings:
    return Settings.from_query(dict(parse_qsl(query.lstrip("?"))))


def test_numbers_on_the_page_are_those_of_the_compiler(open_tab: Open) -> None:
    tab = open_tab()
    report = make_outcome(Settings()).image.report
    for figure in ("lost", "repaired", "hosted", "dead_links"):
        assert tab.number(figure) == report[figure]
    assert tab.number("healthy") == report["healthy_tiles"]
    assert tab.number("mean_hops") == round(report["mean_hops"], 2)
    assert tab.number("stretch") == round(report["stretch"], 3)
    assert tab.number("bound") == round(1 / report["max_channel_load"], 4)
    assert "cores are hosted" in tab.page.locator(".wm-story").inner_text()


def test_controls_move_the_settings_and_the_picture(open_tab: Open) -> None:
    tab = open_tab(SMALL)
    tab.slide("Dead tiles", 2)
    tab.wait_query("tile_rate", "0.05")
    tab.slide("Dead cores, router works", 4)
    tab.wait_query("core_rate", "0.02")
    tab.choose("Spares lie", "at the south edge")
    tab.choose("Who moves", "ripple along the line")
    tab.page.get_by_role("switch", name="Remap around defects").click()
    tab.choose("Legal turns", "up*/down*, a baseline")
    tab.page.get_by_role("button", name="4", exact=True).click()
    tab.wait_query("vcs", "4")
    query = tab.query()
    assert query["spare_place"] == "rows"
    assert query["repair"] == "none"
    assert query["routing"] == "updown"
    assert query["core_rate"] == "0.02"
    assert tab.number("lost") == make_outcome(Settings.from_query(query)).image.report["lost"]
    tab.page.get_by_role("button", name="Undo").click()
    tab.wait_query("vcs", None)
    tab.page.get_by_role("button", name="New map").click()
    tab.wait("Number(new URLSearchParams(location.search).get('seed')) > 1")


def test_a_link_recreates_exactly_this_state(open_tab: Open) -> None:
    first = open_tab(SMALL + "&tile_rate=0.1&edits=5X-7c-30E&seed=4")
    second = open_tab("?" + "&".join(f"{k}={v}" for k, v in first.query().items()))
    for figure in ("lost", "repaired", "hosted", "dead_links", "mean_hops", "way"):
        assert first.number(figure) == second.number(figure)


def test_breaking_a_tile_and_a_link_by_hand_reroutes_at_once(open_tab: Open) -> None:
    tab = open_tab("?width=12&height=9&spares=2&tile_rate=0&link_rate=0")
    tab.draw()
    tab.click_tile(4, 3, 12, 9)
    tab.wait_query("edits", "40X")
    assert tab.number("healthy") == 107
    assert tab.number("repaired") >= 1
    tab.choose("Brush", "Break link")
    tab.click_tile(6, 3, 12, 9, at=0.96)
    tab.wait_query("edits", "40X-42E-43W")
    assert tab.number("dead_links") == 2
    tab.choose("Brush", "Break one way")
    tab.click_tile(8, 3, 12, 9, at=0.96)
    tab.wait_query("edits", "40X-42E-43W-44E")
    assert tab.number("dead_links") == 3
    tab.choose("Brush", "Heal")
    tab.click_tile(4, 3, 12, 9)
    tab.wait_query("edits", "42E-43W-44E-40.")
    assert tab.number("healthy") == 108


def test_choosing_two_tiles_shows_the_way_between_them(open_tab: Open) -> None:
    query = "?width=12&height=9&spares=0&tile_rate=0&link_rate=0.1&seed=5"
    tab = open_tab(query)
    tab.page.get_by_role("button", name="Route").click()
    tab.click_tile(2, 1, 12, 9)
    tab.page.wait_for_timeout(300)
    tab.click_tile(9, 7, 12, 9)
    tab.wait("location.search.includes('goal=93')")
    way = find_way(make_outcome(expected(query)).image, 14, 93)
    assert tab.number("way") == way.hops
    assert f"Core 14 to core 93: {way.hops} hops" in tab.page.locator(".wm-way").inner_text()
    assert "(9, 7)" in tab.page.locator(".wm-facts").inner_text()


def test_traffic_plays_pauses_steps_and_is_measured(open_tab: Open) -> None:
    query = SMALL + "&load=0.04"
    tab = open_tab(query)
    tab.page.get_by_role("button", name="Run traffic").click()
    tab.wait("Number(document.querySelector('.wm-view').dataset.cycle) > 5")
    tab.wait("document.querySelector('[data-figure=latency_mean]')")
    state = expected(query)
    data = measure(state, make_outcome(state).image)
    assert tab.number("latency_mean") == round(data["latency"]["mean"], 1)
    assert tab.number("latency_p99") == data["latency"]["p99"]
    assert tab.number("throughput") == round(data["throughput"], 4)
    tab.page.get_by_role("button", name="Pause or play").click()
    tab.page.wait_for_timeout(600)
    cycle = int(tab.page.locator(".wm-view").get_attribute("data-cycle"))
    tab.page.get_by_role("button", name="Step one cycle").click()
    tab.wait(f"document.querySelector('.wm-view').dataset.cycle == {cycle + 1}")
    tab.page.get_by_role("button", name="Step back one cycle").click()
    tab.page.get_by_role("button", name="Step back one cycle").click()
    tab.wait(f"document.querySelector('.wm-view').dataset.cycle == {cycle - 1}")
    tab.page.get_by_role("button", name="Stop").click()
    tab.wait("!document.querySelector('.wm-view').dataset.film")


def test_a_pulse_arrives_after_the_cycles_of_the_engine(open_tab: Open) -> None:
    tab = open_tab(SMALL)
    tab.page.get_by_role("checkbox", name="Loop").click()
    tab.page.get_by_role("button", name="Pulse one packet").click()
    tab.wait("Number(document.querySelector('.wm-view').dataset.cycle) > 3")
    assert tab.page.locator(".wm-view").get_attribute("data-film") == "pulse"


def test_two_tabs_do_not_disturb_each_other(open_tab: Open) -> None:
    one, two = open_tab(SMALL), open_tab(SMALL + "&seed=2")
    before = [two.number(name) for name in ("healthy", "dead_links", "mean_hops")]
    one.slide("Dead tiles", 10)
    one.wait_query("tile_rate", "0.09")
    one.page.get_by_role("button", name="Run traffic").click()
    one.page.wait_for_timeout(500)
    assert [two.number(name) for name in ("healthy", "dead_links", "mean_hops")] == before
    assert two.query()["seed"] == "2"
    assert two.page.locator(".wm-view").get_attribute("data-film") is None


@pytest.mark.parametrize(
    "query", ["?width=99999", "?seed=abc", "?what=1", "?map=AAAA", "?tile_rate=1"]
)
def test_a_hostile_link_gets_one_line_and_the_page_stays(open_tab: Open, query: str) -> None:
    tab = open_tab(query)
    notice = tab.page.locator(".q-notification")
    notice.wait_for()
    assert "allowed" in notice.inner_text()
    assert tab.number("healthy") > 0


def test_a_map_is_saved_and_loaded_again(open_tab: Open, tmp_path: Path) -> None:
    tab = open_tab(SMALL + "&tile_rate=0.1&seed=6")
    with tab.page.expect_download() as saved:
        tab.page.get_by_role("button", name="Save the map").click()
    saved.value.save_as(tmp_path / "wafer.json")
    figures = ("healthy", "dead_links", "hosted")
    before = [tab.number(name) for name in figures]
    tab.slide("Dead tiles", -12)
    tab.wait_query("tile_rate", None)
    assert [tab.number(name) for name in figures] != before
    tab.page.get_by_role("button", name="Load a map or an image").click()
    tab.page.locator("input[type=file]").set_input_files(tmp_path / "wafer.json")
    tab.wait("new URLSearchParams(location.search).get('map')")
    assert [tab.number(name) for name in figures] == before


def test_the_picture_is_saved_as_it_is_seen(open_tab: Open, tmp_path: Path) -> None:
    from matplotlib.image import imread

    tab = open_tab(SMALL)
    with tab.page.expect_download() as saved:
        tab.page.get_by_role("button", name="Save the picture").click()
    saved.value.save_as(tmp_path / "wafer.png")
    picture = imread(tmp_path / "wafer.png")
    box = tab.page.locator(".wm-view").bounding_box()
    assert picture.shape[:2] == (int(box["height"]), int(box["width"]))
    assert len({tuple(pixel) for pixel in picture[::7, ::7].reshape(-1, 4)}) > 5


def test_keys_move_over_tiles_and_choose(open_tab: Open) -> None:
    tab = open_tab(SMALL)
    tab.page.locator(".wm-view").focus()
    for key in ("ArrowRight", "ArrowDown", "Enter"):
        tab.page.keyboard.press(key)
    tab.page.get_by_text("(7, 5)").first.wait_for()


def test_the_page_asks_nobody_but_this_machine(open_tab: Open) -> None:
    tab = open_tab("?width=6&height=6")
    hosts = tab.page.evaluate(
        "performance.getEntriesByType('resource').map(e => new URL(e.name).hostname)"
    )
    assert set(hosts) == {"127.0.0.1"}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_accessibility_scan_finds_nothing_serious(open_tab: Open, theme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    tab = open_tab(SMALL, color_scheme=theme)
    found = Axe().run(tab.page).response["violations"]
    assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []


def test_the_accessibility_scan_finds_a_button_without_a_name(open_tab: Open) -> None:
    from axe_playwright_python.sync_playwright import Axe

    tab = open_tab(SMALL)
    tab.page.evaluate("document.querySelector('[aria-label=Undo]').removeAttribute('aria-label')")
    assert "button-name" in [v["id"] for v in Axe().run(tab.page).response["violations"]]


def test_a_tab_goes_on_where_it_was_when_the_server_restarts(chromium: Any) -> None:
    first = Server()
    page = chromium.new_context().new_page()
    tab = Tab(page, first.address + SMALL)
    tab.slide("Dead tiles", 4)
    tab.wait_query("tile_rate", "0.06")
    page.evaluate("window.before = true")
    first.stop()
    second = Server(int(first.address.rstrip("/").rsplit(":")[-1]))
    tab.wait("!window.before && document.querySelector('[data-figure=hosted]')")
    report = make_outcome(expected(SMALL + "&tile_rate=0.06")).image.report
    assert tab.number("healthy") == report["healthy_tiles"]
    assert tab.query()["tile_rate"] == "0.06"
    page.context.close()
    second.stop()
    assert first.said() == second.said() == []


@pytest.mark.slow
def test_a_whole_wafer_appears_and_a_tile_of_it_tells_its_facts(open_tab: Open) -> None:
    tab = open_tab("?width=762&height=1172&tile_rate=5e-05&link_rate=5e-05")
    assert tab.number("hosted") == 709 * 1172
    tab.page.locator(".wm-view").focus()
    tab.page.keyboard.press("ArrowRight")
    tab.page.keyboard.press("Enter")
    tab.page.get_by_text("(382, 586)").first.wait_for()


def test_expected_settings_refuse_what_the_page_refuses() -> None:
    with pytest.raises(InputError):
        expected("?width=99999")

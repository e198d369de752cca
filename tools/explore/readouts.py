"""The right side of the page: figures, the tile under the pointer, commands that do the same."""

from __future__ import annotations

from typing import Any

from nicegui import ui

from tools.explore.facts import tile_facts
from tools.explore.outcome import Outcome
from tools.explore.parts import card
from tools.explore.way import Way

Figure = tuple[str, str, str, str]
"""Key, label, value and what follows it small; the key says which figure it is in tests."""


def wafer_figures(outcome: Outcome, way: Way | None) -> list[Figure]:
    """Figures of a wafer as the compiler's report has them."""
    r = outcome.image.report
    logical = r["logical"][0] * r["logical"][1]
    used = int((outcome.homes.spare & (outcome.image.identity >= 0)).sum())
    figures: list[Figure] = [
        ("healthy", "Healthy tiles", f"{r['healthy_tiles']:,}", f"/ {r['tiles']:,}"),
        ("hosted", "Logical cores hosted", f"{r['hosted']:,}", f"/ {logical:,}"),
        ("repaired", "Repaired: moved", f"{r['repaired']:,}", "cores"),
        ("lost", "Lost", f"{r['lost']:,}", "cores"),
        ("spares", "Spares in use", f"{used:,}", f"/ {r['spare_tiles']:,}"),
        ("dead_links", "Dead links", f"{r['dead_links']:,}", "directed"),
        ("reachable", "Reachable pairs", f"{100 * r['reachable_pairs']:.4g}", "%"),
    ]
    if way is not None:
        figures.append(("way", "A to B", f"{way.hops:,}", "hops"))
    figures += [
        ("mean_hops", "Mean way", f"{r['mean_hops']:.2f}", "hops"),
        ("stretch", "Stretch", f"{r['stretch']:.3f}", "× shortest"),
        ("entries", "Table entries", f"{r['entries_mean']:.1f}", f"mean, {r['entries_max']} max"),
    ]
    if r.get("max_channel_load"):
        bound = 1 / r["max_channel_load"]
        figures.append(("bound", "Routes carry at most", f"{bound:.4f}", "flits/core/cycle"))
    return figures


def traffic_figures(data: dict[str, Any]) -> list[Figure]:
    """Figures of a measured run (:func:`tools.explore.film.measure`)."""
    latency = data["latency"]
    if latency["mean"] is None:
        return [("packets", "Packets", f"{data['packets']:,}", "none delivered")]
    return [
        ("packets", "Packets", f"{data['delivered']:,}", f"/ {data['packets']:,} delivered"),
        ("throughput", "Throughput", f"{data['throughput']:.4f}", f"of {data['offered_load']:.4f}"),
        ("latency_mean", "Latency, mean", f"{latency['mean']:.1f}", "cycles"),
        ("latency_p99", "Latency, p99", f"{latency['p99']:,}", f"max {latency['max']:,}"),
    ]


class Readouts:
    """Builds the cards into the current slot."""

    def __init__(self) -> None:
        with card("This wafer"):
            self._wafer = ui.element("dl").classes("wm-figures")
        with card("Traffic") as self._traffic_card:
            self._traffic = ui.element("dl").classes("wm-figures")
            self._note = ui.label().classes("text-caption q-mt-sm")
        self._traffic_card.visible = False
        with card("Tile"):
            self._facts = ui.element("div").classes("wm-facts").mark("facts")
            with self._facts:
                ui.label("Point at a tile, or choose one.")
        with card("The same by command"):
            self._commands = ui.element("div").classes("wm-commands")

    def show(self, outcome: Outcome, way: Way | None) -> None:
        """Figures and commands of an outcome."""
        marks = {"lost": "wm-warn" if outcome.image.report["lost"] else "wm-fine"}
        _fill(self._wafer, wafer_figures(outcome, way), marks)
        self._commands.clear()
        with self._commands:
            if not outcome.settings.drawn:
                ui.label("Save this map as wafer.json first.").classes("text-caption")
            for line in outcome.settings.commands():
                with ui.element("code"):
                    ui.label(line)

    def show_traffic(self, data: dict[str, Any] | None) -> None:
        """Figures of the traffic; None takes the card away."""
        self._traffic_card.visible = data is not None
        if data is None:
            return
        _fill(self._traffic, traffic_figures(data), {})
        self._note.text = f"2,000 cycles, and until all have arrived: {data['cycles']:,} cycles."

    def show_tile(self, outcome: Outcome, tile: int) -> None:
        """What is known of a tile."""
        facts = tile_facts(outcome, tile)
        self._facts.clear()
        with self._facts:
            with ui.element("div"):
                _bold(f"({facts['x']}, {facts['y']})", f" {facts['kind']}")
            ui.label(f"{residents(facts)}{', a spare place' if facts['spare'] else ''}")
            if "entries" not in facts:
                return
            fuses = facts["fuses"]
            ui.label(f"Sends to {fuses['sends']}, hears {fuses['receives']}")
            with ui.element("details"):
                with ui.element("summary"):
                    ui.label(f"{len(facts['entries'])} table entries, the first match wins")
                for number, line in enumerate(facts["entries"]):
                    with ui.element("code"):
                        ui.label(f"{number:>2}  {line}")
            with ui.element("details"):
                with ui.element("summary"):
                    ui.label("Legal turns")
                for line in facts["turns"]:
                    with ui.element("code"):
                        ui.label(line)


def residents(facts: dict[str, Any]) -> str:
    """Who lives in a tile, and where the core went whose home it is."""
    said = []
    if facts["logical"] is not None:
        said.append(f"hosts logical core {facts['logical']:,}")
    if facts["home_of"] is not None and facts["home_of"] != facts["logical"]:
        where = f"lives at ({facts['host'][0]}, {facts['host'][1]})" if facts["host"] else "is lost"
        said.append(f"core {facts['home_of']:,}, at home here, {where}")
    return "; ".join(said) or "hosts nobody"


def tip(outcome: Outcome, tile: int) -> str:
    """One line about a tile, under the pointer."""
    facts = tile_facts(outcome, tile)
    return f"({facts['x']}, {facts['y']})  {facts['kind']}; {residents(facts)}"


def _bold(strong: str, rest: str) -> None:
    ui.html(f"<b>{strong}</b>{rest}", sanitize=False)


def _fill(target: Any, figures: list[Figure], marks: dict[str, str]) -> None:
    target.clear()
    with target:
        for key, label, value, unit in figures:
            with ui.element("div").classes(f"wm-figure {marks.get(key, '')}"):
                with ui.element("dt"):
                    ui.label(label)
                with ui.element("dd").props(f'data-figure="{key}"'):
                    ui.html(f"{value}<small>{unit}</small>", sanitize=False)

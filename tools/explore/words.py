"""What happened to a wafer, said in plain words."""

from __future__ import annotations

from typing import Final

from model.repair import NO_REPAIR
from tools.explore.outcome import Outcome
from tools.explore.way import Way

STRATEGIES: Final = {
    "displacement": "the shortest moves in all",
    "ripple": "its line moving up by one",
    "neighbours": "logical neighbours kept close",
    NO_REPAIR: "nobody moving",
}
"""How each repair goes about it, as the end of a sentence."""


def counted(number: int, one: str, many: str = "") -> str:
    """``1 core``, ``2 cores``, ``no cores``."""
    many = many or one + "s"
    return f"{number:,} {one if number == 1 else many}" if number else f"no {many}"


def story(outcome: Outcome) -> list[str]:
    """Sentences: what is broken, what the repair did, what is left, what to try."""
    report = outcome.image.report
    said = [_broken(outcome)]
    off = outcome.settings.repair == NO_REPAIR
    if report["lost"] == 0:
        if report["homes_dead"] == 0:
            said.append("No core needs to move.")
        else:
            how = STRATEGIES[outcome.settings.repair]
            said.append(
                f"All {report['hosted']:,} logical cores are hosted:"
                f" {counted(report['homes_dead'], 'home')} cannot host, and"
                f" {counted(report['repaired'], 'core')} moved, with {how}."
            )
    elif off:
        said.append(
            f"The remap is off: {counted(report['lost'], 'logical core')}"
            f" {'is' if report['lost'] == 1 else 'are'} lost"
            f" although {counted(_idle(outcome), 'healthy tile')} idle. Turn it on."
        )
    else:
        said.append(_lost(outcome))
    longer = 100 * (report["stretch"] - 1)
    how = f"{longer:.0f} % longer than" if longer >= 0.5 else "hardly longer than"
    said.append(
        "Every hosted core reaches every other, proven free of deadlock;"
        f" in the mean ways are {how} the shortest that work."
    )
    return said


def _broken(outcome: Outcome) -> str:
    report = outcome.image.report
    tiles, cores, links = (report[k] for k in ("tile_defects", "core_defects", "dead_links"))
    if not tiles and not cores and not links:
        return "Nothing is broken on this wafer."
    parts = [counted(tiles, "tile")]
    if cores:
        parts.append(counted(cores, "core"))
    parts.append(counted(links, "link"))
    where = f", in {counted(outcome.clusters, 'cluster')}" if outcome.clusters else ""
    return f"Broken: {', '.join(parts[:-1])} and {parts[-1]} between live tiles{where}."


def _idle(outcome: Outcome) -> int:
    report = outcome.image.report
    return int(report["healthy_tiles"] - report["hosted"])


def _lost(outcome: Outcome) -> str:
    report = outcome.image.report
    why = []
    if report["lost_no_spare"]:
        why.append(
            f"{report['lost_no_spare']:,} because only {report['healthy_tiles']:,} cores work for"
            f" {report['logical'][0] * report['logical'][1]:,} logical ones"
        )
    if report["lost_cut_off"]:
        why.append(f"{report['lost_cut_off']:,} because healthy tiles are cut off")
    text = f"{counted(report['lost'], 'logical core')} lost: {', and '.join(why)}."
    enough = spares_that_suffice(outcome)
    if enough:
        text += f" {enough} spare {'rows' if _rows(outcome) else 'columns'} would do."
    return text


def _rows(outcome: Outcome) -> bool:
    return outcome.settings.spare_place in ("rows", "dies")


def spares_that_suffice(outcome: Outcome) -> int:
    """Spare columns or rows with which nothing would be lost on this very map; 0: cannot be said.

    Exact for ``columns``, ``spread`` and ``rows``: every strategy hosts as many cores as there are
    connected working ones (RMP-3), so only their number counts.
    """
    report = outcome.image.report
    if outcome.settings.spare_place == "dies":
        return 0
    usable = report["healthy_tiles"] - report["cut_off"]
    side, other = outcome.wafer.width, outcome.wafer.height
    if _rows(outcome):
        side, other = other, side
    lines = usable // other
    return side - lines if lines else 0


def story_of_way(way: Way, latency: int | None = None) -> str:
    """One sentence about the pair whose way is shown."""
    text = f"Core {way.source:,} to core {way.goal:,}: {counted(way.hops, 'hop')}"
    if latency is not None:
        text += f", {latency:,} cycles for one flit alone"
    if way.shortest is None or way.hops == way.straight:
        return text + (", as straight as can be." if way.hops == way.straight else ".")
    around, rules = way.shortest - way.straight, way.hops - way.shortest
    why = []
    if around:
        why.append(f"{around} to get around defects")
    if rules:
        why.append(f"{rules} because only some turns are legal, so that nothing can deadlock")
    return f"{text}; {way.straight} would do without defects, {' and '.join(why)}."

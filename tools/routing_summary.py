"""Medians, verdicts and the picture of the routing benchmark."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.table import Table

from model.compile import CompileOptions
from tools.common import console
from tools.plotting import COLOURS, FAINT, INK, picture
from tools.routing_rows import Case
from tools.rows import Row, case_of

Summary = dict[str, Any]

SIDES: Final = (8, 16)
LEAST_SHARE: Final = {
    "0/0": {2: 0.80, 4: 0.85},
    "3/1": {1: 0.60, 2: 0.72, 4: 0.80},
    "12/6": {1: 0.55, 2: 0.65, 4: 0.75},
}
"""What must hold on square wafers of these sides: median share of the capacity by rates and VCs.
Without defects and with one VC: the share of ``xy`` in the same run."""

MOST_STRETCH: Final = {"3/1": 1.02, "12/6": 1.04}
"""Mean over 16 x 16 wafers."""

MOST_ENTRIES: Final = 16


def summaries(rows: list[Row]) -> list[Summary]:
    """One summary for rows that differ by their seed only, in the order of the rows."""
    groups: dict[tuple[Any, ...], tuple[Case, list[Row]]] = {}
    for row in rows:
        case = case_of(row, Case)
        groups.setdefault(case.group, (case, []))[1].append(row)
    found = [_summary(case, group) for case, group in groups.values()]
    for summary in found:
        summary["goal"] = _goal(summary, found)
    return found


def _summary(case: Case, rows: list[Row]) -> Summary:
    good = [row for row in rows if not row["error"]]

    def over(name: str, statistic: Any) -> float | None:
        return round(float(statistic([row[name] for row in good])), 5) if good else None

    given_up = [row["connected_cores"] - row["hosted"] for row in good]
    return {
        "size": f"{case.width}x{case.height}",
        "rates": case.rates,
        "vcs": case.vcs,
        "routing": case.routing,
        "effort": case.effort,
        "wafers": len(rows),
        "failed": len(rows) - len(good),
        "static_share": _quartiles([row["static_share"] for row in rows]),
        "saturation_share": _quartiles([row["saturation_share"] for row in rows])
        if case.cycles
        else None,
        "reachable_least": over("reachable_pairs", min),
        "given_up_cores": sum(given_up),
        "given_up_wafers": sum(cores > 0 for cores in given_up),
        "impossible_cores": sum(row["impossible_cores"] for row in good),
        "stretch_mean": over("stretch", np.mean),
        "stretch_most": over("stretch", max),
        "entries_mean": over("entries_mean", np.mean),
        "entries_p95": over("entries_p95", lambda all_of: np.percentile(all_of, 95)),
        "entries_most": over("entries_max", max),
        "traded_tiles": over("tiles_traded", sum),
        "compile_seconds": over("compile_seconds", np.median),
        "compile_seconds_most": over("compile_seconds", max),
        "capacity_gap_most": max(
            (row["capacity_upper"] / row["capacity_lower"] - 1 for row in good), default=None
        ),
    }


def _quartiles(shares: list[float]) -> dict[str, float]:
    at = np.quantile(shares, [0, 0.25, 0.5, 0.75, 1])
    names = ("least", "lower", "median", "upper", "most")
    return {name: round(float(value), 4) for name, value in zip(names, at, strict=True)}


def _goal(summary: Summary, every: list[Summary]) -> float | None:
    """Median share that must be reached; None where nothing is asked."""
    width, height = map(int, summary["size"].split("x"))
    if width != height or width not in SIDES or summary["routing"] != CompileOptions().routing:
        return None
    if summary["rates"] == "0/0" and summary["vcs"] == 1:
        same = [
            other
            for other in every
            if other["routing"] == "xy"
            and all(other[name] == summary[name] for name in ("size", "rates", "vcs"))
        ]
        return _share(same[0])["median"] if same else None
    return LEAST_SHARE.get(summary["rates"], {}).get(summary["vcs"])


def _share(summary: Summary) -> dict[str, float]:
    """Simulated where it was, else static."""
    share: dict[str, float] = summary["saturation_share"] or summary["static_share"]
    return share


def missed(every: list[Summary]) -> list[str]:
    """What must hold of the default routing at effort best and does not, one line each."""
    found = []
    for one in every:
        if one["routing"] != CompileOptions().routing or one["effort"] != "best":
            continue
        name = f"{one['size']} at {one['rates']} %, {one['vcs']} VC"
        share = _share(one)["median"]
        if one["goal"] is not None and share < one["goal"]:
            found.append(f"{name}: median share {share:.3f}, not {one['goal']:.3f}")
        if one["failed"]:
            found.append(f"{name}: {one['failed']} wafers not compiled")
        if one["reachable_least"] is not None and one["reachable_least"] < 1:
            found.append(f"{name}: hosted pairs are not all reached")
        if one["given_up_cores"] > one["impossible_cores"]:
            found.append(f"{name}: {_given_up(one)}")
        most = MOST_STRETCH.get(one["rates"]) if one["size"] == "16x16" else None
        if most is not None and (one["stretch_mean"] or 9) > most:
            found.append(f"{name}: mean stretch {one['stretch_mean']}, not {most}")
        if (one["entries_most"] or 0) > MOST_ENTRIES:
            found.append(f"{name}: a tile needs {one['entries_most']} entries, not {MOST_ENTRIES}")
    return found


def _given_up(one: Summary) -> str:
    many = f"{one['given_up_cores']} cores of {one['given_up_wafers']} wafers"
    proven = f"{one['impossible_cores']} of them provably cannot be with one VC"
    return f"{many} are not hosted though connected both ways, {proven}"


def render(data: dict[str, Any], output: str | None, plot: str | None) -> None:
    """Print the table for people."""
    title = "Share of the capacity bound: median, quartiles and least over wafers"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False, padding=0)
    names = ("wafers", "VC", "routing", "n", "static", "sat.", "quartiles", "least", "goal")
    for name in (*names, "stretch", "entries", "s"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in data["cases"]:
        share, good = _share(one), one["reachable_least"] is not None
        table.add_row(
            f"{one['size']} {one['rates']}",
            str(one["vcs"]),
            one["routing"],
            f"{one['wafers'] - one['failed']}",
            f"{one['static_share']['median']:.3f}",
            f"{share['median']:.3f}" if one["saturation_share"] else "",
            f"{share['lower']:.2f}–{share['upper']:.2f}",
            f"{share['least']:.2f}",
            "" if one["goal"] is None else f"{one['goal']:.2f}",
            f"{one['stretch_mean']:.3f}" if good else "",
            f"{one['entries_mean']:.1f}/{one['entries_most']:.0f}" if good else "",
            f"{one['compile_seconds']:.2f}" if good else "",
        )
    console.print(table)
    console.print("n: wafers compiled; entries: mean/most of a tile; s: seconds to compile, median")
    for one in data["cases"]:
        if one["given_up_cores"]:
            text = f"{one['size']} {one['rates']}, {one['vcs']} VC: {_given_up(one)}"
            console.print(text, soft_wrap=True)
    best = any(one["effort"] == "best" for one in data["cases"])
    verdict = "all of it holds" if best else "nothing is asked of effort fast"
    console.print(f"Verdict: {'; '.join(data['missed']) or verdict}", soft_wrap=True)
    for what, path in (("Rows", output), ("Picture", plot)):
        if path is not None:
            console.print(f"{what}: {path}", soft_wrap=True)
    console.print(f"Again: {data['reproduce']}", soft_wrap=True)


def draw(rows: list[Row], found: list[Summary], path: str) -> None:
    """Draw every wafer's share, by size, rates, VCs and routing, against the goals."""
    sizes, rates, vcs, routings = (
        list(dict.fromkeys(one[name] for one in found))
        for name in ("size", "rates", "vcs", "routing")
    )
    key = "saturation_share" if found[0]["saturation_share"] else "static_share"
    panel = max(2.8, 1.1 * len(vcs) * len(routings) ** 0.5)
    shape = (1.0 + panel * len(rates), 0.6 + 3.0 * len(sizes))
    with picture(path, rows=len(sizes), columns=len(rates), size=shape) as (figure, axes):
        for one in found:
            axis = axes[sizes.index(one["size"]), rates.index(one["rates"])]
            number = routings.index(one["routing"])
            middle = vcs.index(one["vcs"]) + (number - (len(routings) - 1) / 2) * 0.8 / len(
                routings
            )
            case = [one[name] for name in ("size", "rates", "vcs", "routing")]
            shares = [row[key] for row in rows if _belongs(row) == case]
            colour = COLOURS[number % len(COLOURS)]
            offsets = (np.arange(len(shares)) % 7 - 3) * 0.05 / len(routings)
            axis.plot(middle + offsets, shares, ".", color=colour, markersize=3, alpha=0.5)
            axis.boxplot(
                shares, positions=[middle], widths=0.5 / len(routings), showfliers=False,
                manage_ticks=False, medianprops={"color": INK, "linewidth": 1.6},
                boxprops={"color": colour}, whiskerprops={"color": colour},
                capprops={"color": colour},
            )  # fmt: skip
            if one["goal"] is not None:
                place = vcs.index(one["vcs"])
                axis.hlines(one["goal"], place - 0.45, place + 0.45, color=INK, linestyle="--")
        for (row, column), axis in np.ndenumerate(axes):
            axis.set_title(f"{sizes[row]}, {rates[column]} % tiles/links")
            axis.set_xticks(range(len(vcs)), [f"{count} VC" for count in vcs])
            axis.set_xlim(-0.6, len(vcs) - 0.4)
            axis.set_ylim(0, 1.05)
            axis.grid(axis="y")
        for axis in axes[:, 0]:
            axis.set_ylabel(f"{key.split('_')[0]}, share of capacity")
        for number, name in enumerate(routings):
            axes[0, 0].plot([], [], "s", color=COLOURS[number % len(COLOURS)], label=name)
        axes[0, 0].plot([], [], "--", color=INK, label="must hold (median)")
        figure.legend(loc="outside lower center", ncols=len(routings) + 1, labelcolor=FAINT)


def _belongs(row: Row) -> list[Any]:
    case = case_of(row, Case)
    return [f"{case.width}x{case.height}", case.rates, case.vcs, case.routing]

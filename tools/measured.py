"""What was measured of a run, as lines for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Figures = Mapping[str, Any]

LISTED = 3
"""Busiest links that are named."""

NOTED = 0.02
"""Of the measured cycles: a warm-up that is longer by less is not asked for."""


def measured_lines(found: Figures) -> list[tuple[str, str]]:
    """Names and texts of the figures of a measured run (docs/measurements.md).

    Parameters
    ----------
    found : mapping
        What :func:`model.measure.measure` returns: the meter's figures and ``silent_sources``.
    """
    lines = [
        ("measured", _packets(found)),
        ("offered load", _offered(found)),
        ("accepted load", f"{found['accepted_load']:.4f}"),
        ("throughput", f"{found['throughput']:.4f}"),
    ]
    if found["delivered"]:
        lines += [
            ("latency", _spread(found["latency"])),
            ("with queueing", _spread(found["total_latency"])),
            ("of which", _split(found["split"])),
        ]
    if found["fairness"]["jain"] is not None:
        lines.append(("fairness", _fairness(found["fairness"])))
    if found["links"]["links"]:
        lines.append(("links", _links(found["links"])))
    if found["buffers"].get("mean") is not None:
        lines.append(("buffers", _buffers(found["buffers"])))
    return [*lines, ("verdict", _verdict(found))]


def _offered(found: Figures) -> str:
    """Where tiles are silent, the load per sending tile, too, as ``--load`` means it."""
    sending = found["hosted"] - found["silent_sources"]
    text = f"{found['offered_load']:.4f} flits per hosted tile and cycle"
    if 0 < sending < found["hosted"]:
        text += f", {found['offered_load'] * found['hosted'] / sending:.4f} per sending one"
    return text


def _packets(found: Figures) -> str:
    ends = ("delivered", "refused", "sunk", "misdelivered", "in_flight", "waiting")
    parts = [f"{found[name]:,} {name.replace('_', ' ')}" for name in ends if found[name]]
    span = f"cycles {found['begin']:,} to {found['end']:,}, {found['measured']:,} packets"
    return f"{span}: {', '.join(parts)}" if parts else span


def _spread(latency: Figures) -> str:
    mean, half_width = f"{latency['mean']:.1f}", latency.get("half_width")
    if half_width is not None:
        mean += f" ± {half_width:.2f}" if half_width < 1 else f" ± {half_width:.1f}"
    rest = ", ".join(f"{name} {latency[name]}" for name in ("p50", "p99", "p99.9", "max"))
    return f"mean {mean}, {rest} cycles"


def _split(split: Figures) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {cycles:.2f}" for name, cycles in split.items())


def _fairness(fair: Figures) -> str:
    text = f"{fair['jain']:.3f} (Jain), the worst source got {100 * fair['share_least']:.1f} % in"
    if fair["latency_least"] is not None:
        text += f", mean by source {fair['latency_least']:.1f} to {fair['latency_most']:.1f} cycles"
    return text


def _links(links: Figures) -> str:
    busiest = ", ".join(
        f"{100 * link['utilisation']:.1f} % ({link['x']}, {link['y']}) {link['port']}"
        for link in links["busiest"][:LISTED]
    )
    return f"{100 * links['mean']:.1f} % used, the busiest {busiest}"


def _buffers(buffers: Figures) -> str:
    mean, fullest, full = (buffers[name] for name in ("mean", "fullest_mean", "full_most"))
    return f"mean {mean:.3f} flits, fullest {fullest:.2f}, full at most {100 * full:.1f} % of looks"


def _verdict(found: Figures) -> str:
    fair, settling, span = found["fairness"], found["steadiness"], found["end"] - found["begin"]
    notes = []
    if not found["complete"]:
        notes.append("measured packets had not ended: latencies are too low")
    if fair["starved"]:
        notes.append(f"{fair['starved']} of {fair['sources']} sources are starved")
    if settling["drifts"] and not found["saturated"]:
        notes.append("latency or accepted load still drifts")
    elif (settling["warm_up_needed"] or 0) > found["begin"] + NOTED * span:
        notes.append(f"a warm-up of {settling['warm_up_needed']:,} cycles is advised")
    if found["total_latency"]["correlated"]:
        notes.append("the ± is too narrow: measure more cycles")
    what = "saturated" if found["saturated"] else "steady" if found["steady"] else "not steady"
    return "; ".join([what, *notes])

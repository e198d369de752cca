"""What ``wafermesh simulate`` tells and draws of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tools.common import console, key_values
from tools.measured import measured_lines
from tools.pictures import draw, links, picture_size
from tools.plotting import picture

if TYPE_CHECKING:
    from model.image import ConfigImage
    from model.runlog import Counters


def render(data: dict[str, Any]) -> None:
    """Print a run for people."""
    ends = ("delivered", "refused", "sunk", "misdelivered", "in_flight", "waiting")
    loop = data.get("loop")
    rows = [
        (
            "requests" if loop else "packets",
            f"{data['packets']:,} from {data['hosted']:,} hosted tiles",
        ),
        *((name.replace("_", " "), f"{data[name]:,}") for name in ends if data[name]),
        *measured_lines(data["measured"] | {"silent_sources": data["silent_sources"]}),
    ]
    if loop:
        text = "mean {mean:.1f}, p50 {p50}, p99 {p99}, max {max} cycles"
        for key, name in (("round_trip", "round trip"), ("total_round_trip", "with queueing")):
            if loop[key]["mean"] is not None:
                rows.append((name, text.format(**loop[key])))
        text = f"{loop['request_rate']:.4f} per sending tile and cycle"
        rows.append(
            ("round trips", f"{text}, {loop['outstanding']:.2f} of {loop['window']} under way")
        )
    if data["silent_sources"]:
        rows.append(("silent sources", f"{data['silent_sources']} have no partner"))
    if data["watchdogs"]:
        rows.append(("watchdog", f"rose in {data['watchdogs']} tiles"))
    rows.append(("cycles", f"{data['cycles']:,} in {data['seconds']} s"))
    if data["stuck"]:
        rows.append(("end", "stuck: lost requests hold the windows, nothing can happen any more"))
    elif not data["finished"] and not data["measured"]["complete"]:
        rows.append(("end", "packets were still on the way"))
    for key, name in (
        ("output", "records"),
        ("waves", "waves"),
        ("heat_map", "heat map"),
        ("ports", "ports"),
    ):
        if data[key]:
            rows.append((name, data[key]))
    key_values("Golden engine", rows)
    console.print(f"Again: {data['reproduce']}", soft_wrap=True)


def heat_map(image: ConfigImage, counters: Counters, cycles: int, path: str) -> None:
    """Draw the share of cycles in which each link moved a flit; of large wafers, each tile's
    busiest link."""
    used = counters.moved[:, :4] / max(1, cycles)

    def paint(figure: Any, axes: Any, drawn: ConfigImage) -> str:
        links(figure, axes, drawn, used, "flits/cycle on a link")
        live = used[drawn.out_ok]
        mean = live.mean() if len(live) else 0.0
        return f"Use of links in {cycles:,} cycles: max {used.max(initial=0):.3f}, mean {mean:.4f}"

    with picture(path, size=picture_size(image)) as (figure, axes):
        draw(figure, axes[0, 0], image, paint)

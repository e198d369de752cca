"""``wafermesh compile``: repair and route a wafer map into a proven image."""

from __future__ import annotations

from typing import Any, get_args

import click

from model.compile import CompileOptions, compile_wafer
from model.image_file import image_to_json, image_to_npz
from model.presets import PRESETS
from model.repair import NO_REPAIR, REPAIRS
from model.repair.homes import PLACES
from model.routing import ROUTINGS, Effort
from tools.common import OutputType, again, emit, json_option, key_values, progress_console
from tools.files import read_wafer, report_to_stderr, write_result


@click.command(name="compile")
@click.argument("wafer")
@click.option(
    "--preset",
    type=click.Choice(list(PRESETS)),
    help="Spares and their place as this kind of wafer has them, each unless given.",
)
@click.option(
    "--spares", help="Spare columns or rows (dies: of each die): a count, or as 7%.  [default: 0]"
)
@click.option(
    "--spare-place",
    type=click.Choice(PLACES),
    help="Spares are columns at the east edge, rows at the south edge, columns spread evenly, or "
    "the last rows of each row of dies.  [default: columns]",
)
@click.option(
    "--routing",
    type=click.Choice(list(ROUTINGS)),
    default="ordered",
    show_default=True,
    help="Legal turns and ways: ordered takes or searches the order of links that balances load "
    "best; updown goes up a tree, then down; xy needs whole rows and columns.",
)
@click.option(
    "--repair",
    type=click.Choice([*REPAIRS, NO_REPAIR]),
    default="displacement",
    show_default=True,
    help="Who hosts a broken tile's work. displacement: spares, least total distance from home; "
    "ripple: the line moves up by one, as on the chip; neighbours: logical neighbours stay close; "
    "none: the remap is off.",
)
@click.option(
    "--effort",
    type=click.Choice(get_args(Effort)),
    default="fast",
    show_default=True,
    help="best searches for turns and ways (seconds).",
)
@click.option("--vcs", type=int, default=1, show_default=True, help="Virtual channels: 1, 2, 4.")
@click.option("--depth", type=int, default=4, show_default=True, help="Flits per input buffer.")
@click.option("--payload-width", type=int, default=32, show_default=True, help="Bits per flit.")
@click.option(
    "--route-entries", type=int, default=16, show_default=True, help="Route table, per tile."
)
@click.option("--max-packet", type=int, default=64, show_default=True, help="Longest, in flits.")
@click.option(
    "--watchdog",
    type=int,
    default=1024,
    show_default=True,
    help="Cycles a flit may stand still before its tile's flag rises.",
)
@click.option(
    "-o",
    "--output",
    type=OutputType(),
    default="-",
    help="File, .json or .npz; - prints JSON.",
)
@json_option
def command(
    wafer: str,
    preset: str | None,
    spares: str | None,
    spare_place: str | None,
    routing: str,
    repair: str,
    effort: Effort,
    output: str,
    as_json: bool,
    **sizes: int,
) -> None:
    """Repair and route WAFER (a map file or -), prove the result, write the image."""
    silent = report_to_stderr(output, as_json)
    kind = PRESETS.get(preset or "")
    options = CompileOptions(
        spares=spares if spares is not None else kind.spares if kind else "0",
        spare_place=spare_place or (kind.spare_place if kind else "columns"),
        routing=routing,
        repair=repair,
        effort=effort,
    )
    with progress_console.status("") as status:

        def tell(what: str, done: int, total: int) -> None:
            status.update(f"{what}, {done} of {total}" if total > 1 else what)

        image = compile_wafer(read_wafer(wafer), options, tell, **sizes)
    write_result(output, lambda: image_to_json(image), lambda: image_to_npz(image))
    if silent:
        return
    result = {**image.report, "file": output, "reproduce": again()}

    def render() -> None:
        key_values("Image", [*report_rows(image.report), ("written", output)])
        click.echo(f"Again: {result['reproduce']}")

    emit(as_json, result, render)


def report_rows(report: dict[str, Any]) -> list[tuple[str, str]]:
    """The compiler's report as lines for people."""
    r = report
    return [
        ("healthy tiles", f"{r['healthy_tiles']} of {r['tiles']}"),
        ("core / tile defects", f"{r['core_defects']} / {r['tile_defects']}"),
        ("dead links", str(r["dead_links"])),
        (
            "logical array",
            f"{r['logical'][0]}x{r['logical'][1]}, {r['spare_tiles']} spare tiles"
            f" ({100 * r['spare_share']:.2f} %, {r['spare_place']})",
        ),
        (
            "hosted",
            f"{r['hosted']}, {r['repaired']} of them repaired: not at home;"
            f" {r['homes_dead']} homes cannot host",
        ),
        ("lost", f"{r['lost']} ({r['lost_no_spare']} no spare left, {r['lost_cut_off']} cut off)"),
        (
            "displacement",
            f"mean {r['displacement_mean']:.2f}, max {r['displacement_max']}",
        ),
        (
            "neighbour distance",
            f"mean {r['neighbour_mean']:.3f}, max {r['neighbour_max']};"
            f" {100 * r['neighbour_adjacent']:.1f} % of logical neighbours adjacent",
        ),
        ("reachable pairs", f"{100 * r['reachable_pairs']:.4g} %"),
        (
            "route length",
            f"mean {r['mean_hops']:.2f} hops, shortest possible {r['mean_shortest']:.2f},"
            f" max {r['max_hops']}",
        ),
        ("stretch", f"mean {r['stretch']:.3f}, max {r['max_stretch']:.2f}"),
        (
            "channel load",
            f"max {r['max_channel_load']:.2f}, mean {r['mean_channel_load']:.2f}"
            " flits/cycle per unit of load",
        ),
        (
            "route entries",
            f"mean {r['entries_mean']:.2f}, p95 {r['entries_p95']}, max {r['entries_max']};"
            f" paths traded on {r['tiles_traded']} tiles",
        ),
        ("deadlock", f"impossible: no cycle of turns, proven; {_walked(r)}"),
        ("strategies", f"{r['routing']} ({r['plan']}), {r['repair']}, effort {r['effort']}"),
    ]


def _walked(report: dict[str, Any]) -> str:
    """Which pairs were walked through the tables; on a whole wafer not all can be."""
    if "pairs_walked" not in report:
        return "every pair walked"
    return (
        f"{report['pairs_walked']:,} random pairs and {report['pairs_walked_near']:,} near defects"
        f" walked; {report['given_up']} tiles given up"
    )

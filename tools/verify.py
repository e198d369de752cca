"""``wafermesh verify``: hold the RTL against the golden engine, cycle by cycle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

from model.atomic import atomic_open, check_folder, make_folder
from model.errors import InputError
from tools.common import (
    SEED,
    OutputType,
    again,
    console,
    emit,
    json_option,
    key_values,
    progress,
    progress_console,
    reproduce,
)
from tools.files import read_image
from tools.traffic_options import drawn, fields_as_options, stall_pattern, traffic_options
from tools.wave_options import check_wave_options, wave_options, wave_window

if TYPE_CHECKING:
    from verif.campaign import Outcome
    from verif.cases import Case

COUNT = click.IntRange(1, 10_000_000)


@click.command()
@click.argument("image_file", metavar="[IMAGE]", required=False)
@traffic_options
@click.option("--packets", type=COUNT, help="Packets to offer.  [default: 2000; 700 a case]")
@click.option("--seed", type=SEED, default=1, show_default=True, help="Seed of every choice.")
@click.option("--threads", type=click.IntRange(1, 256), default=2, show_default=True)
@wave_options
@click.option("--bug", metavar="NAME", help="Build a known bug in, to see it caught.")
@click.option("--case", "as_case", is_flag=True, help="Run the random case number --seed.")
@click.option("--campaign", is_flag=True, help="Run --seeds random cases from number --seed on.")
@click.option("--seeds", type=COUNT, default=320, show_default=True, help="Cases of a campaign.")
@click.option("--jobs", type=click.IntRange(1, 256), default=2, show_default=True)
@click.option(
    "--out",
    type=OutputType(),
    metavar="FOLDER",
    default="out/verify",
    show_default=True,
    help="For waves of failures, summary.",
)
@json_option
def command(image_file: str | None, as_json: bool, **given: Any) -> None:
    """Run IMAGE on the RTL and on the engine and compare every event and counter.

    With --campaign or --case, run random fabrics instead. Exit code 1 at the first difference;
    the report then names cycle, tile and port, and where to look in the waves.
    """
    modes = [image_file is not None, given["as_case"], given["campaign"]]
    if sum(modes) != 1:
        raise InputError("IMAGE, --case and --campaign: allowed: exactly one of them")
    check_wave_options(given)
    if given["campaign"]:
        if given["waves"]:
            raise InputError(f"--waves is {given['waves']}; allowed: with IMAGE or --case")
        _campaign(as_json, given)
    else:
        _single(image_file, as_json, given)


def _single(image_file: str | None, as_json: bool, given: dict[str, Any]) -> None:
    from verif.campaign import explain, run_case
    from verif.cases import draw_case
    from verif.tile_array import Waves
    from verif.toolchain import make_cache

    bug = _bug(given["bug"])
    if image_file is None:
        case = draw_case(given["seed"], given["packets"] or 700)
    else:
        case = _image_case(image_file, given)
    window = wave_window(case.image, given)
    waves = Waves(**window) if window else None
    folder = check_folder("--out", given["out"])
    make_cache()
    with progress_console.status("engine, tile compilation and RTL run"):
        outcome = run_case(case, bug, waves)
        looked = ""
        if outcome.cycle >= 0:
            make_folder("--out", folder)
            looked = explain(case, outcome, folder / f"seed-{given['seed']}.vcd", bug)
    data = {
        **_plain(outcome),
        "agree": not outcome.failure,
        "waves": looked or given["waves"],
        "reproduce": again("seed", *(["pattern", "load", "length"] if image_file else [])),
    }
    emit(as_json, data, lambda: _render(data))
    if outcome.failure:
        raise SystemExit(1)


def _plain(outcome: Outcome) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(outcome)


def _bug(name: str | None) -> Any:
    from rtl.bugs import Bug

    known = {bug.value: bug for bug in Bug}
    if name is not None and name not in known:
        raise InputError(f"--bug is {name!r}; allowed: {', '.join(known)}")
    return None if name is None else known[name]


def _image_case(image_file: str, given: dict[str, Any]) -> Case:
    from model.traffic import make_schedule
    from verif.cases import Case
    from verif.tile_array import array_spec

    image = read_image(image_file)
    with fields_as_options():
        schedule = make_schedule(
            image, **drawn(given), packets=given["packets"] or 2000, seed=given["seed"]
        )
    return Case(
        seed=given["seed"],
        image=image,
        schedule=schedule,
        stalls=stall_pattern(given["stall_rate"], 2, given["seed"]),
        netlist=array_spec(image.spec),
        via_bus=False,
        threads=given["threads"],
        summary={**drawn(given), "stall_rate": given["stall_rate"]},
    )


def _render(data: dict[str, Any]) -> None:
    rows = [
        (
            "packets",
            f"{data['packets']:,}: {data['delivered']:,} delivered, "
            f"{data['refused']:,} refused, {data['sunk']:,} sunk",
        ),
        ("compared", f"{data['events']:,} events and all counters over {data['cycles']:,} cycles"),
        (
            "babbling",
            f"{data['dead_tiles']} dead tiles, {data['dead_links']} dead links, "
            f"{data['dead_cores']} dead cores",
        ),
        ("RTL", f"{data['tile_cycles']:,} tile-cycles in {data['rtl_seconds']:.2f} s"),
        ("result", data["failure"] or "RTL and engine agree in every cycle"),
    ]
    if data["waves"]:
        rows.append(("waves", data["waves"]))
    key_values("RTL against engine", rows)
    console.print(f"Again: {data['reproduce']}", soft_wrap=True)


def _campaign(as_json: bool, given: dict[str, Any]) -> None:
    from verif.campaign import explain, run_campaign, summarise
    from verif.cases import draw_case
    from verif.toolchain import make_cache

    bug = _bug(given["bug"])
    packets = given["packets"] or 700
    folder = make_folder("--out", given["out"])
    make_cache()
    seeds = range(given["seed"], given["seed"] + given["seeds"])
    outcomes = []
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with progress(*columns) as display:
        task = display.add_task("random fabrics", total=len(seeds))
        for outcome in run_campaign(seeds, packets=packets, jobs=given["jobs"], bug=bug):
            outcomes.append(outcome)
            total = sum(one.packets for one in outcomes)
            failed = sum(bool(one.failure) for one in outcomes)
            text = f"{total:,} packets, {failed} failures"
            display.update(task, advance=1, description=text)
    data = summarise(sorted(outcomes, key=lambda outcome: outcome.seed))
    for failure in data["failures"]:
        words = ["verify", "--case", "--packets", packets, "--seed", failure["seed"]]
        failure["reproduce"] = reproduce(*words, *(["--bug", bug.value] if bug else []))
    first = next((one for one in outcomes if one.cycle >= 0), None)
    if first is not None:
        waves = folder / f"seed-{first.seed}.vcd"
        data["waves"] = explain(draw_case(first.seed, packets), first, waves, bug)
    data["reproduce"] = again("seed", "seeds")
    with atomic_open(folder / "campaign.json") as file:
        file.write(json.dumps(data, indent=2).encode())
    emit(as_json, data, lambda: _render_campaign(data, folder))
    if data["failures"]:
        raise SystemExit(1)


def _render_campaign(data: dict[str, Any], folder: Path) -> None:
    rows = [
        ("fabrics", f"{data['fabrics']:,} over {data['parameter_sets']} parameter sets"),
        (
            "compiled",
            f"{data['compiled']:,} by {', '.join(data['routings'])}; "
            f"{data['compiled_with_layers']:,} with other turns in other VCs, "
            f"{data['compiled_with_vc_rules']:,} with VC rules",
        ),
        (
            "packets",
            f"{data['packets']:,}: {data['delivered']:,} delivered, "
            f"{data['refused']:,} refused, {data['sunk']:,} sunk",
        ),
        ("compared", f"{data['events']:,} events, {data['tile_cycles']:,} RTL tile-cycles"),
        (
            "babbling",
            f"{data['dead_tiles']:,} dead tiles, {data['dead_links']:,} dead links, "
            f"{data['dead_cores']:,} dead cores",
        ),
        ("failures", str(len(data["failures"]))),
    ]
    for failure in data["failures"][:5]:
        rows.append((f"  seed {failure['seed']}", failure["failure"]))
        rows.append(("  again", failure["reproduce"]))
    if "waves" in data:
        rows.append(("waves", data["waves"]))
    rows.append(("summary", str(folder / "campaign.json")))
    key_values("Campaign: RTL against engine", rows)
    console.print(f"Again: {data['reproduce']}", soft_wrap=True)

"""The scan of bad inputs (CLI-1): one clear line on stderr, exit code 2, nothing written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from model.compile import compile_wafer
from model.defects import bernoulli
from model.image_file import image_to_json, image_to_npz
from model.wafer import wafer_to_json, wafer_to_npz
from tools.cli import main

MAP = bernoulli(5, 4, tile_rate=0.1, link_rate=0.1, seed=3)
WAFER = wafer_to_json(MAP)
IMAGE = image_to_json(compile_wafer(MAP))


def run(*words: str, stdin: bytes | str | None = None) -> Result:
    return CliRunner().invoke(main, list(words), input=stdin)


def refused(result: Result, folder: Path, message: str) -> None:
    """Exit code 2, one line that holds ``message``, no output, no file."""
    assert result.exit_code == 2, result.output
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("wafermesh: ")
    assert message in lines[0]
    assert result.stdout == ""
    assert [path.name for path in folder.iterdir() if path.name.startswith((".", "out"))] == []


def edited(text: str, **changes: Any) -> str:
    """JSON text with top-level members replaced."""
    return json.dumps({**json.loads(text), **changes})


def tile_edited(**changes: Any) -> str:
    """The image with members of its first tile replaced."""
    doc = json.loads(IMAGE)
    doc["tiles"][0].update(changes)
    return json.dumps(doc)


ROUTE = json.loads(IMAGE)["tiles"][0]["routes"][0]
ALL = ["NORTH", "EAST", "SOUTH", "WEST", "LOCAL"]


def every_turn() -> str:
    doc = json.loads(IMAGE)
    for tile in doc["tiles"]:
        tile["turns"] = [[came, out, 0] for came in ALL for out in ALL]
    return json.dumps(doc)


def edge_fuse() -> str:
    doc = json.loads(IMAGE)
    doc["tiles"][0]["in_ok"][0] = True
    return json.dumps(doc)


def one_sided_link() -> str:
    doc = json.loads(IMAGE)
    tile = next(t for t in doc["tiles"] if t["out_ok"][1])
    tile["out_ok"][1] = False
    return json.dumps(doc)


WAFERS = {
    "empty": ("", "is not valid JSON: Expecting value, line 1 column 1"),
    "truncated": (WAFER[:150], "is not valid JSON: "),
    "not JSON": ("hello", "is not valid JSON: "),
    "a list": ("[]", "wafer is []; allowed: an object"),
    "version": (edited(WAFER, format="wafermesh-wafer/9"), 'wafer.format is "wafermesh-wafer/9"; '),
    "an image": (IMAGE, 'wafer.format is "wafermesh-config/1"; allowed: "wafermesh-wafer/1"'),
    "unknown key": (edited(WAFER, widht=5), "wafer.widht is unknown; allowed: format, width"),
    "size 0": (edited(WAFER, width=0), "wafer.width is 0; allowed: an integer from 1 to 2048"),
    "size < 0": (edited(WAFER, height=-1), "wafer.height is -1; allowed: an integer from 1"),
    "huge": (edited(WAFER, width=10**12), "wafer.width is 1000000000000; allowed: an integer"),
    "large": (edited(WAFER, width=2048, height=2048), "wafer.tiles has 4 rows; allowed: 2048"),
    "ragged": (edited(WAFER, tiles=["....", *[".."] * 3]), "wafer.tiles[0] has length 4; allowed"),
    "letter": (edited(WAFER, tiles=["..?.."] * 4), 'wafer.tiles[0][2] is "?"; allowed: . c X'),
    "off the edge": (
        edited(WAFER, dead_links=[[4, 0, "EAST"]]),
        'wafer.dead_links[0] is [4, 0, "EAST"]; allowed: a link that does not leave the wafer',
    ),
    "twice": (edited(WAFER, dead_links=[[1, 1, "EAST"]] * 2), "allowed: each link once"),
    "NaN": (WAFER.replace('"seed": 3', '"seed": NaN'), "contains NaN; allowed: finite numbers"),
    "all dead": (edited(WAFER, tiles=["XXXXX"] * 4), "wafer has no working tile; allowed: at lea"),
    "no core": (edited(WAFER, tiles=["ccccc"] * 4), "wafer has no working core; allowed: at lea"),
}
IMAGES = {
    "truncated": (IMAGE[: len(IMAGE) // 2], "is not valid JSON: "),
    "version": (edited(IMAGE, format="wafermesh-config/0"), 'image.format is "wafermesh-config/0"'),
    "unknown key": (edited(IMAGE, fuses=[]), "image.fuses is unknown; allowed: format, spec"),
    "unknown size": (
        edited(IMAGE, spec={"width": 5, "height": 4, "depht": 3}),
        "image.spec.depht is unknown; allowed: width, height, vcs, depth",
    ),
    "size 0": (
        edited(IMAGE, spec={"width": 0, "height": 4}),
        "image.spec.width is 0; allowed: an integer from 1 to 2048",
    ),
    "header": (
        edited(IMAGE, spec={"width": 5, "height": 4, "x_width": 1}),
        "spec.x_width is 1; allowed: 3 to 11 for a 5x4 fabric",
    ),
    "tables": (
        tile_edited(routes=[ROUTE] * 17),
        "image.tiles[0].routes has 17 entries; allowed: at most 16",
    ),
    "rectangle": (tile_edited(routes=[{**ROUTE, "x": [4, 2]}]), ".x is [4, 2]; allowed: low to"),
    "off fabric": (tile_edited(routes=[{**ROUTE, "y": [0, 4]}]), ".y is [0, 4]; allowed: low to"),
    "VC": (tile_edited(routes=[{**ROUTE, "vcs": [1]}]), "routes[0].vcs is [1]; allowed: 0 to 0"),
    "edge fuse": (edge_fuse(), "in_ok[NORTH] is true; allowed: false at the wafer's edge (FUS-1)"),
    "one-sided": (one_sided_link(), "EAST has out_ok false but in_ok true at"),
    "cycle": (every_turn(), "image.turns is a cycle in VC 0: ("),
    "identity": (
        tile_edited(logical=19),
        "image.remap[0] is (0, 0); allowed: the tile with this identity, it has 19",
    ),
}


@pytest.mark.parametrize("case", list(WAFERS))
def test_compile_refuses_a_bad_wafer(tmp_path: Path, case: str) -> None:
    text, message = WAFERS[case]
    path = tmp_path / "wafer.json"
    path.write_text(text, encoding="utf-8")
    refused(run("compile", str(path), "-o", str(tmp_path / "out.json")), tmp_path, message)


@pytest.mark.parametrize("case", list(IMAGES))
def test_inspect_refuses_a_bad_image(tmp_path: Path, case: str) -> None:
    text, message = IMAGES[case]
    path = tmp_path / "image.json"
    path.write_text(text, encoding="utf-8")
    refused(run("inspect", str(path)), tmp_path, message)


@pytest.mark.parametrize("command", ["compile", "inspect"])
@pytest.mark.parametrize("cut", [10, 200, 0.5, 0.95])
def test_damaged_archives_are_refused(tmp_path: Path, command: str, cut: float) -> None:
    whole = wafer_to_npz(MAP) if command == "compile" else image_to_npz(compile_wafer(MAP))
    path = tmp_path / "file.npz"
    path.write_bytes(whole[: int(cut if cut > 1 else cut * len(whole))])
    words = [command, str(path)]
    if command == "compile":
        words += ["-o", str(tmp_path / "out.npz")]
    refused(run(*words), tmp_path, "is not a valid NumPy archive: ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--size", "0x4"], "--size is '0x4'; allowed: WIDTHxHEIGHT, each side from 1 to 2048"),
        (["--size", "-3x4"], "--size is '-3x4'; allowed: WIDTHxHEIGHT"),
        (["--size", "99999x4"], "--size is '99999x4'; allowed: WIDTHxHEIGHT"),
        (["--size", "big"], "--size is 'big'; allowed: WIDTHxHEIGHT"),
        ([], "--size is missing; allowed: WIDTHxHEIGHT, or a --preset"),
        (["--size", "4x4", "--tile-rate", "nan"], "--tile-rate is nan; allowed: a number from 0"),
        (["--size", "4x4", "--link-rate", "1.01"], "--link-rate is 1.01; allowed: a number from"),
        (["--size", "4x4", "--core-rate", "-0.5"], "--core-rate is -0.5; allowed: a number from"),
        (["--size", "4x4", "--pair-rate", "lots"], "--pair-rate is lots; allowed: a number from"),
        (["--size", "4x4", "--seed", "-1"], "-1 is not in the range"),
    ],
)
def test_defects_refuses_bad_options(tmp_path: Path, words: list[str], message: str) -> None:
    refused(run("defects", *words, "-o", str(tmp_path / "out.json")), tmp_path, message)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--spares", "nan"], "spares is 'nan'; allowed: a share as 7%, or a count"),
        (["--spares", "5"], "spares is '5'; allowed: a share as 7%, or a count"),
        (["--spares=-1"], "spares is '-1'; allowed: a share as 7%, or a count"),
        (["--vcs", "3"], "spec.vcs is 3; allowed: 1, 2 or 4"),
        (["--depth", "1"], "spec.depth is 1; allowed: an integer from 2 to 64"),
        (["--route-entries", "0"], "spec.route_entries is 0; allowed: an integer from 1 to 64"),
        (["--route-entries", "1"], "route_entries is 1; allowed: "),
        (["--routing", "magic"], "'magic' is not"),
        (["--effort", "none"], "'none' is not"),
        (["--json", "-o", "-"], "--json is given with -o -; allowed: give -o FILE with --json"),
        (["-o", ""], "-o is ''; allowed: a name"),
    ],
)
def test_compile_refuses_bad_options(tmp_path: Path, words: list[str], message: str) -> None:
    wafer = tmp_path / "wafer.json"
    wafer.write_text(WAFER, encoding="utf-8")
    output = [] if "-o" in words else ["-o", str(tmp_path / "out.json")]
    refused(run("compile", str(wafer), *words, *output), tmp_path, message)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--from", "0"], "--from is given without --to or --to without --from; allowed: both"),
        (["--from", "0", "--to", "99"], "--to is 99; allowed: an integer from 0 to 19"),
        (["--from", "-1", "--to", "0"], "--from is -1; allowed: an integer from 0 to 19"),
        (["--tile", "9,9"], "--tile is '9,9'; allowed: x,y within 5x4"),
        (["--tile", "1"], "--tile is '1'; allowed: x,y within 5x4"),
        (["--tile", "0,0", "--from", "0", "--to", "1"], "--tile is '0,0'; allowed: without --fro"),
        (["--tile", "0,0", "--to", "1"], "--tile is '0,0'; allowed: without --from and --to"),
    ],
)
def test_inspect_refuses_bad_options(tmp_path: Path, words: list[str], message: str) -> None:
    image = tmp_path / "image.json"
    image.write_text(IMAGE, encoding="utf-8")
    refused(run("inspect", str(image), *words), tmp_path, message)


def test_defects_refuses_no_name_and_json_without_a_file(tmp_path: Path) -> None:
    size = ["defects", "--size", "4x4"]
    refused(run(*size, "-o", ""), tmp_path, "-o is ''; allowed: a name")
    refused(run(*size, "--json"), tmp_path, "allowed: give -o FILE with --json")


@pytest.mark.parametrize(
    "report",
    [{}, {"plan": "mine", "reachable_pairs": 1}, {"logical": 3, "[/x]": ["[/y]", None]}],
)
def test_inspect_shows_any_report(tmp_path: Path, report: dict[str, Any]) -> None:
    path = tmp_path / "image.json"
    path.write_text(edited(IMAGE, report=report), encoding="utf-8")
    result = run("inspect", str(path))
    assert result.exit_code == 0, result.output
    for key, value in report.items():
        assert f"{key} " in result.stdout
        assert json.dumps(value) in result.stdout


def test_missing_files_and_folders_are_refused(tmp_path: Path) -> None:
    refused(run("compile", str(tmp_path / "no.json")), tmp_path, "no.json cannot be read: No such")
    refused(run("inspect", str(tmp_path)), tmp_path, "cannot be read: Is a directory")
    result = run("defects", "--size", "4x4", "-o", str(tmp_path / "no" / "out.json"))
    refused(result, tmp_path, "cannot be written: No such file or directory")


def test_standard_input_is_checked_alike(tmp_path: Path) -> None:
    refused(run("compile", "-", stdin=WAFER[:99]), tmp_path, "standard input is not valid JSON: ")
    refused(
        run("inspect", "-", stdin=b"\xff"), tmp_path, "standard input is not UTF-8 text: byte 0"
    )

"""``defects``, ``compile`` and ``inspect`` from end to end, by hand and by pipe (design.md §10)."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from click.testing import CliRunner, Result

from model.image_file import load_image
from model.wafer import load_wafer
from tools.cli import main


def run(*words: str, stdin: str | None = None) -> Result:
    result = CliRunner().invoke(main, list(words), input=stdin)
    assert result.exit_code == 0, result.output
    return result


def _make(folder: Path, suffix: str = "json") -> tuple[Path, Path]:
    wafer, image = folder / f"wafer.{suffix}", folder / f"image.{suffix}"
    words = ["--size", "9x6", "--tile-rate", "0.12", "--link-rate", "0.06", "--seed", "7"]
    run("defects", *words, "-o", str(wafer))
    run("compile", str(wafer), "--spares", "7%", "--vcs", "2", "-o", str(image))
    return wafer, image


def test_both_forms_lead_to_the_same_image(tmp_path: Path) -> None:
    _, from_json = _make(tmp_path)
    _, from_npz = _make(tmp_path, "npz")
    one, other = load_image(from_json), load_image(from_npz)
    assert (one.routes == other.routes).all()
    assert one.report == other.report


def test_commands_form_a_pipe(tmp_path: Path) -> None:
    wafer, image = _make(tmp_path)
    drawn = run("defects", "--size", "9x6", "--tile-rate", "0.12", "--link-rate", "0.06",
                "--seed", "7")  # fmt: skip
    assert drawn.stdout == wafer.read_text()
    made = run("compile", "-", "--spares", "7%", "--vcs", "2", stdin=drawn.stdout)
    assert made.stdout == image.read_text()
    shown = run("inspect", "-", "--json", stdin=made.stdout)
    assert json.loads(shown.stdout)["report"] == load_image(image).report


def test_the_printed_line_makes_the_same_file_again(tmp_path: Path) -> None:
    wafer, image = _make(tmp_path)
    for words, path in (
        (["defects", "--size", "9x6", "--tile-rate", "0.123456789"], wafer),
        (["compile", str(wafer), "--spares", "1", "--effort", "best"], image),
    ):
        report = json.loads(run(*words, "-o", str(path), "--json").stdout)
        first = path.read_bytes()
        path.unlink()
        run(*shlex.split(report["reproduce"])[1:])
        assert path.read_bytes() == first


def test_reports_end_with_a_command_that_leaves_defaults_out(tmp_path: Path) -> None:
    wafer, image = (shlex.quote(str(tmp_path / name)) for name in ("a wafer.json", "image.npz"))
    for line, short in (
        (f"defects --size 5x4 --core-rate 0.0 -o {wafer}", f"--size 5x4 --seed 1 -o {wafer}"),
        (f"compile {wafer} --depth 6 --vcs 1 -o {image}", f"{wafer} --depth 6 -o {image}"),
        (f"inspect {image}", image),
        (f"inspect {image} --tile 0,0", f"{image} --tile 0,0"),
    ):
        last = run(*shlex.split(line)).stdout.splitlines()[-1]
        assert last == f"Again: wafermesh {line.split()[0]} {short}"


def test_inspect_walks_a_pair_tile_by_tile(tmp_path: Path) -> None:
    _, path = _make(tmp_path)
    image = load_image(path)
    hosted = [i for i, tile in enumerate(image.remap_tile.tolist()) if tile >= 0]
    a, b = hosted[0], hosted[-1]
    walk = json.loads(run("inspect", str(path), "--from", str(a), "--to", str(b), "--json").stdout)
    places = [step["tile"][1] * 9 + step["tile"][0] for step in walk["steps"]]
    assert (places[0], places[-1]) == (image.remap_tile[a], image.remap_tile[b])
    assert walk["arrived"]
    assert walk["hops"] == len(places) - 1
    assert walk["vc"] == image.remap_vc[b]
    words = ["inspect", str(path), "--from", str(a), "--to", str(b)]
    *steps, arrival, again = run(*words).stdout.splitlines()
    assert arrival == f"{a} to {b} arrives: {walk['hops']} hops in VC {walk['vc']}"
    assert len(steps) == len(places)
    assert again == "Again: " + shlex.join(["wafermesh", *words])


def test_inspect_shows_a_tile_and_the_map(tmp_path: Path) -> None:
    wafer, path = _make(tmp_path)
    image = load_image(path)
    tile = int(image.live.argmax())
    place = f"{tile % 9},{tile // 9}"
    shown = json.loads(run("inspect", str(path), "--tile", place, "--json").stdout)
    assert shown["logical"] == image.identity[tile]
    assert "entry 0" in run("inspect", str(path), "--tile", place).stdout
    rows = run("inspect", str(path)).stdout.splitlines()[:6]
    dead = "".join(rows).count("X")
    assert dead == (~load_wafer(wafer).live).sum()
    assert "".join(rows).count("r") == image.report["repaired"]

"""``wafermesh picture``: draw an image's load, displacement, table entries or defects."""

from __future__ import annotations

import click

from model.atomic import check_target
from tools.common import OutputType, again, emit, json_option
from tools.files import read_image
from tools.pictures import PICTURES, draw, picture_size
from tools.plotting import ENDINGS, picture


@click.command(name="picture")
@click.argument("image")
@click.option(
    "--of",
    "what",
    type=click.Choice(list(PICTURES)),
    default="load",
    show_default=True,
    help="Load of the links, displacement from home to host, route entries in use, or defects.",
)
@click.option(
    "-o", "--output", type=OutputType(*ENDINGS), required=True, help="File, .png or .svg."
)
@json_option
def command(image: str, what: str, output: str, as_json: bool) -> None:
    """Draw IMAGE (a file or -) as a picture, from 4x4 to a whole wafer."""
    check_target("-o", output)
    loaded = read_image(image)
    with picture(output, size=picture_size(loaded)) as (figure, axes):
        draw(figure, axes[0, 0], loaded, what)
        title = axes[0, 0].get_title(loc="left").strip()
    result = {"of": what, "title": title, "file": output, "reproduce": again()}
    emit(as_json, result, lambda: click.echo(f"{title}\nwritten  {output}\nAgain: {again()}"))

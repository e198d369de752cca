"""``wafermesh explore``: the page in a browser."""

from __future__ import annotations

from dataclasses import replace

import click

from model.errors import InputError
from tools.common import SIZE, seed_option
from tools.files import read_image, read_wafer


@click.command(name="explore")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8055, show_default=True, help="0: a free one."
)
@click.option("--no-browser", is_flag=True, help="Do not open a browser.")
@click.option("--size", type=SIZE, help="Width x height in tiles, as 32x18.")
@click.option("--wafer", metavar="FILE", help="Show this map first.")
@click.option("--image", metavar="FILE", help="Show the map that this image was made for.")
@seed_option
def command(
    host: str,
    port: int,
    no_browser: bool,
    size: tuple[int, int] | None,
    wafer: str | None,
    image: str | None,
    seed: int,
) -> None:
    """Serve the explorer on this machine and open it; nothing is fetched from elsewhere."""
    try:
        import nicegui  # noqa: F401
    except ImportError as error:
        raise InputError("nicegui is missing; allowed: pip install 'wafermesh[explore]'") from error
    from tools.explore.edits import pack_map
    from tools.explore.server import serve
    from tools.explore.settings import Settings
    from tools.explore.upload import map_of_image

    settings = Settings(seed=seed)
    if size:
        settings = replace(settings, width=size[0], height=size[1])
    if wafer and image:
        raise InputError("--wafer and --image: allowed: one of them")
    if wafer or image:
        shown = read_wafer(wafer) if wafer else map_of_image(read_image(str(image)))
        settings = replace(settings, width=shown.width, height=shown.height, map=pack_map(shown))
    serve(settings, host, port, browser=not no_browser)

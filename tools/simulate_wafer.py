"""``wafermesh simulate --wafer``: a preset with sampled defects, repaired and compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from model.errors import InputError
from tools.common import progress_console
from tools.defect_options import RATE_OPTIONS, rates_of

if TYPE_CHECKING:
    from model.image import ConfigImage

WALKED: Final = 100_000
"""Random pairs that are walked on a whole wafer; `wafermesh compile` walks more."""


def check_wafer_options(wafer: str | None) -> None:
    """Refuse defects for an image that has its own (InputError)."""
    context = click.get_current_context()
    for name in RATE_OPTIONS:
        if wafer is None and context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            raise InputError(f"--{name.replace('_', '-')} is given; allowed: with --wafer")


def make_wafer(name: str, seed: int, given: dict[str, Any]) -> ConfigImage:
    """Sample the defects of a preset, repair it, and compile it with the preset's spares.

    Parameters
    ----------
    name : str
        Of a preset.
    seed : int
        Of the defects.
    given : dict
        The options of :func:`tools.defect_options.rate_options`.
    """
    from model.compile import ALL_PAIRS_MOST, CompileOptions, compile_wafer
    from model.defects import clustered
    from model.presets import preset
    from model.wide.compile import compile_wide

    kind = preset(name)
    with progress_console.status("") as status:

        def tell(what: str, done: int, total: int) -> None:
            status.update(f"{name}: {what}, {done} of {total}" if total > 1 else f"{name}: {what}")

        tell("sampling defects", 0, 1)
        wafer = clustered(
            kind.width,
            kind.height,
            rates_of(given, kind),
            cluster=given["cluster"],
            alpha=given["alpha"],
            seed=seed,
        )
        spares: dict[str, Any] = {"spares": kind.spares, "spare_place": kind.spare_place}
        if kind.width * kind.height > ALL_PAIRS_MOST:
            return compile_wide(wafer, walked=WALKED, progress=tell, **spares)
        return compile_wafer(wafer, CompileOptions(**spares), tell)

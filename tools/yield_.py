"""``wafermesh yield``: what share of wafers works."""

from __future__ import annotations

import click

from tools.cli import LazyGroup

COMMANDS = {
    "analytic": "Closed forms: Poisson, Murphy, Seeds, negative binomial, k of n.",
}


@click.group(cls=LazyGroup, modules=COMMANDS, prefix="tools.yield_")
def command() -> None:
    """What share of chips, or of wafers with spares, works.

    \b
    wafermesh yield analytic --area 814 --d0 0.1
    wafermesh yield analytic --area 0.05 --d0 0.1 --units 970000 --spares 70000
    """

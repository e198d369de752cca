"""The compiler: a wafer map in, a proven configuration image out (design.md §6).

Steps: the tiles that can be routed at all, hosts among them, turns and ways by a routing strategy,
tables, proof, report.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, get_args

import numpy as np

from model.compile_report import compile_report
from model.errors import InputError
from model.graph import LinkGraph
from model.hosted_image import hosted_image
from model.image import ConfigImage
from model.proof import PairWalk, prove
from model.repair import repair_strategy
from model.repair.homes import HomePlan
from model.routing import Candidate, Effort, Weave, routing_strategy
from model.routing.improve import Improver
from model.routing.plan import PathPlan
from model.routing.reach import Reach
from model.routing.search import budget_for
from model.spec import FabricSpec
from model.tables.fit import FittedTables, fit_tables
from model.tables.need import entries_needed
from model.wafer import WaferMap
from model.wide.compile import compile_wide
from model.wide.walker import Progress

GOOD_SLACK: Final = 0.1
"""Share by which an output may cost more than the chosen one for a table to take it instead."""

ALL_PAIRS_MOST: Final = 96 * 96
"""Tiles up to which ways between all pairs are searched."""


@dataclass(frozen=True, kw_only=True)
class CompileOptions:
    """How to compile.

    Parameters
    ----------
    spares : str or int
        Spare lines as a count or a share (RMP-3); 0 means logical size = physical size.
    spare_place : str
        Where they lie (``PLACES``); ``dies`` counts the spares of each row of dies.
    routing, repair : str
        Strategy names (``ROUTINGS``, ``REPAIRS``).
    effort : str
        ``fast`` for interactive use, or ``best``: turns and ways are searched for.
    """

    spares: str | int = 0
    spare_place: str = "columns"
    routing: str = "ordered"
    repair: str = "displacement"
    effort: Effort = "fast"

    def __post_init__(self) -> None:
        if self.effort not in get_args(Effort):
            raise InputError(f"effort is {self.effort!r}; allowed: {', '.join(get_args(Effort))}")
        routing_strategy(self.routing)
        repair_strategy(self.repair)


DEFAULTS: Final = CompileOptions()


def compile_wafer(
    wafer: WaferMap,
    options: CompileOptions = DEFAULTS,
    progress: Progress | None = None,
    **sizes: int,
) -> ConfigImage:
    """Repair, route and prove a wafer.

    Parameters
    ----------
    wafer : WaferMap
        Beyond :data:`ALL_PAIRS_MOST` tiles it is compiled by :mod:`model.wide`, whatever the
        routing and effort.
    options : CompileOptions
    progress : callable, optional
        Told how far a large wafer is.
    **sizes
        Fields of the image's :class:`FabricSpec` beside the size: ``vcs``, ``depth``, …

    Returns
    -------
    ConfigImage
        With ``report`` filled.

    Raises
    ------
    InputError
        When an option is out of range, no core can be hosted, or a tile's table cannot fit.
    """
    if wafer.width * wafer.height > ALL_PAIRS_MOST:
        return compile_wide(
            wafer, spares=options.spares, spare_place=options.spare_place, repair=options.repair,
            progress=progress, **sizes,
        )  # fmt: skip
    spec = FabricSpec(width=wafer.width, height=wafer.height, **sizes)
    graph = LinkGraph.from_wafer(wafer)
    graph.require_live()
    homes = HomePlan.build(wafer.width, wafer.height, options.spares, options.spare_place)
    reach = Reach.of(graph)
    host = repair_strategy(options.repair)(homes, reach.served & graph.core_ok)
    if (host < 0).all():
        raise InputError("wafer has no working core; allowed: at least one")
    hosts = np.unique(host[host >= 0]).astype(np.int32)
    candidates = routing_strategy(options.routing)(graph, reach, hosts, options.effort, spec.vcs)
    blank = hosted_image(spec, graph, homes, host)
    label, image, tables, walk = _best(blank, candidates, options.effort)
    image.report = compile_report(
        image, homes, graph, reach, tables, walk,
        routing=options.routing, plan=label, repair=options.repair, effort=options.effort,
    )  # fmt: skip
    return image


Routed = tuple[ConfigImage, FittedTables, PairWalk]


def _best(
    blank: ConfigImage, candidates: Iterator[Candidate], effort: Effort
) -> tuple[str, ConfigImage, FittedTables, PairWalk]:
    """Of as many candidates that fit as the effort says, the one with the least busy link.

    Candidates that do not fit are passed over; when none fits, the first one's need is reported.
    """
    found: list[tuple[str, ConfigImage, FittedTables, PairWalk]] = []
    refusal: InputError | None = None
    for label, weave in candidates:
        try:
            found.append((label, *_route(blank, weave, effort)))
        except InputError as misfit:
            refusal = refusal or misfit
        if len(found) == budget_for(effort, blank.spec.tiles).images:
            break
    if not found:
        raise refusal or InputError("routing has no candidate; allowed: at least one")
    return min(found, key=lambda image: int(image[3].load.max(initial=0)))


def _route(blank: ConfigImage, routing: Weave | Improver, effort: Effort) -> Routed:
    """Fit tables to the trees; searched ones are tidied first, further where entries ran out.

    Of all images so made the one whose busiest link carries least is kept. Each is proven.
    """
    entries = blank.spec.route_entries
    weave = routing.weave if isinstance(routing, Improver) else routing
    best: tuple[int, ConfigImage, FittedTables, PairWalk] | None = None
    budget = budget_for(effort, blank.spec.tiles)
    for _ in range(budget.fits):
        if isinstance(routing, Improver):
            routing.tidy(lambda: entries_needed(weave.plan(GOOD_SLACK)), entries, *budget.tidy)
        paths = weave.plan(GOOD_SLACK)
        try:
            tables = fit_tables(paths, entries, blank.spec.vcs, effort)
        except InputError:
            if best is None:
                raise
            break
        image = _assemble(blank, paths, tables)
        walk = prove(image)
        busiest = int(walk.load.max(initial=0))
        if best is None or busiest < best[0]:
            best = busiest, image, tables, walk
        traded = tables.freedom > 0
        if not traded.any() or not isinstance(routing, Improver):
            break
        routing.press(traded)
    assert best is not None
    return best[1:]


def _assemble(blank: ConfigImage, paths: PathPlan, tables: FittedTables) -> ConfigImage:
    """A copy of the blank image with turns and routes filled in."""
    image = replace(
        blank, turns=np.zeros_like(blank.turns), routes=np.zeros_like(blank.routes), report={}
    )
    for vc in range(blank.spec.vcs):
        image.turns[:, :, :, vc] = paths.turns[vc % paths.layers]
    used = np.arange(blank.spec.route_entries) < tables.count[:, None]
    image.routes["valid"] = used
    for column, field in enumerate(("x_lo", "x_hi", "y_lo", "y_hi", "from_ports", "vcs", "to")):
        image.routes[field] = np.where(used, tables.entries[:, :, column], 0)
    return image

"""Corruptions of route entries, VC rules and the report."""

from __future__ import annotations

import numpy as np

from model.image import ROUTE_DTYPE, ConfigImage
from model.spec import Port
from tests.compiler.corruption import SIDE, Step, corruption, holds, journey, middle

# Route entries ------------------------------------------------------------------------------------


def fused_port(image: ConfigImage) -> Step:
    """A step at a tile one of whose outputs is fused off."""
    return next(step for step in journey(image) if not image.out_ok[step.tile].all())


@corruption("walk", "proof")
def an_entry_points_at_a_fused_port(image: ConfigImage) -> None:
    step = fused_port(image)
    image.routes["to"][step.tile, step.entry] = np.argmin(image.out_ok[step.tile])


@corruption("walk", "proof")
def an_entry_takes_a_packet_for_elsewhere(image: ConfigImage) -> None:
    step = middle(image)
    image.routes["to"][step.tile, step.entry] = Port.LOCAL


@corruption("walk", "proof")
def a_tile_has_no_entry(image: ConfigImage) -> None:
    image.routes["valid"][middle(image).tile] = 0


@corruption("walk", "proof")
def the_rectangles_of_a_tile_leave_one_place_out(image: ConfigImage) -> None:
    step = middle(image)
    x, y = step.goal % SIDE, step.goal // SIDE
    for entry in image.routes[step.tile]:
        if holds(entry, x, y) and entry["x_lo"] < x:
            entry["x_hi"] = x - 1
        elif holds(entry, x, y) and entry["y_lo"] < y:
            entry["y_hi"] = y - 1
        elif holds(entry, x, y):
            entry["valid"] = 0


@corruption("walk", "proof")
def the_entries_of_a_tile_do_not_serve_one_input(image: ConfigImage) -> None:
    step = middle(image)
    row = image.routes[step.tile]
    row["from_ports"] &= ~(1 << step.came) & 31
    row["valid"] &= row["from_ports"] > 0


@corruption("walk", "proof", least_vcs=2)
def the_entries_of_a_tile_do_not_serve_one_vc(image: ConfigImage) -> None:
    step = middle(image)
    row = image.routes[step.tile]
    row["vcs"] &= ~(1 << step.vc) & 15
    row["valid"] &= row["vcs"] > 0


@corruption("walk", "proof")
def a_wider_entry_goes_first(image: ConfigImage) -> None:
    step = fused_port(image)
    everywhere = (1, 0, SIDE - 1, 0, SIDE - 1, 31, (1 << image.spec.vcs) - 1)
    wider = np.array((*everywhere, np.argmin(image.out_ok[step.tile])), ROUTE_DTYPE)
    image.routes[step.tile, 1:] = image.routes[step.tile, :-1].copy()
    image.routes[step.tile, 0] = wider


@corruption("walk", "loader")
def an_entry_is_for_no_vc(image: ConfigImage) -> None:
    step = middle(image)
    image.routes["vcs"][step.tile] = 0


@corruption("walk", "loader")
def an_entry_is_for_no_input(image: ConfigImage) -> None:
    image.routes["from_ports"][middle(image).tile] = 0


@corruption("walk", "loader")
def an_entry_points_nowhere(image: ConfigImage) -> None:
    step = middle(image)
    image.routes["to"][step.tile, step.entry] = 5


@corruption("walk", "loader")
def the_rectangles_of_a_tile_are_empty(image: ConfigImage) -> None:
    row = image.routes[middle(image).tile]
    row["x_lo"], row["x_hi"] = 1, 0


@corruption("walk", "proof", least_vcs=2)
def a_rule_chooses_a_vc_whose_layer_does_not_reach(image: ConfigImage) -> None:
    start = journey(image)[0]
    other = 1 - start.vc
    x, y = start.goal % SIDE, start.goal // SIDE
    image.turns[start.goal, :4, Port.LOCAL, other] = False
    image.remap_vc[image.identity[start.goal]] = start.vc
    image.rules["valid"] = 0
    image.rules[start.tile, 0] = (1, x, x, y, y, other)


@corruption("walk", "proof", least_vcs=2)
def a_default_vc_whose_layer_does_not_reach(image: ConfigImage) -> None:
    start = journey(image)[0]
    image.turns[start.goal, :4, Port.LOCAL, 1] = False
    image.remap_vc[image.identity[start.goal]] = 1
    image.rules["valid"] = 0


# Figures ------------------------------------------------------------------------------------------


@corruption("report", "checker")
def the_report_boasts_of_a_host(image: ConfigImage) -> None:
    image.report["hosted"] += 1


@corruption("report", "checker")
def the_report_hides_a_lost_tile(image: ConfigImage) -> None:
    image.report["tile_defects"] -= 1


@corruption("report", "checker")
def the_report_boasts_of_short_paths(image: ConfigImage) -> None:
    image.report["stretch"] -= 1e-3


@corruption("report", "checker")
def the_report_boasts_of_an_even_load(image: ConfigImage) -> None:
    image.report["max_channel_load"] *= 0.99


@corruption("report", "checker")
def the_report_boasts_of_small_tables(image: ConfigImage) -> None:
    image.report["entries_max"] -= 1


@corruption("report", "checker")
def the_report_lacks_the_share_of_reachable_pairs(image: ConfigImage) -> None:
    del image.report["reachable_pairs"]


@corruption("report", "checker")
def the_report_calls_a_spare_cut_off(image: ConfigImage) -> None:
    image.report["cut_off"] += 1


@corruption("report", "checker")
def the_report_names_other_spares(image: ConfigImage) -> None:
    image.report["spares"] = "2"


@corruption("report", "checker")
def the_report_names_another_place_of_spares(image: ConfigImage) -> None:
    image.report["spare_place"] = "spread"

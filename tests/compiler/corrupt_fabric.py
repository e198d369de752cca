"""Corruptions of fuses, hosts and turns."""

from __future__ import annotations

import numpy as np

from model.image import ConfigImage
from model.spec import Port
from tests.compiler.corruption import CORNER, SIDE, corruption, journey, middle
from tests.image_checker import behind
from tests.image_walk import walk

# Fuses --------------------------------------------------------------------------------------------


@corruption("fuse", "loader")
def fuse_of_a_sender_is_blown(image: ConfigImage) -> None:
    tile, port = np.argwhere(image.out_ok)[7]
    image.out_ok[tile, port] = False


@corruption("fuse", "loader")
def fuse_of_a_receiver_is_blown(image: ConfigImage) -> None:
    tile, port = np.argwhere(image.in_ok)[9]
    image.in_ok[tile, port] = False


@corruption("fuse", "loader")
def fuses_open_towards_a_dead_tile(image: ConfigImage) -> None:
    dead = np.flatnonzero(~image.live[:-SIDE])[0]
    image.out_ok[dead + SIDE, Port.NORTH] = True
    image.in_ok[dead, Port.SOUTH] = True


@corruption("fuse", "loader")
def a_fuse_is_open_at_the_edge(image: ConfigImage) -> None:
    image.out_ok[np.flatnonzero(image.live)[0], Port.NORTH] = True


@corruption("fuse", "checker")
def a_dead_link_is_in_use(image: ConfigImage) -> None:
    near = behind(SIDE, SIDE)
    dead = (near >= 0) & image.live[:, None] & image.live[near] & ~image.out_ok
    tile, port = next(place for place in np.argwhere(dead) if CORNER not in near[place[0]])
    image.out_ok[tile, port] = image.in_ok[near[tile, port], port ^ 2] = True
    image.turns[tile, :, port] = False  # so that no cycle gives it away


@corruption("fuse", "checker")
def a_working_link_is_fused_off(image: ConfigImage) -> None:
    tile, port = np.argwhere(image.out_ok & (walk(image).load == 0))[0]
    image.out_ok[tile, port] = image.in_ok[behind(SIDE, SIDE)[tile, port], port ^ 2] = False


@corruption("fuse", "checker")
def a_dead_core_is_called_good(image: ConfigImage) -> None:
    image.core_ok[np.flatnonzero(image.live & ~image.core_ok)[0]] = True


# Hosts --------------------------------------------------------------------------------------------


@corruption("host", "loader")
def a_host_has_no_core(image: ConfigImage) -> None:
    image.core_ok[np.flatnonzero(image.identity >= 0)[5]] = False


@corruption("host", "loader")
def a_host_is_dead(image: ConfigImage) -> None:
    image.remap_tile[0] = np.flatnonzero(~image.live)[0]


@corruption("host", "loader")
def two_are_on_one_tile(image: ConfigImage) -> None:
    hosted = np.flatnonzero(image.remap_tile >= 0)
    image.remap_tile[hosted[0]] = image.remap_tile[hosted[1]]


@corruption("host", "loader")
def two_identities_are_swapped(image: ConfigImage) -> None:
    a, b = np.flatnonzero(image.identity >= 0)[:2]
    image.identity[[a, b]] = image.identity[[b, a]]


@corruption("host", "loader")
def an_identity_that_nobody_maps_to(image: ConfigImage) -> None:
    image.remap_tile[np.flatnonzero(image.remap_tile >= 0)[3]] = -1


@corruption("host", "loader")
def a_default_vc_does_not_exist(image: ConfigImage) -> None:
    image.remap_vc[np.flatnonzero(image.remap_tile >= 0)[3]] = image.spec.vcs


@corruption("host", "loader")
def the_vc_of_a_rule_does_not_exist(image: ConfigImage) -> None:
    image.rules[journey(image)[0].tile, 3] = (1, 0, 1, 0, 1, image.spec.vcs)


@corruption("walk", "proof")
def a_host_is_cut_off(image: ConfigImage) -> None:
    logical = np.flatnonzero(image.remap_tile >= 0)[4]
    image.identity[image.remap_tile[logical]] = -1
    image.remap_tile[logical] = CORNER
    image.identity[CORNER] = logical


@corruption("cut off", "checker")
def a_core_that_is_connected_is_given_up(image: ConfigImage) -> None:
    logical = np.flatnonzero(image.remap_tile >= 0)[4]
    image.identity[image.remap_tile[logical]] = -1
    image.remap_tile[logical] = -1


# Turns --------------------------------------------------------------------------------------------


def ring(image: ConfigImage, vc: int) -> None:
    """Allow the four turns around the first square of four tiles with live links."""
    circle = [(0, Port.SOUTH, Port.EAST), (1, Port.WEST, Port.SOUTH)]
    circle += [(SIDE + 1, Port.NORTH, Port.WEST), (SIDE, Port.EAST, Port.NORTH)]
    for corner in range(SIDE * SIDE - SIDE - 1):
        if all(image.out_ok[corner + step, out] for step, _, out in circle):
            for step, came, out in circle:
                image.turns[corner + step, came, out, vc] = True
            return


@corruption("cycle", "loader")
def all_turns_are_legal(image: ConfigImage) -> None:
    image.turns[:] = True


@corruption("cycle", "loader")
def one_square_of_turns_is_legal(image: ConfigImage) -> None:
    ring(image, 0)


@corruption("cycle", "loader", least_vcs=2)
def one_square_of_turns_is_legal_in_the_last_vc_only(image: ConfigImage) -> None:
    ring(image, image.spec.vcs - 1)


@corruption("cycle", "loader")
def u_turns_are_legal_at_both_ends_of_a_link(image: ConfigImage) -> None:
    tile = np.flatnonzero(image.out_ok[:, Port.EAST] & image.in_ok[:, Port.EAST])[0]
    image.turns[tile, Port.EAST, Port.EAST, 0] = True
    image.turns[tile + 1, Port.WEST, Port.WEST, 0] = True


@corruption("walk", "proof")
def a_turn_on_the_way_is_illegal(image: ConfigImage) -> None:
    step = middle(image)
    image.turns[step.tile, step.came, step.to, step.vc] = False


@corruption("walk", "proof")
def a_core_cannot_send(image: ConfigImage) -> None:
    image.turns[journey(image)[0].tile, Port.LOCAL, :4] = False


@corruption("walk", "proof")
def nothing_may_arrive_at_a_core(image: ConfigImage) -> None:
    image.turns[journey(image)[0].goal, :4, Port.LOCAL] = False


@corruption("walk", "proof")
def a_core_may_not_send_to_itself(image: ConfigImage) -> None:
    image.turns[journey(image)[0].tile, Port.LOCAL, Port.LOCAL] = False

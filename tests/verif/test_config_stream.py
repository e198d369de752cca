"""Bus writes from images: every word of the layout, in an order a fabric on hold accepts."""

from dataclasses import replace

import numpy as np
import pytest

from model.spec import FabricSpec, Port, Table
from tests.images import random_image
from verif.config_stream import BusWrite, back_door, config_writes, decode, encode

FIELDS = (("low", 3), ("high", 5))


def image_of(seed: int = 1):
    spec = FabricSpec(width=4, height=3, vcs=2, route_entries=6)
    return random_image(np.random.default_rng(seed), spec, tile_rate=0.2, noise=0.5)


def test_encode_packs_the_least_significant_field_first_and_decode_inverts_it():
    words = encode(FIELDS, low=[1, 7], high=2)
    assert words.tolist() == [1 | 2 << 3, 7 | 2 << 3]
    assert {name: v.tolist() for name, v in decode(FIELDS, words).items()} == {
        "low": [1, 7],
        "high": [2, 2],
    }


def test_encode_refuses_values_that_do_not_fit_and_unknown_fields():
    with pytest.raises(ValueError, match="low does not fit 3 bits"):
        encode(FIELDS, low=8, high=0)
    with pytest.raises(ValueError, match="do not match the layout"):
        encode(FIELDS, low=1, hig=0)


def test_cfg_1_the_remap_memory_is_written_whole_and_broadcast_first():
    image = image_of()
    writes = list(config_writes(image))
    remap, rest = writes[: image.spec.tiles], writes[image.spec.tiles :]
    assert [write.index for write in remap] == list(range(image.spec.tiles))
    assert all(write.table is Table.REMAP and write.x is write.y is None for write in remap)
    assert all(write.table is not Table.REMAP for write in rest)
    for logical, write in enumerate(remap):
        word = decode(image.spec.table_fields(Table.REMAP), write.data)
        tile = image.remap_tile[logical]
        assert word["mapped"] == (tile >= 0)
        if tile >= 0:
            assert word["y"] * image.spec.width + word["x"] == tile
            assert word["vc"] == image.remap_vc[logical]


def test_only_live_tiles_are_written_and_every_word_once():
    image = image_of()
    writes = [write for write in config_writes(image) if write.table is not Table.REMAP]
    places = {write.y * image.spec.width + write.x for write in writes}
    assert not image.live.all()
    assert image.live[list(places)].all()
    keys = [(write.table, write.index, write.x, write.y) for write in writes]
    assert len(keys) == len(set(keys))


def test_turn_words_are_indexed_by_vc_and_input_and_their_bits_are_outputs():
    image = image_of()
    image.turns[:] = False
    image.turns[5, Port.WEST, Port.SOUTH, 1] = image.live[5] = True
    turns = [write for write in config_writes(image) if write.table is Table.TURN]
    assert turns == [BusWrite(Table.TURN, 1 * 5 + Port.WEST, 1 << Port.SOUTH, 1, 1)]


def test_sim_4_the_back_door_holds_the_same_words_as_the_bus():
    image = image_of()
    door = back_door(image)
    steps = {
        (int(table), int(index)): data
        for table, index, data in zip(door.table, door.index, door.data, strict=True)
    }
    seen = 0
    for write in config_writes(image):
        if write.table is Table.REMAP:
            assert door.remap[write.index] == write.data
        else:
            tile = write.y * image.spec.width + write.x
            assert steps[int(write.table), write.index][tile] == write.data
            seen += 1
    assert seen == np.count_nonzero(door.data)


def test_a_wider_netlist_gets_the_same_values_in_its_own_layout():
    image = image_of()
    wide = replace(image.spec, x_width=7, y_width=9, id_width=16)
    for narrow, other in zip(config_writes(image), config_writes(image, wide), strict=True):
        a = decode(image.spec.table_fields(narrow.table), narrow.data)
        assert a == decode(wide.table_fields(other.table), other.data)

"""The specification object: defaults, ranges, files and derived layouts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from model.errors import InputError
from model.spec import FabricSpec, Port, Status, Table, bits_for, total_width


def test_header_widths_default_to_the_least_that_the_size_needs() -> None:
    spec = FabricSpec(width=32, height=18)
    assert (spec.x_width, spec.y_width, spec.id_width) == (5, 5, 10)
    assert FabricSpec(width=1, height=1).id_width == 1
    assert FabricSpec(width=33, height=18).x_width == 6


def test_flit_fields_add_up_to_header_and_payload() -> None:
    spec = FabricSpec(width=32, height=18)
    assert total_width(spec.flit_fields) == 5 + 5 + 10 + 1 + 32


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"width": 0}, "spec.width is 0; allowed: an integer from 1 to 2048"),
        ({"width": -3}, "spec.width is -3; allowed: an integer from 1 to 2048"),
        ({"height": 4096}, "spec.height is 4096; allowed: an integer from 1 to 2048"),
        ({"width": 2.5}, "spec.width is 2.5; allowed: an integer from 1 to 2048"),
        ({"vcs": 3}, "spec.vcs is 3; allowed: 1, 2 or 4"),
        ({"vcs": True}, "spec.vcs is True; allowed: 1, 2 or 4"),
        ({"vcs": 1.0}, "spec.vcs is 1.0; allowed: 1, 2 or 4"),
        ({"depth": 1}, "spec.depth is 1; allowed: an integer from 2 to 64"),
        ({"payload_width": 65}, "spec.payload_width is 65; allowed: an integer from 1 to 64"),
        ({"route_entries": 0}, "spec.route_entries is 0; allowed: an integer from 1 to 64"),
        ({"max_packet": 0}, "spec.max_packet is 0; allowed: an integer from 1 to 1024"),
        ({"watchdog": 1}, "spec.watchdog is 1; allowed: an integer from 2 to 65535"),
        ({"x_width": 4}, "spec.x_width is 4; allowed: 5 to 11 for a 32x18 fabric"),
        ({"id_width": 9}, "spec.id_width is 9; allowed: 10 to 22 for a 32x18 fabric"),
        ({"y_width": 12}, "spec.y_width is 12; allowed: an integer from 0 to 11"),
    ],
)
def test_a_field_outside_its_range_is_named(change: dict[str, int], message: str) -> None:
    with pytest.raises(InputError) as error:
        FabricSpec(**{"width": 32, "height": 18, **change})
    assert str(error.value) == message


def test_unknown_and_missing_keys_are_named() -> None:
    with pytest.raises(InputError, match=r"^spec\.colour is unknown; allowed: width, height, "):
        FabricSpec.from_dict({"width": 2, "height": 2, "colour": 1})
    with pytest.raises(InputError, match=r"^spec\.height is missing; allowed: 1 to 2048$"):
        FabricSpec.from_dict({"width": 2})
    with pytest.raises(InputError, match=r"^spec is \[\]; allowed: a table of fields$"):
        FabricSpec.from_dict([])


def test_toml_and_json_give_the_same_spec(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("width = 8\nheight = 4\nvcs = 2\n")
    (tmp_path / "a.json").write_text('{"width": 8, "height": 4, "vcs": 2}')
    spec = FabricSpec.load(tmp_path / "a.toml")
    assert spec == FabricSpec.load(tmp_path / "a.json")
    assert FabricSpec.from_dict(json.loads(json.dumps(spec.to_dict()))) == spec


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.toml", "width = ", "a.toml is not valid TOML: Invalid value"),
        ("a.toml", "width = " + "[" * 9999, "a.toml is not valid TOML: nested too deeply"),
        ("a.toml", "width = 8\nwidth = 9\n", "a.toml is not valid TOML: Cannot overwrite"),
        ("a.json", '{"width": 8', "a.json is not valid JSON: "),
        ("a.json", "[" * 100_000, "a.json is not valid JSON: nested too deeply"),
        ("a.json", '{"width": 8, "width": 9}', 'a.json has key "width" twice; allowed: each key'),
        ("a.json", '{"width": NaN}', "a.json contains NaN; allowed: finite numbers"),
        ("a.json", "\xff", "a.json is not UTF-8 text: byte 0"),
        ("a.json", '{"width": 8, "height": 0}', "a.json: spec.height is 0; allowed"),
    ],
)
def test_a_bad_file_is_named(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text, encoding="latin-1")
    with pytest.raises(InputError) as error:
        FabricSpec.load(tmp_path / name)
    assert message in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.toml cannot be read: No such file or directory$"):
        FabricSpec.load(tmp_path / "none.toml")


@pytest.mark.parametrize("vcs", [1, 2, 4])
def test_every_word_fits_the_configuration_bus(vcs: int) -> None:
    spec = FabricSpec(width=1172, height=762, vcs=vcs)
    for table in Table:
        assert spec.table_size(table) <= 1 << spec.cfg_index_width
        if table is not Table.STATUS:
            assert total_width(spec.table_fields(table)) <= spec.cfg_data_width
    for word in Status:
        assert total_width(spec.status_fields(word)) <= spec.cfg_data_width
    with pytest.raises(ValueError, match="status_fields"):
        spec.table_fields(Table.STATUS)


def test_opposite_ports_face_each_other() -> None:
    assert [port.opposite for port in list(Port)[:4]] == [
        Port.SOUTH,
        Port.WEST,
        Port.NORTH,
        Port.EAST,
    ]


def test_bits_for_holds_the_largest_value() -> None:
    assert [bits_for(n) for n in (0, 1, 2, 3, 4, 255, 256)] == [1, 1, 2, 2, 3, 8, 9]

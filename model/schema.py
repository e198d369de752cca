"""Enforce the published JSON schemas, with one-line errors that name the field.

The files in ``model/schemas`` are ordinary JSON Schema (2020-12). This checker reads the subset
they use and turns each into nested closures once, which makes it some thirty times faster than a
general validator on an image of a thousand tiles; ``tests/compiler/test_files.py`` holds it
against the ``jsonschema`` library.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from model.errors import InputError

SCHEMAS: Final = Path(__file__).parent / "schemas"
_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {
    "object": dict,
    "array": list,
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
}

Check = Callable[[Any, str], None]


def shown(value: object) -> str:
    """``value`` as JSON, cut to 60 characters."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= 60 else text[:57] + "..."


def parse_json(text: str, name: str) -> Any:
    """Parse strict JSON: no NaN or Infinity, no key twice.

    Parameters
    ----------
    text : str
    name : str
        What the text is, for the message: a file name.

    Raises
    ------
    InputError
        ``<name> is not valid JSON: <why>, line <l> column <c>``.
    """

    def constant(word: str) -> Any:
        raise InputError(f"{name} contains {word}; allowed: finite numbers")

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise InputError(f"{name} has key {shown(twice)} twice; allowed: each key once")
        return made

    try:
        return json.loads(text, parse_constant=constant, object_pairs_hook=members)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise InputError(f"{name} is not valid JSON: {error.msg}, {where}") from error
    except RecursionError as error:
        raise InputError(f"{name} is not valid JSON: nested too deeply") from error


@functools.cache
def load_schema(name: str) -> Any:
    """The published schema ``model/schemas/<name>.json`` as parsed JSON."""
    return json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))


@functools.cache
def _checker(name: str) -> Check:
    schema = load_schema(name)
    return _compile(schema, schema.get("$defs", {}))


def check(name: str, value: Any, where: str) -> None:
    """Check a parsed document against ``model/schemas/<name>.json``.

    Raises
    ------
    InputError
        ``<field> is <value>; allowed: <…>``; fields are named as ``wafer.tiles[3]``.
    """
    _checker(name)(value, where)


def _compile(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Check:
    if "$ref" in schema:
        return _compile(defs[schema["$ref"].rpartition("/")[2]], defs)
    if "const" in schema or "enum" in schema:
        return _one_of(schema["enum"] if "enum" in schema else [schema["const"]])
    if "anyOf" in schema:
        return _any_of(schema, [_compile(option, defs) for option in schema["anyOf"]])
    match schema["type"]:
        case "object":
            return _object(schema, defs)
        case "array":
            return _array(schema, defs)
        case _:
            return _scalar(schema)


def _one_of(values: list[Any]) -> Check:
    allowed = " or ".join(shown(value) for value in values)

    def check_value(value: Any, where: str) -> None:
        if not any(value == item and type(value) is type(item) for item in values):
            raise InputError(f"{where} is {shown(value)}; allowed: {allowed}")

    return check_value


def _any_of(schema: Mapping[str, Any], options: list[Check]) -> Check:
    def check_value(value: Any, where: str) -> None:
        for option in options:
            try:
                return option(value, where)
            except InputError:
                continue
        raise InputError(f"{where} is {shown(value)}; allowed: {schema['title']}")

    return check_value


def _scalar(schema: Mapping[str, Any]) -> Check:
    kind = schema["type"]
    types = _TYPES[kind]
    low, high = schema.get("minimum"), schema.get("maximum")
    allowed = "true or false" if kind == "boolean" else f"a {kind}"
    if kind in ("integer", "number") and low is not None:
        allowed = f"{'an' if kind == 'integer' else 'a'} {kind} from {low} to {high}"

    def check_value(value: Any, where: str) -> None:
        good = isinstance(value, types) and (kind == "boolean" or not isinstance(value, bool))
        if not good or (low is not None and not low <= value <= high):
            raise InputError(f"{where} is {shown(value)}; allowed: {allowed}")

    return check_value


def _array(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Check:
    if "prefixItems" in schema:
        fields = [_compile(item, defs) for item in schema["prefixItems"]]

        def check_tuple(value: Any, where: str) -> None:
            if not isinstance(value, list) or len(value) != len(fields):
                raise InputError(f"{where} is {shown(value)}; allowed: {schema['title']}")
            for i, (field, item) in enumerate(zip(fields, value, strict=True)):
                field(item, f"{where}[{i}]")

        return check_tuple
    item_check = _compile(schema["items"], defs)

    def check_list(value: Any, where: str) -> None:
        if not isinstance(value, list):
            raise InputError(f"{where} is {shown(value)}; allowed: a list")
        for i, item in enumerate(value):
            item_check(item, f"{where}[{i}]")

    return check_list


def _object(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> Check:
    fields = {key: _compile(sub, defs) for key, sub in schema.get("properties", {}).items()}
    required = schema.get("required", [])
    open_ended = schema.get("additionalProperties", True) is True

    def check_object(value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise InputError(f"{where} is {shown(value)}; allowed: an object")
        for key, item in value.items():
            if key in fields:
                fields[key](item, f"{where}.{key}")
            elif not open_ended:
                raise InputError(f"{where}.{key} is unknown; allowed: {', '.join(fields)}")
        for key in required:
            if key not in value:
                raise InputError(f"{where}.{key} is missing; allowed: {', '.join(fields)}")

    return check_object

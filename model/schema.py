"""Enforce the published JSON schemas, with one-line errors that name the field.

``jsonschema-rs`` holds a document against the files in ``model/schemas`` (JSON Schema 2020-12).
What it finds is told in our own words, from the schema's bounds, choices and titles.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Mapping
from operator import getitem
from pathlib import Path
from typing import Any, Final

import jsonschema_rs

from model.errors import InputError

SCHEMAS: Final = Path(__file__).parent / "schemas"
_TYPES: Final = {"array": "a list", "boolean": "true or false", "string": "a string"}


def shown(value: object) -> str:
    """``value`` as JSON, cut to 60 characters."""
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= 60 else text[:57] + "..."


def parse_json(text: str, name: str) -> Any:
    """Parse strict JSON: finite numbers, no key twice, no half of a surrogate pair.

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

    def real(word: str) -> float:
        number = float(word)
        return number if math.isfinite(number) else constant(word)

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            keys = [key for key, _ in pairs]
            twice = next(key for key in keys if keys.count(key) > 1)
            raise InputError(f"{name} has key {shown(twice)} twice; allowed: each key once")
        return made

    try:
        value = json.loads(
            text, parse_float=real, parse_constant=constant, object_pairs_hook=members
        )
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except InputError:
        raise
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise InputError(f"{name} is not valid JSON: {error.msg}, {where}") from error
    except RecursionError as error:
        raise InputError(f"{name} is not valid JSON: nested too deeply") from error
    except UnicodeEncodeError as error:
        raise InputError(f"{name} is not valid JSON: half of a surrogate pair") from error
    except ValueError as error:  # Python reads no integer of more than 4,300 digits
        raise InputError(f"{name} is not valid JSON: a number is too long") from error
    return value


@functools.cache
def load_schema(name: str) -> Any:
    """The published schema ``model/schemas/<name>.json`` as parsed JSON."""
    return json.loads((SCHEMAS / f"{name}.json").read_text(encoding="utf-8"))


@functools.cache
def _validators(name: str) -> tuple[jsonschema_rs.Validator, jsonschema_rs.Validator]:
    """The whole schema, and before it the format alone: a file of another kind is told as such."""
    schema = load_schema(name)
    kind = {"type": "object", "properties": {"format": schema["properties"]["format"]}}
    return jsonschema_rs.Draft202012Validator(kind), jsonschema_rs.Draft202012Validator(schema)


def check(name: str, document: Any, where: str) -> Any:
    """Hold a parsed document against ``model/schemas/<name>.json``.

    Returns
    -------
    object
        The document. 2.0 is an integer in JSON Schema: outside the free-form members, which are
        left as they are, whole numbers come back as ``int``.

    Raises
    ------
    InputError
        ``<field> is <value>; allowed: <…>``; fields are named as ``wafer.tiles[3]``.
    """
    schema = load_schema(name)
    for validator in _validators(name):
        try:
            validator.validate(document)
        except jsonschema_rs.ValidationError as error:
            raise InputError(_told(error, schema, document, where)) from error
        except ValueError as error:  # the library looks 255 levels deep
            raise InputError(f"{where} is nested too deeply") from error
    free = {key for key, node in schema["properties"].items() if node.get("additionalProperties")}
    return {key: value if key in free else _whole(value) for key, value in document.items()}


def _told(error: jsonschema_rs.ValidationError, schema: Any, document: Any, where: str) -> str:
    """The error as one line, with the schema's node and the document's value at its place."""
    node = functools.reduce(getitem, error.schema_path[:-1], schema)
    value = functools.reduce(getitem, error.instance_path, document)
    for key in error.instance_path:
        where += f"[{key}]" if isinstance(key, int) else f".{key}"
    match error.kind:
        case jsonschema_rs.ValidationErrorKind.AdditionalProperties(unexpected):
            return f"{where}.{unexpected[0]} is unknown; allowed: {', '.join(node['properties'])}"
        case jsonschema_rs.ValidationErrorKind.Required(missing):
            return f"{where}.{missing} is missing; allowed: {', '.join(node['properties'])}"
        case _:
            return f"{where} is {shown(value)}; allowed: {_allowed(node)}"


def _allowed(node: Mapping[str, Any]) -> str:
    if "const" in node or "enum" in node:
        return " or ".join(shown(value) for value in node.get("enum", [node.get("const")]))
    if node.get("type") == "integer":
        return f"an integer from {node['minimum']} to {node['maximum']}"
    if node.get("type") == "object":
        return "an object"
    return str(node["title"] if "title" in node else _TYPES[node["type"]])


def _whole(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) else value

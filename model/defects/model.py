"""A defect model as data: parts that are drawn one after the other on a geometry (DEF-1)."""

from __future__ import annotations

import copy
import dataclasses
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from model.defects.bernoulli import RATES, SEED_MAX, Bernoulli, clustered, require_size
from model.defects.canvas import Canvas
from model.defects.inspection import Inspection
from model.defects.places import Edge, Map, Protect, Stitching
from model.defects.poisson import Poisson
from model.defects.spots import Clusters, Scratches
from model.described import Described
from model.errors import InputError, require_int
from model.files import decode, read_bytes
from model.geometry import Geometry, Places
from model.schema import parse_json, shown
from model.wafer import WaferMap

FORMAT: Final = "wafermesh-defects/1"
MOST_PARTS: Final = 64


class Part(Protocol):
    """One kind of defects."""

    kind: str

    def draw(self, canvas: Canvas) -> None:
        """Add its defects to the canvas."""

    def to_dict(self) -> dict[str, Any]:
        """Its parameters."""


KINDS: Final[Mapping[str, type[Described]]] = {
    one.kind: one
    for one in (
        Bernoulli, Poisson, Clusters, Scratches, Stitching, Edge, Map, Inspection, Protect,
    )
}  # fmt: skip
"""Parts by the ``kind`` of their description."""


@dataclass(frozen=True)
class DefectModel:
    """Parts, drawn in this order, and where the tiles lie.

    Members
    -------
    parts : tuple of Part
        Their defects add up; ``protect`` takes back.
    geometry : Geometry
    """

    parts: tuple[Part, ...]
    geometry: Geometry = dataclasses.field(default_factory=Geometry)

    @classmethod
    def from_dict(cls, data: Any, name: str = "model") -> DefectModel:
        """Read ``{"format": …, "geometry": {…}, "parts": [{"kind": …, …}, …]}``.

        Only ``parts`` is needed.

        Raises
        ------
        InputError
            One line that names the field, its value and what is allowed.
        """
        if not isinstance(data, Mapping):
            raise InputError(f"{name} is {shown(data)}; allowed: a table")
        if unknown := set(data) - {"format", "geometry", "parts"}:
            raise InputError(f"{name}.{min(unknown)} is unknown; allowed: format, geometry, parts")
        if data.get("format", FORMAT) != FORMAT:
            raise InputError(f"{name}.format is {shown(data['format'])}; allowed: {FORMAT}")
        parts = data.get("parts")
        if not isinstance(parts, list) or not 1 <= len(parts) <= MOST_PARTS:
            told = "missing" if parts is None else shown(parts)
            raise InputError(f"{name}.parts is {told}; allowed: a list of 1 to {MOST_PARTS} parts")
        made = tuple(part_from_dict(part, f"{name}.parts[{i}]") for i, part in enumerate(parts))
        return cls(made, Geometry.from_dict(data.get("geometry", {})))

    def to_dict(self) -> dict[str, Any]:
        """The description that makes this model again, without what is at its default."""
        geometry = self.geometry.to_dict()
        return {
            **({"geometry": geometry} if geometry else {}),
            "parts": [{"kind": part.kind, **part.to_dict()} for part in self.parts],
        }

    def varied(self, values: Mapping[str, Any]) -> DefectModel:
        """This model with some values changed, for the axes of a grid.

        Parameters
        ----------
        values : mapping
            New values by ``geometry.<key>``, ``<kind>.<key>`` when there is one part of the kind,
            or ``<number of the part>.<key>``.

        Raises
        ------
        InputError
            When a name fits no part, or several, or the value is out of range.
        """
        data = self.to_dict()
        data.setdefault("geometry", {})
        for name, value in values.items():
            which, _, key = name.partition(".")
            fits = [
                part
                for number, part in enumerate(data["parts"])
                if which in (part["kind"], str(number))
            ]
            fits = [data["geometry"]] if which == "geometry" else fits
            if len(fits) != 1 or not key or key == "kind":
                raise InputError(
                    f"{shown(name)} fits {len(fits)} parts; allowed: geometry.<key>, <kind>.<key>"
                    " of one part, or <number>.<key>"
                )
            fits[0][key] = value
        return DefectModel.from_dict(data)


def part_from_dict(data: Any, where: str) -> Part:
    """One part from its table."""
    if not isinstance(data, Mapping):
        raise InputError(f"{where} is {shown(data)}; allowed: a table with a kind")
    kind = data.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        told = "missing" if kind is None else shown(kind)
        raise InputError(f"{where}.kind is {told}; allowed: {', '.join(KINDS)}")
    rest = {key: value for key, value in data.items() if key != "kind"}
    made: Any = KINDS[kind].from_dict(rest)
    return made


def sample(model: DefectModel | Mapping[str, Any], width: int, height: int, seed: int) -> WaferMap:
    """Draw one wafer.

    Parameters
    ----------
    model : DefectModel or dict
        A model, or its description (:meth:`DefectModel.from_dict`).
    width, height : int
        1 to 2048 tiles.
    seed : int
        0 to 2**32 - 1. Equal arguments give equal bytes on every machine.

    Returns
    -------
    WaferMap
        Its ``origin`` holds seed and description, from which :func:`recreate` draws it again, and
        what parts noted about this wafer.

    Raises
    ------
    InputError
        When a size, the seed or the description is out of range, or a file cannot be read.
    """
    if not isinstance(model, DefectModel):
        model = DefectModel.from_dict(model)
    require_size(width, height)
    require_int("seed", seed, 0, SEED_MAX)
    canvas = Canvas(width, height, seed, Places.build(model.geometry, width, height))
    notes = []
    for canvas.part, part in enumerate(model.parts):
        canvas.notes = {}
        part.draw(canvas)
        if canvas.notes:
            notes.append({"part": canvas.part, **canvas.notes})
    origin = {"generator": "model", "seed": seed, "model": model.to_dict()}
    return canvas.finish(origin | ({"notes": notes} if notes else {}))


def recreate(wafer: WaferMap) -> WaferMap:
    """Draw a wafer again from its size and origin.

    Raises
    ------
    InputError
        When the origin names no generator, or a file that the model reads has changed.
    """
    origin = copy.deepcopy(wafer.origin)
    try:
        return _drawn_again(wafer.width, wafer.height, origin)
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise InputError(
            f"wafer.origin is {shown(wafer.origin)}; allowed: what a generator wrote"
        ) from error


def _drawn_again(width: int, height: int, origin: dict[str, Any]) -> WaferMap:
    if "window" in origin:
        raise InputError("wafer.origin is a window of another map; allowed: a whole wafer")
    match origin["generator"]:
        case "bernoulli" | "clustered":
            rates = {name: origin[name] for name in RATES}
            cluster, alpha = origin.get("cluster", "none"), origin.get("alpha", 2)
            seed = origin["seed"]
            return clustered(width, height, rates, cluster=cluster, alpha=alpha, seed=seed)
        case "model":
            for note in origin.get("notes", []):
                if "sha256" in note:
                    origin["model"]["parts"][note["part"]].setdefault("sha256", note["sha256"])
            return sample(origin["model"], width, height, origin["seed"])
        case other:
            raise InputError(
                f"wafer.origin.generator is {shown(other)}; allowed: bernoulli, clustered, model"
            )


# Text ---------------------------------------------------------------------------------------------


def parse_model(text: str) -> DefectModel:
    """A model from one word of a command line or a campaign's file.

    Parameters
    ----------
    text : str
        A file's name ending in .toml or .json, or parts written as ``kind:key=value,key=value``
        with + between them; values are TOML, words need no quotes:
        ``poisson:d0=0.1,die_alpha=0.5+edge:exclusion=3``.

    Raises
    ------
    InputError
        When it is neither, or what it describes is out of range.
    """
    first = re.match(r"\s*(\w*)\s*(?=[:+]|$)", text)
    if Path(text).suffix in (".toml", ".json") and not (first and first[1] in KINDS):
        return DefectModel.from_dict(_load(text), text)
    parts = []
    for one in _split(text, "+"):
        kind, _, rest = one.partition(":")
        parts.append({"kind": kind.strip(), **read_pairs(rest)})
    return DefectModel.from_dict({"parts": parts})


def read_pairs(text: str) -> dict[str, Any]:
    """``key=value,key=value`` as a table; values as in :func:`parse_model`."""
    data: dict[str, Any] = {}
    for word in _split(text, ",") if text.strip() else []:
        key, equals, value = (part.strip() for part in word.partition("="))
        if not equals or key in data:
            raise InputError(f"{shown(text)} has {shown(word)}; allowed: key=value, each key once")
        data[key] = _value(value)
    return data


def _load(name: str) -> Any:
    text = decode(read_bytes(name), name)
    if name.endswith(".json"):
        return parse_json(text, name)
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise InputError(f"{name} is not valid TOML: {error}") from error


def _split(text: str, mark: str) -> list[str]:
    """Cut at marks outside of brackets and quotes (and of exponents, as in 1e+3)."""
    parts, depth, quoted = [""], 0, False
    for i, letter in enumerate(text):
        quoted ^= letter == '"'
        depth += (letter in "[{(") - (letter in ")]}")
        exponent = mark == "+" and re.fullmatch(r".*\de", text[:i]) is not None
        if letter == mark and depth == 0 and not quoted and not exponent:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def _value(text: str) -> Any:
    """TOML, else a word, or a list of words in brackets."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, RecursionError):
        if text[:1] == "[" and text[-1:] == "]":
            return [_value(part.strip()) for part in _split(text[1:-1], ",")]
        return text


def json_schema() -> dict[str, Any]:
    """The published schema of descriptions, ``model/schemas/defects.json``."""
    kinds = []
    for kind, part in KINDS.items():
        schema = part.schema()
        properties = {"kind": {"const": kind}, **schema["properties"]}
        required = ["kind", *schema.get("required", [])]
        kinds.append({**schema, "required": required, "properties": properties})
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": FORMAT,
        "title": "defect model: what breaks on a wafer, and where its tiles lie",
        "type": "object",
        "required": ["parts"],
        "additionalProperties": False,
        "properties": {
            "format": {"const": FORMAT},
            "geometry": Geometry.schema(),
            "parts": {
                "type": "array",
                "minItems": 1,
                "maxItems": MOST_PARTS,
                "items": {"oneOf": kinds},
            },
        },
    }

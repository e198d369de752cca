"""Reader of KLARF 1.8, the text format of defect inspection tools.

The format is nested: ``Record NAME "id" { … }`` holds records, ``Field NAME n {v, …}`` and
``List NAME { Columns n { type NAME, … } Data m { rows } }``; rows end in ``;``. A column whose type
ends in ``List`` holds ``N`` or 0 (nothing) or ``Images n { … }``. The file ends in ``EndOfFile;``.
The maker's specification is not public: this is what published files and readers agree on
(docs/defects.md names them).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from model.errors import InputError
from model.schema import shown

FIRST_WORD: Final = b"Record"
_TOKEN: Final = re.compile(r'"[^"]*"|[{},;]|[^\s{},;"]+|"')
_MARKS: Final = frozenset("{},;")
DEEPEST: Final = 32
"""Levels of records that are read; published files have four."""


@dataclass(eq=False)
class Rows:
    """A list: names of its columns, and the text of their values."""

    columns: list[str]
    rows: list[list[str]] = field(default_factory=list)

    def numbers(self, column: str, name: str) -> npt.NDArray[np.float64]:
        """One column as float64[rows]; InputError when it is missing or not numeric."""
        if column not in self.columns:
            raise InputError(f"{name}: DefectList has no column {column}; allowed: one")
        k = self.columns.index(column)
        values = np.empty(len(self.rows))
        for i, row in enumerate(self.rows):
            try:
                values[i] = float(row[k])
            except ValueError:
                values[i] = np.nan
            if not np.isfinite(values[i]):
                raise InputError(
                    f"{name}: row {i + 1} of DefectList has {column} {shown(row[k])}; "
                    "allowed: a number"
                )
        return values


@dataclass(eq=False)
class Table:
    """A record: what it is, its name, and what it holds."""

    kind: str
    name: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    lists: dict[str, Rows] = field(default_factory=dict)
    records: list[Table] = field(default_factory=list)


def wafer_records(root: Table) -> Iterator[tuple[Table, Table]]:
    """(LotRecord, WaferRecord) of every wafer."""
    for lot in root.records:
        for record in lot.records:
            if lot.kind == "LotRecord" and record.kind == "WaferRecord":
                yield lot, record


def parse_klarf(text: str, name: str) -> Table:
    """Parse a whole file.

    Raises
    ------
    InputError
        ``<name> line <l>: …``, for a file that is truncated, of another version or no KLARF.
    """
    return _Parser(text, name).file()


class _Parser:
    """Recursive descent over the tokens of one file."""

    def __init__(self, text: str, name: str) -> None:
        self._text, self._name = text, name
        self._tokens = _TOKEN.finditer(text)
        self._at = 0

    def _next(self) -> str:
        match = next(self._tokens, None)
        if match is None:
            self._at = len(self._text)
            raise self._wrong("ends too early; allowed: a whole file, up to EndOfFile;")
        self._at = match.start()
        if match[0] == '"':
            raise self._wrong("has a quote that is never closed")
        return match[0]

    def _wrong(self, what: str) -> InputError:
        line = self._text.count("\n", 0, self._at) + 1
        return InputError(f"{self._name} line {line} {what}")

    def _expect(self, *words: str) -> str:
        token = self._next()
        if token.lower() not in (word.lower() for word in words):
            raise self._wrong(f"has {shown(_bare(token))}; allowed: {' or '.join(words)}")
        return token

    def _word(self, what: str) -> str:
        token = self._next()
        if token in _MARKS:
            raise self._wrong(f"has {shown(token)}; allowed: {what}")
        return _bare(token)

    def _count(self, what: str) -> int:
        token = self._next()
        if not re.fullmatch(r"\d{1,9}", token):
            raise self._wrong(f"has {shown(_bare(token))}; allowed: the number of {what}")
        return int(token)

    def file(self) -> Table:
        self._expect("Record")
        self._expect("FileRecord")
        version = self._word("the version")
        if version != "1.8":
            raise self._wrong(f"says KLARF version {shown(version)}; allowed: 1.8")
        self._expect("{")
        root = self._body(Table("FileRecord", version))
        self._expect("EndOfFile")
        return root

    def _body(self, table: Table, depth: int = 0) -> Table:
        if depth > DEEPEST:
            raise self._wrong(f"nests records; allowed: {DEEPEST} deep")
        while True:
            match self._expect("Record", "Field", "List", "}").lower():
                case "record":
                    kind, token = self._word("a record's kind"), self._next()
                    if token != "{":
                        self._expect("{")
                    inner = Table(kind, _bare(token) if token != "{" else "")
                    table.records.append(self._body(inner, depth + 1))
                case "field":
                    key = self._word("a field's name")
                    table.fields[key] = self._values(self._count("values"))
                case "list":
                    key = self._word("a list's name")
                    if key in table.lists:
                        raise self._wrong(f"begins a second {key}; allowed: one in a record")
                    table.lists[key] = self._list()
                case _:
                    return table

    def _values(self, count: int) -> list[str]:
        self._expect("{")
        values = []
        for k in range(count):
            if k:
                self._expect(",")
            values.append(self._word("a value"))
        self._expect("}")
        return values

    def _list(self) -> Rows:
        self._expect("{")
        self._expect("Columns")
        count = self._count("columns")
        self._expect("{")
        types, names = [], []
        for k in range(count):
            if k:
                self._expect(",")
            types.append(self._word("a column's type").lower())
            names.append(self._word("a column's name"))
        self._expect("}")
        self._expect("Data")
        many = self._count("rows")
        self._expect("{")
        made = Rows(names)
        nested = [kind.endswith("list") for kind in types]
        for _ in range(many):
            made.rows.append([self._nested() if deep else self._word("a value") for deep in nested])
            self._expect(";")
        self._expect("}")
        self._expect("}")
        return made

    def _nested(self) -> str:
        """Pass over ``N``, 0 or ``Images n { … }``."""
        word = self._word("N, 0 or a nested list")
        if word not in ("N", "n", "0"):
            self._count("entries")
            self._expect("{")
            while self._next() != "}":
                pass
        return word


def _bare(token: str) -> str:
    return token[1:-1] if token.startswith('"') else token

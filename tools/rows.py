"""Rows of a benchmark: measured in worker processes, kept in a file, so that a stopped run goes on.

A *case* is a frozen dataclass that says what a row is about; equal cases give equal figures.
"""

from __future__ import annotations

import functools
import hashlib
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import fields
from multiprocessing import connection, get_context, parent_process
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import pyarrow as pa
import pyarrow.parquet
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

import model
from model.atomic import atomic_path
from model.errors import InputError
from tools.common import progress

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Row = dict[str, Any]
CaseT = TypeVar("CaseT", bound="DataclassInstance")


@functools.cache
def code(maker: str) -> str:
    """Hash of the program that makes figures: everything in ``model``, and the file ``maker``."""
    found = hashlib.sha256(Path(maker).read_bytes())
    root = Path(model.__path__[0])
    for path in sorted(root.rglob("*.py")):
        found.update(str(path.relative_to(root)).encode() + path.read_bytes())
    return found.hexdigest()[:16]


def load_rows(path: Path, kind: type[CaseT], now: str) -> dict[CaseT, Row]:
    """Rows of an earlier run; none when there is no file.

    Parameters
    ----------
    path : Path
    kind : type
        Of the cases.
    now : str
        Hash of the code that would make the rows today.

    Raises
    ------
    InputError
        When the file is something else, or other code made its rows: they would not belong
        together.
    """
    if not path.exists():
        return {}
    try:
        rows = pa.parquet.read_table(path).to_pylist()
        made = {case_of(row, kind): row for row in rows}
        codes = {row["code"] for row in rows}
    except (OSError, pa.ArrowInvalid, KeyError) as error:
        raise InputError(f"-o is {path}; allowed: a new name, or rows of this command") from error
    if codes - {now}:
        raise InputError(
            f"-o is {path}, whose rows other code made ({', '.join(sorted(codes))}, this is"
            f" {now}); allowed: a new name"
        )
    return made


def case_of(row: Row, kind: type[CaseT]) -> CaseT:
    """The case that a row is about."""
    return kind(**{field.name: row[field.name] for field in fields(kind)})


def save_rows(path: Path, rows: Mapping[Any, Row]) -> None:
    """Write all rows; the file is replaced whole, so an interruption never spoils it."""
    columns = list(dict.fromkeys(name for row in rows.values() for name in row))
    table = pa.table({name: [row.get(name) for row in rows.values()] for name in columns})
    with atomic_path(path) as temporary:
        pa.parquet.write_table(table, temporary)


@contextmanager
def workers(
    jobs: int, start: Callable[..., object] | None = None, *arguments: Any
) -> Iterator[ProcessPoolExecutor]:
    """Processes that end when this one does, however it ends; ``start`` is called in each first."""
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), _start, (start, arguments))
    with pool:
        try:
            yield pool
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _start(start: Callable[..., object] | None, arguments: tuple[Any, ...]) -> None:
    parent = parent_process()
    assert parent is not None

    def follow() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
    if start is not None:
        start(*arguments)


def measure_all(
    pool: Executor,
    cases: Sequence[CaseT],
    measure: Callable[[CaseT], Row],
    kept: dict[CaseT, Row],
    target: Path | None,
    *,
    jobs: int,
    now: str,
    what: str,
    needless: Callable[[CaseT], bool] = lambda case: False,
) -> None:
    """Measure the cases that are not kept yet; ``kept`` and the file grow row by row.

    Parameters
    ----------
    pool : Executor
    cases : sequence
        Begun in this order, ``jobs`` at a time.
    measure : callable
        Case to row, in a worker.
    kept : dict
        Cases to rows.
    target : Path, optional
        Where all kept rows are written after each.
    now : str
        See :func:`code`; becomes the column ``code``.
    what : str
        What the progress bar counts.
    needless : callable
        Asked before a case is begun: whether it can be left out, by the rows kept by then.
    """
    todo = [case for case in cases if case not in kept]
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    waiting: dict[Future[Row], CaseT] = {}
    with progress(*columns) as bar:
        task = bar.add_task("", total=len(cases), completed=len(cases) - len(todo))
        while todo or waiting:
            while todo and len(waiting) < jobs:
                case = todo.pop(0)
                if needless(case):
                    bar.advance(task)
                else:
                    waiting[pool.submit(measure, case)] = case
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for one in done:
                kept[waiting.pop(one)] = {**one.result(), "code": now}
                bar.advance(task)
            if done and target is not None:
                save_rows(target, kept)

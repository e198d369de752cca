"""Files appear whole or not at all: written to a temporary name, then renamed (CLI-1)."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from model.errors import InputError


def check_folder(field: str, path: str | Path) -> Path:
    """See that a folder can be made and written to, and make nothing yet.

    Raises
    ------
    InputError
        ``<field> is <path>; allowed: a folder that can be written (<why not>)``; ``field`` is the
        option that named it.
    """
    path = Path(path)
    existing = next(place for place in (path, *path.absolute().parents) if place.exists())
    try:
        tempfile.TemporaryFile(dir=existing).close()
    except OSError as error:
        raise InputError(
            f"{field} is {path}; allowed: a folder that can be written ({error.strerror})"
        ) from error
    return path


def make_folder(field: str, path: str | Path) -> Path:
    """Make a folder and its parents after :func:`check_folder`."""
    path = check_folder(field, path)
    path.mkdir(parents=True, exist_ok=True)
    return path


def check_target(field: str, path: str | Path) -> None:
    """See, before a long run, that a file can be written at its end; else InputError."""
    path = Path(path)
    try:
        tempfile.TemporaryFile(dir=path.parent).close()
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, "Is a directory")
    except OSError as error:
        raise InputError(
            f"{field} is {path}; allowed: a file in a folder that exists and can be written "
            f"({error.strerror})"
        ) from error


@contextlib.contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; rename it when the block ends without an exception.

    The temporary name keeps the suffix, so writers that look at it behave alike.

    Raises
    ------
    InputError
        When the folder does not exist or cannot be written.
    """
    path = Path(path)
    try:
        handle, name = tempfile.mkstemp(
            prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent
        )
        os.close(handle)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from error
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_open(path: str | Path, mode: str = "wb") -> Iterator[IO[Any]]:
    """Open a temporary file for writing that becomes ``path`` at the end of the block."""
    encoding = None if "b" in mode else "utf-8"
    with atomic_path(path) as temporary, temporary.open(mode, encoding=encoding) as file:
        yield file

"""Files of the commands: paths or ``-``, and where a result goes."""

from __future__ import annotations

import sys
from collections.abc import Callable

import click

from model.atomic import atomic_open
from model.errors import InputError
from model.files import read_bytes
from model.image import ConfigImage
from model.image_file import parse_image
from model.wafer import WaferMap, parse_wafer


def read_wafer(path: str) -> WaferMap:
    """Read a wafer map; ``-`` is standard input."""
    return parse_wafer(_read(path), "standard input" if path == "-" else path)


def read_image(path: str) -> ConfigImage:
    """Read and check a configuration image; ``-`` is standard input."""
    return parse_image(_read(path), "standard input" if path == "-" else path)


def _read(path: str) -> bytes:
    return sys.stdin.buffer.read() if path == "-" else read_bytes(path)


def write_result(path: str, as_json: Callable[[], str], as_npz: Callable[[], bytes]) -> None:
    """Write a file whole or not at all; ``.npz`` is the binary twin, ``-`` standard output."""
    if path == "-":
        click.echo(as_json(), nl=False)
        return
    with atomic_open(path) as file:
        file.write(as_npz() if path.endswith(".npz") else as_json().encode())


def report_to_stderr(output: str, machine: bool) -> bool:
    """Whether the report must leave standard output to the file itself.

    Raises
    ------
    InputError
        When ``--json`` and ``-o -`` both want standard output.
    """
    if output == "-" and machine:
        raise InputError("--json is given with -o -; allowed: give -o FILE with --json")
    return output == "-"

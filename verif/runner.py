"""Build Verilog once and run cocotb test modules on it, on Verilator or Icarus.

Builds are cached under :data:`verif.toolchain.CACHE` by the hash of everything they are made
from. cocotb's own runners are kept, with three changes: Verilator makes only the ports of the
top module visible (its default, all signals, compiles 2.4 times as long and runs 2.7 times
slower), Icarus can write VCD as well as FST, and a failed cocotb test raises.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from cocotb_tools.check_results import get_results
from cocotb_tools.runner import Icarus, Runner, Verilator

from verif.toolchain import make_cache, require_icarus, verilator_environment

Simulator = Literal["verilator", "icarus"]
WaveFormat = Literal["vcd", "fst"]

CLOCK_NS: Final = 10
"""Clock period of every bench in simulated nanoseconds; VCD time counts nanoseconds."""

_TIMESCALE: Final = ("1ns", "1ns")
_VERILATE: Final = (
    *("-O3", "--x-assign", "fast", "--x-initial", "fast", "--no-timing"),
    # One class per module and few files, unoptimised: compiles in half the time. Python, not the
    # simulated logic, is what a bench waits for.
    *("-fno-inline", "--output-split", "20000", "--output-groups", "2"),
    *("-Wno-fatal", "-Wno-lint", "-Wno-style"),
)
_MAKE: Final = ("OPT_FAST=-O0", "OPT_SLOW=-O0", "OPT_GLOBAL=-O0")
_UNTRACED: Final = ("route_table", "turn_mask")
"""Modules that Verilator does not trace: half of the trace code, and constant in every run."""


class BenchError(Exception):
    """A cocotb test failed or the simulator stopped; the message ends with its last lines."""


@dataclass(frozen=True)
class Dump:
    """What an Icarus build dumps: scopes below the top module, and cycles from ``hold``'s fall.

    Parameters
    ----------
    scopes : tuple of str
        Instances of the top module; empty means everything.
    first, last : int or None
        Cycles counted from the first falling edge of ``hold`` (cycle 0); None means no limit.
    """

    scopes: tuple[str, ...] = ()
    first: int | None = None
    last: int | None = None


EVERYTHING: Final = Dump()


@dataclass(frozen=True)
class Build:
    """A compiled simulator."""

    simulator: Simulator
    top: str
    directory: Path
    waves: WaveFormat | None


class _SlimVerilator(Verilator):
    def _set_env_build(self) -> None:
        super()._set_env_build()
        self.env |= verilator_environment()

    def _simulator_in_path_build_only(self) -> None:
        executable = shutil.which("verilator", path=verilator_environment()["PATH"])
        assert executable is not None
        self.executable = executable

    def _build_command(self) -> list[list[str]]:
        verilate, make = super()._build_command()
        verilate.remove("--public-flat-rw")
        return [verilate, [*make, *_MAKE]]


class _DumpingIcarus(Icarus):
    """Icarus whose VCD or FST comes from a dump module of our own among the sources."""

    format: WaveFormat | None = None

    def _test_command(self) -> list[list[str]]:
        (command,) = super()._test_command()
        return [
            [f"-{self.format}" if word == "-none" and self.format else word for word in command]
        ]


def _ports(verilog: str, top: str) -> list[str]:
    header = re.search(rf"\bmodule {re.escape(top)}\s*\(([^)]*)\)", verilog)
    if header is None:
        raise ValueError(f"the Verilog has no module {top}")
    return re.findall(r"\w+", header[1])


def _dump_module(top: str, dump: Dump) -> str:
    scopes = ", ".join(f"{top}.{scope}" for scope in dump.scopes) or top
    window = ""
    if dump.first is not None or dump.last is not None:
        first = dump.first or 0
        window = f"    $dumpoff;\n    @(negedge {top}.hold);\n    #{first * CLOCK_NS} $dumpon;\n"
        if dump.last is not None:
            window += f"    #{(dump.last - first + 1) * CLOCK_NS} $dumpoff;\n"
    return (
        "`timescale 1ns/1ns\nmodule wave_dump;\n  reg [8*512-1:0] path;\n  initial begin\n"
        '    if (!$value$plusargs("wave_file=%s", path)) $finish;\n'
        f"    $dumpfile(path);\n    $dumpvars(0, {scopes});\n{window}  end\nendmodule\n"
    )


def _runner(simulator: Simulator) -> Runner:
    if simulator == "verilator":
        return _SlimVerilator()
    require_icarus()
    return _DumpingIcarus()


def build(
    verilog: str,
    top: str,
    simulator: Simulator = "verilator",
    waves: WaveFormat | None = None,
    dump: Dump | None = None,
) -> Build:
    """Compile ``verilog``, or find it compiled.

    Parameters
    ----------
    verilog : str
        The whole design.
    top : str
        Its top module; on Verilator only its ports are visible to cocotb.
    simulator : {"verilator", "icarus"}
    waves : {"vcd", "fst"}, optional
        Compile with tracing, which doubles to triples Verilator's build time.
    dump : Dump, optional
        What Icarus dumps; Verilator always dumps everything.

    Raises
    ------
    BenchError
        When the simulator refuses the design, with the end of its log.
    """
    files = {"design.v": verilog}
    args: list[str] = []
    if simulator == "verilator":
        names = "".join(
            f'public_flat_rw -module "{top}" -var "{p}"\n' for p in _ports(verilog, top)
        )
        quiet = "".join(f'tracing_off -scope "*{m}*"\n' for m in _UNTRACED) if waves else ""
        files = {"public.vlt": f"`verilator_config\n{names}{quiet}", **files}
        args = [*_VERILATE, *(["--trace-fst"] if waves == "fst" else [])]
    elif waves:
        files["wave_dump.v"] = _dump_module(top, dump or EVERYTHING)
        args = ["-s", "wave_dump"]
    recipe = repr((sorted(files.items()), top, simulator, waves, args, _MAKE))
    directory = make_cache() / f"{simulator}-{hashlib.sha256(recipe.encode()).hexdigest()[:20]}"
    directory.mkdir(exist_ok=True)
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two pytest workers may want the same build
        if not (directory / "done").exists():
            for name, text in files.items():
                (directory / name).write_text(text)
            _compile(_runner(simulator), directory, [*files], top, args, waves is not None)
            (directory / "done").touch()
    return Build(simulator, top, directory, waves)


def _compile(
    runner: Runner, directory: Path, files: Sequence[str], top: str, args: list[str], waves: bool
) -> None:
    log = directory / "build.log"
    try:
        runner.build(
            sources=[directory / name for name in files],
            hdl_toplevel=top,
            build_dir=directory,
            build_args=args,
            always=True,
            timescale=_TIMESCALE,
            waves=waves and isinstance(runner, Verilator),
            log_file=log,
        )
    except (RuntimeError, SystemExit) as error:
        raise BenchError(f"{top} does not compile ({error}):\n{_tail(log)}") from error


def _tail(path: Path, lines: int = 30) -> str:
    return (
        "\n".join(path.read_text(errors="replace").splitlines()[-lines:]) if path.exists() else ""
    )


def run(
    built: Build,
    module: str,
    directory: Path,
    testcase: str,
    env: Mapping[str, str] | None = None,
    wave_file: Path | None = None,
) -> None:
    """Run one cocotb test of a module.

    Parameters
    ----------
    built : Build
    module : str
        Python module with the cocotb tests.
    directory : Path
        Working directory of the run; receives ``simulation.log`` and ``results.xml``.
    testcase : str
        Name of the test function.
    env : mapping, optional
        More environment variables: how the case reaches the test.
    wave_file : Path, optional
        Where the waves go; the build must have been made with ``waves``.

    Raises
    ------
    BenchError
        When the test failed, no test ran, or the simulator stopped.
    """
    directory.mkdir(parents=True, exist_ok=True)
    runner = _runner(built.simulator)
    log, results = directory / "simulation.log", (directory / "results.xml").resolve()
    test_args: list[str] = []
    plusargs: list[str] = []
    if wave_file is not None:
        if built.waves is None:
            raise ValueError("waves asked of a build without tracing")
        target = str(wave_file.resolve())
        if isinstance(runner, _DumpingIcarus):
            runner.format = built.waves
            plusargs = [f"+wave_file={target}"]
        else:
            test_args = ["--trace", "--trace-file", target]
    if isinstance(runner, Icarus):
        runner.build_dir = built.directory
    stopped: BaseException | None = None
    try:
        runner.test(
            test_module=module,
            hdl_toplevel=built.top,
            hdl_toplevel_lang="verilog",
            build_dir=built.directory,
            test_dir=directory,
            results_xml=str(results),
            testcase=testcase,
            test_args=test_args,
            plusargs=plusargs,
            extra_env={"COCOTB_ANSI_OUTPUT": "0", **(env or {})},
            log_file=log,
        )
    except (RuntimeError, SystemExit) as error:
        stopped = error
    try:
        ran, failed = get_results(results)
    except RuntimeError as error:
        raise BenchError(f"{module}.{testcase} did not end ({error}):\n{_tail(log)}") from stopped
    if stopped or failed or not ran:
        text = f"{module}.{testcase}: {failed} of {ran} failed"
        raise BenchError(f"{text}:\n{_tail(log)}") from stopped

"""Run cases on the RTL, hold them against the engine, and explain a difference."""

from __future__ import annotations

import functools
import hashlib
import shlex
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.cache import CACHE
from model.engine import simulate
from model.image import ConfigImage
from model.runlog import RunLog
from model.schedule import NO_STALLS, PacketSchedule, StallPattern
from model.spec import FabricSpec
from rtl.bugs import Bug
from rtl.export import fabric_verilog, tile_verilog
from verif.bench.case import (
    CASE_VARIABLE,
    Case,
    Noise,
    Outcome,
    TileCase,
    TileOutcome,
    dump,
    load,
)
from verif.bench.scoreboard import ScoreboardError, judge
from verif.compare import compare
from verif.runner import (
    CLOCK_NS,
    EVERYTHING,
    BenchError,
    Build,
    Dump,
    Simulator,
    WaveFormat,
    build,
    run,
)
from verif.toolchain import make_cache

ROOT = Path(__file__).resolve().parents[2]


class MismatchError(BenchError):
    """RTL and reference differ; the message is the whole explanation (five lines)."""


@dataclass(frozen=True)
class Waves:
    """Where and what to record.

    Parameters
    ----------
    path : Path
        ``.vcd`` or ``.fst`` decides the format.
    dump : Dump
        On Verilator everything is recorded; :mod:`verif.waves` cuts VCDs afterwards.
    """

    path: Path
    dump: Dump = EVERYTHING

    @property
    def format(self) -> WaveFormat:
        """Format by the file's suffix."""
        return "fst" if self.path.suffix == ".fst" else "vcd"


@functools.cache
def _sources_digest() -> str:
    digest = hashlib.sha256()
    for path in sorted([*(ROOT / "rtl").rglob("*.py"), ROOT / "model" / "spec.py"]):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def cached_verilog(name: str, make: Any, spec: FabricSpec, bug: Bug | None) -> str:
    """Text of ``make()``, kept on disk until the RTL's sources change.

    Parameters
    ----------
    name : str
        Tells designs of one specification apart.
    make : callable
    spec : FabricSpec
    bug : Bug or None
    """
    key = hashlib.sha256(f"{name} {spec} {bug} {_sources_digest()}".encode()).hexdigest()[:20]
    path = CACHE / f"verilog-{key}.v"
    if not path.exists():
        with tempfile.NamedTemporaryFile("w", dir=make_cache(), delete=False) as file:
            file.write(make())
        Path(file.name).replace(path)
    return path.read_text()


def fabric_text(spec: FabricSpec, bug: Bug | None = None) -> str:
    """Verilog of the bench's fabric: with inputs for dead parts and noise."""
    make = functools.partial(fabric_verilog, spec, defects=True, bug=bug)
    return cached_verilog("fabric", make, spec, bug)


def make_case(
    image: ConfigImage,
    schedule: PacketSchedule,
    stalls: StallPattern = NO_STALLS,
    *,
    seed: int = 0,
    noise: Noise = "random",
    **more: Any,
) -> tuple[Case, RunLog]:
    """A case and what the engine says about it.

    Parameters
    ----------
    image, schedule, stalls
        As for :func:`model.engine.simulate`.
    seed, noise, **more
        Further members of :class:`~verif.bench.case.Case`.
    """
    expected = simulate(image, schedule, stalls=stalls).log
    case = Case(
        image=image,
        schedule=schedule,
        stalls=stalls,
        cycles=expected.cycles,
        seed=seed,
        noise=noise,
        **more,
    )
    return case, expected


def simulate_rtl(
    cases: Sequence[Case],
    simulator: Simulator = "verilator",
    *,
    bug: Bug | None = None,
    waves: Waves | None = None,
    directory: Path | None = None,
) -> list[Outcome]:
    """Run cases of one specification in one simulation.

    Parameters
    ----------
    cases : sequence of Case
        All with the same ``image.spec``.
    simulator : {"verilator", "icarus"}
    bug : Bug, optional
        Build the fabric with this bug.
    waves : Waves, optional
    directory : Path, optional
        Kept when given; holds the case, the outcome and the simulation's log.

    Raises
    ------
    BenchError
        When the simulation itself fails.
    """
    spec = cases[0].image.spec
    if any(case.image.spec != spec for case in cases):
        raise ValueError("cases of one simulation share one specification")
    if simulator == "verilator" and any(case.noise == "x" for case in cases):
        raise ValueError("X needs Icarus")
    built = build(
        fabric_text(spec, bug),
        "fabric",
        simulator,
        # A Verilator build always traces: a mismatch then shows its waves without a second build.
        waves.format if waves else "vcd" if simulator == "verilator" else None,
        waves.dump if waves else None,
    )
    path = waves.path if waves else None
    return _exchange(built, "verif.bench.fabric_cases", "run_cases", cases, directory, path)


def run_tiles(
    cases: Sequence[TileCase], simulator: Simulator = "verilator", *, bug: Bug | None = None
) -> list[TileOutcome]:
    """Run lone-tile cases of one specification in one simulation.

    Raises
    ------
    BenchError
        When the simulation itself fails; what the bench found is in the outcomes.
    """
    spec = cases[0].spec
    make = functools.partial(tile_verilog, spec, bug)
    built = build(cached_verilog("tile", make, spec, bug), "tile", simulator)
    return _exchange(built, "verif.bench.tile_cases", "run_tiles", cases, None, None)


def _exchange(
    built: Build,
    module: str,
    testcase: str,
    cases: Sequence[Any],
    directory: Path | None,
    wave_file: Path | None,
) -> list[Any]:
    """Hand cases to a cocotb test as a file and fetch its outcomes."""
    with tempfile.TemporaryDirectory() as scratch:
        place = directory or Path(scratch)
        place.mkdir(parents=True, exist_ok=True)
        path = (place / "cases.pkl").resolve()
        dump(list(cases), path)
        run(built, module, place, testcase, {CASE_VARIABLE: str(path)}, wave_file)
        outcomes: list[Any] = load(path.with_name("outcomes.pkl"))
    return outcomes


def difference(case: Case, outcome: Outcome, expected: RunLog) -> tuple[int, str] | None:
    """The first thing that is wrong: (cycle, one line), or None."""
    mismatch = compare(expected, outcome.log, case.image.spec)
    if mismatch is not None:
        return mismatch.cycle, str(mismatch)
    try:
        judge(case.image, case.schedule, outcome)
    except ScoreboardError as finding:
        return finding.cycle, str(finding)
    return None


def check_cases(
    cases: Sequence[tuple[Case, RunLog]],
    simulator: Simulator = "verilator",
    *,
    bug: Bug | None = None,
    evidence: Path | None = None,
    reproduce: str | None = None,
) -> list[Outcome]:
    """Run cases on the RTL and demand that each equals its expected log and passes the scoreboard.

    Parameters
    ----------
    cases : sequence of (Case, RunLog)
    simulator, bug
        As for :func:`simulate_rtl`.
    evidence : Path, optional
        Folder for the waveform and the case of a mismatch; by default below the system's
        temporary folder.
    reproduce : str, optional
        Command that runs the same check again; by default the one that replays the kept case.

    Raises
    ------
    MismatchError
        Names the first differing cycle, tile and port, what was expected and seen, the seed, the
        command, and the waveform of a second run with the time to jump to.
    """
    outcomes = simulate_rtl([case for case, _ in cases], simulator, bug=bug)
    for (case, expected), outcome in zip(cases, outcomes, strict=True):
        found = difference(case, outcome, expected)
        if found is not None:
            folder = evidence or Path(tempfile.mkdtemp(prefix="wafermesh-mismatch-"))
            raise MismatchError(_explain(case, expected, simulator, bug, folder, reproduce, found))
    return outcomes


def _explain(
    case: Case,
    expected: RunLog,
    simulator: Simulator,
    bug: Bug | None,
    folder: Path,
    reproduce: str | None,
    found: tuple[int, str],
) -> str:
    """Repeat the case with waves and write the message."""
    folder.mkdir(parents=True, exist_ok=True)
    dump((case, expected, simulator, bug), folder / "mismatch.pkl")
    waves = Waves(folder / "mismatch.vcd")
    (outcome,) = simulate_rtl([case], simulator, bug=bug, waves=waves, directory=folder)
    again = difference(case, outcome, expected)
    cycle, text = again or found
    moment = outcome.cycle0_ns + cycle * CLOCK_NS
    spec = case.image.spec
    replay = f"python -m verif.bench.replay {shlex.quote(str(folder / 'mismatch.pkl'))}"
    return "\n".join(
        [
            text if again else f"{text} (not seen again when the case ran alone)",
            f"fabric {spec.width}x{spec.height}, {spec.vcs} VCs, depth {spec.depth}, {simulator}"
            + (f", bug {bug}" if bug else ""),
            f"seed      {case.seed}",
            f"reproduce {reproduce or replay}",
            f"waveform  {waves.path} at {moment} ns (cycle {cycle})",
        ]
    )

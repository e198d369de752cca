"""Check the protocol of one link or stream, cycle by cycle (LNK-1 … LNK-4).

Pure Python: benches feed pins, tests feed made-up traces, and :mod:`verif.waves` feeds a VCD.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from model.spec import FabricSpec
from verif.words import unpack


@dataclass
class LinkChecker:
    """One direction of a mesh link, seen at the receiver's pins.

    Parameters
    ----------
    spec : FabricSpec
    name : str
        For the findings.
    check_ready : bool
        False where a bench plays the receiver and lets ``ready`` fall on purpose.

    Members
    -------
    findings : list of str
    moved, blocked : int
        Flits that moved; cycles in which some VC was not ready.
    """

    spec: FabricSpec
    name: str
    check_ready: bool = True
    findings: list[str] = field(default_factory=list)
    moved: int = 0
    blocked: int = 0
    _ready: int = 0
    _sent: int | None = None
    _open: dict[int, tuple[int, int, int]] = field(default_factory=dict)

    def observe(self, cycle: int, valid: int, vc: int, flit: int, ready: int) -> None:
        """Take in one cycle."""
        fallen = self._ready & ~ready & ~(0 if self._sent is None else 1 << self._sent)
        if fallen and self.check_ready:
            self._find(cycle, f"ready {fallen:#b} fell although no flit moved (LNK-2)")
        self._ready, self._sent = ready, None
        self.blocked += ready != (1 << self.spec.vcs) - 1
        if self.spec.vcs == 1 and vc and valid:
            self._find(cycle, "vc is not 0 with one VC (LNK-1)")
            vc = 0
        if not valid:
            return
        if not ready >> vc & 1:
            self._find(cycle, f"valid in VC {vc} while its ready is low (LNK-1)")
            return
        self._sent = vc
        self.moved += 1
        head = unpack(self.spec.flit_fields, flit)
        header = (head["dst_x"], head["dst_y"], head["src"])
        if self._open.setdefault(vc, header) != header:
            self._find(cycle, f"two packets interleave in VC {vc} (LNK-3)")
        if head["last"]:
            del self._open[vc]

    def _find(self, cycle: int, text: str) -> None:
        self.findings.append(f"cycle {cycle}, {self.name}: {text}")


@dataclass
class StreamChecker:
    """A core-side stream: valid and payload hold until ready (LNK-4).

    Members
    -------
    findings : list of str
    moved, blocked : int
        Words that moved; cycles in which one waited.
    """

    name: str
    findings: list[str] = field(default_factory=list)
    moved: int = 0
    blocked: int = 0
    _held: int | None = None

    def observe(self, cycle: int, valid: int, payload: int, ready: int) -> None:
        """Take in one cycle."""
        if self._held is not None and not valid:
            self.findings.append(f"cycle {cycle}, {self.name}: valid fell before ready (LNK-4)")
        elif self._held is not None and payload != self._held:
            self.findings.append(
                f"cycle {cycle}, {self.name}: payload changed before ready (LNK-4)"
            )
        self._held = payload if valid and not ready else None
        self.moved += valid & ready
        self.blocked += valid & ~ready & 1

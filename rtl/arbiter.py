"""Arbiter of one router output: picks an input per VC, then a VC (RTR-5)."""

from __future__ import annotations

from typing import Any

from amaranth import Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from model.spec import FabricSpec
from rtl.bugs import Bug
from rtl.layouts import INPUTS, union


class Arbiter(wiring.Component):
    """Owner, input pointer and VC pointer of one output, and the choice they lead to.

    Parameters
    ----------
    spec : FabricSpec
    bug : Bug, optional
        ``READY_IGNORED``, ``GRANT_STUCK``, ``FIXED_VC_ORDER``, ``POINTER_STANDS``,
        ``OWNER_STAYS`` or ``INTERLEAVE``.

    Members
    -------
    requests : In(5 * vcs)
        Bit vc * 5 + input: a first flit routed to this output is at that buffer's front.
    filled : In(5 * vcs)
        That buffer is not empty.
    lasts : In(5 * vcs)
        The flit at its front is its packet's last.
    ready : In(vcs)
        The receiver has space.
    candidates : Out(5 * vcs)
        Per VC one-hot over inputs, or 0: the candidate. A function of registers and the four
        inputs above ``ready``, so that a flit can be selected before ``ready`` is known.
    owners : Out(5 * vcs)
        Per VC one-hot over inputs, or 0: the owner. Registers.
    grants : Out(5 * vcs)
        At most one bit: the input VC whose front flit is sent in this cycle.
    valid : Out(1)
        A flit is sent.
    vc : Out(vc_width)
        Its VC; 0 when there is none.

    Timing
    ------
    All outputs answer in the same cycle. A candidate whose ``ready`` recurs waits for at most
    vcs - 1 flits of other VCs; a request waits for at most 4 packets of its VC.
    """

    module = "arbiter"

    requests: Any
    filled: Any
    lasts: Any
    ready: Any
    candidates: Any
    owners: Any
    grants: Any
    valid: Any
    vc: Any

    def __init__(self, spec: FabricSpec, *, bug: Bug | None = None):
        self._vcs, self._bug = spec.vcs, bug
        bits = INPUTS * spec.vcs
        super().__init__(
            {
                "requests": In(bits),
                "filled": In(bits),
                "lasts": In(bits),
                "ready": In(spec.vcs),
                "candidates": Out(bits),
                "owners": Out(bits),
                "grants": Out(bits),
                "valid": Out(1),
                "vc": Out(spec.vc_width),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        eligible = Signal(self._vcs)
        sent = Signal(self._vcs)
        for v in range(self._vcs):
            self._one_vc(m, v, eligible[v], sent[v])
        self._choose(m, eligible, sent)
        m.d.comb += self.valid.eq(eligible.any())
        return m

    def _one_vc(self, m: Module, v: int, eligible: Any, sent: Any) -> None:
        """Candidate, owner and input pointer of one VC."""
        bug = self._bug

        def of_vc(vector: Any) -> Any:
            return vector.word_select(v, INPUTS)

        owner = Signal(INPUTS, name=f"owner_vc{v}")
        # Thermometer form of the pointer: the inputs from it on. 0 stands for "from input 0 on",
        # since a choice that finds nothing there starts over.
        behind = Signal(INPUTS, name=f"behind_vc{v}")
        preferred = Signal(INPUTS, name=f"preferred_vc{v}")
        candidate = Signal(INPUTS, name=f"candidate_vc{v}")
        last = Signal(name=f"last_vc{v}")

        requests = of_vc(self.requests)
        ready = Const(1) if bug is Bug.READY_IGNORED else self.ready[v]
        available = (candidate & of_vc(self.filled)).any()
        if bug is Bug.GRANT_STUCK:
            stuck = Signal(name=f"stuck_vc{v}")
            m.d.sync += stuck.eq(stuck | (available & ~ready))
            ready = ready & ~stuck
        m.d.comb += [
            preferred.eq(first_of(requests, behind)),
            candidate.eq(Mux(owner.any(), owner, lowest(preferred))),
            last.eq((candidate & of_vc(self.lasts)).any()),
            eligible.eq(available & ready),
            of_vc(self.candidates).eq(candidate),
            of_vc(self.owners).eq(owner),
            of_vc(self.grants).eq(Mux(sent, candidate, 0)),
        ]
        releases = last & owner.any() if bug is Bug.OWNER_STAYS else last
        with m.If(sent):
            if bug is not Bug.INTERLEAVE:
                m.d.sync += owner.eq(Mux(releases, 0, candidate))
            if bug is not Bug.POINTER_STANDS:
                with m.If(~owner.any()):
                    m.d.sync += behind.eq(~(candidate | (candidate - 1)))

    def _choose(self, m: Module, eligible: Any, sent: Any) -> None:
        """The first eligible VC from the VC pointer on."""
        if self._vcs == 1:
            m.d.comb += sent.eq(eligible)
            return
        pointer = Signal(range(self._vcs))
        everything = (1 << self._vcs) - 1
        m.d.comb += [
            sent.eq(lowest(first_of(eligible, (everything << pointer)[: self._vcs]))),
            self.vc.eq(union([Mux(sent[v], v, 0) for v in range(self._vcs)])),
        ]
        if self._bug is not Bug.FIXED_VC_ORDER:
            with m.If(self.valid):
                m.d.sync += pointer.eq(self.vc + 1)  # wraps: vcs is a power of two


def first_of(vector: Any, preferred: Any) -> Any:
    """The preferred bits of a vector, or all of them when none is set there."""
    return Mux((vector & preferred).any(), vector & preferred, vector)


def lowest(vector: Any) -> Any:
    """The lowest set bit of a vector, alone."""
    return vector & (~vector + 1)

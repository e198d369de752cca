"""Bugs kept in the tree: a build-time switch each, so that every check can be seen to fail."""

from __future__ import annotations

from enum import StrEnum


class Bug(StrEnum):
    """One mistake that a component makes when it is built with ``bug=`` this.

    The line below each name says what is wrong and which kind of test must find it. The first
    group are bugs that other projects shipped (facts.md §6).
    """

    SINGLE_AFTER_TAIL = "single-after-tail"
    """A single-flit packet right behind another packet's tail is lost: exactly-once check."""

    READY_IGNORED = "ready-ignored"
    """Outputs send without looking at ready: flits lost, only under back-pressure."""

    GRANT_STUCK = "grant-stuck"
    """An output that finds ready low at a grant never grants again: drain check with stalls."""

    IMPATIENT = "impatient"
    """The NI drops its flit when the core refuses for 32 cycles: exactly-once with long stalls."""

    ONE_WAY_LINK = "one-way-link"
    """Legality of an output looks at ``in_ok``: links dead in one direction only."""

    FIXED_VC_ORDER = "fixed-vc-order"
    """Outputs scan VCs from 0 always, so VC 1 starves: cycle comparison with two busy VCs."""

    CORE_GATES_ROUTER = "core-gates-router"
    """A dead core stops its router as well: traffic through a core-dead tile."""

    # Arbitration and wormholes --------------------------------------------------------------------

    POINTER_STANDS = "pointer-stands"
    """The input pointer of an output never moves: fairness, cycle comparison."""

    OWNER_STAYS = "owner-stays"
    """A single-flit packet leaves an owner behind: the next packets of that output hang."""

    INTERLEAVE = "interleave"
    """No owner is kept, every flit is arbitrated: packets interleave in a VC (LNK-3)."""

    OVERFLOW = "overflow"
    """An input buffer says ready when full: flits lost under back-pressure."""

    # Routing and offenders ------------------------------------------------------------------------

    TURN_IGNORED = "turn-ignored"
    """Turns whose mask bit is 0 are executed: illegal tables, deadlock test (TBL-2)."""

    LAST_MATCH = "last-match"
    """The last valid matching route entry wins, not the first: overlapping entries (TBL-1)."""

    SINK_FORGETS = "sink-forgets"
    """A sink forgets its packet when the buffer runs empty: offenders with gaps counted twice."""

    OFFENDER_PER_FLIT = "offender-per-flit"
    """Offenders are counted once per flit: counter comparison with multi-flit offenders."""

    # Fuses ----------------------------------------------------------------------------------------

    BABBLE_ENTERS = "babble-enters"
    """``in_ok`` is ignored: garbage from a dead neighbour enters (FUS-2)."""

    QUIET_UNGATED = "quiet-ungated"
    """The fabric heeds ``quiet`` of dead tiles: ``idle`` beside a babbling tile (FUS-5)."""

    READ_UNGATED = "read-ungated"
    """The fabric ORs the read data of dead tiles in: reads beside a babbling tile (FUS-5)."""

    # Network interface ----------------------------------------------------------------------------

    REMAP_VC_IGNORED = "remap-vc-ignored"
    """The default VC of the remap word is taken as 0: VC of deliveries, with two VCs."""

    BODY_LOOKUP = "body-lookup"
    """Every flit's own ``dst`` is looked up: packets whose body flits carry garbage there."""

    SOURCE_FROM_PAYLOAD = "source-from-payload"
    """``src`` is taken from the payload, not from the identity: source of deliveries."""

    HOLD_IGNORED = "hold-ignored"
    """First flits are accepted while ``hold`` is high: hold in mid-traffic (CFG-2)."""

    # Configuration and status ---------------------------------------------------------------------

    WRITE_WHILE_BUSY = "write-while-busy"
    """Tables can be written while the fabric is not idle: write and read back under traffic."""

    EARLY_QUIET = "early-quiet"
    """``quiet`` forgets owners: hold in the gap between two flits of a packet (CFG-2)."""

    WATCHDOG_LATE = "watchdog-late"
    """The watchdog needs one cycle more: exact cycle of the flag (CFG-4)."""

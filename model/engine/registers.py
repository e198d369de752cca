"""Registers of chosen tiles in the contract's terms, cycle by cycle: what a debugger looks at.

Nothing here takes part in a run. Memory goes with the tiles and cycles looked at, not with the
fabric.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from model.engine.state import (
    BACKLOG,
    FIELD,
    FIRST,
    FROM,
    GRANT,
    HEAD,
    HELD,
    INDEX_BITS,
    LAST,
    MOVED,
    NEXT_VC,
    NI_ENTRIES,
    OCCUPANCY,
    PACKET,
    PRESENTED,
    QUEUE,
    State,
    place_shift,
)
from model.spec import FabricSpec, bits_for

Array = npt.NDArray[Any]

NONE: Final = -1
"""Where there is no flit. Others are ``packet << 16 | index``, as in ``payload``; the packet is its
slot, which in a run of a schedule is its id."""


@dataclass(eq=False, kw_only=True)
class Registers:
    """State before the edge that ends a cycle; axes [tiles, ...], or [cycles, tiles, ...].

    With V = VCs; inputs and outputs are the five ports.

    Members
    -------
    level : uint8[..., 5, V]
        Flits in each input VC's buffer.
    front : int64[..., 5, V]
        The first of them.
    midway : bool[..., 5, V]
        A packet's first flit has left this input VC and its last has not: open or sinking.
    owner : uint8[..., 5, V]
        Bit of the input that owns each output VC; 0 for none.
    pointer : uint8[..., 5, V]
        p[output][VC] of RTR-5.
    next_vc, moved : uint8[..., 5]
        q[output]; flits moved by each output, modulo 256.
    ni_in, ni_out : uint8[...]
        Flits in the NI's in queue and out queue.
    ni_in_front, ni_out_front : int64[...]
    refuses : bool[...]
        The in queue's front is the first flit of an unmapped packet, so ``core_refused`` is high.
    begun : bool[...]
        The NI has accepted a packet's first flit and not its last.
    presented : int64[...]
        What the source presents, without packets that are offered in this very cycle.
    presented_from : int64[...]
        First cycle in which it does.
    """

    level: Array
    front: Array
    midway: Array
    owner: Array
    pointer: Array
    next_vc: Array
    moved: Array
    ni_in: Array
    ni_out: Array
    ni_in_front: Array
    ni_out_front: Array
    refuses: Array
    begun: Array
    presented: Array
    presented_from: Array

    @classmethod
    def stack(cls, cycles: Sequence[Registers]) -> Registers:
        """Registers of several cycles, with an axis more."""
        names = [field.name for field in dataclasses.fields(cls)]
        return cls(**{name: np.stack([getattr(one, name) for one in cycles]) for name in names})


def read_registers(spec: FabricSpec, state: State, tiles: npt.NDArray[np.int64]) -> Registers:
    """Copy the registers of ``tiles`` as they are now."""
    V, lanes = spec.vcs, 5 * spec.vcs
    line = state.line.reshape(spec.tiles, 8, 8 * V)[tiles]
    node = state.node.reshape(spec.tiles, 8)[tiles]
    held = line[:, OCCUPANCY, : lanes + 1].astype(np.int64)
    first = line[:, HEAD, : lanes + 1].astype(np.int64)
    held[:, lanes] -= spec.depth - NI_ENTRIES
    first[:, lanes] += spec.depth - NI_ENTRIES
    ring = 1 << bits_for(spec.depth - 1)
    slots = state.slots.reshape(spec.tiles, lanes + 1, ring)
    row, lane = tiles[:, None], np.arange(lanes + 1)
    front, left = slots[row, lane, first % ring], slots[row, lane, (first - 1) % ring]
    # Of an empty buffer the slot before its head still has what left it last; 0 was never a flit.
    cut = np.where(held > 0, front >> FIRST & 1 == 0, (left != 0) & (left >> LAST & 1 == 0))
    fronts = np.where(held > 0, _named(spec, front), NONE)
    grant = line[:, GRANT, :lanes].reshape(-1, 5, V)
    owner = grant & 31
    queued, backlog = node[:, QUEUE], node[:, BACKLOG]
    index = backlog & ((1 << INDEX_BITS) - 1)
    return Registers(
        level=held[:, :lanes].astype(np.uint8).reshape(-1, 5, V),
        front=fronts[:, :lanes].reshape(-1, 5, V),
        midway=cut[:, :lanes].reshape(-1, 5, V),
        owner=np.where(owner == 31, 0, owner).astype(np.uint8),
        pointer=grant >> 5,
        next_vc=line[:, NEXT_VC, :5],
        moved=line[:, MOVED, :5],
        ni_in=node[:, HELD].astype(np.uint8),
        ni_out=held[:, lanes].astype(np.uint8),
        ni_in_front=np.where(node[:, HELD] > 0, _named(spec, queued), NONE),
        ni_out_front=fronts[:, lanes],
        refuses=(node[:, HELD] > 0) & (queued < 0) & (queued >> FIRST & 1 == 1),
        begun=index > 0,
        presented=np.where(backlog > 0, node[:, PRESENTED] << 16 | index, NONE),
        presented_from=node[:, FROM],
    )


def _named(spec: FabricSpec, flit: Array) -> Array:
    """Flits of the engine as ``packet << 16 | index``."""
    packet = flit >> PACKET & ((1 << place_shift(spec) - PACKET) - 1)
    return packet << 16 | np.where(flit >> FIRST & 1 == 1, 0, flit & FIELD)

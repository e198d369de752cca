"""Closed loop: a window of outstanding packets before every sending tile (docs/traffic.md).

Rules WIN-1 to WIN-4 are in docs/design.md §8. Here are their parameters, and the sender of one tile
as an executable definition; the engine has its own, :mod:`model.engine.loop`, and
:mod:`model.traffic.closed_check` checks finished runs.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from model.errors import require_int
from model.image import ConfigImage


@dataclass(frozen=True, kw_only=True)
class ClosedLoop:
    """How a window opens and closes.

    Parameters
    ----------
    window : int
        Requests of a tile that may be outstanding, 1 to 65535.
    reply : int
        Flits of a reply, 0 to ``max_packet``; 0: delivery itself gives the slot back.
    service : int
        Cycles from a request's delivery to the offer of its reply, beyond the one that it takes
        anyway; 0 to 2**31 - 1.
    think : int
        Cycles that a slot rests before it is used again, beyond one; 0 to 2**31 - 1.
    """

    window: int
    reply: int = 0
    service: int = 0
    think: int = 0

    def check(self, image: ConfigImage) -> None:
        """Refuse values out of range (InputError)."""
        require_int("window", self.window, 1, 65535)
        require_int("reply", self.reply, 0, image.spec.max_packet)
        require_int("service", self.service, 0, 2**31 - 1)
        require_int("think", self.think, 0, 2**31 - 1)


class Presented(NamedTuple):
    """A packet that a tile's core stream presents: request ``number``, or the reply to it."""

    number: int
    is_reply: bool


class TileSender:
    """What the core of one tile presents, and when (WIN-1 to WIN-3).

    Parameters
    ----------
    loop : ClosedLoop
    requests : sequence of (number, created)
        Of this tile, in the order of their ids.

    Timing
    ------
    :meth:`present` is asked once for every cycle in which the stream is between packets, from 0
    on. :meth:`give_back` and :meth:`owe` tell of cycles before the one asked next.
    """

    def __init__(self, loop: ClosedLoop, requests: Sequence[tuple[int, int]]) -> None:
        self._loop = loop
        self._requests = deque(requests)
        self._free = loop.window
        self._resting: deque[int] = deque()
        self._replies: deque[tuple[int, int]] = deque()

    def present(self, cycle: int) -> Presented | None:
        """The packet that is presented from this cycle on, and held until it is transferred."""
        while self._resting and self._resting[0] <= cycle:
            self._resting.popleft()
            self._free += 1
        if self._replies and self._replies[0][0] <= cycle:
            return Presented(self._replies.popleft()[1], True)
        if self._requests and self._free and self._requests[0][1] <= cycle:
            self._free -= 1
            return Presented(self._requests.popleft()[0], False)
        return None

    def give_back(self, cycle: int) -> None:
        """One of the tile's requests ended in this cycle (WIN-2)."""
        self._resting.append(cycle + 1 + self._loop.think)

    def owe(self, cycle: int, request: int) -> None:
        """The last flit of a request was given to this tile's core in this cycle (WIN-3)."""
        self._replies.append((cycle + 1 + self._loop.service, request))

    @property
    def idle(self) -> bool:
        """Nothing is left to present."""
        return not (self._requests or self._replies)

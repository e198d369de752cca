"""What stands around a lone tile: four neighbours, a core, and the remap memory."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any, Final

from model.image import ConfigImage
from verif.bench.pins import Output, read
from verif.words import pack

MESH: Final = ("north", "east", "south", "west")
LONGEST: Final = 4
"""Flits of the longest packet that the surroundings send."""


@dataclass(frozen=True)
class Mood:
    """How busy and how stubborn the surroundings are, each a probability per cycle.

    Parameters
    ----------
    send : float
        A neighbour with a ready VC sends, or the core offers a flit.
    accept : float
        A ready bit towards the tile is high.
    """

    send: float
    accept: float


class Surroundings:
    """What neighbours and core share: the draw, the mood, and whether packets may begin.

    Members
    -------
    sending : bool
        New packets may begin; begun ones are finished anyway (TBL-2, condition 2).
    """

    def __init__(self, image: ConfigImage, tile: int, mood: Mood, rng: random.Random) -> None:
        self.image, self.spec, self.tile = image, image.spec, tile
        self.mood, self.rng = mood, rng
        self.sending = False

    def word(self) -> int:
        """A random payload."""
        return self.rng.getrandbits(self.spec.payload_width)

    def place(self) -> tuple[int, int]:
        """A random destination, the tile itself more often than others."""
        spec = self.spec
        tile = self.tile if self.rng.random() < 0.25 else self.rng.randrange(spec.tiles)
        return tile % spec.width, tile // spec.width


class Neighbour:
    """Sends random packets into one mesh port, never against ``ready`` (LNK-1).

    A neighbour behind a port whose ``in_ok`` is 0 babbles instead (FUS-2).
    """

    def __init__(self, dut: Any, around: Surroundings, port: int) -> None:
        name = MESH[port]
        self._around = around
        self.alive = bool(around.image.in_ok[around.tile, port])
        self._ready = getattr(dut, f"{name}_in_ready")
        self._valid = Output(getattr(dut, f"{name}_in_valid"))
        self._vc = Output(getattr(dut, f"{name}_in_vc"))
        self._flit = Output(getattr(dut, f"{name}_in_flit"))
        self._heads: dict[int, tuple[int, int, int]] = {}
        self._left: dict[int, int] = {}

    def send(self) -> int:
        """Choose this cycle's flit from the settled ``ready`` bits, and return those bits."""
        around, rng = self._around, self._around.rng
        ready, _ = read(self._ready)
        if not self.alive:
            self._valid.set(rng.getrandbits(1))
            self._vc.set(rng.getrandbits(self._vc.width))
            self._flit.set(rng.getrandbits(self._flit.width))
            return ready
        # Draining, a neighbour finishes its packets and begins none.
        choices = [
            vc
            for vc in range(around.spec.vcs)
            if ready >> vc & 1 and (around.sending or vc in self._left)
        ]
        go = bool(choices) and rng.random() < around.mood.send
        self._valid.set(int(go))
        if go:
            vc = rng.choice(choices)
            self._vc.set(vc)
            self._flit.set(self._next(vc))
        return ready

    def _next(self, vc: int) -> int:
        around = self._around
        if vc not in self._left:
            self._heads[vc] = (*around.place(), around.rng.randrange(around.spec.tiles))
            self._left[vc] = around.rng.randint(1, LONGEST)
        self._left[vc] -= 1
        last = int(self._left[vc] == 0)
        if last:
            del self._left[vc]
        x, y, src = self._heads[vc]
        fields = around.spec.flit_fields
        return pack(fields, dst_x=x, dst_y=y, src=src, last=last, payload=around.word())


class Core:
    """Offers random packets, and holds each flit until it is taken (LNK-4)."""

    def __init__(self, dut: Any, around: Surroundings) -> None:
        self._around = around
        self._valid, self._payload = Output(dut.core_in_valid), Output(dut.core_in_payload)
        self._word: int | None = None
        self._left = 0

    def drive(self) -> None:
        """Present the coming cycle's flit, if any."""
        around = self._around
        may = around.sending or self._left
        if self._word is None and may and around.rng.random() < around.mood.send:
            self._left = (self._left or around.rng.randint(1, LONGEST)) - 1
            self._word = pack(
                around.spec.core_in_fields,
                dst=around.rng.getrandbits(around.spec.id_width),
                last=int(self._left == 0),
                payload=around.word(),
            )
            self._payload.set(self._word)
        self._valid.set(int(self._word is not None))

    def taken(self) -> None:
        """The flit that was presented moved."""
        self._word = None


class RemapMemory:
    """The memory beside the tile: data one cycle after the address (RMP-1).

    Members
    -------
    words : list of int
    """

    def __init__(self, dut: Any, size: int) -> None:
        self._dut = dut
        self._data = Output(dut.remap_data)
        self._data.set(0)
        self.words = [0] * size

    def clock(self) -> None:
        """A rising edge: answer this cycle's address, then take this cycle's write."""
        address = read(self._dut.remap_addr)[0]
        self._data.set(self.words[address] if address < len(self.words) else 0)
        if read(self._dut.remap_we)[0]:
            self.words[read(self._dut.remap_waddr)[0]] = read(self._dut.remap_wdata)[0]

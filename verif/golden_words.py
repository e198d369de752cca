"""Flits of the golden engine as words of the RTL's streams."""

from __future__ import annotations

import functools

import numpy as np

from model.engine import payload, source_tiles
from model.engine.first_flits import FirstFlits
from model.image import ConfigImage
from model.schedule import PacketSchedule
from model.spec import FabricSpec, total_width
from verif.words import pack


class Words:
    """Words of the streams, for flits ``packet << 16 | index``.

    Parameters
    ----------
    image : ConfigImage
    schedule : PacketSchedule
    widths : FabricSpec
        Of the netlist; its header may be wider than the image's.
    """

    def __init__(self, image: ConfigImage, schedule: PacketSchedule, widths: FabricSpec) -> None:
        self._size, self._widths, self._schedule = image.spec, widths, schedule
        self.sender = source_tiles(image, schedule)
        flits = FirstFlits(image)
        self._place, self.vc = flits.targets(flits.make(self.sender, schedule.destination))
        self._src = image.identity[self.sender]
        # A flit is shown many times, at every link and buffer of its way.
        keep = functools.lru_cache(1 << 16)
        self.flit, self.core_in = keep(self._flit), keep(self._core_in)
        self.core_out = keep(self._core_out)

    def _flit(self, key: int) -> str:
        """On a mesh link."""
        packet = key >> 16
        y, x = divmod(int(self._place[packet]), self._size.width)
        fields = self._widths.flit_fields
        word = pack(fields, dst_x=x, dst_y=y, src=int(self._src[packet]), **self._tail(key))
        return f"{word:0{total_width(fields)}b}"

    def _core_in(self, key: int) -> str:
        """From the core; the ``dst`` of a body flit is anything (STM-1)."""
        fields, (_, header) = self._widths.core_in_fields, self._widths.core_in_fields[0]
        dst = int(self._schedule.destination[key >> 16])
        text = f"{pack(fields, dst=dst, **self._tail(key)):0{total_width(fields)}b}"
        return text if key & 0xFFFF == 0 else text[:-header] + "x" * header

    def _core_out(self, key: int) -> str:
        """To the core."""
        packet, fields = key >> 16, self._widths.core_out_fields
        src, vc = int(self._src[packet]), int(self.vc[packet])
        return f"{pack(fields, src=src, vc=vc, **self._tail(key)):0{total_width(fields)}b}"

    def _tail(self, key: int) -> dict[str, int]:
        last = (key & 0xFFFF) + 1 == self._schedule.length[key >> 16]
        word = payload(np.array([key]), self._widths.payload_width)[0]
        return {"last": int(last), "payload": int(word)}

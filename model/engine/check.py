"""What an image and a schedule must fulfil before they are run."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from model.errors import InputError, require_int
from model.graph import neighbours, receivers
from model.image import ConfigImage
from model.schedule import PacketSchedule, StallPattern
from model.spec import Port

Array = npt.NDArray[Any]


def accepting(image: ConfigImage) -> npt.NDArray[np.bool_]:
    """Tiles whose NI can accept a packet: alive, core usable, with an identity (NI-1, FUS-4)."""
    return image.live & image.core_ok & (image.identity >= 0)


def source_tiles(image: ConfigImage, schedule: PacketSchedule) -> npt.NDArray[np.int32]:
    """Tile whose core sends each packet: where the remap table places the source.

    The ``src`` that its flits carry is the identity of that tile (NI-1).
    """
    return image.remap_tile[schedule.source].astype(np.int32)


def check_image(image: ConfigImage) -> None:
    """Refuse fuses that contradict each other and VCs that do not exist.

    Route tables and turn masks may hold anything (TBL-2).

    Raises
    ------
    InputError
        Naming the link (FUS-1), or the table entry (RMP-2).
    """
    spec = image.spec
    place = image.remap_tile
    if place.size and (place.min() < -1 or place.max() >= spec.tiles):
        raise InputError(f"remap is {int(place.max())}; allowed: a tile from 0 to {spec.tiles - 1}")
    used = image.rules["vc"][image.rules["valid"] != 0]
    for field, vcs in (("remap vc", image.remap_vc[place >= 0]), ("vc_rules vc", used)):
        if vcs.size and int(vcs.max()) >= spec.vcs:
            raise InputError(f"{field} is {int(vcs.max())}; allowed: 0 to {spec.vcs - 1}")
    near = neighbours(spec.width, spec.height)
    live = image.live[:, None]
    # The relation is symmetric: this is what the link's other end has as its in_ok.
    arrives = receivers(image.in_ok & live, near)
    for tile, port in np.argwhere((image.out_ok & live) != arrives).tolist():
        raise InputError(
            f"link {Port(port).name} of tile ({tile % spec.width}, {tile // spec.width}) is"
            " contradictory; allowed: out_ok of its sender equal to in_ok of its receiver"
        )


def check_schedule(image: ConfigImage, schedule: PacketSchedule, first: int = 0) -> None:
    """Refuse packets that no source can send; messages count from packet ``first``.

    Raises
    ------
    InputError
        Naming the column, the packet and the range.
    """
    spec = image.spec
    for name in ("destination", "length", "offered", "gap"):
        column = getattr(schedule, name)
        if len(column) != len(schedule):
            raise InputError(f"schedule.{name} has {len(column)} rows; allowed: {len(schedule)}")
    _range("source", schedule.source, first, 0, image.logical - 1)
    _range("destination", schedule.destination, first, 0, 2**spec.id_width - 1)
    _range("length", schedule.length, first, 1, spec.max_packet)
    _range("offered", schedule.offered, first, 0, 2**32 - 1)
    _range("gap", schedule.gap, first, 0, 2**31 - 1)
    late = np.flatnonzero(np.diff(schedule.offered) < 0)
    if len(late):
        raise InputError(
            f"schedule.offered[{first + late[0] + 1}] is earlier; allowed: ascending cycles"
        )
    lost = np.flatnonzero(source_tiles(image, schedule) < 0)
    if len(lost):
        value = int(schedule.source[lost[0]])
        raise InputError(
            f"schedule.source[{first + lost[0]}] is {value}; allowed: a hosted logical id"
        )


def _range(name: str, column: Array, first: int, low: int, high: int) -> None:
    bad = np.flatnonzero((column < low) | (column > high))
    if len(bad):
        value = int(column[bad[0]])
        raise InputError(f"schedule.{name}[{first + bad[0]}] is {value}; allowed: {low} to {high}")


def check_stalls(stalls: StallPattern) -> None:
    """Refuse stall patterns outside STL-1's ranges (InputError)."""
    require_int("stalls.threshold", stalls.threshold, 0, 2**32 - 1)
    require_int("stalls.burst_log2", stalls.burst_log2, 0, 16)
    require_int("stalls.seed", stalls.seed, 0, 2**32 - 1)

"""What a repair did (RMP-3): hosted, repaired, lost and why, displacement, neighbours' distance."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from model.repair.homes import HomePlan
from model.repair.neighbours import neighbour_distances


def repair_figures(
    homes: HomePlan,
    host: npt.NDArray[np.int32],
    core_ok: npt.NDArray[np.bool_],
    routable: npt.NDArray[np.bool_],
) -> dict[str, Any]:
    """Judge a repair as RMP-3 asks.

    Parameters
    ----------
    homes : HomePlan
    host : int32[logical]
        Host tile, -1 when lost.
    core_ok, routable : bool[tiles]
        Router and core work; the tile reaches, and is reached by, all others that do.

    Returns
    -------
    dict
        JSON-serialisable, real numbers to six significant digits. ``repaired``: hosted elsewhere
        than at home; ``homes_dead``: homes that cannot host; ``lost_no_spare``: lost because there
        are fewer healthy cores than logical ones, ``lost_cut_off``: because healthy cores are cut
        off. ``displacement``: distance from home of those repaired; ``neighbour``: distance
        between the hosts of logical neighbours, ``neighbour_adjacent`` the share at distance 1.
    """
    usable = core_ok & routable
    is_hosted = host >= 0
    moved = is_hosted & (host != homes.home)
    (there_y, there_x), (home_y, home_x) = (
        np.divmod(tile[moved], np.int32(homes.width)) for tile in (host, homes.home)
    )
    shift = abs(there_x - home_x) + abs(there_y - home_y)
    near = neighbour_distances(homes, host)
    lost = int((~is_hosted).sum())
    short = min(lost, max(0, len(host) - int(core_ok.sum())))
    return {
        "logical": [homes.logical_width, homes.logical_height],
        "spares": homes.spares,
        "spare_place": homes.place,
        "spare_tiles": len(core_ok) - len(host),
        "spare_share": six(1 - len(host) / len(core_ok)),
        "hosted": int(is_hosted.sum()),
        "homes_dead": int((~usable[homes.home]).sum()),
        "repaired": int(moved.sum()),
        "lost": lost,
        "lost_no_spare": short,
        "lost_cut_off": lost - short,
        "cut_off": int((core_ok & ~routable).sum()),
        "displacement_mean": six(shift.mean()) if len(shift) else 0.0,
        "displacement_max": int(shift.max(initial=0)),
        "neighbour_mean": six(near.mean()) if len(near) else 0.0,
        "neighbour_max": int(near.max(initial=0)),
        "neighbour_adjacent": six((near == 1).mean()) if len(near) else 1.0,
    }


def six(value: float) -> float:
    """Six significant digits: reports stay readable and byte-stable."""
    return float(f"{float(value):.6g}")

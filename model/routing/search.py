"""Strategies' common steps: rank orders to start from, search, lay the trees for tables.

What the steps cost is counted in *visits* (links times trees laid), never timed: equal input makes
equal bytes on every machine.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from model.routing.links import Links
from model.routing.orders import Order
from model.routing.weave import Taste, Weave

Effort = Literal["fast", "best"]


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What an effort may cost.

    Members
    -------
    sample : int
        Destinations by which orders are ranked.
    visits : int
        Of the search.
    sweeps : int
        Times each tree is laid anew at the end.
    fits : int
        Times the trees are laid around the tables of tiles that had too few entries.
    images : int
        Candidates of which an image is made, to keep the best.
    """

    sample: int
    visits: int
    sweeps: int
    fits: int
    images: int


def budget_for(effort: Effort, tiles: int) -> Budget:
    """Less is tried on larger wafers, so that compile time grows little faster than all pairs."""
    if effort == "fast":
        sweeps = 2 if tiles <= MIDDLE else 1
        return Budget(sample=16, visits=0, sweeps=sweeps, fits=1, images=1)
    visits = min(500_000 * tiles, 150_000_000)
    if tiles <= SMALL:
        return Budget(sample=128, visits=visits, sweeps=3, fits=4, images=4)
    images = 2 if tiles <= MIDDLE else 1
    return Budget(sample=64, visits=visits, sweeps=2, fits=2, images=images)


SMALL: Final = 400
MIDDLE: Final = 1_500
"""Tiles up to which more is tried, and up to which a second image is made at all."""
SEARCH_HOP: Final = 0.01
"""Price of a hop against that of the busiest link while searching."""
PLAIN: Final[Taste] = (0.3, 0.15)
BUSY: Final[Taste] = (0.05, 0.05)
"""Tastes for the last laying: short ways and small tables, or as little load as possible."""
WARM: Final = 0.06
"""Share of the total cost by which a kept move may raise it at first."""
BLOCKED: Final = 0.05
"""Cost of a pair without a way against that of the busiest link."""
_LANES: Final = 2
MOST_CELLS: Final = 8_000_000
"""Hosts times links up to which it is searched: 32 x 32 has 4 million."""


def ranked(links: Links, orders: list[Order], sample: int) -> list[Order]:
    """Orders by pairs they leave without a way, then by load, over a sample of destinations."""
    weave = Weave(links, [orders[0][1]])
    goals = _sample(links, sample)
    scores = []
    for number, (_, place) in enumerate(orders):
        weave.start([place])
        weave.lay(goals)
        weave.set_prices(PLAIN[0])
        weave.lay(goals)
        lost = int(weave.lost[goals].sum())
        scores.append((lost, weave.score[1], number))
    return [orders[number] for _, _, number in sorted(scores)]


def _sample(links: Links, most: int) -> npt.NDArray[np.int64]:
    hosts = len(links.hosts)
    return np.unique(np.arange(most) * hosts // most) if hosts > most else np.arange(hosts)


def balanced(weave: Weave, sweeps: int, taste: Taste | None = None) -> Weave:
    """Lay all trees by load, ``sweeps`` times, by a taste that is kept from then on."""
    weave.taste = taste or weave.taste
    hop, lean = weave.taste
    goals = np.arange(len(weave.links.hosts))
    if not weave.load.any():
        # The first trees pay for a load that is guessed from a few of them.
        few = _sample(weave.links, 32)
        weave.lay(few)
        guess = int(weave.load.max(initial=0)) * len(goals) // max(1, len(few))
        weave.set_prices(hop, reference=guess)
        weave.lay(goals, lean)
        sweeps -= 1
    for sweep in range(sweeps):
        weave.set_prices(hop)
        weave.lay(goals, lean, sweep + 1, lanes=_LANES)
    return weave


def raced(links: Links, orders: list[Order]) -> list[tuple[str, Weave]]:
    """Orders with all trees laid once, the best first; as :func:`ranked`, but nothing is lost."""
    with ThreadPoolExecutor(_LANES) as pool:
        weaves = list(pool.map(lambda order: balanced(Weave(links, [order[1]]), 1), orders))
    best_first = sorted(range(len(orders)), key=lambda k: weaves[k].score)
    return [(orders[k][0], weaves[k]) for k in best_first]


def searched(links: Links, starts: list[list[Order]], trees: int) -> tuple[str, Weave]:
    """Search from several starts, one order per layer each; the best, searched on.

    Half of the ``trees`` are shared by the starts, the best one gets the other half.
    """

    def attempt(number: int) -> Weave:
        weave = balanced(
            Weave(links, [place for _, place in starts[number]]), 2, (SEARCH_HOP, 0.0)
        )  # fmt: skip
        weave.search(number + 1, trees // (2 * len(starts)), SEARCH_HOP, WARM, BLOCKED)
        return weave

    with ThreadPoolExecutor(_LANES) as pool:
        weaves = list(pool.map(attempt, range(len(starts))))
    number = min(range(len(starts)), key=lambda k: weaves[k].score)
    best = weaves[number]
    best.search(len(starts) + 1, trees // 2, SEARCH_HOP, WARM / 4, BLOCKED)
    return " + ".join(label for label, _ in starts[number]) + ", searched", best


def search_trees(links: Links, budget: Budget) -> int:
    """Trees that may be laid in a search; 0 for none."""
    if len(links.tail) * len(links.hosts) > MOST_CELLS:
        return 0
    return budget.visits // max(1, len(links.tail))

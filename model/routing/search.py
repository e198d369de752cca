"""Strategies' common steps: rank orders to start from, search, lay the trees for tables.

What the steps cost is counted, never timed: equal input makes equal bytes on every machine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from model.lanes import LANES, share
from model.routing.improve import Improver
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
    moves : int
        Of the search, from each start, for each layer.
    renew : int
        Moves after which the search renews prices and lets all trees take what is cheaper now.
    starts : int
        Of the search with one layer; with two there is one less.
    sweeps : int
        Times each tree is laid.
    tidy : tuple[int, int]
        Sweeps and rounds of tidying searched trees.
    fits : int
        Times tables are made of searched trees, tidied further where entries ran out.
    images : int
        Candidates of which an image is made, to keep the best.
    """

    sample: int
    moves: int
    renew: int
    starts: int
    sweeps: int
    tidy: tuple[int, int]
    fits: int
    images: int


def budget_for(effort: Effort, tiles: int) -> Budget:
    """Less is tried on larger wafers, so that compile time grows little faster than all pairs."""
    if effort == "fast":
        sweeps = 2 if tiles <= MIDDLE else 1
        return Budget(
            sample=16, moves=0, renew=1, starts=0, sweeps=sweeps, tidy=(0, 0), fits=1, images=1
        )
    if tiles <= SMALL:
        return Budget(
            sample=128, moves=10_000, renew=300, starts=3, sweeps=2, tidy=(3, 16), fits=2, images=2
        )
    if tiles <= MIDDLE:
        return Budget(
            sample=64, moves=3_000, renew=375, starts=2, sweeps=2, tidy=(1, 2), fits=1, images=1
        )
    return Budget(sample=64, moves=0, renew=1, starts=0, sweeps=2, tidy=(0, 0), fits=1, images=1)


SMALL: Final = 400
MIDDLE: Final = 1_500
"""Tiles up to which more is tried, and up to which orders are searched at all."""
PLAIN: Final[Taste] = (0.3, 0.15)
"""Taste of the last laying: short ways and small tables."""
BARE: Final[Taste] = (0.01, 0.0)
"""Taste of trees that are searched on."""


def ranked(links: Links, orders: list[Order], sample: int) -> list[Order]:
    """Orders by pairs they leave without a way, then by load, over a sample of destinations."""
    weave = Weave(links, [orders[0][1]])
    goals = _sample(links, sample)
    scores = []
    for number, (_, place) in enumerate(orders):
        weave.start([place])
        weave.lay(goals, interim=True)
        weave.set_prices(PLAIN[0])
        weave.lay(goals, interim=True)
        lost = int(weave.lost[goals].sum())
        scores.append((lost, weave.score[1], number))
    return [orders[number] for _, _, number in sorted(scores)]


def _sample(links: Links, most: int) -> npt.NDArray[np.int64]:
    hosts = len(links.hosts)
    return np.unique(np.arange(most) * hosts // most) if hosts > most else np.arange(hosts)


def balanced(weave: Weave, sweeps: int, taste: Taste | None = None, interim: bool = False) -> Weave:
    """Lay all trees by load, ``sweeps`` times, by a taste that is kept from then on.

    ``interim``: they are laid again before anything but their score is wanted.
    """
    weave.taste = taste or weave.taste
    hop, lean = weave.taste
    goals = np.arange(len(weave.links.hosts))
    if not weave.load.any():
        # The first trees pay for a load that is guessed from a few of them.
        few = _sample(weave.links, 32)
        weave.lay(few, interim=True)
        guess = int(weave.load.max(initial=0)) * len(goals) // max(1, len(few))
        weave.set_prices(hop, reference=guess)
        sweeps -= 1
        weave.lay(goals, lean, interim=interim or sweeps > 0)
    for sweep in range(sweeps):
        weave.set_prices(hop)
        last = sweep == sweeps - 1
        weave.lay(goals, lean, sweep + 1, LANES, interim=interim or not last)
    return weave


def raced(links: Links, orders: list[Order], interim: bool) -> list[tuple[str, Weave]]:
    """Orders with all trees laid once, the best first; as :func:`ranked`, but nothing is lost."""
    weaves = share(lambda order: balanced(Weave(links, [order[1]]), 1, interim=interim), orders)
    best_first = sorted(range(len(orders)), key=lambda k: weaves[k].score)
    return [(orders[k][0], weaves[k]) for k in best_first]


def searched(links: Links, starts: list[list[Order]], budget: Budget) -> tuple[str, Improver]:
    """Search from several starts, one order per layer each; the best."""

    def attempt(number: int) -> Improver:
        places = [place for _, place in starts[number]]
        improver = Improver(balanced(Weave(links, places), 2, BARE))
        improver.search(number + 1, budget.moves * len(places), budget.renew)
        return improver

    found = share(attempt, range(len(starts)))
    number = min(range(len(starts)), key=lambda k: found[k].weave.score)
    return " + ".join(label for label, _ in starts[number]) + ", searched", found[number]

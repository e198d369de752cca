"""The compiled loops of path laying and of the search over turn sets, in one file.

One file, because Numba's cache notices a change in the caller's own file only. No loop uses fast
mathematics, powers or logarithms, and random numbers are splitmix64's, so that results are the same
bytes on every machine.

Names used throughout: a *link* is numbered by :class:`model.routing.links.Links`; ``place[link]``
is its position in its layer's order and ``order`` the inverse; bit k of ``turn[link]`` says that
the turn to ``succ[link, k]`` is legal, that is, goes forward in the order. The trees of all
destinations together are the routing: per destination ``step`` (index of the next link, STAY where
there is none), ``flow`` (sources behind each link), ``first`` (port a source starts through) and
``ahead`` (price from a link to the end).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

STAY: Final = 3

NO_PORT: Final = 4
FAR: Final = np.float32(1e9)
LANES: Final = 16
"""Trees that are laid side by side, at the same prices: their costs fill one vector."""
HOPELESS: Final = 1.08
"""Rise of the total cost at which a move is given up before all its trees are laid."""


@njit(cache=True, nogil=True)
def _price(price: Any, load: Any) -> Any:
    return price[min(load, len(price) - 1)]


@njit(cache=True, nogil=True)
def _tree(
    goal: Any, order: Any, succ: Any, turn: Any, end: Any, starts: Any, open_starts: Any,
    like: Any, like_first: Any, lean: Any, price: Any, load: Any, toll: Any, step: Any, flow: Any,
    first: Any, ahead: Any,
) -> Any:  # fmt: skip
    """Take one destination's tree out and lay it anew by the prices; sources that found no way.

    Where the way of ``like``, another destination's tree, costs at most ``lean`` more, it is taken,
    so that tables stay small.
    """
    for link in range(len(order)):
        if flow[link] > 0:
            load[link] -= flow[link]
            toll[link] = _price(price, load[link])
            flow[link] = 0
    for i in range(len(order) - 1, -1, -1):
        link = order[i]
        if end[link] == goal:
            ahead[link] = toll[link]
            step[link] = STAY
            continue
        least, best = FAR, STAY
        for k in range(3):
            if turn[link] >> k & 1:
                cost = ahead[succ[link, k]]
                if cost < least:
                    least, best = cost, k
        k = like[link]
        if k != best and k < STAY and turn[link] >> k & 1:
            cost = ahead[succ[link, k]]
            if cost <= least + lean and cost < FAR:
                least, best = cost, k
        ahead[link] = least + toll[link] if best < STAY else FAR
        step[link] = best
    lost = 0
    for source in range(len(starts)):
        first[source] = NO_PORT
        if source == goal:
            continue
        least, best = FAR, NO_PORT
        for port in range(4):
            if open_starts[source] >> port & 1:
                cost = ahead[starts[source, port]]
                if cost < least:
                    least, best = cost, port
        port = like_first[source]
        if port != best and port < NO_PORT and open_starts[source] >> port & 1:
            cost = ahead[starts[source, port]]
            if cost <= least + lean and cost < FAR:
                best = port
        if best == NO_PORT:
            lost += 1
            continue
        first[source] = best
        flow[starts[source, best]] += 1
    for i in range(len(order)):
        link = order[i]
        if flow[link] > 0:
            if step[link] < STAY:
                flow[succ[link, step[link]]] += flow[link]
            load[link] += flow[link]
            toll[link] = _price(price, load[link])
    return lost


@njit(cache=True, nogil=True)
def _backwards(
    ends: Any, order: Any, after: Any, end: Any, fixed: Any, like: Any, lean: Any, toll: Any,
    ahead: Any, step: Any,
) -> None:  # fmt: skip
    """Cheapest ways from all links to :data:`LANES` destinations.

    Where the next link of ``like`` costs at most ``lean`` more, it is taken. Rows are copied into
    small arrays first: of those the compiler knows that they do not overlap, and makes vectors.
    """
    costs = np.empty((4, LANES), np.float32)
    picks = np.empty((3, LANES), np.int32)
    for j in range(LANES):
        picks[1, j] = ends[j]
        ahead[len(order), j] = FAR
    for i in range(len(order) - 1, -1, -1):
        link = order[i]
        a, b, c = after[link, 0], after[link, 1], after[link, 2]
        here, price = end[link], toll[link]
        for j in range(LANES):
            costs[0, j] = ahead[a, j]
        for j in range(LANES):
            costs[1, j] = ahead[b, j]
        for j in range(LANES):
            costs[2, j] = ahead[c, j]
        for j in range(LANES):
            picks[0, j] = like[link, j]
        for j in range(LANES if len(fixed) else 0):
            for k in range(3):
                if not fixed[link, j] >> k & 1:
                    costs[k, j] = FAR
        for j in range(LANES):
            straight, right, left, wish = costs[0, j], costs[1, j], costs[2, j], picks[0, j]
            best = np.int32(1) if right < straight else np.int32(0)
            least = min(right, straight)
            best = np.int32(2) if left < least else best
            least = min(left, least)
            cost = straight if wish == 0 else right if wish == 1 else left if wish == 2 else FAR
            take = cost <= least + lean
            least = cost if take else least
            best = wish if take else best
            best = np.int32(STAY) if least >= FAR else best
            least = np.float32(0) if picks[1, j] == here else least
            picks[2, j] = np.int32(STAY) if picks[1, j] == here else best
            costs[3, j] = min(FAR, least + price)
        for j in range(LANES):
            ahead[link, j] = costs[3, j]
        for j in range(LANES):
            step[link, j] = picks[2, j]


@njit(cache=True, nogil=True)
def _depart(
    ends: Any, exits: Any, gates: Any, like: Any, lean: Any, ahead: Any, first: Any, flow: Any
) -> Any:
    """Start every source by its cheapest port; sources that found no way."""
    costs = np.empty((4, LANES), np.float32)
    picks = np.empty((3, LANES), np.int32)
    for j in range(LANES):
        picks[1, j] = ends[j]
    lost = 0
    flow[:] = 0
    for source in range(len(exits)):
        for port in range(4):
            a = exits[source, port]
            for j in range(LANES):
                costs[port, j] = ahead[a, j]
        for j in range(LANES):
            picks[0, j] = like[source, j]
        for j in range(LANES if len(gates) else 0):
            for port in range(4):
                if not gates[source, j] >> port & 1:
                    costs[port, j] = FAR
        missed: Any = np.int32(0)
        for j in range(LANES):
            north, east, south, west = costs[0, j], costs[1, j], costs[2, j], costs[3, j]
            wish, goal = picks[0, j], picks[1, j]
            best = np.int32(1) if east < north else np.int32(0)
            least = min(east, north)
            best = np.int32(2) if south < least else best
            least = min(south, least)
            best = np.int32(3) if west < least else best
            least = min(west, least)
            cost = north if wish == 0 else east if wish == 1 else south if wish == 2 else west
            cost = FAR if wish == NO_PORT else cost
            best = wish if cost <= least + lean else best
            missed += np.int32(1) if least >= FAR and goal >= 0 and goal != source else np.int32(0)
            picks[2, j] = np.int32(NO_PORT) if least >= FAR or goal == source else best
        lost += missed
        for j in range(LANES):
            first[source, j] = picks[2, j]
        for port in range(4):
            a = exits[source, port]
            for j in range(LANES):
                flow[a, j] += np.int32(1) if picks[2, j] == port else np.int32(0)
    return lost


@njit(cache=True, nogil=True)
def _forwards(order: Any, after: Any, step: Any, flow: Any, more: Any) -> None:
    """Gather what goes over each link; ``more[link]`` is the sum of all lanes."""
    lanes = np.empty((2, LANES), np.int32)
    for i in range(len(order)):
        link = order[i]
        total = np.int32(0)
        for j in range(LANES):
            total += flow[link, j]
        more[link] = total
        if total == 0:
            continue
        for j in range(LANES):
            lanes[0, j] = flow[link, j]
        for j in range(LANES):
            lanes[1, j] = step[link, j]
        for k in range(3):
            a = after[link, k]
            for j in range(LANES):
                flow[a, j] += lanes[0, j] if lanes[1, j] == k else np.int32(0)


@njit(cache=True, nogil=True)
def _columns(table: Any, columns: Any, lanes: Any) -> None:
    """Copy columns into lanes; nothing for negative ones."""
    for row in range(len(table)):
        for j in range(len(columns)):
            if columns[j] >= 0:
                lanes[row, j] = table[row, columns[j]]


@njit(cache=True, nogil=True)
def _put(lanes: Any, columns: Any, table: Any) -> None:
    """Copy lanes back into columns."""
    if len(columns) == LANES and columns[-1] - columns[0] == LANES - 1:
        for row in range(len(table)):
            for j in range(LANES):
                table[row, columns[0] + j] = lanes[row, j]
        return
    for row in range(len(table)):
        for j in range(len(columns)):
            table[row, columns[j]] = lanes[row, j]


@njit(cache=True, nogil=True)
def lay(
    goals: Any, together: Any, layer_of: Any, orders: Any, succ: Any, turns: Any, fixed: Any,
    gates: Any, end: Any, starts: Any, near: Any, lean: Any, price: Any, load: Any, toll: Any,
    step: Any, flow: Any, first: Any, ahead: Any,
) -> Any:  # fmt: skip
    """Lay the trees of ``goals`` anew by the prices; sources that found no way, over all of them.

    Where the way of the tree to resemble costs at most ``lean`` more at a link, it is taken, so
    that tables stay small.

    Parameters
    ----------
    goals : int64[n]
        Indices of destinations.
    together : int
        So many that follow each other in a layer are laid at the same prices, which then follow
        their load; at most :data:`LANES`.
    layer_of : uint8[hosts]
        Layer a destination is reached in.
    fixed : uint8[links, hosts] or uint8[0, 0]
        Bit set of the turns that tables leave open; all where empty.
    gates : uint8[hosts, hosts]
        [source, destination] bit set of the ports that the source may start through; looked at
        where ``fixed`` is not empty.
    near : int32[hosts]
        Destination to resemble, -1 for none.
    lean : float32
    price : float32[n]
        By load; the last one for all above.
    """
    links, hosts = len(end), len(starts)
    ends = np.empty(LANES, np.int32)
    cost = np.empty((links + 1, LANES), np.float32)
    ways, like = np.empty((2, links + 1, LANES), np.uint8)
    begin, like_begin = np.empty((2, hosts, LANES), np.uint8)
    count = np.empty((links + 1, LANES), np.int32)
    more = np.empty(links, np.int32)
    bound = np.empty((links if len(fixed) else 0, LANES), np.uint8)
    barred = np.empty((hosts if len(fixed) else 0, LANES), np.uint8)
    exits = np.where(starts < 0, np.int32(links), starts)
    after = np.empty_like(succ)
    lost = 0
    for layer in range(len(orders)):
        mine = goals[layer_of[goals] == layer]
        for link in range(links):
            for k in range(3):
                legal = turns[layer, link] >> k & 1
                after[link, k] = succ[link, k] if legal else links
        for begun in range(0, len(mine), together):
            group = mine[begun : begun + together]
            ends[:] = -2  # an idle lane: no link leads there
            like[:], like_begin[:] = STAY, NO_PORT
            other = np.full(LANES, -1, np.int64)
            for j in range(len(group)):
                ends[j] = group[j]
                if near[group[j]] >= 0 and layer_of[near[group[j]]] == layer:
                    other[j] = near[group[j]]
            for link in range(links):
                for j in range(len(group)):
                    load[link] -= flow[link, group[j]]
                toll[link] = _price(price, load[link])
            _columns(step, other, like)
            _columns(first, other, like_begin)
            if len(fixed):
                _columns(fixed, group, bound)
                _columns(gates, group, barred)
            order = orders[layer]
            _backwards(ends, order, after, end, bound, like, lean, toll, cost, ways)
            lost += _depart(ends, exits, barred, like_begin, lean, cost, begin, count)
            _forwards(order, after, ways, count, more)
            for link in range(links):
                load[link] += more[link]
                toll[link] = _price(price, load[link])
            _put(cost, group, ahead)
            _put(ways, group, step)
            _put(count, group, flow)
            _put(begin, group, first)
    return lost


@njit(cache=True, nogil=True)
def set_prices(busiest: Any, steep: Any, hop: Any, price: Any) -> None:
    """Prices by load: ``hop``, and the load's share of ``busiest`` to the power of ``steep``."""
    for load in range(len(price)):
        share = load / busiest if busiest else 0.0
        cost = share
        for _ in range(steep - 1):  # powers by products are the same bytes everywhere
            cost = cost * share
        price[load] = cost + hop


@njit(cache=True, nogil=True)
def set_turns(place: Any, succ: Any, turn: Any) -> None:
    """All turns that go forward in an order."""
    for link in range(len(succ)):
        turn[link] = 0
        for k in range(3):
            if succ[link, k] >= 0 and place[link] < place[succ[link, k]]:
                turn[link] |= 1 << k


@njit(cache=True, nogil=True)
def _random(state: Any, below: Any) -> Any:
    """Next number below a bound."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return np.int64((z >> np.uint64(32)) * np.uint64(below) >> np.uint64(32))


@njit(cache=True, nogil=True)
def _move(order: Any, place: Any, here: Any, there: Any) -> None:
    """Move the link at one place of the order to another; those between close up."""
    link = order[here]
    step = 1 if here < there else -1
    for i in range(here, there, step):
        order[i] = order[i + step]
        place[order[i]] = i
    order[there] = link
    place[link] = there


@njit(cache=True, nogil=True)
def _turned(
    link: Any, layer: Any, place: Any, turn: Any, succ: Any, pred: Any, end: Any, layer_of: Any,
    lost: Any, step: Any, flow: Any, ahead: Any, hit: Any,
) -> None:  # fmt: skip
    """Correct the turns of a link that was moved; mark the destinations this matters to."""
    for side in range(6):
        if side < 3:
            tail, k, head = link, side, succ[link, side]
        else:
            before = pred[link, side - 3]
            tail, k, head = before // 3, before % 3, link
        if tail < 0 or head < 0:
            continue
        legal = place[tail] < place[head]
        if legal == (turn[tail] >> k & 1 != 0):
            continue
        turn[tail] ^= 1 << k
        for goal in range(len(layer_of)):
            if layer_of[goal] != layer or end[tail] == goal:
                continue
            now = step[goal, tail]
            if flow[goal, tail] > 0:
                if not legal:
                    hit[goal] |= now == k
                elif now < STAY:
                    hit[goal] |= ahead[goal, head] < ahead[goal, succ[tail, now]]
            elif legal and lost[goal] > 0:
                hit[goal] |= ahead[goal, head] < FAR and ahead[goal, tail] >= FAR


@njit(cache=True, nogil=True)
def _cheapest(
    source: Any, goal: Any, succ: Any, end: Any, starts: Any, toll: Any, cost: Any, came: Any,
    heap: Any, path: Any,
) -> Any:  # fmt: skip
    """Cheapest way whether its turns are legal or not; its number of links, 0 when there is none.

    Every link enters the heap once: what comes after it costs the same by whichever way.
    """
    cost[:] = FAR
    count = 0
    for k in range(4):
        link = starts[source, k]
        if link >= 0:
            cost[link], came[link] = toll[link], -1
            count = _push(heap, count, cost, link)
    while count:
        link = heap[0]
        count = _pop(heap, count, cost)
        if end[link] == goal:
            steps = 0
            back = link
            while back >= 0:
                steps += 1
                back = came[back]
            for i in range(steps - 1, -1, -1):
                path[i] = link
                link = came[link]
            return steps
        for k in range(3):
            after = succ[link, k]
            if after >= 0 and cost[after] >= FAR:
                cost[after], came[after] = cost[link] + toll[after], link
                count = _push(heap, count, cost, after)
    return 0


@njit(cache=True, nogil=True)
def _push(heap: Any, count: Any, cost: Any, link: Any) -> Any:
    i = count
    while i > 0 and cost[heap[(i - 1) // 2]] > cost[link]:
        heap[i] = heap[(i - 1) // 2]
        i = (i - 1) // 2
    heap[i] = link
    return count + 1


@njit(cache=True, nogil=True)
def _pop(heap: Any, count: Any, cost: Any) -> Any:
    """Take the cheapest link off; the count that is left."""
    count -= 1
    last = heap[count]
    i = 0
    while 2 * i + 1 < count:
        child = 2 * i + 1
        if child + 1 < count and cost[heap[child + 1]] < cost[heap[child]]:
            child += 1
        if cost[heap[child]] >= cost[last]:
            break
        heap[i] = heap[child]
        i = child
    heap[i] = last
    return count


@njit(cache=True, nogil=True)
def total(load: Any, cost: Any) -> Any:
    """Cost of all links by their load."""
    found = 0.0
    for link in range(len(load)):
        found += cost[min(load[link], len(cost) - 1)]
    return found


@njit(cache=True, nogil=True)
def _pick_pair(
    layer: Any, layer_of: Any, lost: Any, starts: Any, first: Any, ahead: Any, state: Any
) -> Any:
    """A pair to open a way for: one that has none, else the dearest of a few; (-1, -1) at times."""
    hosts = len(layer_of)
    if lost.sum() > 0:
        for _ in range(32):
            goal = _random(state, hosts)
            if lost[goal] == 0 or layer_of[goal] != layer:
                continue
            for _ in range(64):
                source = _random(state, hosts)
                if source != goal and first[goal, source] == NO_PORT:
                    return source, goal
    dearest, pair = np.float32(-1.0), (-1, -1)
    for _ in range(6):
        goal, source = _random(state, hosts), _random(state, hosts)
        if goal == source or layer_of[goal] != layer or first[goal, source] == NO_PORT:
            continue
        cost = ahead[goal, starts[source, first[goal, source]]]
        if cost > dearest:
            dearest, pair = cost, (source, goal)
    return pair


@njit(cache=True, nogil=True)
def search(
    seed: Any, budget: Any, warm: Any, cold: Any, layer_of: Any, orders: Any, places: Any,
    succ: Any, pred: Any, turns: Any, end: Any, starts: Any, gates: Any, cost: Any, price: Any,
    blocked: Any, load: Any, toll: Any, step: Any, flow: Any, first: Any, ahead: Any, lost: Any,
) -> None:  # fmt: skip
    """Improve orders and trees together; see :mod:`model.routing.search`.

    Parameters
    ----------
    seed, budget : int
        The search ends after ``budget`` trees.
    warm, cold : float
        Share of the total cost by which a kept move may raise it, at first and at the end.
    cost, price : float64[n], float32[n]
        Of a link by its load, and what one more unit of load is taken to cost.
    blocked : float
        Cost of a pair without a way.
    lost : int64[hosts]
        Per destination, sources without a way; written.

    All other arrays: module and :func:`lay`; orders, turns, trees and loads are written.
    """
    state = np.full(1, seed, np.uint64)
    layers, links = orders.shape
    hosts = len(layer_of)
    hit = np.zeros(hosts, np.bool_)
    none = np.full(links, STAY, np.uint8)
    no_start = np.full(hosts, NO_PORT, np.uint8)
    old_step, old_flow = np.empty_like(step), np.empty_like(flow)
    old_first, old_ahead = np.empty_like(first), np.empty_like(ahead)
    reach, came = np.empty(links, np.float32), np.empty(links, np.int32)
    heap, path = np.empty(links, np.int32), np.empty(links, np.int32)
    here, there = np.empty(links, np.int32), np.empty(links, np.int32)
    now = total(load, cost) + blocked * lost.sum()
    laid = 0
    while laid < budget:
        laid += 1
        layer = _random(state, layers)
        order, place, turn = orders[layer], places[layer], turns[layer]
        hit[:] = False
        moves = 0
        steps = 0
        goal = -1
        if _random(state, 5):
            source, goal = _pick_pair(layer, layer_of, lost, starts, first, ahead, state)
            if goal >= 0:
                steps = _cheapest(
                    source, goal, succ, end, starts, toll, reach, came, heap, path
                )  # fmt: skip
        else:
            path[0], k = _random(state, links), _random(state, 3)
            path[1] = succ[path[0], k]
            steps = 2 if path[1] >= 0 else 0
        for i in range(steps - 1):
            a, b = place[path[i]], place[path[i + 1]]
            if a < b:
                continue
            # Either of the two links moves past the other, but not past the way's earlier links.
            if _random(state, 2) or (i and place[path[i - 1]] >= b):
                link, here[moves], there[moves] = path[i + 1], b, a
            else:
                link, here[moves], there[moves] = path[i], a, b
            _move(order, place, here[moves], there[moves])
            moves += 1
            _turned(
                link, layer, place, turn, succ, pred, end, layer_of, lost, step, flow, ahead, hit
            )  # fmt: skip
        if moves and steps > 2:
            hit[goal] = True  # its way may be cheapest over links that it did not use so far
        if laid % 8 == 0:
            goal = _random(state, hosts)
            hit[goal] = hit[goal] or layer_of[goal] == layer
        elif moves == 0:
            continue
        lost_before = lost.copy()
        load_before, toll_before = load.copy(), toll.copy()
        # Once all pairs are joined none is given up again.
        more, most = 0, 12 if lost.sum() > 0 else 0
        for goal in range(hosts):
            if not hit[goal]:
                continue
            old_step[goal], old_flow[goal] = step[goal], flow[goal]
            old_first[goal], old_ahead[goal] = first[goal], ahead[goal]
            lost[goal] = _tree(
                goal, order, succ, turn, end, starts, gates[goal], none, no_start,
                np.float32(0), price, load, toll, step[goal], flow[goal], first[goal], ahead[goal],
            )  # fmt: skip
            laid += 1
            more += lost[goal] - lost_before[goal]
            if total(load, cost) > now * HOPELESS:
                more = most + 1
            if more > most:
                hit[goal + 1 :] = False
                break
        then = total(load, cost) + blocked * lost.sum()
        left = 1.0 - laid / budget
        rise = (cold + (warm - cold) * left) * _random(state, 1 << 20) / (1 << 19)
        if more <= most and then <= now * (1.0 + rise):
            now = then
            continue
        load[:], toll[:], lost[:] = load_before, toll_before, lost_before
        for goal in range(hosts):
            if hit[goal]:
                step[goal], flow[goal] = old_step[goal], old_flow[goal]
                first[goal], ahead[goal] = old_first[goal], old_ahead[goal]
        for i in range(moves - 1, -1, -1):
            link = order[there[i]]
            _move(order, place, there[i], here[i])
            _turned(
                link, layer, place, turn, succ, pred, end, layer_of, lost, step, flow, ahead, hit
            )  # fmt: skip

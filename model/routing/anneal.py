"""The search's compiled loops: orders of the links and all trees, improved together.

A move makes a wished way legal by putting links elsewhere in a layer's order. What thereby becomes
illegal is mended: trees go on by other turns, or whole branches by other links. Then others use the
turns that were won, and the move is taken back when the cost has risen too much. Only what changes
is touched, and every change is logged, so that taking a move back is replaying it backwards.

Orders are changed with little harm: between the two links of a turn that is to be opened, a set of
links changes places with the rest, grown along the turns most used, so that those between the two,
which become illegal, are used little (as in Pearce and Kelly, 2006, with a cheap cut besides).

One file, because Numba's cache notices a change in the caller's own file only. Nothing is fast
mathematics and random numbers are splitmix64's, so results are the same bytes on every machine.
Names are those of :mod:`model.routing.kernel` and :mod:`model.routing.sweep`; ``use[link, k]`` is
the flow that takes a turn.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit

STAY: Final = 3
NO_PORT: Final = 4
FAR: Final = np.float32(1e9)
HOPELESS: Final = 0.06
"""Share of the total cost by which mending may raise it before a move is given up."""
HARM: Final = 0.3
"""Flow, against the busiest link's load, that a move may take its turns from."""
MEMBERS: Final = 16
WISHES: Final = 6
LOG: Final = 1 << 18
"""Changes that fit; a move that fills half of it is given up, so that mending has room."""
FLIPS: Final = 4096
LONGEST: Final = 1024
KEPT: Final = 1 << 40

Logged = np.dtype([("row", "i4"), ("goal", "i4"), ("old", "i4"), ("ahead", "f4")])


@njit(cache=True, nogil=True)
def _random(state: Any, below: Any) -> Any:
    """Next number below a bound."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return np.int64((z >> np.uint64(32)) * np.uint64(below) >> np.uint64(32))


@njit(cache=True, nogil=True, forceinline=True)
def _pour(link: Any, goal: Any, amount: Any, succ: Any, costs: Any, trees: Any, use: Any) -> Any:
    """Add flow to a link and to the rest of its way; by how much the cost rises."""
    load, step, flow, _, _ = trees
    cost, _, _, _, bent = costs
    last = len(cost) - 1
    rise = 0.0
    while True:
        before = load[link]
        load[link] = before + amount
        rise += cost[min(before + amount, last)] - cost[min(before, last)]
        flow[link, goal] += amount
        k = step[link, goal]
        if k == STAY:
            return rise
        use[link, k] += amount
        rise += amount * bent[k]
        link = succ[link, k]


@njit(cache=True, nogil=True, forceinline=True)
def _redirect(link: Any, goal: Any, k: Any, succ: Any, costs: Any, trees: Any, use: Any) -> Any:
    """Let a tree go on from a link by another turn, or by none; the rise of the cost."""
    _, step, flow, _, _ = trees
    amount = flow[link, goal]
    old = step[link, goal]
    rise = 0.0
    if amount > 0 and old < STAY:
        use[link, old] -= amount
        rise -= amount * costs[4][old]
        rise += _pour(succ[link, old], goal, -amount, succ, costs, trees, use)
    step[link, goal] = k
    if amount > 0 and k < STAY:
        use[link, k] += amount
        rise += amount * costs[4][k]
        rise += _pour(succ[link, k], goal, amount, succ, costs, trees, use)
    return rise


@njit(cache=True, nogil=True)
def _restart(
    source: Any, goal: Any, out: Any, starts: Any, succ: Any, costs: Any, trees: Any, use: Any
) -> Any:
    """Let a source start through another port; the rise of the cost."""
    first = trees[3]
    rise = _pour(starts[source, first[source, goal]], goal, -1, succ, costs, trees, use)
    first[source, goal] = out
    return rise + _pour(starts[source, out], goal, 1, succ, costs, trees, use)


@njit(cache=True, nogil=True, forceinline=True)
def _note(row: Any, goal: Any, old: Any, ahead: Any, log: Any, size: Any) -> None:
    """Log what a row did before it is changed."""
    i = size[0]
    log["row"][i], log["goal"][i], log["old"][i] = row, goal, old
    if row < len(ahead):
        log["ahead"][i] = ahead[row, goal]
    size[0] = i + 1


@njit(cache=True, nogil=True)
def _undo(starts: Any, succ: Any, costs: Any, trees: Any, use: Any, log: Any, size: Any) -> None:
    """Take all logged changes back."""
    ahead = trees[4]
    for i in range(size[0] - 1, -1, -1):
        row, goal, old = log["row"][i], log["goal"][i], log["old"][i]
        if row < len(succ):
            _redirect(row, goal, old, succ, costs, trees, use)
            ahead[row, goal] = log["ahead"][i]
        else:
            _restart(row - len(succ), goal, old, starts, succ, costs, trees, use)


@njit(cache=True, nogil=True, forceinline=True)
def _cheapest(link: Any, goal: Any, turn: Any, bend: Any, succ: Any, ahead: Any) -> Any:
    """Legal turn with the cheapest rest, STAY when there is none."""
    least, best = FAR, STAY
    for k in range(3):
        if turn[link] >> k & 1 and ahead[succ[link, k], goal] + bend[k] < least:
            least, best = ahead[succ[link, k], goal] + bend[k], k
    return best


@njit(cache=True, nogil=True)
def _mend(
    link: Any, goal: Any, turn: Any, pred: Any, host: Any, toll: Any, stack: Any, log: Any,
    size: Any, starts: Any, succ: Any, costs: Any, trees: Any, use: Any,
) -> Any:  # fmt: skip
    """Find another way on from a link, or where there is none from those that lead to it.

    The rise of the cost; infinite when a source is left without a way.
    """
    _, step, _, first, ahead = trees
    rise = 0.0
    stack[0] = link
    count = 1
    while count:
        count -= 1
        link = stack[count]
        old = step[link, goal]
        if ahead[link, goal] >= FAR or (old < STAY and ahead[succ[link, old], goal] < FAR):
            continue
        k = _cheapest(link, goal, turn, costs[3], succ, ahead)
        _note(link, goal, old, ahead, log, size)
        rise += _redirect(link, goal, k, succ, costs, trees, use)
        if k < STAY:
            ahead[link, goal] = toll[link] + costs[3][k] + ahead[succ[link, k], goal]
            continue
        ahead[link, goal] = FAR
        for side in range(3):
            before = pred[link, side]
            if before >= 0 and step[before // 3, goal] == before % 3:
                stack[count] = before // 3
                count += 1
        source = host[link]
        if source < 0 or source == goal:
            continue
        if starts[source, first[source, goal]] == link:
            least, best = FAR, NO_PORT
            for out in range(4):
                start = starts[source, out]
                if start >= 0 and ahead[start, goal] < least:
                    least, best = ahead[start, goal], out
            if best == NO_PORT:
                return np.inf
            _note(len(succ) + source, goal, first[source, goal], ahead, log, size)
            rise += _restart(source, goal, best, starts, succ, costs, trees, use)
    return rise


@njit(cache=True, nogil=True)
def _take(
    link: Any, k: Any, layer: Any, layer_of: Any, toll: Any, log: Any, size: Any, succ: Any,
    costs: Any, trees: Any, use: Any,
) -> Any:  # fmt: skip
    """Let all trees of a layer take a legal turn where that is cheaper; the rise of the cost."""
    _, step, _, _, ahead = trees
    bend = costs[3]
    to = succ[link, k]
    rise = 0.0
    for goal in range(len(layer_of)):
        now = step[link, goal]
        if layer_of[goal] != layer or now >= STAY or now == k:
            continue
        if ahead[to, goal] + bend[k] >= ahead[succ[link, now], goal] + bend[now]:
            continue
        more = _redirect(link, goal, k, succ, costs, trees, use)
        if more > 0.0:
            _redirect(link, goal, now, succ, costs, trees, use)
            continue
        _note(link, goal, now, ahead, log, size)
        ahead[link, goal] = toll[link] + bend[k] + ahead[to, goal]
        rise += more
    return rise


@njit(cache=True, nogil=True)
def _start_at(
    source: Any, out: Any, layer: Any, layer_of: Any, log: Any, size: Any, starts: Any, succ: Any,
    costs: Any, trees: Any, use: Any,
) -> Any:  # fmt: skip
    """Let a source start through a port wherever that is cheaper; the rise of the cost."""
    _, _, _, first, ahead = trees
    start = starts[source, out]
    rise = 0.0
    for goal in range(len(layer_of)):
        now = first[source, goal]
        if layer_of[goal] != layer or goal == source or now == out:
            continue
        if ahead[start, goal] >= ahead[starts[source, now], goal]:
            continue
        more = _restart(source, goal, out, starts, succ, costs, trees, use)
        if more > 0.0:
            _restart(source, goal, now, starts, succ, costs, trees, use)
            continue
        _note(len(succ) + source, goal, now, ahead, log, size)
        rise += more
    return rise


@njit(cache=True, nogil=True)
def _turn_at(link: Any, side: Any, forward: Any, succ: Any, pred: Any) -> Any:
    """Tail and index of a turn out of a link, or into it, and the link at its other end."""
    if forward:
        return link, side, succ[link, side]
    before = pred[link, side]
    if before < 0:
        return 0, 0, -1
    return before // 3, before % 3, before // 3


@njit(cache=True, nogil=True)
def _grow(
    seed: Any, forward: Any, low: Any, high: Any, place: Any, turn: Any, succ: Any, pred: Any,
    use: Any, keep: Any, inside: Any, member: Any,
) -> Any:  # fmt: skip
    """Grow a set from one link between two places of the order, along the turns most used.

    Returns the number of members at which the turns that leave it (into it, unless ``forward``)
    are used least, and that use; a turn to ``keep`` counts as used beyond all others.
    """
    member[0] = seed
    inside[seed] = True
    count, cut = 1, 0
    best, least = 1, 1 << 60
    fresh = seed
    target = high if forward else low
    while True:
        for side in range(3):
            tail, k, out = _turn_at(fresh, side, forward, succ, pred)
            if out >= 0 and turn[tail] >> k & 1 and low <= place[out] <= high and not inside[out]:
                cut += use[tail, k] + (KEPT if keep[tail] == k else 0)
            tail, k, back = _turn_at(fresh, side, not forward, succ, pred)
            if back >= 0 and turn[tail] >> k & 1 and inside[back]:
                cut -= use[tail, k] + (KEPT if keep[tail] == k else 0)
        if cut < least:
            best, least = count, cut
        if cut == 0 or count == MEMBERS:
            break
        heavy, fresh = 0, -1
        for i in range(count):
            for side in range(3):
                tail, k, out = _turn_at(member[i], side, forward, succ, pred)
                if out < 0 or not turn[tail] >> k & 1 or not low <= place[out] <= high:
                    continue
                weight = use[tail, k] + (KEPT if keep[tail] == k else 0)
                if weight > heavy and not inside[out] and place[out] != target:
                    heavy, fresh = weight, out
        if fresh < 0:
            break
        member[count] = fresh
        inside[fresh] = True
        count += 1
    for i in range(count):
        inside[member[i]] = False
    return best, least


@njit(cache=True, nogil=True)
def _shift(
    low: Any, high: Any, forward: Any, members: Any, order: Any, place: Any, inside: Any,
    spare: Any,
) -> None:  # fmt: skip
    """Put the members behind (``forward``) or before all else between two places."""
    for link in members:
        inside[link] = True
    at, held = low, 0
    for i in range(low, high + 1):
        link = order[i]
        if inside[link] == forward:
            spare[held] = link
            held += 1
        else:
            order[at] = link
            place[link] = at
            at += 1
    for i in range(held):
        order[at + i] = spare[i]
        place[spare[i]] = at + i
    for link in members:
        inside[link] = False


@njit(cache=True, nogil=True)
def _turned(link: Any, place: Any, turn: Any, succ: Any, pred: Any, flips: Any, count: Any) -> Any:
    """Correct the turns of a link that was moved; number of turns flipped so far."""
    for side in range(6):
        if side < 3:
            tail, k, head = link, side, succ[link, side]
        else:
            before = pred[link, side - 3]
            tail, k, head = before // 3, before % 3, link
        if tail < 0 or head < 0 or count == len(flips):
            continue
        if (place[tail] < place[head]) != (turn[tail] >> k & 1 != 0):
            turn[tail] ^= 1 << k
            flips[count] = tail * 3 + k
            count += 1
    return count


@njit(cache=True, nogil=True)
def _open(
    a: Any, b: Any, order: Any, place: Any, turn: Any, succ: Any, pred: Any, use: Any, keep: Any,
    inside: Any, one: Any, other: Any, spare: Any, most: Any, flips: Any, count: Any,
) -> Any:  # fmt: skip
    """Make the turn from link ``a`` to link ``b`` legal; flow it harms, number of flips so far."""
    low, high = place[b], place[a]
    size, harm = _grow(b, True, low, high, place, turn, succ, pred, use, keep, inside, one)
    forward = True
    members = one[:size]
    if harm > 0:
        size, less = _grow(a, False, low, high, place, turn, succ, pred, use, keep, inside, other)
        if less < harm:
            forward, harm, members = False, less, other[:size]
    if harm <= most:
        _shift(low, high, forward, members, order, place, inside, spare)
        for link in members:
            count = _turned(link, place, turn, succ, pred, flips, count)
    return harm, count


@njit(cache=True, nogil=True)
def _wish(
    layer: Any, layer_of: Any, starts: Any, first: Any, ahead: Any, free: Any, state: Any
) -> Any:
    """The pair with most to win of a few; (-1, -1) when none has any."""
    hosts = len(layer_of)
    most, pair = np.float32(0.0), (-1, -1)
    for _ in range(WISHES):
        goal, source = _random(state, hosts), _random(state, hosts)
        if goal == source or layer_of[goal] != layer:
            continue
        start = starts[source, first[source, goal]]
        gain = ahead[start, goal] - free[start, goal]
        if gain > most:
            most, pair = gain, (source, goal)
    return pair


@njit(cache=True, nogil=True)
def _way(
    source: Any, goal: Any, bend: Any, succ: Any, end: Any, starts: Any, free: Any, path: Any
) -> Any:
    """The cheapest way whether its turns are legal or not; its number of links, 0 if none."""
    least, link = FAR, -1
    for out in range(4):
        start = starts[source, out]
        if start >= 0 and free[start, goal] < least:
            least, link = free[start, goal], start
    steps = 0
    while link >= 0 and steps < len(path):
        path[steps] = link
        steps += 1
        if end[link] == goal:
            return steps
        least, best = FAR, -1
        for k in range(3):
            to = succ[link, k]
            if to >= 0 and free[to, goal] + bend[k] < least:
                least, best = free[to, goal] + bend[k], to
        link = best
    return 0


@njit(cache=True, nogil=True)
def anneal(
    seed: Any, moves: Any, warm: Any, cold: Any, layer_of: Any, orders: Any, places: Any,
    turns: Any, wires: Any, pred: Any, host: Any, costs: Any, trees: Any, free: Any,
) -> None:  # fmt: skip
    """Try some moves.

    Parameters
    ----------
    seed, moves : int
    warm, cold : float
        Share of the total cost by which a kept move may raise it, at first and at the end.
    layer_of, orders, turns, wires, costs, trees
        See :func:`model.routing.sweep.sweep`; orders, turns and trees are written. Every pair must
        have a way, and keeps one.
    places : int32[layers, links]
        Inverse of ``orders``; written.
    pred : int32[links, 3]
    host : int32[links]
        Host that a link leaves, -1 when it is none.
    free : float32[links, hosts]
        Of :func:`model.routing.sweep.relax`.
    """
    succ, end, starts, _ = wires
    cost, price, _, bend, bent = costs
    load, step, flow, first, ahead = trees
    state = np.full(1, seed, np.uint64)
    layers, links = orders.shape
    hosts = len(layer_of)
    toll = np.empty(links, np.float32)
    log, size = np.empty(LOG, Logged), np.zeros(1, np.int64)
    stack, flips = np.empty(4 * links, np.int32), np.empty(FLIPS, np.int32)
    path, keep = np.empty(LONGEST, np.int32), np.full(links, STAY, np.uint8)
    inside = np.zeros(links, np.bool_)
    one, other, spare = np.empty((3, links), np.int32)
    old_order, old_turn = np.empty(links, np.int32), np.empty(links, np.uint8)
    uses = np.zeros((layers, links, 3), np.int64)
    now = 0.0
    for link in range(links):
        toll[link] = price[min(load[link], len(price) - 1)]
        now += cost[min(load[link], len(cost) - 1)]
        for goal in range(hosts):
            if step[link, goal] < STAY:
                uses[layer_of[goal], link, step[link, goal]] += flow[link, goal]
                now += flow[link, goal] * bent[step[link, goal]]
    worst = HARM * load.max()
    for number in range(moves):
        layer = _random(state, layers)
        order, place, turn, use = orders[layer], places[layer], turns[layer], uses[layer]
        steps, source, goal = 0, -1, -1
        if _random(state, 8):
            source, goal = _wish(layer, layer_of, starts, first, ahead, free, state)
            if goal >= 0:
                steps = _way(source, goal, bend, succ, end, starts, free, path)
        if steps == 0:
            source = -1
            path[0], k = _random(state, links), _random(state, 3)
            path[1] = succ[path[0], k]
            steps = 2 if path[1] >= 0 else 0
        # Open the way's turns one after another.
        old_order[:], old_turn[:] = order, turn
        whole = steps
        for i in range(whole - 1):
            for k in range(3):
                if succ[path[i], k] == path[i + 1]:
                    keep[path[i]] = k
        harm, count, gone = 0, 0, np.float32(0.0)
        for i in range(whole - 1):
            gone += toll[path[i]]
            for k in range(3):
                gone += bend[k] if succ[path[i], k] == path[i + 1] else np.float32(0.0)
            if place[path[i]] < place[path[i + 1]]:
                continue
            more, count = _open(
                path[i], path[i + 1], order, place, turn, succ, pred, use, keep, inside, one, other,
                spare, worst - harm, flips, count,
            )  # fmt: skip
            harm += more
            if harm > worst or count == FLIPS:
                break
            if source >= 0 and _random(state, 2):
                # The rest may be legal and cheap enough without the way's other turns.
                rest = gone + ahead[path[i + 1], goal]
                if rest < 0.98 * ahead[starts[source, first[source, goal]], goal]:
                    steps = i + 2
                    break
        for i in range(whole):
            keep[path[i]] = STAY
        if count == 0:
            continue
        # Take from every tree the turns that became illegal, then mend what that broke.
        size[0] = 0
        rise, failed = 0.0, harm > worst or count == FLIPS
        for i in range(0 if failed else count):
            tail, k = flips[i] // 3, flips[i] % 3
            if turn[tail] >> k & 1:
                continue
            if size[0] + hosts > LOG // 2:
                failed = True
                break
            for goal in range(hosts):
                if step[tail, goal] == k and layer_of[goal] == layer:
                    _note(tail, goal, k, ahead, log, size)
                    rise += _redirect(tail, goal, STAY, succ, costs, trees, use)
        for i in range(0 if failed else size[0]):
            rise += _mend(
                log["row"][i], log["goal"][i], turn, pred, host, toll, stack, log, size, starts,
                succ, costs, trees, use,
            )  # fmt: skip
            if rise > now * HOPELESS or size[0] > LOG // 2:
                failed = True
                break
        # Use what was won: the way from its end, then the other turns.
        for i in range(-1 if failed else steps - 2 + count, -1, -1):
            if i >= count:
                link, k = path[i - count], 0
                while succ[link, k] != path[i - count + 1]:
                    k += 1
            else:
                link, k = flips[i] // 3, flips[i] % 3
            if not turn[link] >> k & 1 or size[0] > LOG // 2:
                continue
            rise += _take(link, k, layer, layer_of, toll, log, size, succ, costs, trees, use)
        for out in range(0 if failed or source < 0 else 4):
            if starts[source, out] == path[0]:
                rise += _start_at(
                    source, out, layer, layer_of, log, size, starts, succ, costs, trees, use
                )  # fmt: skip
        heat = warm + (cold - warm) * number / moves
        heat *= _random(state, 1 << 20) / (1 << 19)
        if not failed and rise <= now * heat:
            now += rise
            continue
        _undo(starts, succ, costs, trees, use, log, size)
        order[:], turn[:] = old_order, old_turn
        for i in range(links):
            place[order[i]] = i

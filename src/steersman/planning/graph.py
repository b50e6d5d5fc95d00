"""The order that `needs` gives to steps: topological order, who comes before whom, cycles, the longest path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Graph:
    """Steps by index. `ancestors[i]` has bit j set when j is finished before i starts."""

    order: tuple[int, ...]
    """A topological order; nodes on cycles and behind them come last, by index."""
    ancestors: tuple[int, ...]
    cycles: tuple[tuple[int, ...], ...]
    """Each as the nodes that need one another: a needs b, b needs c, c needs a."""

    def precedes(self, first: int, second: int) -> bool:
        """Whether there is a path from the first to the second."""
        return bool(self.ancestors[second] >> first & 1)

    def ordered(self, one: int, other: int) -> bool:
        """Whether the two can never run at the same time."""
        return self.precedes(one, other) or self.precedes(other, one)


def graph(needs: Sequence[Sequence[int]]) -> Graph:
    """The graph in which node i waits for the nodes `needs[i]`."""
    order, rest = _sorted(needs)
    ancestors = [0] * len(needs)
    seen = 0
    for node in (*order, *rest):
        for need in needs[node]:
            if seen >> need & 1:
                ancestors[node] |= ancestors[need] | 1 << need
        seen |= 1 << node
    return Graph((*order, *rest), tuple(ancestors), tuple(_cycles(needs, rest)))


def reduced(needs: Sequence[int], ancestors: Sequence[int]) -> tuple[int, ...]:
    """The needs that no other need implies; `needs` are indices into a topological order."""
    kept, covered = [], 0
    for need in sorted(set(needs), reverse=True):
        if not covered >> need & 1:
            kept.append(need)
            covered |= ancestors[need] | 1 << need
    return tuple(reversed(kept))


def longest(shape: Graph, needs: Sequence[Sequence[int]], weights: Sequence[float]) -> float:
    """The weight of the heaviest path."""
    reach = [0.0] * len(weights)
    for node in shape.order:
        reach[node] = weights[node] + max((reach[need] for need in needs[node]), default=0.0)
    return max(reach, default=0.0)


def _sorted(needs: Sequence[Sequence[int]]) -> tuple[list[int], list[int]]:
    waiting = [len(set(of)) for of in needs]
    dependents: list[list[int]] = [[] for _ in needs]
    for node, of in enumerate(needs):
        for need in set(of):
            dependents[need].append(node)
    order = [node for node, count in enumerate(waiting) if count == 0]
    for node in order:  # grows while it is walked
        for dependent in dependents[node]:
            waiting[dependent] -= 1
            if waiting[dependent] == 0:
                order.append(dependent)
    placed = set(order)
    return order, [node for node in range(len(needs)) if node not in placed]


def _cycles(needs: Sequence[Sequence[int]], rest: Sequence[int]) -> list[tuple[int, ...]]:
    """One cycle for each edge that closes one on a depth-first walk; without these edges there is no cycle."""
    found: list[tuple[int, ...]] = []
    inside, done = set(rest), set[int]()
    for start in rest:
        path, walks = [start], [iter(needs[start])]
        place = {start: 0}
        while walks and start not in done:
            need = next(walks[-1], None)
            if need is None:
                walks.pop()
                node = path.pop()
                del place[node]
                done.add(node)
            elif need in place:
                found.append(tuple(path[place[need] :]))
            elif need in inside and need not in done:
                place[need] = len(path)
                path.append(need)
                walks.append(iter(needs[need]))
    return found

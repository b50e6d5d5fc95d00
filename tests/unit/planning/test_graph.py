from hypothesis import given
from hypothesis import strategies as st

from steersman.planning.graph import graph, longest, reduced

NODES = 7
any_needs = st.lists(st.lists(st.integers(0, NODES - 1), max_size=3), min_size=NODES, max_size=NODES)
acyclic = any_needs.map(lambda needs: [[need for need in of if need < node] for node, of in enumerate(needs)])


def reach(needs: list[list[int]], node: int) -> set[int]:
    found: set[int] = set()
    todo = list(needs[node])
    while todo:
        if (here := todo.pop()) not in found:
            found.add(here)
            todo += needs[here]
    return found


@given(any_needs)
def test_there_is_a_named_cycle_exactly_when_a_node_reaches_itself(needs: list[list[int]]) -> None:
    looping = {node for node in range(NODES) if node in reach(needs, node)}
    cycles = graph(needs).cycles
    assert bool(cycles) == bool(looping)
    for cycle in cycles:
        assert set(cycle) <= looping
        for node, need in zip(cycle, (*cycle[1:], cycle[0]), strict=True):
            assert need in needs[node]


@given(any_needs)
def test_without_the_edges_that_close_the_named_cycles_there_is_none(needs: list[list[int]]) -> None:
    closing = {(cycle[-1], cycle[0]) for cycle in graph(needs).cycles}
    mended = [[need for need in of if (node, need) not in closing] for node, of in enumerate(needs)]
    assert graph(mended).cycles == ()


@given(acyclic)
def test_order_and_ancestors_are_those_of_the_paths(needs: list[list[int]]) -> None:
    shape = graph(needs)
    place = {node: rank for rank, node in enumerate(shape.order)}
    assert sorted(place) == list(range(NODES))
    for node in range(NODES):
        assert {other for other in range(NODES) if shape.precedes(other, node)} == reach(needs, node)
        assert all(place[need] < place[node] for need in needs[node])


@given(acyclic)
def test_reduction_keeps_every_path_and_no_needless_edge(needs: list[list[int]]) -> None:
    ancestors = graph(needs).ancestors
    fewer = [list(reduced(of, ancestors)) for of in needs]
    for node in range(NODES):
        assert reach(fewer, node) == reach(needs, node)
        for need in fewer[node]:
            without = [[n for n in of if (at, n) != (node, need)] for at, of in enumerate(fewer)]
            assert need not in reach(without, node)


@given(acyclic, st.lists(st.integers(0, 9), min_size=NODES, max_size=NODES))
def test_the_longest_path_is_the_heaviest_one(needs: list[list[int]], weights: list[int]) -> None:
    def heaviest(node: int) -> int:
        return weights[node] + max((heaviest(need) for need in needs[node]), default=0)

    assert longest(graph(needs), needs, weights) == max(heaviest(node) for node in range(NODES))

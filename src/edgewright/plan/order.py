"""Execution order: candidates among which the planner picks the one with the lowest peak."""

from __future__ import annotations

from collections.abc import Iterator

from edgewright.graph import Graph, Node, Value


def candidates(graph: Graph) -> Iterator[list[Node]]:
    """The order of the source, then greedy ones; each respects data and state."""
    yield list(graph.nodes)
    if len(graph.nodes) > 2:
        yield greedy(graph)


def dependencies(graph: Graph) -> dict[Node, set[Node]]:
    """What must run before each node: producers of all that it reads, and earlier uses of state."""
    before: dict[Node, set[Node]] = {}
    last_on_state: dict[str, Node] = {}
    here = set(graph.nodes)
    for node in graph.nodes:
        needed = {v.producer for v in reads(node) if v.producer in here}
        for name in states_of(node):
            if name in last_on_state:
                needed.add(last_on_state[name])
            last_on_state[name] = node
        needed.discard(node)
        before[node] = {n for n in needed if n is not None}
    return before


def reads(node: Node) -> list[Value]:
    """Values that a node reads, those that its regions capture included."""
    found = dict.fromkeys(node.arguments)
    for region in node.regions:
        for inner in region.walk():
            found.update(dict.fromkeys(inner.arguments))
        for graph in region.walk_graphs():
            found.update(dict.fromkeys(graph.outputs))
    return [v for v in found if not v.is_constant]


def states_of(node: Node) -> list[str]:
    """The states that a node or its regions touch."""
    names = [node.attrs["state"]] if "state" in node.attrs else []
    for region in node.regions:
        names += [inner.attrs["state"] for inner in region.walk() if "state" in inner.attrs]
    return list(dict.fromkeys(names))


def greedy(graph: Graph) -> list[Node]:
    """Of the nodes that are ready, run the one that leaves the least memory alive.

    Ties go to the one whose working set is smaller, then to the order of the source.
    """
    before = dependencies(graph)
    position = {node: i for i, node in enumerate(graph.nodes)}
    waiting = {node: len(needed) for node, needed in before.items()}
    after: dict[Node, list[Node]] = {node: [] for node in graph.nodes}
    for node, needed in before.items():
        for earlier in needed:
            after[earlier].append(node)
    uses = _use_counts(graph)
    ready = [node for node in graph.nodes if not waiting[node]]
    order: list[Node] = []
    while ready:
        node = min(ready, key=lambda n: (*_growth(n, uses), position[n]))
        ready.remove(node)
        order.append(node)
        for value in reads(node):
            uses[value] = uses.get(value, 0) - 1
        for later in after[node]:
            waiting[later] -= 1
            if not waiting[later]:
                ready.append(later)
    return order


def _use_counts(graph: Graph) -> dict[Value, int]:
    uses: dict[Value, int] = {}
    for node in graph.nodes:
        for value in reads(node):
            uses[value] = uses.get(value, 0) + 1
    for value in graph.outputs:
        uses[value] = uses.get(value, 0) + 1
    for value in graph.inputs:
        uses[value] = uses.get(value, 0) + 1
    return uses


def _growth(node: Node, uses: dict[Value, int]) -> tuple[int, int]:
    made = sum(v.type.max_bytes for v in node.outputs)
    freed = sum(v.type.max_bytes for v in reads(node) if uses.get(v, 0) == 1)
    return made - freed, made

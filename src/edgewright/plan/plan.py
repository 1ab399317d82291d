"""The memory plan of one entry point."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from edgewright import ops
from edgewright.graph import Graph, Node, Value
from edgewright.ops import Packing
from edgewright.ops.block import BlockNode
from edgewright.plan.blocks import Laid, contract, find_blocks, untuned
from edgewright.plan.lifetimes import Buffer, Lifetimes, Scratch, lifetimes
from edgewright.plan.offsets import Request, place
from edgewright.plan.order import candidates


@dataclass(frozen=True)
class Place:
    """Where a value is: in the arena (offset in bytes), or in the caller's n-th input or output.

    `start` is where it begins in an input or output that it is a part of, in bytes.
    """

    kind: str
    offset: int
    start: int = 0

    def at(self, start: int) -> Place:
        """The place of a part that begins `start` bytes further."""
        if self.kind == "arena":
            return replace(self, offset=self.offset + start)
        return replace(self, start=self.start + start)


@dataclass
class Plan:
    """Order, places and sizes; all sizes in bytes, at the largest run-time dims."""

    graph: Graph
    target: Packing
    order: dict[Graph, list[Node]]
    places: dict[Value, Place] = field(default_factory=dict)
    scratch: dict[Node, int] = field(default_factory=dict)
    scratch_bytes: dict[Node, int] = field(default_factory=dict)
    copies: list[tuple[Value, int]] = field(default_factory=list)
    arena_bytes: int = 0
    lower_bound: int = 0


def make_plan(graph: Graph, target: Packing) -> Plan:
    """Make blocks, order the nodes for the lowest peak and give every value its place."""
    needed, laid = _lowest(graph, target)
    order = {**_orders(graph), graph: list(laid.order)}
    return _finish(Plan(graph, target, order, scratch_bytes=needed), laid.spans)


def lowest_peak(graph: Graph, target: Packing) -> int:
    """Bytes of the largest set of values alive at once, without blocks."""
    return _best_order(graph, target, _scratch(graph.walk(), target), []).peak


def _scratch(nodes: Iterable[Node], target: Packing) -> dict[Node, int]:
    return {node: ops.of(node).scratch_bytes(node, target) for node in nodes}


def _orders(graph: Graph) -> dict[Graph, list[Node]]:
    return {each: list(each.nodes) for each in graph.walk_graphs()}


def _lowest(graph: Graph, target: Packing) -> tuple[dict[Node, int], Laid]:
    """The blocks of a graph as part of its best order, and what its nodes need of scratch.

    Blocks are found as if no layer was tuned, and members are asked for no choice of theirs.
    """
    plain = untuned(target)

    def lay(blocks: Sequence[BlockNode]) -> Laid:
        return _best_order(graph, plain, _scratch([*graph.walk(), *blocks], plain), blocks)

    blocks = find_blocks(graph, target, lay)
    members = {node for block in blocks for node in block.chain}
    nodes = [*(node for node in graph.walk() if node not in members), *blocks]
    needed = _scratch(nodes, target)
    return needed, _best_order(graph, target, needed, blocks)


def _best_order(
    graph: Graph, target: Packing, needed: dict[Node, int], blocks: Sequence[BlockNode]
) -> Laid:
    """The order with the lowest peak."""
    best: Laid | None = None
    for nodes in candidates(graph):
        order = {**_orders(graph), graph: contract(nodes, blocks)}
        spans = lifetimes(graph, order, needed, target)
        _move_outputs(graph, spans)
        bound = spans.lower_bound()
        if best is None or bound < best.peak:
            best = Laid(bound, order[graph], spans)
    assert best is not None
    return best


def separate_plan(graph: Graph, target: Packing) -> Plan:
    """Every value in memory of its own, so that nodes can be run one by one."""
    needed, laid = _lowest(graph, target)
    order = {**_orders(graph), graph: list(laid.order)}
    spans = lifetimes(graph, order, needed, target, share=False)
    return _finish(Plan(graph, target, order, scratch_bytes=needed), spans)


def _move_outputs(graph: Graph, spans: Lifetimes) -> list[Value]:
    """Take buffers that end as an output out of the arena; returns the values that moved."""
    moved: list[Value] = []
    for value in dict.fromkeys(graph.outputs):
        buffer = spans.home.get(value)
        if buffer is None or buffer.root in graph.inputs or buffer not in spans.buffers:
            continue
        if spans.starts.get(value, 0) or buffer.bytes > value.type.max_bytes:
            continue  # a part of something larger: it is copied at the end
        spans.buffers.remove(buffer)
        moved.append(value)
    return moved


def _finish(plan: Plan, spans: Lifetimes) -> Plan:
    """Fill in places and sizes."""
    plan.lower_bound = spans.lower_bound()
    items: list[Buffer | Scratch] = [*spans.buffers, *spans.scratch]
    requests = [Request(i.bytes, i.start, i.end, _item_bytes(i)) for i in items]
    offsets, plan.arena_bytes = place(requests, plan.lower_bound)
    for buffer, offset in zip(spans.buffers, offsets, strict=False):
        plan.places.update(_parts(spans, buffer, Place("arena", offset)))
    for item, offset in zip(spans.scratch, offsets[len(spans.buffers) :], strict=True):
        plan.scratch[item.node] = offset
    _place_io(plan.graph, spans, plan)
    return plan


def _parts(spans: Lifetimes, buffer: Buffer, place: Place) -> dict[Value, Place]:
    """The places of everything in a buffer."""
    return {v: place.at(spans.starts.get(v, 0)) for v in buffer.values}


def _item_bytes(item: Buffer | Scratch) -> int:
    """Scratch may hold anything; a buffer the widest of the elements that share it."""
    if isinstance(item, Scratch):
        return 8
    return max(v.type.dtype.itemsize for v in item.values)


def _place_io(graph: Graph, spans: Lifetimes, plan: Plan) -> None:
    for index, value in enumerate(graph.inputs):
        held = spans.home.get(value)
        here = Place("input", index)
        plan.places.update(_parts(spans, held, here) if held else {value: here})
    for index, value in enumerate(graph.outputs):
        held = spans.home.get(value)
        if held is not None and value not in plan.places:
            plan.places.update(_parts(spans, held, Place("output", index)))
        if plan.places.get(value) != Place("output", index):
            plan.copies.append((value, index))

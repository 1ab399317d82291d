"""Which values share memory, and from when to when each piece of memory is needed.

Time is a counter over the nodes in execution order; a node with regions spans the times of
everything inside. Whatever a region captures, receives or hands back is kept for the node's whole
span, since a loop comes back to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgewright import ops
from edgewright.graph import Graph, Node, Value
from edgewright.ops import Packing

FOREVER = 1 << 30


@dataclass
class Buffer:
    """One piece of memory: the values in it (the first one made it), its size and its span."""

    values: list[Value]
    bytes: int
    start: int
    end: int

    @property
    def root(self) -> Value:
        """The value that the memory was first needed for."""
        return self.values[0]


@dataclass
class Scratch:
    """Working memory of one node."""

    node: Node
    bytes: int
    start: int
    end: int


@dataclass
class Lifetimes:
    """The result: buffers of the arena, scratch, and where every value lives.

    `starts` says where in its buffer a value begins, in bytes, unless that is at the start.
    """

    buffers: list[Buffer] = field(default_factory=list)
    scratch: list[Scratch] = field(default_factory=list)
    home: dict[Value, Buffer] = field(default_factory=dict)
    starts: dict[Value, int] = field(default_factory=dict)

    def lower_bound(self) -> int:
        """Bytes of the largest set alive at once."""
        events: dict[int, int] = {}
        items: list[Buffer | Scratch] = [*self.buffers, *self.scratch]
        for item in items:
            events[item.start] = events.get(item.start, 0) + item.bytes
            events[item.end + 1] = events.get(item.end + 1, 0) - item.bytes
        peak = alive = 0
        for time in sorted(events):
            alive += events[time]
            peak = max(peak, alive)
        return peak


def lifetimes(
    graph: Graph,
    order: Mapping[Graph, list[Node]],
    scratch_bytes: Mapping[Node, int],
    target: Packing,
    share: bool = True,
) -> Lifetimes:
    """Lifetimes of a top-level graph; without `share`, every value has memory of its own."""
    return _Walk(graph, order, scratch_bytes, target, share).result


class _Walk:
    def __init__(
        self,
        graph: Graph,
        order: Mapping[Graph, list[Node]],
        scratch_bytes: Mapping[Node, int],
        target: Packing,
        share: bool,
    ) -> None:
        self.order, self.scratch_bytes, self.share = order, scratch_bytes, share
        self.target = target
        self.result = Lifetimes()
        self.time = 0
        self.span: dict[Node, tuple[int, int]] = {}
        self.number(graph)
        self.last = self.last_uses(graph)
        self.fixed = set(graph.inputs)
        self.parts = _parts(graph, target) if share else {}
        self.visit(graph)
        if not share:
            for buffer in self.result.buffers:
                buffer.start, buffer.end = 0, FOREVER

    def number(self, graph: Graph) -> None:
        for node in self.order[graph]:
            start = self.time
            self.time += 1
            for region in node.regions:
                self.number(region)
            self.span[node] = (start, self.time - 1)

    def last_uses(self, graph: Graph, floor: int = -1) -> dict[Value, int]:
        """When each value is read last; `floor` is the end of the node that owns the region."""
        last: dict[Value, int] = {}
        outer = floor
        for node in self.order[graph]:
            end = self.span[node][1]
            for value in node.arguments:
                last[value] = max(last.get(value, -1), end, outer if _outside(value, graph) else -1)
            for region in node.regions:
                for value, time in self.last_uses(region, end).items():
                    floor_here = outer if _outside(value, graph) else -1
                    last[value] = max(last.get(value, -1), time, floor_here)
        for value in graph.outputs:
            last[value] = FOREVER if graph.parent is None else max(last.get(value, -1), floor)
        return last

    def visit(self, graph: Graph, owner: Node | None = None) -> None:
        if owner is not None:
            for value in graph.inputs:
                start, end = self.span[owner]
                self.make(value, start, end)
        for node in self.order[graph]:
            start, end = self.span[node]
            for region in node.regions:
                self.visit(region, node)
            self.outputs(node, start, end)
            if self.scratch_bytes.get(node, 0):
                self.result.scratch.append(Scratch(node, self.scratch_bytes[node], start, end))

    def outputs(self, node: Node, start: int, end: int) -> None:
        operator = ops.of(node)
        for index, value in enumerate(node.outputs):
            if value in self.result.home:  # its parts were made before, in place
                self.extend(value)
                continue
            if value in self.parts:
                self.make_part(value, start, end)
                continue
            reused = self.reusable(node, operator) if index == 0 and self.share else None
            if reused is not None:
                self.join(reused, value, operator.view_offset(node, self.target) or 0)
            else:
                self.make(value, start, max(end, self.last.get(value, end)))

    def reusable(self, node: Node, operator: ops.Op) -> Value | None:
        """The input whose memory the result may have."""
        if node.regions:
            return None
        if operator.view_offset(node, self.target) is not None:
            value = node.input(0)
            return None if value.is_constant or _is_region_edge(node, value) else value
        for index in operator.inplace_operands(node, self.target):
            operand = node.inputs[index] if index < len(node.inputs) else None
            if operand is not None and self.dies(node, operand):
                return operand
        return None

    def dies(self, node: Node, value: Value) -> bool:
        """Whether nothing needs the value's memory after the node, and the result fits exactly."""
        buffer = self.result.home.get(value)
        if value.is_constant or buffer is None or buffer.root in self.fixed:
            return False
        alive = max(self.last.get(v, -1) for v in buffer.values)
        fits = value.type.max_bytes == node.outputs[0].type.max_bytes
        same = value.type.dtype.itemsize == node.outputs[0].type.dtype.itemsize
        static = value.type.shape == node.outputs[0].type.shape
        once = node.inputs.count(value) == 1 and not any(
            v is not value and self.result.home.get(v) is buffer for v in node.arguments
        )
        inner = all(_made_here(node, v) for v in buffer.values)
        return alive == self.span[node][1] and fits and same and static and once and inner

    def make(self, value: Value, start: int, end: int) -> None:
        buffer = Buffer([value], value.type.max_bytes, start, end)
        self.result.home[value] = buffer
        self.result.buffers.append(buffer)

    def make_part(self, value: Value, start: int, end: int) -> None:
        """A value that is made in its place in another one."""
        whole, offset = self.parts[value]
        if whole not in self.result.home:
            self.make(whole, start, end)
        buffer = self.result.home[value] = self.result.home[whole]
        buffer.values.append(value)
        self.result.starts[value] = offset
        self.extend(value)

    def extend(self, value: Value) -> None:
        """Keep a value's buffer until the value was read last."""
        buffer = self.result.home[value]
        buffer.end = max(buffer.end, self.last.get(value, buffer.end))

    def join(self, old: Value, value: Value, offset: int) -> None:
        buffer = self.result.home.get(old)
        if buffer is None:  # an input of the graph: its memory is the caller's
            buffer = self.result.home.setdefault(old, Buffer([old], 0, 0, FOREVER))
        buffer.values.append(value)
        self.result.home[value] = buffer
        self.result.starts[value] = self.result.starts.get(old, 0) + offset
        self.extend(value)


def _parts(graph: Graph, target: Packing) -> dict[Value, tuple[Value, int]]:
    """Values that may be made in their place in another one: that value, and where."""
    found: dict[Value, tuple[Value, int]] = {}
    for node in graph.nodes:
        offsets = ops.of(node).part_offsets(node, target)
        for value, offset in zip(node.arguments, offsets, strict=False):
            if offset is None or value in found or node.inputs.count(value) > 1:
                continue
            if _has_own_memory(graph, value, target):
                found[value] = (node.output, offset)
    return found


def _has_own_memory(graph: Graph, value: Value, target: Packing) -> bool:
    """Whether a node of the graph makes a value that is neither a part of one nor made of parts."""
    made = value.producer
    if made is None or made.graph is not graph or made.regions or graph.is_output(value):
        return False
    operator = ops.of(made)
    return operator.view_offset(made, target) is None and not operator.part_offsets(made, target)


def _outside(value: Value, graph: Graph) -> bool:
    """Whether a value is captured from around the region `graph`."""
    if graph.parent is None or value in graph.inputs:
        return False
    return value.producer is None or value.producer.graph is not graph


def _made_here(node: Node, value: Value) -> bool:
    """Whether a loop around the node makes the value anew each time, and does not hand it on."""
    graph = node.graph
    if graph is None or graph.parent is None:
        return True
    made = value.producer is not None and value.producer.graph is graph
    return made and value not in graph.outputs


def _is_region_edge(node: Node, value: Value) -> bool:
    """Whether the value enters or the result leaves a region, where loops need own memory."""
    graph = node.graph
    if graph is None or graph.parent is None:
        return False
    return value in graph.inputs or node.outputs[0] in graph.outputs

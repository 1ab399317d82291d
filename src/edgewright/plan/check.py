"""An independent check of a plan: run it symbolically and look at what memory holds.

It shares no code with the planner. Memory is a list of byte ranges, each labelled with the values
that are intact there; every read must find its value over the whole range, and every write
replaces the labels.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from edgewright import ops
from edgewright.errors import InternalError
from edgewright.graph import Graph, Node, Value
from edgewright.ops.block import BlockNode
from edgewright.plan.plan import Place, Plan

Space = tuple[str, int]


@dataclass
class _Memory:
    ranges: dict[Space, list[tuple[int, int, frozenset[Value]]]] = field(default_factory=dict)

    def write(self, space: Space, start: int, end: int, held: frozenset[Value]) -> None:
        if start >= end:
            return
        kept = []
        for low, high, values in self.ranges.get(space, []):
            if low < start:
                kept.append((low, min(high, start), values))
            if high > end:
                kept.append((max(low, end), high, values))
        self.ranges[space] = [r for r in kept if r[0] < r[1]] + [(start, end, held)]

    def add(self, space: Space, start: int, end: int, value: Value) -> None:
        """A value that is there besides what was."""
        inside = []
        for low, high, values in self.ranges.get(space, []):
            if low < end and start < high:
                inside.append((max(low, start), min(high, end), values | {value}))
        for low, high, values in inside:
            self.write(space, low, high, values)

    def holds(self, space: Space, start: int, end: int, value: Value) -> bool:
        covered = start
        for low, high, values in sorted(self.ranges.get(space, []), key=lambda r: r[0]):
            if value in values and low <= covered < high:
                covered = high
        return covered >= end


def check_plan(plan: Plan) -> None:
    """Raise InternalError when a value would be read after its memory was given to another."""
    _Check(plan).run()


class _Check:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.memory = _Memory()
        self.defined: set[Value] = set()

    def run(self) -> None:
        for index, value in enumerate(self.plan.graph.inputs):
            size = value.type.max_bytes
            self.memory.write(("input", index), 0, size, frozenset([value]))
            self.defined.add(value)
        self.graph(self.plan.graph)
        for value in self.plan.graph.outputs:
            if not value.is_constant:
                self.read(value, "the end")

    def where(self, value: Value) -> tuple[Space, int, int]:
        place: Place = self.plan.places[value]
        size = value.type.max_bytes
        if place.kind != "arena":
            return (place.kind, place.offset), place.start, place.start + size
        if place.offset < 0 or place.offset + size > self.plan.arena_bytes:
            raise InternalError(f"plan: {value} lies outside the arena")
        return ("arena", 0), place.offset, place.offset + size

    def read(self, value: Value, reader: str) -> None:
        if value not in self.defined:
            raise InternalError(f"plan: {reader} reads {value} before it is made")
        if not self.memory.holds(*self.where(value), value):
            raise InternalError(f"plan: {reader} reads {value}, but its memory was overwritten")

    def write(self, value: Value, held: frozenset[Value] | None = None) -> None:
        self.memory.write(*self.where(value), held or frozenset([value]))
        self.defined.add(value)

    def graph(self, graph: Graph) -> None:
        nodes = self.plan.order[graph]
        members = [m for n in nodes for m in (n.chain if isinstance(n, BlockNode) else (n,))]
        if sorted(map(id, members)) != sorted(map(id, graph.nodes)):
            raise InternalError(f"plan: the order of {graph.name} is not its nodes")
        for node in nodes:
            self.node(node)

    def node(self, node: Node) -> None:
        for value in node.arguments:
            if not value.is_constant:
                self.read(value, node.op)
        if node.regions:
            self.regions(node)
            return
        offset = ops.of(node).view_offset(node, self.plan.target)
        if offset is not None and not node.input(0).is_constant:
            self.view(node, offset)
            return
        self.scratch(node)
        for value in node.outputs:
            self.clobber_check(node, value)
        if kept := self.parts(node):
            self.joined(node.output, kept)
            return
        for value in node.outputs:
            self.write(value)

    def joined(self, result: Value, kept: list[Value]) -> None:
        """What lies in the result already is left as it is; the rest is written."""
        space, start, end = self.where(result)
        for _, low, high in sorted(self.where(value) for value in kept):
            self.memory.write(space, start, low, frozenset([result]))
            self.memory.add(space, low, high, result)
            start = high
        self.memory.write(space, start, end, frozenset([result]))
        self.defined.add(result)

    def view(self, node: Node, offset: int) -> None:
        source, result = node.input(0), node.output
        space, start, end = self.where(result)
        other, low, high = self.where(source)
        if (other, low + offset) != (space, start) or end > high:
            self.clobber_check(node, result)
            self.write(result)  # the generator copies when the places differ
            return
        self.memory.add(space, start, end, result)
        self.defined.add(result)

    def parts(self, node: Node) -> list[Value]:
        """Operands that lie in the result already, where the operator puts them."""
        offsets = ops.of(node).part_offsets(node, self.plan.target)
        return [
            v for v, o in zip(node.arguments, offsets, strict=False) if self.is_part(node, v, o)
        ]

    def is_part(self, node: Node, value: Value, offset: int | None) -> bool:
        if value.is_constant or offset is None:
            return False
        space, start, _ = self.where(node.output)
        return self.where(value)[:2] == (space, start + offset)

    def scratch(self, node: Node) -> None:
        size = self.plan.scratch_bytes.get(node, 0)
        if not size:
            return
        offset = self.plan.scratch[node]
        if offset + size > self.plan.arena_bytes:
            raise InternalError(f"plan: scratch of {node.op} lies outside the arena")
        self.memory.write(("arena", 0), offset, offset + size, frozenset())
        for value in node.arguments:
            if not value.is_constant:
                self.read(value, f"{node.op} (with its scratch)")

    def clobber_check(self, node: Node, result: Value) -> None:
        """A result may share memory with an operand only where the operator says so."""
        allowed = {
            i
            for i in ops.of(node).inplace_operands(node, self.plan.target)
            if result is node.outputs[0]
        }
        parts = self.parts(node)
        space, start, end = self.where(result)
        size = self.plan.scratch_bytes.get(node, 0)
        if size and space == ("arena", 0):
            offset = self.plan.scratch[node]
            if offset < end and start < offset + size:
                raise InternalError(f"plan: {node.op} writes {result} over its own scratch")
        for index, value in enumerate(node.inputs):
            if value is None or value.is_constant or value in parts:
                continue
            other, low, high = self.where(value)
            overlaps = other == space and low < end and start < high
            if overlaps and (index not in allowed or (low, high) != (start, end)):
                raise InternalError(f"plan: {node.op} writes {result} over its operand {value}")

    def regions(self, node: Node) -> None:
        """Bodies run twice: what the first round destroys, the second would miss."""
        for _ in range(2):
            for region in node.regions:
                for value in region.inputs:
                    self.write(value)
                self.graph(region)
                for value in region.outputs:
                    if not value.is_constant:
                        self.read(value, f"the end of {region.name}")
            for value in node.arguments:
                if not value.is_constant:
                    self.read(value, f"{node.op} (again)")
        for value in node.outputs:
            self.write(value)

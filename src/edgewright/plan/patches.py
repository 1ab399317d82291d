"""Patches: run the first layers for a few rows of the image at a time, so that less RAM is needed.

The first layers of a vision model have the largest tensors. Their last result is small again, and
a few of its rows depend on a few rows of the input: each patch computes some rows of it through all
of those layers. Neighbouring patches overlap inside, where windows reach over the border, so that
some rows are computed twice: RAM is paid for with time. Results do not change by a bit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from edgewright import ops
from edgewright.errors import InvalidOption
from edgewright.graph import Graph, Module, Node, Value
from edgewright.ops import Packing
from edgewright.ops.binary import Binary
from edgewright.ops.unary import Unary
from edgewright.plan.plan import lowest_peak, make_plan

Rows = tuple[int, int]
WINDOWED = ("conv", "depthwise_conv", "max_pool", "avg_pool")
POINTWISE = ("quantize", "dequantize")
MOST_PATCHES = 32
#: Splits that are planned although a layer of theirs needs too much as a whole: blocks may not.
MOST_TRIED = 8


@dataclass(frozen=True)
class Split:
    """A graph whose nodes from `first` to `last` run in patches."""

    graph: Graph
    first: int
    last: int
    patches: int
    macs: int


@dataclass(frozen=True)
class Fitted:
    """What `fit` did; RAM is that of the target that needs most."""

    ram_before: int
    ram_after: int
    patches: int
    layers: int
    more_macs: float

    def __str__(self) -> str:
        sizes = f"RAM {self.ram_before:,} → {self.ram_after:,} bytes"
        cost = f"{self.more_macs:.0%} more multiply-accumulates".replace("%", " %")
        return f"{sizes} ({self.patches} patches over {self.layers} layers, {cost})"


def fit(module: Module, targets: Sequence[Packing], max_ram: int) -> Fitted | None:
    """Split the first layers of `main` until arena and state take `max_ram` bytes at the most.

    Of the ways that fit, the one that computes least twice is taken. Returns None, and leaves the
    module as it is, when it fits anyway.

    Raises InvalidOption with what is missing when nothing helps.
    """
    states = sum(s.type.max_bytes for s in module.states.values())
    graph, room = module.main, max_ram - states
    before = _arena(graph, targets)
    if before <= room:
        return None
    splits = list(_splits(graph))
    bounds = [max(lowest_peak(s.graph, t) for t in targets) for s in splits]
    order = sorted(range(len(splits)), key=lambda i: (splits[i].macs, splits[i].patches))
    least = before
    smallest = sorted(order, key=lambda i: bounds[i])[:MOST_TRIED]
    for index in [i for i in order if bounds[i] <= room or i in smallest]:
        if (arena := _arena(splits[index].graph, targets)) <= room:
            return _apply(module, splits[index], before + states, arena + states)
        least = min(least, arena)
    raise InvalidOption(
        f"the model needs {least + states:,} bytes of RAM, even in patches: "
        f"{least - room:,} more than --max-ram {max_ram}",
        help="allow more, or make the model's input or its first layers smaller",
    )


def _arena(graph: Graph, targets: Sequence[Packing]) -> int:
    return max(make_plan(graph, target).arena_bytes for target in targets)


def _apply(module: Module, split: Split, before: int, after: int) -> Fitted:
    name = next(key for key, graph in module.graphs.items() if graph is module.main)
    macs = _macs(module.main)
    module.graphs[name] = split.graph
    layers = split.last + 1 - split.first
    return Fitted(before, after, split.patches, layers, split.macs / macs - 1 if macs else 0.0)


def _macs(graph: Graph) -> int:
    return sum(ops.of(node).macs(node) for node in graph.walk())


# -- where to split --------------------------------------------------------------------------------


def _splits(graph: Graph) -> Iterator[Split]:
    """Every way to run the first layers in patches."""
    if any(node.regions for node in graph.nodes):
        return
    first = next((i for i, node in enumerate(graph.nodes) if _is_spatial(node)), len(graph.nodes))
    for last in range(first, len(graph.nodes)):
        if not _is_spatial(graph.nodes[last]):
            return
        if not _is_cut(graph, first, last):
            continue
        rows = graph.nodes[last].output.type.dims[1]
        for patches in sorted({-(-rows // size) for size in range(1, rows)}):
            if 1 < patches <= MOST_PATCHES:
                made = split(graph, first, last, patches)
                yield Split(made, first, last, patches, _macs(made))


def _is_spatial(node: Node) -> bool:
    """Whether rows of the result depend on rows of the operands, in a way that is known here."""
    if len(node.outputs) != 1 or not all(v.type.is_static for v in (*node.arguments, node.output)):
        return False
    y = node.output.type
    if y.rank != 4 or y.dims[0] != 1:
        return False
    if node.op in WINDOWED:
        return node.input(0).type.dims[0] == 1 and not node.input(0).is_constant
    alike = all(_is_alike(v, y.dims) for v in node.arguments)
    return alike and (isinstance(ops.of(node), Unary | Binary) or node.op in POINTWISE)


def _is_alike(value: Value, shape: tuple[int, ...]) -> bool:
    """Whether an operand of an elementwise function has the result's rows, or the same for all."""
    if value.is_constant:
        return value.type.rank < 3 or value.type.dims[-3] == 1
    return value.type.dims == shape


def _is_cut(graph: Graph, first: int, last: int) -> bool:
    """Whether only the last of the nodes makes something that is used afterwards."""
    inside = set(graph.nodes[first : last + 1])
    for node in inside - {graph.nodes[last]}:
        value = node.output
        if graph.is_output(value) or any(user not in inside for user in value.users):
            return False
    return graph.nodes[last].output.type.dims[1] > 1


# -- splitting -------------------------------------------------------------------------------------


def split(graph: Graph, first: int, last: int, patches: int) -> Graph:
    """The graph with the nodes from `first` to `last` once for each patch, and the rest as it is.

    What the last of them makes is put together from its rows; nothing else of them may be used
    afterwards.
    """
    return _Splitter(graph, first, last, patches).run()


class _Splitter:
    def __init__(self, graph: Graph, first: int, last: int, patches: int) -> None:
        self.old, self.first, self.last, self.patches = graph, first, last, patches
        self.new = Graph(graph.name)
        self.new.reserve(_names(graph))
        self.values: dict[Value, Value] = {}

    def run(self) -> Graph:
        self.new.inputs = [self.clone(value) for value in self.old.inputs]
        for index, node in enumerate(self.old.nodes):
            if index == self.first:
                self.join()
            if not self.first <= index <= self.last:
                self.copy(node)
        self.new.outputs = [self.clone(value) for value in self.old.outputs]
        return self.new

    def clone(self, value: Value) -> Value:
        """The same value, with its name, in the new graph."""
        if value not in self.values:
            made = Value(value.name, value.type, data=value.data, source=value.source)
            self.values[value] = made
        return self.values[value]

    def copy(self, node: Node) -> None:
        inputs = [v and self.clone(v) for v in node.inputs]
        outputs = [self.clone(v) for v in node.outputs]
        self.new.insert(Node(node.op, inputs, outputs, dict(node.attrs), origin=node.origin))

    def join(self) -> None:
        """All patches, one after the other, and the result that they make."""
        result = self.old.nodes[self.last].output
        rows = result.type.dims[1]
        edges = [index * rows // self.patches for index in range(self.patches + 1)]
        parts: list[Value | None] = [self.patch(start, end) for start, end in pairwise(edges)]
        origin = self.old.nodes[self.last].origin
        self.new.insert(Node("concat", parts, [self.clone(result)], {"axis": 1}, origin=origin))

    def patch(self, start: int, end: int) -> Value:
        """The nodes that make rows `start` to `end` of the result."""
        nodes = self.old.nodes[self.first : self.last + 1]
        needed = {nodes[-1].output: (start, end)}
        for node in reversed(nodes):
            for value in node.arguments:
                if not value.is_constant:
                    needed[value] = _hull(needed.get(value), _rows(node, value, needed)[0])
        made: dict[Value, Value] = {}
        for node in nodes:
            made[node.output] = self.part(node, needed, made)
        return made[nodes[-1].output]

    def part(self, node: Node, needed: dict[Value, Rows], made: dict[Value, Value]) -> Value:
        """One node for the rows that are needed of its result."""
        inputs: list[Value | None] = []
        attrs = dict(node.attrs)
        for value in node.inputs:
            if value is None or value.is_constant:
                inputs.append(value and self.clone(value))
                continue
            rows, pad = _rows(node, value, needed)
            inputs.append(self.cut(value, rows, needed[value], made, node))
            if pad is not None and value is node.inputs[0]:
                attrs["pad"] = (pad, ops.of(node).pad[1])  # type: ignore[attr-defined]
        return self.insert(node.op, inputs, attrs, node, node.output, needed[node.output])

    def cut(
        self, value: Value, rows: Rows, held: Rows, made: dict[Value, Value], node: Node
    ) -> Value:
        """Rows of a value, of which a patch holds some already, or which is there as a whole."""
        if value not in made:
            held = (0, value.type.dims[1])
        source = made.get(value) or self.clone(value)
        if rows == held:
            return source
        begin = (0, rows[0] - held[0], 0, 0)
        size = (1, rows[1] - rows[0], *value.type.dims[2:])
        attrs = {"begin": begin, "size": size, "stride": (1, 1, 1, 1)}
        return self.insert("slice", [source], attrs, node, value, rows)

    def insert(
        self, op: str, inputs: list[Value | None], attrs: dict[str, Any], node: Node, like: Value,
        rows: Rows,
    ) -> Value:  # fmt: skip
        type = like.type.with_shape(1, rows[1] - rows[0], *like.type.shape[2:])
        result = self.new.value(like.name, type)
        self.new.insert(Node(op, inputs, [result], attrs, origin=node.origin))
        return result


def _names(graph: Graph) -> list[str]:
    values = [*graph.inputs, *graph.constants(), *(v for n in graph.nodes for v in n.outputs)]
    return [value.name for value in values]


def _hull(held: Rows | None, rows: Rows) -> Rows:
    return rows if held is None else (min(held[0], rows[0]), max(held[1], rows[1]))


def _rows(node: Node, value: Value, needed: dict[Value, Rows]) -> tuple[Rows, Rows | None]:
    """The rows of an operand that the needed rows of the result take, and the padding around."""
    start, end = needed[node.output]
    if node.op not in WINDOWED or value is not node.inputs[0]:
        return (start, end), None
    window: Any = ops.of(node)
    kernel = _kernel(node)
    low = start * window.stride[0] - window.pad[0][0]
    high = (end - 1) * window.stride[0] - window.pad[0][0] + (kernel - 1) * window.dilation[0] + 1
    size = value.type.dims[1]
    return (max(low, 0), min(high, size)), (max(-low, 0), max(high - size, 0))


def _kernel(node: Node) -> int:
    """The height of a window."""
    if node.op == "conv":
        return node.input(1).type.dims[1]
    if node.op == "depthwise_conv":
        return node.input(1).type.dims[0]
    height: int = node.attrs.get("kernel", (2, 2))[0]
    return height

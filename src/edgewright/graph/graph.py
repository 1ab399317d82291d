"""Modules, graphs, nodes and values."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from edgewright.graph.types import TensorType

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Location:
    """A place in the user's file, for messages: node name if any, first output, index."""

    file: str
    op_type: str
    node: str = ""
    tensor: str = ""
    index: int = -1

    def __str__(self) -> str:
        name = f" '{self.node}'" if self.node else ""
        index = f" #{self.index}" if self.index >= 0 else ""
        tensor = f" -> '{self.tensor}'" if self.tensor else ""
        return f"{self.file}: {self.op_type}{index}{name}{tensor}"


@dataclass(frozen=True)
class Source:
    """The tensor of the user's file that a value stands for.

    The value is `tensor.transpose(perm)`; an empty `perm` means the same layout.
    """

    tensor: str
    perm: tuple[int, ...] = ()


@dataclass(eq=False)
class Value:
    """A tensor that flows along the edges of a graph; a constant when it has `data`."""

    name: str
    type: TensorType
    producer: Node | None = None
    data: Array | None = None
    source: Source | None = None
    users: list[Node] = field(default_factory=list, repr=False)

    @property
    def is_constant(self) -> bool:
        """Whether the value is known before run time."""
        return self.data is not None

    def __str__(self) -> str:
        return f"%{self.name}"

    def __repr__(self) -> str:
        return f"%{self.name}: {self.type}"


@dataclass(eq=False)
class Node:
    """One operator call. Edit it only through the graph that owns it."""

    op: str
    inputs: list[Value | None]
    outputs: list[Value]
    attrs: dict[str, Any] = field(default_factory=dict)
    regions: list[Graph] = field(default_factory=list)
    origin: Location | None = None
    graph: Graph | None = field(default=None, repr=False)

    @property
    def output(self) -> Value:
        """The only output."""
        (value,) = self.outputs
        return value

    def input(self, index: int) -> Value:
        """The input at `index`, which must be present."""
        value = self.inputs[index]
        assert value is not None, f"{self.op} has no input {index}"
        return value

    @property
    def arguments(self) -> list[Value]:
        """The inputs that are present."""
        return [v for v in self.inputs if v is not None]


@dataclass
class Declined:
    """A rewrite that was possible by shape but not done, and why."""

    rewrite: str
    node: Node
    why: str

    def __str__(self) -> str:
        where = f" ({self.node.origin})" if self.node.origin else ""
        return f"{self.rewrite}: {self.node.outputs[0]} = {self.node.op}: {self.why}{where}"


class Graph:
    """Typed inputs and outputs, and nodes in an order in which they can run."""

    def __init__(self, name: str = "main", parent: Graph | None = None) -> None:
        self.name = name
        self.inputs: list[Value] = []
        self.outputs: list[Value] = []
        self.nodes: list[Node] = []
        self.declined: list[Declined] = []
        self.rewrite = ""
        self.parent = parent
        self._names: set[str] = set()

    # -- building ---------------------------------------------------------------------------

    def root(self) -> Graph:
        """The graph at the top of the region tree."""
        return self if self.parent is None else self.parent.root()

    def unique(self, name: str) -> str:
        """`name`, or `name.1`, `name.2`, … if it is taken in this graph or its regions."""
        names = self.root()._names
        candidate, count = name, 0
        while candidate in names:
            count += 1
            candidate = f"{name}.{count}"
        names.add(candidate)
        return candidate

    def reserve(self, names: Iterable[str]) -> None:
        """Keep `unique` from returning names that values were given by assignment."""
        self.root()._names.update(names)

    def value(self, name: str, type: TensorType, source: Source | None = None) -> Value:
        """A new value with a unique name; the caller connects it."""
        return Value(self.unique(name), type, source=source)

    def add_input(self, name: str, type: TensorType, source: Source | None = None) -> Value:
        """A new input."""
        value = self.value(name, type, source)
        self.inputs.append(value)
        return value

    def constant(self, name: str, data: Array, type: TensorType | None = None) -> Value:
        """A new constant; the type defaults to that of the array."""
        from edgewright.graph.types import DType

        held = type or TensorType(DType.of(data.dtype), data.shape)
        value = self.value(name, held)
        value.data = data
        return value

    def insert(self, node: Node, before: Node | None = None) -> Node:
        """Put a node before another one, or at the end."""
        index = len(self.nodes) if before is None else self.nodes.index(before)
        self.nodes.insert(index, node)
        node.graph = self
        for value in node.arguments:
            value.users.append(node)
        for value in node.outputs:
            value.producer = node
        for region in node.regions:
            region.parent = self
        return node

    # -- asking -----------------------------------------------------------------------------

    def users(self, value: Value) -> list[Node]:
        """The nodes that read a value, each once, in the order in which they were added."""
        return list(dict.fromkeys(value.users))

    def is_output(self, value: Value) -> bool:
        """Whether the value leaves this graph or, when captured, one of its regions."""
        return any(value in g.outputs for g in self.root().walk_graphs())

    def only_user(self, value: Value) -> Node | None:
        """The one node that reads the value, if nothing else does and it is not an output."""
        users = self.users(value)
        if len(users) != 1 or self.is_output(value):
            return None
        return users[0]

    def constants(self) -> list[Value]:
        """Constants in the order of first use, those of regions included."""
        found: dict[Value, None] = {}
        for graph in self.walk_graphs():
            for node in graph.nodes:
                found.update(dict.fromkeys(v for v in node.arguments if v.is_constant))
            found.update(dict.fromkeys(v for v in graph.outputs if v.is_constant))
        return list(found)

    def walk(self) -> Iterator[Node]:
        """Every node, outer before inner, in order."""
        for node in list(self.nodes):
            yield node
            for region in node.regions:
                yield from region.walk()

    def walk_graphs(self) -> Iterator[Graph]:
        """This graph and every region below it."""
        yield self
        for node in list(self.nodes):
            for region in node.regions:
                yield from region.walk_graphs()

    # -- editing ----------------------------------------------------------------------------

    def set_input(self, node: Node, index: int, value: Value | None) -> None:
        """Let a node read another value."""
        old = node.inputs[index]
        if old is not None:
            old.users.remove(node)
        node.inputs[index] = value
        if value is not None:
            value.users.append(node)

    def set_inputs(self, node: Node, values: Sequence[Value | None]) -> None:
        """Replace all inputs of a node."""
        for old in node.arguments:
            old.users.remove(node)
        node.inputs = list(values)
        for value in node.arguments:
            value.users.append(node)

    def replace_uses(self, old: Value, new: Value) -> None:
        """Let everything that reads `old`, the outputs too, read `new`."""
        for node in self.users(old):
            for index, value in enumerate(node.inputs):
                if value is old:
                    self.set_input(node, index, new)
        for graph in self.root().walk_graphs():
            graph.outputs = [new if v is old else v for v in graph.outputs]

    def remove(self, node: Node) -> None:
        """Take a node out; nothing may read its outputs any more."""
        for value in node.outputs:
            if value.users or self.is_output(value):
                raise ValueError(f"{value} is still read, so {node.op} cannot be removed")
        for region in node.regions:
            for inner in reversed(list(region.nodes)):
                region.outputs = []
                region.remove(inner)
        for value in node.arguments:
            value.users.remove(node)
        self.nodes.remove(node)
        node.graph = None

    def replace(self, node: Node, value: Value) -> None:
        """Let `value` take the place of the node's only output, and remove the node."""
        self.replace_uses(node.output, value)
        self.remove(node)

    def keep(self, node: Node, why: str) -> bool:
        """Record that a rewrite was declined; False, so that `return graph.keep(…)` reads well."""
        self.root().declined.append(Declined(self.root().rewrite, node, why))
        return False


@dataclass
class State:
    """Memory that lives from one call to the next; `init` is its content after a reset."""

    name: str
    type: TensorType
    init: Array


@dataclass
class Module:
    """Named graphs (entry points, `main` first), the state they share, and the arithmetic.

    `requantization` is "float" or "fixed" (docs/reference/integer.md).
    """

    graphs: dict[str, Graph] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)
    requantization: str = "float"

    @property
    def main(self) -> Graph:
        """The first entry point."""
        return next(iter(self.graphs.values()))

    def __str__(self) -> str:
        from edgewright.graph.text import module_text

        return module_text(self)

"""Check that a module is well formed; each problem names the value and what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable

from edgewright.errors import InvalidGraph
from edgewright.graph.dims import upper
from edgewright.graph.graph import Array, Graph, Module, Node, State, Value
from edgewright.graph.text import node_lines
from edgewright.graph.types import TensorType

Infer = Callable[[Node], list[TensorType]]


def verify_module(module: Module, infer: Infer | None = None) -> None:
    """Raise InvalidGraph with every problem; with `infer`, types are checked as well."""
    problems = [p for state in module.states.values() for p in _state_problems(state)]
    for graph in module.graphs.values():
        problems += _Checker(module, graph, infer).problems
    if problems:
        raise InvalidGraph("\n".join(problems))


def _state_problems(state: State) -> list[str]:
    if _holds(state.init, state.type):
        return []
    held = f"{state.init.dtype}{list(state.init.shape)}"
    return [f"state %{state.name} is {state.type} but begins as {held}"]


def _holds(data: Array, type: TensorType) -> bool:
    return (data.shape, data.dtype) == (type.shape, type.dtype.numpy)


class _Checker:
    def __init__(self, module: Module, graph: Graph, infer: Infer | None) -> None:
        self.module, self.infer = module, infer
        self.problems: list[str] = []
        self.names: dict[str, Value] = {}
        self.graph(graph, set())
        for value in self.names.values():
            self.readers(value)

    def bad(self, node: Node | None, what: str) -> None:
        where = f"\n    in {node_lines(node)[0]}" if node else ""
        self.problems.append(what + where)

    def graph(self, graph: Graph, defined: set[Value]) -> None:
        known = set(defined)
        for value in graph.inputs:
            self.define(value, None, known)
        for node in graph.nodes:
            self.node(node, known)
            if node.graph is not graph:
                self.bad(node, f"{node.op} does not know the graph it is in")
        for value in graph.outputs:
            if value.is_constant:
                self.constant(value, None)
            elif value not in known:
                self.bad(None, f"output {value} of {graph.name} is not defined")

    def define(self, value: Value, node: Node | None, known: set[Value]) -> None:
        if self.names.setdefault(value.name, value) is not value:
            self.bad(node, f"{value} is the name of two values")
        if value.producer is not node:
            self.bad(node, f"{value} does not know its producer")
        if any(upper(d) < 0 for d in value.type.shape):
            self.bad(node, f"{value} has a negative size: {value.type}")
        known.add(value)

    def node(self, node: Node, known: set[Value]) -> None:
        for value in node.arguments:
            self.use(value, node, known)
        for region in node.regions:
            self.graph(region, known)
        for value in node.outputs:
            self.define(value, node, known)
        if node.op in ("read_state", "write_state"):
            name = node.attrs.get("state")
            if name not in self.module.states:
                self.bad(node, f"there is no state {name!r}")
        if self.infer:
            self.compare(node, self.infer)

    def use(self, value: Value, node: Node, known: set[Value]) -> None:
        if value.users.count(node) != node.inputs.count(value):
            self.bad(node, f"{value} does not know that {node.op} reads it")
        if value.is_constant:
            self.constant(value, node)
        elif value not in known:
            self.bad(node, f"{value} is read before it is defined")

    def readers(self, value: Value) -> None:
        for node in value.users:
            if node.graph is None or value not in node.inputs:
                self.bad(node, f"{value} remembers {node.op}, which does not read it any more")

    def constant(self, value: Value, node: Node | None) -> None:
        assert value.data is not None
        if self.names.setdefault(value.name, value) is not value:
            self.bad(node, f"{value} is the name of two values")
        if not _holds(value.data, value.type):
            held = f"{value.data.dtype}{list(value.data.shape)}"
            self.bad(node, f"constant {value} is {value.type} but holds {held}")

    def compare(self, node: Node, infer: Infer) -> None:
        try:
            expected = infer(node)
        except InvalidGraph as error:
            self.bad(node, str(error.what))
            return
        if len(expected) != len(node.outputs):
            self.bad(node, f"{node.op} has {len(expected)} results, not {len(node.outputs)}")
            return
        for value, type in zip(node.outputs, expected, strict=True):
            if (value.type.dtype, value.type.shape) != (type.dtype, type.shape):
                self.bad(node, f"{value} is {value.type}, but {node.op} makes {type}")

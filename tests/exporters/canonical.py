"""A module as text in which names, the order of independent nodes and defaults do not matter."""

from __future__ import annotations

import dataclasses
import hashlib
from typing import Any, cast

import numpy as np

from edgewright import ops
from edgewright.graph import DType, Graph, Module, Node, Value


def canonical(module: Module) -> list[str]:
    """One line per node of `main`, in the order in which its outputs need them."""
    return _Lines(module).graph(module.main)


class _Lines:
    """Numbers values as they are met."""

    def __init__(self, module: Module) -> None:
        self.module, self.numbers = module, dict[Value, str]()
        self.states: dict[str, int] = {}

    def graph(self, graph: Graph) -> list[str]:
        """The lines of a graph: its inputs, its nodes, its outputs."""
        lines: list[str] = []
        for value in graph.inputs:
            self.numbers[value] = f"in{len(self.numbers)}"
            lines.append(f"{self.numbers[value]}: {value.type}")
        for value in graph.outputs:
            self._value(value, lines)
        writes = [n for n in graph.nodes if n.op == "write_state"]
        for node in sorted(writes, key=lambda n: self._state(n.attrs["state"])):
            self._node(node, lines)
        return [*lines, "return " + ", ".join(self._name(v) for v in graph.outputs)]

    def _value(self, value: Value, lines: list[str]) -> None:
        if value.data is None and value not in self.numbers:
            assert value.producer is not None
            self._node(value.producer, lines)

    def _node(self, node: Node, lines: list[str]) -> None:
        """Operands first, then the node; nodes of regions as indented lines."""
        stack = [node]
        while stack:
            top = stack[-1]
            captured = [v for r in top.regions for v in _captured(r)]
            missing = [
                v.producer
                for v in (*top.arguments, *captured)
                if v.data is None and v not in self.numbers and v.producer is not None
            ]
            if missing:
                stack += reversed(missing)
                continue
            stack.pop()
            if any(v in self.numbers for v in top.outputs):
                continue
            self._write(top, lines)

    def _write(self, node: Node, lines: list[str]) -> None:
        operands = ", ".join("none" if v is None else self._name(v) for v in node.inputs)
        for value in node.outputs:
            self.numbers[value] = f"v{len(self.numbers)}"
        results = ", ".join(f"{self.numbers[v]}: {v.type}" for v in node.outputs)
        held = dataclasses.asdict(cast(Any, ops.of(node)))
        shown = " ".join(f"{k}={self._attribute(node, k, v)}" for k, v in sorted(held.items()))
        lines.append(f"{results} = {node.op}({operands}) {{{shown}}}")
        for region in node.regions:
            lines += ["  " + line for line in self.graph(region)]

    def _attribute(self, node: Node, name: str, value: Any) -> str:
        if node.op in ("read_state", "write_state") and name == "state":
            value = self._state(value)
        return repr(value)

    def _state(self, name: str) -> int:
        return self.states.setdefault(name, len(self.states))

    def _name(self, value: Value) -> str:
        if value.data is None:
            return self.numbers[value]
        held = np.ascontiguousarray(value.data).tobytes()
        type = value.type
        if type.dtype is DType.INT32:  # the scale of a bias follows from those of the operands
            type = type.with_quant(None)
        return f"{type}#{hashlib.sha256(held).hexdigest()[:12]}"


def _captured(region: Graph) -> list[Value]:
    """What a region reads from around it."""
    own = {v for g in region.walk_graphs() for v in g.inputs}
    own |= {v for n in region.walk() for v in n.outputs}
    read = [v for n in region.walk() for v in n.arguments]
    read += [v for g in region.walk_graphs() for v in g.outputs]
    return [v for v in read if v not in own and v.data is None]

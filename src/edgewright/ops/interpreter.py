"""Run a graph with the NumPy references: the meaning of a whole model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from edgewright.errors import InvalidGraph, UnsupportedModel
from edgewright.graph import Graph, Module, Node, Symbol, Value
from edgewright.ops import Array, Call, evaluate_node

Watch = Callable[[Node, Sequence[Array | None], Sequence[Array]], None]


class Interpreter:
    """Evaluates the graphs of a module; keeps the module's state between calls.

    `watch(node, inputs, outputs)` is called after every node.
    """

    def __init__(self, module: Module, watch: Watch | None = None) -> None:
        self.module, self.watch = module, watch
        self.states: dict[str, Array] = {}
        self.dims: dict[str, int] = {}
        self.reset()

    def reset(self) -> None:
        """Put every state back to its initial content."""
        self.states = {name: s.init.copy() for name, s in self.module.states.items()}

    def run(self, inputs: Mapping[str, Array], graph: Graph | None = None) -> dict[str, Array]:
        """Outputs by name. Raises InvalidGraph for a missing input."""
        graph = graph or self.module.main
        missing = [v.name for v in graph.inputs if v.name not in inputs]
        if missing:
            raise InvalidGraph(f"input {missing[0]!r} is missing")
        self.dims = _dims(graph, inputs)
        arrays = self.region(graph, [inputs[v.name] for v in graph.inputs], {})
        return {v.name: a for v, a in zip(graph.outputs, arrays, strict=True)}

    def region(
        self, graph: Graph, inputs: Sequence[Array], outer: Mapping[Value, Array]
    ) -> list[Array]:
        """Evaluate a graph that may read the values of `outer`."""
        known = dict(outer)
        known.update(zip(graph.inputs, inputs, strict=True))
        for node in graph.nodes:
            self._node(node, known)
        return [self._read(value, known) for value in graph.outputs]

    def _node(self, node: Node, known: dict[Value, Array]) -> None:
        arrays = [None if v is None else self._read(v, known) for v in node.inputs]
        call = Call(
            inputs=[v.type if v else None for v in node.inputs],
            outputs=[v.type for v in node.outputs],
            requantization=self.module.requantization,
            regions=node.regions,
            run=lambda graph, values: self.region(graph, values, known),
            states=self.states,
            dims=self.dims,
        )
        try:
            outputs = evaluate_node(node, arrays, call)
        except UnsupportedModel as error:
            error.where = error.where or (str(node.origin) if node.origin else None)
            raise
        known.update(zip(node.outputs, outputs, strict=True))
        if self.watch:
            self.watch(node, arrays, outputs)

    @staticmethod
    def _read(value: Value, known: Mapping[Value, Array]) -> Array:
        return value.data if value.data is not None else known[value]


def _dims(graph: Graph, inputs: Mapping[str, Array]) -> dict[str, int]:
    """The run-time dims, read off the shapes of the inputs."""
    return {
        size.name: held
        for value in graph.inputs
        for size, held in zip(value.type.shape, np.shape(inputs[value.name]), strict=False)
        if isinstance(size, Symbol)
    }

"""uint8 as int8: kernels take no unsigned activations with signed weights."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from edgewright.graph import Array, DType, Graph, Module, Node, Quant, State, TensorType, Value

#: operators whose weight is their second input
LINEAR = ("conv", "depthwise_conv", "conv_transpose", "fully_connected")
SHIFT = 128
#: attributes that hold a scale and a zero point of the result's type
_PAIRS = ("inner", "hidden")


def has_mixed_signs(module: Module) -> bool:
    """Whether some product is of unsigned activations and signed weights."""
    return any(
        node.op in LINEAR
        and node.input(0).type.dtype is DType.UINT8
        and node.input(1).type.dtype is DType.INT8
        for graph in module.graphs.values()
        for node in graph.walk()
    )


def with_signed(module: Module) -> Module:
    """A copy that computes on int8 where the module does on quantised uint8: the codes less 128.

    Inputs and outputs keep their type, behind a `quantize` that only subtracts or adds 128.
    """
    copy = _Copy(module)
    graphs = {name: copy.graph(graph) for name, graph in module.graphs.items()}
    states = {name: copy.state(state) for name, state in module.states.items()}
    return Module(graphs, states, module.requantization)


def is_unsigned(type: TensorType) -> bool:
    """Whether a type is quantised uint8."""
    return type.dtype is DType.UINT8 and type.quant is not None


def signed_type(type: TensorType) -> TensorType:
    """The same numbers as int8."""
    if not is_unsigned(type) or type.quant is None:
        return type
    zero = tuple(z - SHIFT for z in type.quant.zero)
    quant = Quant(type.quant.scale, zero, type.quant.axis, type.quant.block)
    return replace(type, dtype=DType.INT8, quant=quant)


def signed_data(data: Array) -> Array:
    """uint8 codes less 128."""
    return (data ^ np.uint8(SHIFT)).view(np.int8)


class _Copy:
    """Graphs built anew, with the values that stand for the old ones."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.made: dict[Value, Value] = {}

    def state(self, state: State) -> State:
        """The state's type and content, signed."""
        if not is_unsigned(state.type):
            return state
        return State(state.name, signed_type(state.type), signed_data(state.init))

    def graph(self, graph: Graph) -> Graph:
        """An entry point, with its interface as it was."""
        copy = Graph(graph.name)
        for value in graph.inputs:
            held = copy.add_input(value.name, value.type, value.source)
            self.made[value] = self._turned(copy, held, signed_type(value.type))
        copy.reserve([v.name for v in graph.outputs])
        for node in graph.nodes:
            copy.insert(self._node(node, copy))
        turned = {v: self._output(copy, v) for v in graph.outputs}
        copy.outputs = [turned[v] for v in graph.outputs]
        return copy

    def _output(self, copy: Graph, value: Value) -> Value:
        """An output in its own type, under its own name."""
        result = self.value(value)
        if result.type == value.type:
            return result
        result.name = copy.unique(f"{value.name}/signed")
        made = self._turned(copy, result, value.type)
        made.name, made.source = value.name, value.source
        return made

    def _turned(self, graph: Graph, value: Value, type: TensorType) -> Value:
        """A value in another type of the same numbers."""
        if value.type == type:
            return value
        made = graph.value(f"{value.name}/signed", type)
        graph.insert(Node("quantize", [value], [made]))
        return made

    def _node(self, node: Node, copy: Graph) -> Node:
        attrs = dict(node.attrs)
        for name in _PAIRS:
            if attrs.get(name) is not None and is_unsigned(node.outputs[0].type):
                scale, zero = attrs[name]
                attrs[name] = (scale, zero - SHIFT)
        made = Node(node.op, [], [self.value(v) for v in node.outputs], attrs, origin=node.origin)
        made.regions = [self._region(region, copy) for region in node.regions]
        made.inputs = [None if v is None else self.value(v) for v in node.inputs]
        return made

    def _region(self, region: Graph, parent: Graph) -> Graph:
        copy = Graph(region.name, parent)
        copy.inputs = [self.value(v) for v in region.inputs]
        for node in region.nodes:
            copy.insert(self._node(node, copy))
        copy.outputs = [self.value(v) for v in region.outputs]
        return copy

    def value(self, value: Value) -> Value:
        """What stands for a value."""
        if value not in self.made:
            data = value.data
            if data is not None and is_unsigned(value.type):
                data = signed_data(data)
            type = signed_type(value.type)
            self.made[value] = Value(value.name, type, data=data, source=value.source)
        return self.made[value]

"""UNIDIRECTIONAL_SEQUENCE_LSTM: a plain LSTM whose state lives between calls."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgewright.graph import Node, Quant, Source, TensorType, Value
from edgewright.importers.tflite.node import SourceNode, dtype_of, quant_of
from edgewright.importers.tflite.rule import rule
from edgewright.importers.tflite.state import declare_state

# Positions of the inputs, from the schema's documentation of the operator; gates are input,
# forget, cell, output, which is the order of `lstm`.
_INPUT_WEIGHTS, _RECURRENT_WEIGHTS, _BIASES = 1, 5, 12
_HIDDEN_STATE, _CELL_STATE = 18, 19
_UNSUPPORTED = {
    9: "peephole connections", 10: "peephole connections", 11: "peephole connections",
    16: "a projection", 17: "a projection", 20: "layer normalisation",
}  # fmt: skip
_HIDDEN_INTERMEDIATE = 4
_TANH = 4


@rule("UNIDIRECTIONAL_SEQUENCE_LSTM")
def unidirectional_sequence_lstm(node: SourceNode) -> Value:
    """Time comes second unless time_major is set."""
    for index, what in _UNSUPPORTED.items():
        node.require(not node.has(index), f"{what} is not supported")
    node.require(node.has(_INPUT_WEIGHTS), "coupled input and forget gates are not supported")
    activation = int(node.option("fused_activation_function"))
    node.require(activation == _TANH, "the cell's activation must be TANH")
    node.require(not node.option("proj_clip", 0.0), "projection clipping is not supported")
    x = node.input(0)
    turned = not node.option("time_major", False)
    if turned:
        x = node.add("transpose", [x], final=False, perm=(1, 0, 2))
        x.type = x.type.with_quant(node.input(0).type.quant)
    y = _lstm(node, x, turned)
    return node.add("transpose", [y], perm=(1, 0, 2)) if turned else y


def _lstm(node: SourceNode, x: Value, turned: bool) -> Value:
    """The operator between a read and a write of both states."""
    states = [_state(node, index) for index in (_HIDDEN_STATE, _CELL_STATE)]
    h0, c0 = (_read(node, name, type) for name, type in states)
    operands = [x, _stacked(node, _INPUT_WEIGHTS), _stacked(node, _RECURRENT_WEIGHTS),
                _stacked(node, _BIASES), h0, c0]  # fmt: skip
    attrs = {"cell_clip": float(node.option("cell_clip", 0.0))}
    hidden = _hidden(node)
    made = Node("lstm", list(operands), [], {**attrs, **hidden}, origin=node.origin)
    steps, batch, _ = x.type.shape
    h_type, c_type = states[0][1], states[1][1]
    out = node.outputs[0]
    y_type = TensorType(dtype_of(out), (steps, batch, *h_type.shape[1:]), quant_of(out))
    source = None if turned else Source(out.name)
    made.outputs = [
        node.graph.value(f"{out.name}/steps" if turned else out.name, y_type, source),
        node.graph.value(f"{out.name}/h", h_type),
        node.graph.value(f"{out.name}/c", c_type),
    ]
    node.graph.insert(made)
    for (name, _), value in zip(states, made.outputs[1:], strict=True):
        node.graph.insert(Node("write_state", [value], [], {"state": name}, origin=node.origin))
    return made.outputs[0]


def _hidden(node: SourceNode) -> dict[str, tuple[float, int]]:
    """The quantisation of o * tanh(c), for integer models."""
    intermediates = node.operator.intermediates
    if len(intermediates) <= _HIDDEN_INTERMEDIATE or intermediates[_HIDDEN_INTERMEDIATE] < 0:
        return {}
    quant = quant_of(node.scope.subgraph.tensors[intermediates[_HIDDEN_INTERMEDIATE]])
    return {"hidden": (quant.scale[0], quant.zero[0])} if quant else {}


def _stacked(node: SourceNode, first: int) -> Value | None:
    """The four gates' tensors one after the other; each keeps its scale, given per row."""
    parts = [node.input(first + i) for i in range(4)]
    arrays = [node.constant(first + i, "a gate's tensor") for i in range(4)]
    quants = [p.type.quant for p in parts]
    quant = None
    if arrays[0].ndim == 2 and all(q is not None for q in quants):
        rows: Sequence[tuple[float, int]] = [
            (q.scale[0], q.zero[0]) for q, a in zip(quants, arrays, strict=True) if q for _ in a
        ]
        quant = Quant(tuple(s for s, _ in rows), tuple(z for _, z in rows), 0)
    return node.make_constant(f"{parts[0].name}.gates", np.concatenate(arrays), quant)


def _state(node: SourceNode, index: int) -> tuple[str, TensorType]:
    """A variable tensor becomes a state of its name."""
    node.require(node.has(index), "the state tensors are missing")
    tensor = node.tensor(index)
    node.require(tensor.is_variable, f"state tensor '{tensor.name}' is not variable")
    type = TensorType(dtype_of(tensor), tensor.shape, quant_of(tensor))
    return declare_state(node, tensor.name, type).name, type


def _read(node: SourceNode, name: str, type: TensorType) -> Value:
    value = node.graph.value(f"{name}/read", type)
    node.graph.insert(Node("read_state", [], [value], {"state": name}, origin=node.origin))
    return value

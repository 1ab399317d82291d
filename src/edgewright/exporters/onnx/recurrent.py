"""Long short-term memory."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import helper

from edgewright.exporters.onnx.file import ELEMENT_TYPES
from edgewright.exporters.onnx.node import NodeWriter
from edgewright.exporters.onnx.rule import rule
from edgewright.exporters.onnx.writer import Writer
from edgewright.graph import Array, DType, Size, TensorType, Value

GATES = (0, 3, 1, 2)  # ONNX has them as i, o, f, c


@rule("lstm")
def lstm(n: NodeWriter) -> None:
    """LSTM with one direction; a Scan where the cell is clipped, which LSTM cannot."""
    if n.x.type.quant is not None:
        n.refuse("an integer LSTM", "export the float model: ONNX quantises LSTMs at run time only")
    if n.op.cell_clip:
        _scan(n)
        return
    units = n.node.input(2).type.dims[1]
    weights = [_constant(n, n.node.input(i), (4 * units, -1)) for i in (1, 2)]
    given = [n.real(n.x), *weights, _bias(n, units), None, _state(n, 4), _state(n, 5)]
    outputs = [f"{v.name}/LSTM" if _is_read(n, v) else "" for v in n.node.outputs]
    direction = "reverse" if n.op.reverse else "forward"
    results = n.writer.emit_many("LSTM", given, outputs, hidden_size=units, direction=direction)
    for index, result in enumerate(results):
        if result:
            axis = 1 if index == 0 else 0
            n.finish(n.emit("Squeeze", [result, n.integers([axis])]), None, index)


def _is_read(n: NodeWriter, value: Value) -> bool:
    graph = n.node.graph
    return bool(value.users) or (graph is not None and graph.is_output(value))


def _gates(array: Array, shape: tuple[int, ...]) -> Array:
    """The rows of the four gates in ONNX's order, [1, ...]."""
    parts = np.split(array.reshape(shape), 4)
    return np.concatenate([parts[g] for g in GATES])[None]


def _constant(n: NodeWriter, value: Value, shape: tuple[int, ...]) -> str:
    if value.data is None or value.type.quant is not None:
        n.refuse("the weights are not float constants", "use constant float weights")
    return n.writer.stored(value, _gates(value.data, shape), value.name)


def _bias(n: NodeWriter, units: int) -> str | None:
    """The input's bias; that of the recurrence is zero."""
    bias = n.operand(3)
    if bias is None:
        return None
    if bias.data is None:
        n.refuse("the bias is computed at run time", "use a constant bias")
    held = _gates(bias.data, (4 * units,))
    whole = np.concatenate([held, np.zeros_like(held)], axis=1)
    return n.file.constant(bias.name, whole)


def _state(n: NodeWriter, index: int) -> str | None:
    """h0 or c0 with an axis for the direction."""
    value = n.operand(index)
    if value is None:
        return None
    if value.data is not None:
        return n.file.constant(value.name, value.data[None])
    return n.emit("Unsqueeze", [n.real(value), n.integers([0])])


# -- step by step ----------------------------------------------------------------------------------


def _scan(n: NodeWriter) -> None:
    """A step of the LSTM as the body of a Scan: h and c are carried, x is read row by row."""
    y, h, c = n.node.outputs
    carried = [_initial(n, 4, h.type), _initial(n, 5, c.type)]
    outputs = [f"{v.name}/Scan" for v in (h, c, y)]
    back = [1] if n.op.reverse else None
    results = n.writer.emit_many(
        "Scan", [*carried, n.real(n.x)], outputs, body=_step(n), num_scan_inputs=1,
        scan_input_directions=back, scan_output_directions=back,
    )  # fmt: skip
    for index, result in zip((1, 2, 0), results, strict=True):
        n.finish(result, None, index)


def _initial(n: NodeWriter, index: int, type: TensorType) -> str:
    value = n.operand(index)
    if value is not None:
        return n.real(value)
    zero = helper.make_tensor("zero", ELEMENT_TYPES[type.dtype], [1], [0.0])
    return n.emit("ConstantOfShape", [n.writer.shape(type.shape)], value=zero)


def _step(n: NodeWriter) -> onnx.GraphProto:
    """The body: (h, c, x) to (h, c, h)."""
    body = Writer(n.file, n.writer)
    body.stem = f"{n.y.name}/step"
    units = n.node.input(2).type.dims[1]
    h, c, x = (n.file.unique(f"{body.stem}/{name}") for name in "hcx")
    products = [
        body.emit("MatMul", [operand, _turned(n, index)]) for operand, index in ((x, 1), (h, 2))
    ]
    gates = body.emit("Add", products)
    bias = n.operand(3)
    if bias is not None:
        gates = body.emit("Add", [gates, n.real(bias)])
    names = [f"{body.stem}/{name}" for name in "ifgo"]
    parts = body.emit_many("Split", [gates, n.integers([units] * 4)], names, axis=-1)
    i, f, o = (body.emit("Sigmoid", [parts[k]]) for k in (0, 1, 3))
    kept = body.emit("Mul", [f, c])
    cell = body.emit("Add", [kept, body.emit("Mul", [i, body.emit("Tanh", [parts[2]])])])
    limit = n.op.cell_clip
    cell = body.emit("Clip", [cell, n.number(-limit, n.x.type), n.number(limit, n.x.type)])
    hidden = body.emit("Mul", [o, body.emit("Tanh", [cell])])
    row = body.emit("Identity", [hidden])
    return _body_of(n, body, (h, c, x), (hidden, cell, row))


def _turned(n: NodeWriter, index: int) -> str:
    """A weight [4H,K] as [K,4H]."""
    w = n.node.input(index)
    if w.data is None or w.type.quant is not None:
        n.refuse("the weights are not float constants", "use constant float weights")
    return n.writer.stored(w, w.data.T, w.name)


def _body_of(
    n: NodeWriter, body: Writer, inputs: tuple[str, str, str], outputs: tuple[str, str, str]
) -> onnx.GraphProto:
    batch: Size = n.x.type.shape[1]
    units = n.node.input(2).type.dims[1]
    kind = ELEMENT_TYPES[n.x.type.dtype if n.x.type.dtype.is_float else DType.FLOAT32]
    shapes = [(batch, units), (batch, units), (batch, n.x.type.shape[2])]
    given = [_info(name, kind, shape) for name, shape in zip(inputs, shapes, strict=True)]
    made = [_info(name, kind, (batch, units)) for name in outputs]
    return helper.make_graph(body.nodes, n.file.unique(body.stem), given, made)


def _info(name: str, kind: int, shape: tuple[Size, ...]) -> onnx.ValueInfoProto:
    held = [s if isinstance(s, int) else str(s) for s in shape]
    return helper.make_tensor_value_info(name, kind, held)

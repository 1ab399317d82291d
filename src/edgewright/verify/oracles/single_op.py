"""TFLite models of one operator: built from nothing, or cut out of a real model.

Kernels of delegates swallow the tensors between them, so comparing operator by operator needs a
model that has only one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from edgewright.verify.oracles.protocol import Array

TYPE_NAMES = {"bool": "BOOL"} | {
    name: name.upper()
    for name in ("float32", "float16", "int8", "int16", "int32", "int64", "uint8", "uint32")
}


@dataclass(frozen=True, eq=False)
class Operand:
    """A tensor of a model: constant when it has `data`, variable when `state`.

    `scale` and `zero` hold one entry, or one per index along `axis`; no scale, no quantisation.
    """

    name: str
    dtype: DTypeLike
    shape: tuple[int, ...]
    scale: tuple[float, ...] = ()
    zero: tuple[int, ...] = ()
    axis: int = 0
    data: Array | None = None
    state: bool = False


def build(
    op: str,
    inputs: Sequence[Operand | None],
    outputs: Sequence[Operand],
    options: Any = None,
    version: int = 1,
) -> bytes:
    """Return a .tflite of one operator.

    Args:
        op: name in the schema, such as "CONV_2D".
        inputs: operands in order, None where an optional one is absent.
        outputs: results in order.
        options: an object of the schema's object API, such as `Conv2DOptionsT()`.
        version: of the operator; oracles choose kernels by it.
    """
    from ai_edge_litert import schema_py_generated as schema

    code = schema.OperatorCodeT()
    code.builtinCode = getattr(schema.BuiltinOperator, op)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)
    code.version = version
    node = schema.OperatorT()
    operands = list(dict.fromkeys([*(x for x in inputs if x), *outputs]))
    place = {operand.name: index for index, operand in enumerate(operands)}
    node.inputs = [place[x.name] if x else -1 for x in inputs]
    node.outputs = [place[y.name] for y in outputs]
    if options is not None:
        kind = type(options).__name__.removesuffix("T")
        node.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
        node.builtinOptions = options
    fed = [x for x in inputs if x and x.data is None and not x.state]
    return _assemble(schema, code, node, operands, [place[x.name] for x in dict.fromkeys(fed)])


def _assemble(schema: Any, code: Any, node: Any, operands: list[Operand], fed: list[int]) -> bytes:
    model, graph = schema.ModelT(), schema.SubGraphT()
    model.version, model.operatorCodes, model.subgraphs = 3, [code], [graph]
    model.buffers = [schema.BufferT()]
    graph.tensors = [_tensor(schema, model, operand) for operand in operands]
    graph.inputs, graph.outputs, graph.operators = fed, list(node.outputs), [node]
    return _write(model)


def _tensor(schema: Any, model: Any, operand: Operand) -> Any:
    tensor = schema.TensorT()
    tensor.name, tensor.shape = operand.name, list(operand.shape)
    tensor.type = getattr(schema.TensorType, TYPE_NAMES[np.dtype(operand.dtype).name])
    tensor.isVariable = operand.state
    if operand.scale:
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale = list(operand.scale)
        tensor.quantization.zeroPoint = list(operand.zero or [0] * len(operand.scale))
        tensor.quantization.quantizedDimension = operand.axis
    if operand.data is not None:
        tensor.buffer = len(model.buffers)
        model.buffers.append(schema.BufferT())
        raw = np.ascontiguousarray(operand.data, operand.dtype).tobytes()
        model.buffers[-1].data = np.frombuffer(raw, np.uint8)
    return tensor


def cut(model: bytes, index: int, subgraph: int = 0) -> bytes:
    """Return a model of the operator at `index` alone, with its constants.

    Its inputs and outputs keep their names. The object API is used, so `model` must be trusted.
    """
    from ai_edge_litert import schema_py_generated as schema

    whole = schema.ModelT.InitFromPackedBuf(model, 0)
    graph = whole.subgraphs[subgraph]
    node = graph.operators[index]
    whole.subgraphs = [graph]
    whole.operatorCodes = [whole.operatorCodes[node.opcodeIndex]]
    whole.signatureDefs, whole.metadata = [], []
    node.opcodeIndex = 0
    graph.operators = [node]
    graph.inputs = _fed(whole, graph, node)
    graph.outputs = list(node.outputs)
    return _write(whole)


def _fed(model: Any, graph: Any, node: Any) -> list[int]:
    """The inputs of a node that are neither constants nor state, each once."""
    found = []
    for place in dict.fromkeys(int(i) for i in node.inputs if i >= 0):
        tensor = graph.tensors[place]
        data = model.buffers[tensor.buffer].data
        if (data is None or len(data) == 0) and not tensor.isVariable:
            found.append(place)
    return found


def _write(model: Any) -> bytes:
    import flatbuffers

    builder = flatbuffers.Builder(1 << 16)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())

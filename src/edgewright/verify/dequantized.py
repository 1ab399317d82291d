"""A copy of a .tflite file whose operators compute in float32 where the file mixes types.

The object API of the schema is used here, which is quadratic on hostile files: a copy is made only
of bytes that our own verifier has accepted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from edgewright.importers.tflite.flatbuffer import verify
from edgewright.importers.tflite.reader import check_header, from_nibbles, schema

Array = npt.NDArray[Any]
_INITIAL_BYTES = 1 << 16


def dequantized_weights(content: bytes, file: str) -> bytes | None:
    """The file with the integer weights of its float operators in float32; None if it has none.

    LiteRT computes an operator with float activations and integer weights (a "dynamic-range" or
    "hybrid" one) by quantising the activations on the fly, to about 1 % of their range. Edgewright
    computes it in float32, which is what the weights stand for (docs/decisions/0002).

    Args:
        content: the bytes of a .tflite file.
        file: its name, for errors.

    Raises:
        InvalidModel: the file is damaged.
    """
    model = _unpack(content, file)
    changed = 0
    for graph in model.subgraphs:
        for node, place in list(_hybrid_weights(model, graph)):
            node.inputs = list(node.inputs)  # a view of the file cannot be written to
            node.inputs[place] = _add_float_copy(model, graph, int(node.inputs[place]))
            changed += 1
    return _pack(model) if changed else None


def _types() -> Any:
    from ai_edge_litert import schema_py_generated

    return schema_py_generated.TensorType


def _unpack(content: bytes, file: str) -> Any:
    from ai_edge_litert import schema_py_generated

    check_header(content, file)
    verify(content, schema(), "Model", file)
    return schema_py_generated.ModelT.InitFromPackedBuf(content, 0)


def _pack(model: Any) -> bytes:
    import flatbuffers

    builder = flatbuffers.Builder(_INITIAL_BYTES)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _hybrid_weights(model: Any, graph: Any) -> Iterator[tuple[Any, int]]:
    """Operators that compute in float32, each with the places of its quantised constants.

    Custom ones read what is quantised themselves.
    """
    from ai_edge_litert.schema_py_generated import BuiltinOperator

    plain = (BuiltinOperator.DEQUANTIZE, BuiltinOperator.CUSTOM)
    for node in graph.operators:
        held = model.operatorCodes[node.opcodeIndex]
        code = max(held.builtinCode, held.deprecatedBuiltinCode)  # old files have the latter
        makes_float = any(graph.tensors[i].type == _types().FLOAT32 for i in node.outputs)
        if code in plain or not makes_float or node.inputs is None:
            continue
        for place, index in enumerate(node.inputs):
            if index >= 0 and _is_quantized_constant(model, graph.tensors[index]):
                yield node, place


def _is_quantized_constant(model: Any, tensor: Any) -> bool:
    data = model.buffers[tensor.buffer].data
    quant = tensor.quantization
    return (
        tensor.type in (_types().INT8, _types().UINT8, _types().INT4)
        and tensor.sparsity is None
        and data is not None
        and len(data) > 0
        and quant is not None
        and quant.scale is not None
        and len(quant.scale) > 0
    )


def _add_float_copy(model: Any, graph: Any, index: int) -> int:
    """Append a float32 copy of a constant and return its index."""
    from ai_edge_litert import schema_py_generated as generated

    old = graph.tensors[index]
    buffer = generated.BufferT()
    buffer.data = np.frombuffer(_real(model, old).tobytes(), np.uint8)
    model.buffers.append(buffer)
    new = generated.TensorT()
    new.name, new.shape, new.type = old.name + b".float32", old.shape, _types().FLOAT32
    new.buffer = len(model.buffers) - 1
    graph.tensors.append(new)
    return len(graph.tensors) - 1


def _real(model: Any, tensor: Any) -> Array:
    """What a quantised constant stands for, float32."""
    raw = np.asarray(model.buffers[tensor.buffer].data, np.uint8)
    if tensor.type == _types().INT4:
        raw = from_nibbles(raw, signed=True)[: int(np.prod(tensor.shape))]
    elif tensor.type == _types().INT8:
        raw = raw.view(np.int8)
    stored = raw.reshape(tensor.shape).astype(np.int64)
    quant = tensor.quantization
    count = len(quant.scale)
    shape = [1] * stored.ndim
    if count > 1:
        shape[quant.quantizedDimension] = count
    zero = [0] * count if quant.zeroPoint is None else quant.zeroPoint
    scale = np.asarray(quant.scale, np.float32).reshape(shape)
    centred = stored - np.asarray(zero, np.int64).reshape(shape)
    return np.asarray(centred.astype(np.float32) * scale)

"""Small .tflite files for tests, written through the object API that ai-edge-litert ships."""

from collections.abc import Callable, Sequence
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema


def tensor(name: str, shape: Sequence[int], type: str = "FLOAT32", buffer: int = 0) -> Any:
    made = schema.TensorT()
    made.name, made.shape, made.buffer = name.encode(), list(shape), buffer
    made.type = getattr(schema.TensorType, type)
    return made


def quantization(scale: Sequence[float], zero: Sequence[int], dimension: int = 0) -> Any:
    made = schema.QuantizationParametersT()
    made.scale, made.zeroPoint = list(scale), list(zero)
    made.quantizedDimension = dimension
    return made


def buffer(data: bytes = b"") -> Any:
    made = schema.BufferT()
    made.data = np.frombuffer(data, np.uint8) if data else None
    return made


def operator(inputs: Sequence[int], outputs: Sequence[int], code: int = 0) -> Any:
    made = schema.OperatorT()
    made.opcodeIndex, made.inputs, made.outputs = code, list(inputs), list(outputs)
    return made


def operator_code(name: str, version: int = 1) -> Any:
    made = schema.OperatorCodeT()
    made.builtinCode = getattr(schema.BuiltinOperator, name)
    made.deprecatedBuiltinCode = min(made.builtinCode, 127)
    made.version = version
    return made


def conv_model() -> Any:
    """A quantised 1x1 convolution: tensors x, w (int8 [4,1,1,3]), b (int32 [4]) and y."""
    model = schema.ModelT()
    model.version = 3
    model.description = b"a convolution"
    model.operatorCodes = [operator_code("CONV_2D", 3)]
    model.buffers = [buffer(), buffer(bytes(range(12))), buffer(bytes(16))]
    graph = schema.SubGraphT()
    graph.name = b"main"
    graph.tensors = [
        tensor("x", [1, 2, 2, 3], "INT8"),
        tensor("w", [4, 1, 1, 3], "INT8", buffer=1),
        tensor("b", [4], "INT32", buffer=2),
        tensor("y", [1, 2, 2, 4], "INT8"),
    ]
    graph.tensors[0].quantization = quantization([0.5], [-3])
    graph.tensors[1].quantization = quantization([0.1, 0.2, 0.3, 0.4], [0] * 4)
    graph.tensors[3].quantization = quantization([0.25], [7])
    conv = operator([0, 1, 2], [3])
    conv.builtinOptionsType = schema.BuiltinOptions.Conv2DOptions
    conv.builtinOptions = schema.Conv2DOptionsT()
    conv.builtinOptions.strideW, conv.builtinOptions.strideH = 1, 1
    graph.operators, graph.inputs, graph.outputs = [conv], [0], [3]
    model.subgraphs = [graph]
    return model


def pack(model: Any) -> bytes:
    made = flatbuffers.Builder(1024)
    made.Finish(model.Pack(made), file_identifier=b"TFL3")
    return bytes(made.Output())


def conv_bytes(change: Callable[[Any], object] = lambda model: None) -> bytes:
    """`conv_model` after a change, as the bytes of a file."""
    model = conv_model()
    change(model)
    return pack(model)

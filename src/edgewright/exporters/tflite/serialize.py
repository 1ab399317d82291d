"""From records to the bytes of a .tflite file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from edgewright.errors import UnsupportedModel
from edgewright.exporters.tflite.records import CUSTOM, File, Operator, Signature, Subgraph, Tensor
from edgewright.exporters.tflite.versions import version_of
from edgewright.graph import Array, DType

IDENTIFIER = b"TFL3"
VERSION = 3
#: FlatBuffers count in signed 32 bits
MOST_BYTES = 2**31 - 1
ALIGNMENT = 16  # of constants, as runtimes that map the file expect
_SPARE_BYTES = 1 << 16
_BYTES_PER_RECORD = 512  # of a tensor or operator, generously

#: where the options' name is not that of the operator
_OPTIONS = {
    "AVERAGE_POOL_2D": "Pool2D", "MAX_POOL_2D": "Pool2D", "MEAN": "Reducer", "SUM": "Reducer",
    "REDUCE_PROD": "Reducer", "REDUCE_MAX": "Reducer", "REDUCE_MIN": "Reducer",
    "MAXIMUM": "MaximumMinimum", "MINIMUM": "MaximumMinimum", "BATCH_MATMUL": "BatchMatMul",
    "PADV2": "PadV2", "SPACE_TO_BATCH_ND": "SpaceToBatchND",
    "BATCH_TO_SPACE_ND": "BatchToSpaceND",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTM",
}  # fmt: skip


def serialize(file: File) -> bytes:
    """The bytes of a file; the same for the same records.

    Raises:
        UnsupportedModel: it would take more than 2 GiB.
    """
    return _Writer(file).packed()


def _schema() -> Any:
    from ai_edge_litert import schema_py_generated

    return schema_py_generated


def tensor_type(dtype: DType) -> int | None:
    """The schema's number of an element type, or None."""
    number: int | None = getattr(_schema().TensorType, dtype.value.upper(), None)
    return number


class _Writer:
    """Numbers tensors, operators and buffers, and packs them."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.schema = _schema()
        self.contents: list[Array] = []
        self.places: dict[tuple[int, bytes], int] = {}
        self.codes: dict[tuple[str, int], int] = {}

    def packed(self) -> bytes:
        import flatbuffers

        model = self._model()
        records = sum(len(g.tensors) + len(g.operators) for g in self.file.subgraphs)
        size = sum(c.nbytes + ALIGNMENT * 4 for c in self.contents)
        if size + records * _BYTES_PER_RECORD > MOST_BYTES:
            raise UnsupportedModel(
                f"the constants take {size} bytes; a .tflite file holds at most {MOST_BYTES}",
                help="store the weights in float16, or export to .onnx",
            )
        builder = flatbuffers.Builder(size + records * _BYTES_PER_RECORD + _SPARE_BYTES)
        builder.Finish(model.Pack(builder), file_identifier=IDENTIFIER)
        return bytes(memoryview(builder.Bytes)[builder.Head() :])

    def _model(self) -> Any:
        model = self.schema.ModelT()
        model.version = VERSION
        model.description = self.file.description
        self._place(np.empty(0, np.uint8))  # buffer 0 means: no constant
        model.subgraphs = [self._subgraph(graph) for graph in self.file.subgraphs]
        model.operatorCodes = [self._code(*key) for key in self.codes]
        model.signatureDefs = [self._signature(s) for s in self.file.signatures]
        model.metadata = [self._metadata(*item) for item in self.file.metadata.items()]
        model.buffers = [_buffer(self.schema, content) for content in self.contents]
        return model

    def _place(self, content: Array) -> int:
        """The number of a buffer with this content, uint8 [n]; equal ones are stored once."""
        import hashlib

        key = (content.nbytes, hashlib.sha256(content.data).digest())
        if key not in self.places:
            self.places[key] = len(self.contents)
            self.contents.append(content)
        return self.places[key]

    def _subgraph(self, graph: Subgraph) -> Any:
        made = self.schema.SubGraphT()
        index = {tensor: place for place, tensor in enumerate(graph.tensors)}
        made.name = graph.name
        made.tensors = [self._tensor(tensor) for tensor in graph.tensors]
        made.inputs = [index[t] for t in graph.inputs]
        made.outputs = [index[t] for t in graph.outputs]
        made.operators = [self._operator(op, index) for op in graph.operators]
        return made

    def _tensor(self, tensor: Tensor) -> Any:
        made = self.schema.TensorT()
        made.name, made.isVariable = tensor.name, tensor.is_variable
        if tensor.is_resource:
            made.type, made.shape = self.schema.TensorType.RESOURCE, []
            return made
        type = tensor.type
        made.type = tensor_type(type.dtype)
        made.shape = [d if isinstance(d, int) else 1 for d in type.shape]
        made.hasRank = True
        if not type.is_static:
            made.shapeSignature = [d if isinstance(d, int) else -1 for d in type.shape]
        if type.quant is not None:
            made.quantization = self.schema.QuantizationParametersT()
            made.quantization.scale = list(type.quant.scale)
            made.quantization.zeroPoint = list(type.quant.zero)
            made.quantization.quantizedDimension = type.quant.axis or 0
        if tensor.data is not None:
            raw = np.ascontiguousarray(tensor.data, type.dtype.numpy.newbyteorder("<"))
            made.buffer = self._place(raw.reshape(-1).view(np.uint8))
        return made

    def _operator(self, operator: Operator, index: dict[Tensor, int]) -> Any:
        made = self.schema.OperatorT()
        key = (operator.code, version_of(operator))
        made.opcodeIndex = self.codes.setdefault(key, len(self.codes))
        made.inputs = [-1 if t is None else index[t] for t in operator.inputs]
        made.outputs = [index[t] for t in operator.outputs]
        if operator.intermediates:
            made.intermediates = [index[t] for t in operator.intermediates]
        self._set_options(made, operator)
        return made

    def _set_options(self, made: Any, operator: Operator) -> None:
        if operator.custom_code is not None:
            made.customOptions = np.frombuffer(_flexbuffer(operator.options), np.uint8)
            return
        camel = operator.code.title().replace("_", "")
        name = _OPTIONS.get(operator.code, camel) + "Options"
        if not hasattr(self.schema, name + "T"):
            assert not operator.options, operator.code
            return
        made.builtinOptionsType = getattr(self.schema.BuiltinOptions, name)
        made.builtinOptions = getattr(self.schema, name + "T")()
        for key, value in operator.options.items():
            first, *rest = key.split("_")
            field = first + "".join(map(str.capitalize, rest))
            assert hasattr(made.builtinOptions, field), f"{name} has no {field}"
            setattr(made.builtinOptions, field, value)

    def _code(self, code: str, version: int) -> Any:
        made = self.schema.OperatorCodeT()
        if code.startswith(CUSTOM):
            code, made.customCode = "CUSTOM", code.removeprefix(CUSTOM)
        made.builtinCode = getattr(self.schema.BuiltinOperator, code)
        # Runtimes from before the field grew beyond 8 bits look here.
        made.deprecatedBuiltinCode = min(made.builtinCode, 127)
        made.version = version
        return made

    def _signature(self, signature: Signature) -> Any:
        made = self.schema.SignatureDefT()
        graph = self.file.subgraphs[signature.subgraph]
        made.signatureKey, made.subgraphIndex = signature.key, signature.subgraph
        made.inputs = [self._named(graph, *pair) for pair in signature.inputs]
        made.outputs = [self._named(graph, *pair) for pair in signature.outputs]
        return made

    def _named(self, graph: Subgraph, name: str, tensor: Tensor) -> Any:
        made = self.schema.TensorMapT()
        made.name, made.tensorIndex = name, graph.tensors.index(tensor)
        return made

    def _metadata(self, name: str, content: bytes) -> Any:
        made = self.schema.MetadataT()
        made.name, made.buffer = name, self._place(np.frombuffer(content, np.uint8))
        return made


def _flexbuffer(options: Mapping[str, Any]) -> bytes:
    """A map of numbers, as custom operators read their options."""
    from flatbuffers import flexbuffers

    builder = flexbuffers.Builder()
    builder.MapFromElements(dict(options))
    return bytes(builder.Finish())


def _buffer(schema: Any, content: Array) -> Any:
    """A buffer whose bytes are aligned: the generated code forgets what the schema asks for."""

    class Aligned(schema.BufferT):  # type: ignore[misc]
        def Pack(self, builder: Any) -> Any:
            data = _aligned_vector(builder, content) if content.size else 0
            schema.BufferStart(builder)
            if content.size:
                schema.BufferAddData(builder, data)
            return schema.BufferEnd(builder)

    return Aligned()


def _aligned_vector(builder: Any, content: Array) -> Any:
    builder.StartVector(1, content.size, ALIGNMENT)
    builder.head = builder.Head() - content.size
    builder.Bytes[builder.Head() : builder.Head() + content.size] = content.data
    return builder.EndVector()

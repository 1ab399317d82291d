"""A .tflite file as plain, checked data.

`read` verifies the file (`flatbuffer.verify`), then reads it once through the accessors that
ai-edge-litert ships, into frozen dataclasses whose indices, sizes and scales are known to be
sound. What Edgewright can build is decided later, by the conversion rules: an operator that this
schema does not know gets the code `UNKNOWN_<n>` here, and is reported there with all others.

Weights are not copied: the arrays are read-only views of the bytes of the file.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import isnan, prod
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from edgewright.errors import InvalidModel, UnsupportedModel
from edgewright.importers.model_file import check_content, load_bytes
from edgewright.importers.tflite.flatbuffer import GeneratedSchema, verify

IDENTIFIER: Final = b"TFL3"
VERSION: Final = 3
MAX_RANK: Final = 16
MAX_TENSOR_BYTES: Final = 2**31 - 1

# Which enum tags which union: the one thing that the generated accessors do not tell.
UNIONS: Final = {
    "Operator.BuiltinOptions": "BuiltinOptions",
    "Operator.BuiltinOptions2": "BuiltinOptions2",
    "QuantizationParameters.Details": "QuantizationDetails",
    "DimensionMetadata.ArraySegments": "SparseIndexVector",
    "DimensionMetadata.ArrayIndices": "SparseIndexVector",
}

# Bits per element; the types that are absent here (STRING, RESOURCE, …) have no fixed size.
BITS: Final = {
    "FLOAT32": 32, "FLOAT16": 16, "FLOAT64": 64, "BFLOAT16": 16, "COMPLEX64": 64,
    "COMPLEX128": 128, "BOOL": 8, "INT2": 2, "INT4": 4, "INT8": 8, "INT16": 16, "INT32": 32,
    "INT64": 64, "UINT4": 4, "UINT8": 8, "UINT16": 16, "UINT32": 32, "UINT64": 64,
    "FLOAT8_E4M3FN": 8, "FLOAT8_E5M2": 8,
}  # fmt: skip
_ZEROS: Final = {
    name: (-(1 << bits - 1), (1 << bits - 1) - 1)
    if name.startswith("INT")
    else (0, (1 << bits) - 1)
    for name, bits in BITS.items()
    if "INT" in name
}

Options = Mapping[str, int | float | bool | bytes | list[Any]]


@dataclass(frozen=True)
class Quantization:
    """`real = scale * (stored - zero)`, one entry, or one per index along `dimension`.

    `scale` float32 [n], finite and positive; `zero` int64 [n]; `details` names a form beyond this
    one (blockwise, …) that the file asks for, if any.
    """

    scale: NDArray[np.float32]
    zero: NDArray[np.int64]
    dimension: int
    details: str | None = None


def from_nibbles(packed: NDArray[np.uint8], signed: bool) -> NDArray[Any]:
    """Numbers of 4 bits, one to a byte; the lower half of a byte is the first of two."""
    halves = np.stack([packed & 15, packed >> 4], axis=-1).reshape(-1)
    return (halves << 4).view(np.int8) >> 4 if signed else halves


@dataclass(frozen=True)
class Tensor:
    """One tensor of a subgraph.

    `type` as the schema spells it ("INT8"); `shape_signature` is the shape with -1 where a size is
    unknown, or `shape` itself; `buffer` is the constant's bytes, uint8 [n], or `None`.
    """

    index: int
    name: str
    type: str
    shape: tuple[int, ...]
    shape_signature: tuple[int, ...]
    quantization: Quantization | None
    buffer: NDArray[np.uint8] | None
    is_variable: bool
    is_sparse: bool

    def array(self) -> NDArray[Any]:
        """The constant as an array of `shape`; 4-bit ones in bytes."""
        assert self.buffer is not None
        if self.type in ("INT4", "UINT4"):
            return from_nibbles(self.buffer, self.type == "INT4")[: prod(self.shape)].reshape(
                self.shape
            )
        dtype = np.dtype("bool" if self.type == "BOOL" else self.type.lower()).newbyteorder("<")
        return self.buffer.view(dtype).reshape(self.shape)


@dataclass(frozen=True)
class Operator:
    """One operator: `code` such as "CONV_2D"; inputs and outputs are tensor indices, -1 = absent.

    `options` holds every field of the operator's options under its name in the schema
    (`fused_activation_function`), enums as numbers; `custom_options` are a custom operator's bytes.
    """

    index: int
    code: str
    custom_code: str | None
    version: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    intermediates: tuple[int, ...]
    options: Options
    custom_options: bytes


@dataclass(frozen=True)
class Subgraph:
    """One graph; `inputs` and `outputs` are indices into `tensors`."""

    index: int
    name: str
    tensors: tuple[Tensor, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    operators: tuple[Operator, ...]


@dataclass(frozen=True)
class Signature:
    """A named entry point: its parameters' names and the tensors of `subgraph` that they mean."""

    key: str
    subgraph: int
    inputs: Mapping[str, int]
    outputs: Mapping[str, int]


@dataclass(frozen=True)
class TfliteModel:
    """A whole file. `metadata` maps a name to its bytes, uint8 [n]."""

    version: int
    description: str
    subgraphs: tuple[Subgraph, ...]
    signatures: tuple[Signature, ...]
    metadata: Mapping[str, NDArray[np.uint8]]


def read(path: Path) -> TfliteModel:
    """Read a .tflite file.

    Raises:
        InvalidModel: the path is not a .tflite file, or the file is damaged or contradicts itself.
        UnsupportedModel: its weights are in other files.
    """
    return parse(load_bytes(path), path.name)


def parse(data: bytes, file: str) -> TfliteModel:
    """Read the bytes of a .tflite file; `file` names it in errors. Raises as `read` does."""
    check_header(data, file)
    verify(data, schema(), "Model", file)
    return _Reader(data, file).model()


def check_header(data: bytes, file: str) -> None:
    """Check that the bytes begin as a .tflite file does.

    Raises:
        InvalidModel: they do not.
    """
    check_content(data, file)
    if len(data) < 8:
        raise InvalidModel(
            f"the file has only {len(data)} bytes", file, "export or download the model again"
        )
    if data[4:8] != IDENTIFIER:
        raise InvalidModel(
            f"not a .tflite file: bytes 4 to 7 are {data[4:8]!r} instead of {IDENTIFIER!r}",
            file,
            "name a .tflite file of schema version 3",
        )


@cache
def schema() -> GeneratedSchema:
    """The .tflite schema, as the installed ai-edge-litert has it."""
    from ai_edge_litert import schema_py_generated

    return GeneratedSchema(schema_py_generated, UNIONS)


@cache
def enum_names(enum: str) -> Mapping[int, str]:
    """The names of a schema's enum by number, such as `enum_names("Padding")[0] == "SAME"`."""
    from ai_edge_litert import schema_py_generated

    members = vars(getattr(schema_py_generated, enum)).items()
    return {value: name for name, value in members if isinstance(value, int)}


@cache
def snake_case(name: str) -> str:
    """The schema's name of a field, from that of its accessor: `StrideW` is `stride_w`."""
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def _text(value: bytes | None) -> str:
    """A string of the file; bytes that are not UTF-8 are shown as escapes."""
    return (value or b"").decode("utf-8", "backslashreplace")


def _vector(table: Any, name: str, dtype: type[np.generic]) -> NDArray[Any]:
    """A vector field as a view of the file; empty when it is absent."""
    value = getattr(table, f"{name}AsNumpy")()
    return value if isinstance(value, np.ndarray) else np.empty(0, dtype)


def _ints(table: Any, name: str) -> tuple[int, ...]:
    return tuple(_vector(table, name, np.int32).tolist())


def _tables(table: Any, name: str) -> Iterator[Any]:
    """The members of a vector of tables."""
    item = getattr(table, name)
    return (item(index) for index in range(getattr(table, f"{name}Length")()))


class _Reader:
    """Reads one verified file; every check names the place in the user's model."""

    def __init__(self, data: bytes, file: str) -> None:
        from ai_edge_litert import schema_py_generated

        self.generated = schema_py_generated
        self.data = data
        self.file = file
        self.root: Any = schema_py_generated.Model.GetRootAs(data)
        self.buffers = [
            self.buffer(index, b) for index, b in enumerate(_tables(self.root, "Buffers"))
        ]
        self.codes = [self.operator_code(code) for code in _tables(self.root, "OperatorCodes")]
        self.subgraph_count: int = self.root.SubgraphsLength()

    def fail(self, what: str, where: str, help: str | None = None) -> InvalidModel:
        return InvalidModel(what, f"{self.file}: {where}" if where else self.file, help)

    def model(self) -> TfliteModel:
        """The whole file."""
        version = self.root.Version()
        if version != VERSION:
            raise self.fail(f"schema version {version}; only {VERSION} is known", "")
        if not self.subgraph_count:
            raise self.fail("the model has no subgraph", "")
        subgraphs = tuple(
            self.subgraph(index, graph)
            for index, graph in enumerate(_tables(self.root, "Subgraphs"))
        )
        self.check_calls(subgraphs)
        return TfliteModel(
            version=version,
            description=_text(self.root.Description()),
            subgraphs=subgraphs,
            signatures=tuple(self.signatures(subgraphs)),
            metadata=self.metadata(),
        )

    def buffer(self, index: int, table: Any) -> NDArray[np.uint8]:
        """A buffer's bytes: inside the FlatBuffer, or after it (files of more than 2 GB)."""
        offset, size = table.Offset(), table.Size()
        if offset <= 1:  # 0: absent; 1: a placeholder that writers leave
            return _vector(table, "Data", np.uint8)
        return self.appended(offset, size, f"buffer {index}")

    def appended(self, offset: int, size: int, where: str) -> NDArray[np.uint8]:
        """Bytes that are stored after the FlatBuffer."""
        if offset > len(self.data) or size > len(self.data) - offset:
            raise self.fail(
                f"bytes {offset} to {offset + size} are beyond the file's {len(self.data)}",
                where,
                "the file was truncated; export or download it again",
            )
        return np.frombuffer(self.data, np.uint8, size, offset)

    def operator_code(self, table: Any) -> tuple[str, str | None, int]:
        """Code, custom code and version; old files hold the code in a deprecated 8-bit field."""
        number = max(table.BuiltinCode(), table.DeprecatedBuiltinCode())
        code = enum_names("BuiltinOperator").get(number, f"UNKNOWN_{number}")
        custom = _text(table.CustomCode()) if code == "CUSTOM" else None
        return code, custom, table.Version()

    def subgraph(self, index: int, table: Any) -> Subgraph:
        """One graph, with the indices of its tensors in range and its operators in order."""
        where = f"subgraph {index}"
        count = table.TensorsLength()
        operators = tuple(
            self.operator(i, op, count, f"{where}, operator {i}")
            for i, op in enumerate(_tables(table, "Operators"))
        )
        inputs = self.indices(_ints(table, "Inputs"), count, f"{where}, inputs")
        outputs = self.indices(_ints(table, "Outputs"), count, f"{where}, outputs")
        computed = set(inputs).union(*(op.outputs for op in operators))
        tensors = tuple(
            self.tensor(i, tensor, i in computed, where)
            for i, tensor in enumerate(_tables(table, "Tensors"))
        )
        graph = Subgraph(index, _text(table.Name()), tensors, inputs, outputs, operators)
        self.check_order(graph)
        return graph

    def indices(
        self, values: tuple[int, ...], count: int, where: str, optional: bool = False
    ) -> tuple[int, ...]:
        """Check tensor indices; with `optional`, -1 stands for an absent one."""
        for value in values:
            if not (-1 if optional else 0) <= value < count:
                raise self.fail(f"tensor {value} does not exist; there are {count}", where)
        return values

    def operator(self, index: int, table: Any, tensors: int, where: str) -> Operator:
        """One operator with its options."""
        number = table.OpcodeIndex()
        if number >= len(self.codes):
            raise self.fail(
                f"operator code {number} does not exist; there are {len(self.codes)}", where
            )
        code, custom, version = self.codes[number]
        where = f"{where} ({custom or code})"
        return Operator(
            index=index,
            code=code,
            custom_code=custom,
            version=version,
            inputs=self.indices(_ints(table, "Inputs"), tensors, where, optional=True),
            outputs=self.indices(_ints(table, "Outputs"), tensors, where),
            intermediates=self.indices(_ints(table, "Intermediates"), tensors, where, True),
            options=self.all_options(table, where),
            custom_options=self.custom_options(table, where),
        )

    def custom_options(self, table: Any, where: str) -> bytes:
        offset, size = table.LargeCustomOptionsOffset(), table.LargeCustomOptionsSize()
        if offset > 1:
            return self.appended(offset, size, f"{where}, custom options").tobytes()
        return _vector(table, "CustomOptions", np.uint8).tobytes()

    def all_options(self, operator: Any, where: str) -> dict[str, Any]:
        """The options of an operator, of both unions that may hold them."""
        found = {
            **self.options(operator, "BuiltinOptions"),
            **self.options(operator, "BuiltinOptions2"),
        }
        for name, value in found.items():
            if isinstance(value, float) and isnan(value):
                raise self.fail(f"{name} is not a number", where)
        return found

    def options(self, operator: Any, union: str) -> dict[str, Any]:
        """The fields of the member that a union of options holds; none for an unknown member."""
        member = schema().member(union, getattr(operator, f"{union}Type")())
        table = getattr(operator, union)() if member else None
        if member is None or table is None:
            return {}
        return self.fields(member, table.Bytes, table.Pos)

    def fields(self, name: str, data: bytes, position: int) -> dict[str, Any]:
        """All fields of a table, by their names in the schema."""
        table = getattr(self.generated, name)()
        table.Init(data, position)
        values: dict[str, Any] = {}
        for field in schema().fields(name):
            key = snake_case(field.name)
            match field.kind:
                case "scalar" | "string":
                    value = getattr(table, field.name)()
                    values[key] = b"" if value is None else value
                case "vector":
                    values[key] = _vector(table, field.name, np.int32).tolist()
                case "table" | "tables" | "strings" | "union":
                    continue  # only StableHLO's options nest; no rule reads them
        return values

    def tensor(self, index: int, table: Any, computed: bool, graph: str) -> Tensor:
        """One tensor, its type known, its size bounded, its constant as long as its shape says."""
        name = _text(table.Name())
        where = f"{graph}, tensor {index} {name!r}"
        kind = enum_names("TensorType").get(table.Type())
        if kind is None:
            raise self.fail(f"unknown tensor type {table.Type()}", where)
        if table.ExternalBuffer():
            raise UnsupportedModel(
                "the weights are in another file",
                f"{self.file}: {where}",
                "export the model with its weights inside",
            )
        shape = self.shape(table, kind, where)
        signature = _ints(table, "ShapeSignature") or shape
        if len(signature) != len(shape):
            raise self.fail(f"shape {shape} but shape signature {signature}", where)
        return Tensor(
            index=index,
            name=name,
            type=kind,
            shape=shape,
            shape_signature=signature,
            quantization=self.quantization(table, kind, shape, where),
            buffer=self.constant(table, kind, shape, computed, where),
            is_variable=table.IsVariable(),
            is_sparse=table.Sparsity() is not None,
        )

    def shape(self, table: Any, kind: str, where: str) -> tuple[int, ...]:
        """The shape: no negative size, a bounded rank, and a bounded number of bytes."""
        length = table.ShapeLength()
        if length > MAX_RANK:
            raise self.fail(f"{length} dimensions; at most {MAX_RANK} are possible", where)
        shape = _ints(table, "Shape")
        if any(size < 0 for size in shape):
            raise self.fail(f"negative size in shape {shape}", where)
        if prod(shape) * BITS.get(kind, 8) // 8 > MAX_TENSOR_BYTES:
            raise self.fail(f"shape {shape} of {kind} takes more than 2 GiB", where)
        if table.ShapeSignatureLength() > MAX_RANK:
            raise self.fail(f"more than {MAX_RANK} dimensions in the shape signature", where)
        return shape

    def constant(
        self, table: Any, kind: str, shape: tuple[int, ...], computed: bool, where: str
    ) -> NDArray[np.uint8] | None:
        """The bytes of a constant, exactly as many as its shape needs; `None` for other tensors."""
        number = table.Buffer()
        if number >= len(self.buffers) and number:
            raise self.fail(f"buffer {number} does not exist; there are {len(self.buffers)}", where)
        data = self.buffers[number] if self.buffers else np.empty(0, np.uint8)
        if not data.size:  # buffer 0 means none; an empty constant is one that nobody computes
            return None if computed or table.IsVariable() or prod(shape) else data
        if computed:
            raise self.fail("it has constant data, but an operator or the caller sets it", where)
        expected = -(-prod(shape) * BITS[kind] // 8) if kind in BITS else data.size
        if data.size != expected and table.Sparsity() is None:
            raise self.fail(
                f"shape {shape} of {kind} needs {expected} bytes, its buffer has {data.size}", where
            )
        return data

    def quantization(
        self, table: Any, kind: str, shape: tuple[int, ...], where: str
    ) -> Quantization | None:
        """Scales and zero points; `None` for tensors that have none or are not integers."""
        params = table.Quantization()
        if params is None or kind not in _ZEROS:
            return None
        details = enum_names("QuantizationDetails").get(params.DetailsType(), "unknown")
        scale = _vector(params, "Scale", np.float32)
        zero = _vector(params, "ZeroPoint", np.int64)
        if not scale.size and details == "NONE":
            return None
        if not zero.size:
            zero = np.zeros(scale.size, np.int64)
        self.check_scales(scale, zero, kind, where)
        dimension = self.dimension(params.QuantizedDimension(), scale.size, shape, where)
        return Quantization(scale, zero, dimension, None if details == "NONE" else details)

    def check_scales(
        self, scale: NDArray[np.float32], zero: NDArray[np.int64], kind: str, where: str
    ) -> None:
        if zero.size != scale.size:
            raise self.fail(f"{scale.size} scales but {zero.size} zero points", where)
        bad = scale[~(np.isfinite(scale) & (scale > 0))]
        if bad.size:
            raise self.fail(
                f"quantization scale {bad[0]} is not a positive number",
                where,
                "quantise the model again; a NaN usually comes from its calibration data",
            )
        low, high = _ZEROS[kind]
        bad_zero = zero[(zero < low) | (zero > high)]
        if bad_zero.size:
            raise self.fail(f"zero point {bad_zero[0]} is outside of {kind}", where)

    def dimension(self, stated: int, scales: int, shape: tuple[int, ...], where: str) -> int:
        """The axis of the scales.

        With one scale, or a tensor of one dimension, there is nothing to choose, and files written
        by old converters (TFLM's person detector) hold anything there: it is read as 0.
        """
        dimension = 0 if scales <= 1 or len(shape) == 1 else stated
        if scales <= 1:
            return dimension
        if not 0 <= dimension < len(shape):
            raise self.fail(
                f"quantized dimension {dimension} of a tensor of {len(shape)} dimensions", where
            )
        if scales != shape[dimension]:
            raise self.fail(
                f"{scales} scales for dimension {dimension} of size {shape[dimension]}", where
            )
        return dimension

    def check_order(self, graph: Subgraph) -> None:
        """Each tensor is set once, before it is read; so a graph cannot be circular."""
        known = set(graph.inputs)
        known |= {t.index for t in graph.tensors if t.buffer is not None or t.is_variable}
        for operator in graph.operators:
            where = f"subgraph {graph.index}, operator {operator.index} ({operator.code})"
            for index in operator.inputs:
                if index >= 0 and index not in known:
                    name = graph.tensors[index].name
                    raise self.fail(f"reads tensor {index} {name!r} before it is set", where)
            for index in operator.outputs:
                if index in known and not graph.tensors[index].is_variable:
                    name = graph.tensors[index].name
                    raise self.fail(f"sets tensor {index} {name!r} a second time", where)
                known.add(index)
        for index in graph.outputs:
            if index not in known:
                where = f"subgraph {graph.index}, output tensor {index}"
                raise self.fail(f"nothing sets {graph.tensors[index].name!r}", where)

    def check_calls(self, graphs: Sequence[Subgraph]) -> None:
        """The subgraphs that operators call exist, and none calls itself, however indirectly."""
        calls: dict[int, set[int]] = {}
        for graph in graphs:
            called = calls.setdefault(graph.index, set())
            for operator in graph.operators:
                for name, number in operator.options.items():
                    if "subgraph" not in name or not isinstance(number, int):
                        continue
                    if not 0 <= number < len(graphs):
                        where = f"subgraph {graph.index}, operator {operator.index}"
                        raise self.fail(f"{name} {number}: there are {len(graphs)}", where)
                    called.add(number)
        while leaves := [index for index, called in calls.items() if not called & calls.keys()]:
            for index in leaves:
                del calls[index]
        if calls:
            raise self.fail("subgraphs call each other in a circle", f"subgraph {min(calls)}")

    def signatures(self, graphs: Sequence[Subgraph]) -> Iterator[Signature]:
        """The named entry points."""
        for table in _tables(self.root, "SignatureDefs"):
            key = _text(table.SignatureKey())
            number = table.SubgraphIndex()
            if number >= len(graphs):
                raise self.fail(f"subgraph {number} does not exist", f"signature {key!r}")
            count = len(graphs[number].tensors)
            inputs = self.parameters(table, "Inputs", count, key)
            yield Signature(key, number, inputs, self.parameters(table, "Outputs", count, key))

    def parameters(self, table: Any, name: str, count: int, key: str) -> dict[str, int]:
        """Parameter names and tensor indices of a signature's inputs or outputs."""
        found: dict[str, int] = {}
        for item in _tables(table, name):
            parameter = _text(item.Name())
            where = f"signature {key!r}, {name.lower()}, {parameter!r}"
            if parameter in found:
                raise self.fail("two parameters have this name", where)
            (found[parameter],) = self.indices((item.TensorIndex(),), count, where)
        return found

    def metadata(self) -> dict[str, NDArray[np.uint8]]:
        """The named metadata buffers; of two with one name, the first."""
        found: dict[str, NDArray[np.uint8]] = {}
        for table in _tables(self.root, "Metadata"):
            name, number = _text(table.Name()), table.Buffer()
            if number >= len(self.buffers):
                raise self.fail(f"buffer {number} does not exist", f"metadata {name!r}")
            found.setdefault(name, self.buffers[number])
        return found

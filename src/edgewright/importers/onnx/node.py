"""What an importer rule sees of a source node, and what it may build."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import onnx

from edgewright.errors import InvalidModel, UnsupportedModel
from edgewright.graph import (
    Array,
    DType,
    Graph,
    Location,
    Quant,
    Size,
    Source,
    TensorType,
    Value,
)
from edgewright.importers.onnx.builder import composed, permuted
from edgewright.importers.onnx.tensors import array_of, dtype_of

if TYPE_CHECKING:
    from edgewright.importers.onnx.scope import Scope

#: Of a constant that a rule makes.
MAX_ELEMENTS = 1 << 26
NHWC = (0, 2, 3, 1)
NCHW = (0, 3, 1, 2)


class SourceNode:
    """One ONNX node: its operands as IR values, its attributes, and methods that add IR nodes."""

    def __init__(
        self, proto: onnx.NodeProto, scope: Scope, inputs: Sequence[Value | None], origin: Location
    ) -> None:
        self.proto, self.scope, self.origin = proto, scope, origin
        self.inputs = list(inputs)
        self.opset = scope.opset(proto.domain)
        self.builder = scope.builder
        self._attributes = {a.name: a for a in proto.attribute}
        self._base = next((o for o in proto.output if o), proto.op_type)

    @property
    def op_type(self) -> str:
        """The operator's name in the file."""
        return self.proto.op_type

    @property
    def outputs(self) -> list[str]:
        """The names of the results; empty for one that nobody reads."""
        return list(self.proto.output)

    # -- complaints -------------------------------------------------------------------------

    def require(self, condition: bool, what: str, help: str | None = None) -> None:
        """Refuse the node unless the condition holds."""
        if not condition:
            self.refuse(what, help)

    def refuse(self, what: str, help: str | None = None) -> NoReturn:
        """Raise UnsupportedModel with the types of the operands."""
        raise UnsupportedModel(f"{self.op_type}{self.signature()}: {what}", self.origin, help)

    def invalid(self, what: str) -> NoReturn:
        """Raise InvalidModel: the node contradicts itself or the standard."""
        raise InvalidModel(f"{self.op_type}{self.signature()}: {what}", self.origin)

    def signature(self) -> str:
        """The operands' types, for messages."""
        types = (f"{v.type.dtype.value}{_shape(v.type.shape)}" if v else "-" for v in self.inputs)
        return f"({', '.join(types)})"

    def note_labels(self, labels: tuple[str, ...]) -> None:
        """Record the class labels that the model carries, for each of this node's outputs."""
        for name in self.outputs:
            if name and labels:
                self.scope.file.options.labels[name] = labels

    # -- operands ---------------------------------------------------------------------------

    def input(self, index: int) -> Value:
        """A required operand."""
        value = self.optional(index)
        if value is None:
            self.invalid(f"input {index} is missing")
        return value

    def optional(self, index: int) -> Value | None:
        """An operand, or None when it is absent."""
        return self.inputs[index] if index < len(self.inputs) else None

    def array(self, index: int, what: str) -> Array:
        """The elements of a constant operand; refuses the node when it is computed at run time."""
        value = self.input(index)
        if value.data is None:
            self.refuse(f"{what} is computed at run time", "make it a constant and export again")
        return value.data

    def sizes(self, index: int, what: str) -> tuple[Size, ...]:
        """The elements of an integer operand as ints and `Dim`s; refuses what is not known."""
        known = self.builder.known_sizes(self.input(index))
        if known is None:
            self.refuse(
                f"{what} depends on data, so its value is not known before run time",
                "make it a constant, or fix the input shapes",
            )
        return tuple(known.ravel().tolist())

    def numbers(self, index: int, what: str) -> tuple[int, ...]:
        """As `sizes`, where run-time sizes are refused too."""
        sizes = self.sizes(index, what)
        for size in sizes:
            if not isinstance(size, int):
                self.refuse(f"{what} is {size}, a run-time size", "fix the input shapes")
        return tuple(int(s) for s in sizes if isinstance(s, int))

    # -- attributes -------------------------------------------------------------------------

    def has(self, name: str) -> bool:
        """Whether an attribute is given."""
        return name in self._attributes

    def attribute(self, name: str) -> Any:
        """An attribute as Python data, or None."""
        if name not in self._attributes:
            return None
        try:
            return onnx.helper.get_attribute_value(self._attributes[name])
        except ValueError as error:
            self.invalid(f"attribute {name} cannot be read: {error}")

    def integer(self, name: str, default: int) -> int:
        """An integer attribute."""
        value = self.attribute(name)
        if value is not None and not isinstance(value, int):
            self.invalid(f"attribute {name} is not an integer")
        return default if value is None else value

    def number(self, name: str, default: float) -> float:
        """A number attribute, an exact float32 value."""
        value = self.attribute(name)
        if value is not None and not isinstance(value, int | float):
            self.invalid(f"attribute {name} is not a number")
        return float(np.float32(default if value is None else value))

    def text(self, name: str, default: str = "") -> str:
        """A string attribute."""
        value = self.attribute(name)
        if value is not None and not isinstance(value, bytes):
            self.invalid(f"attribute {name} is not a string")
        return default if value is None else value.decode("utf-8", "replace")

    def integers(self, name: str) -> tuple[int, ...] | None:
        """A list of integers, or None when it is absent."""
        value = self.attribute(name)
        if value is None:
            return None
        if not isinstance(value, Iterable) or not all(isinstance(v, int) for v in value):
            self.invalid(f"attribute {name} is not a list of integers")
        return tuple(value)

    def axis(self, value: int, rank: int, what: str = "axis") -> int:
        """An axis counted from the front. Raises InvalidModel when there is no such axis."""
        if not -rank <= value < max(rank, 1):
            self.invalid(f"{what} is {value}, but there are {rank} axes")
        return value % rank if rank else 0

    def axes(self, values: Sequence[int], rank: int) -> tuple[int, ...]:
        """Distinct axes counted from the front, in the given order."""
        found = tuple(self.axis(v, rank, "axes") for v in values)
        if len(set(found)) != len(found):
            self.invalid(f"axes {list(values)} name an axis twice")
        return found

    def axes_of(self, index: int, name: str) -> tuple[int, ...] | None:
        """Axes, which are an attribute in older opsets and an operand in newer ones."""
        if self.optional(index) is not None:
            return self.numbers(index, name)
        return self.integers(name)

    # -- building ---------------------------------------------------------------------------

    def add(self, op: str, *inputs: Value | None, **attrs: Any) -> Value:
        """Append an IR node with one result."""
        (value,) = self.add_all(op, inputs, **attrs)
        return value

    def add_all(
        self,
        op: str,
        inputs: Sequence[Value | None],
        regions: Sequence[Graph] = (),
        types: Sequence[TensorType] | None = None,
        **attrs: Any,
    ) -> list[Value]:
        """Append an IR node; `types` are its results where the operands do not decide them."""
        first = inputs[0] if inputs else None
        weight = first is not None and first.is_constant and len(inputs) == 1
        name = f"{first.name if first and weight else self._base}/{op}"
        return self.builder.add(
            op,
            inputs,
            attrs=attrs,
            name=name,
            origin=self.origin,
            regions=regions,
            types=types,
        )

    def constant(self, array: Array, type: TensorType | None = None, name: str = "const") -> Value:
        """A constant, named after this node."""
        return self.builder.constant(f"{self._base}/{name}", array, type)

    def bound(self, elements: float, what: str) -> None:
        """Refuse to make a constant that a small file asks for but no computer should hold."""
        self.require(
            0 <= elements <= MAX_ELEMENTS, f"{what} of {elements:.0f} elements", "use smaller sizes"
        )

    def scalar(self, value: float, like: Value) -> Value:
        """A constant without axes, of the element type of another value."""
        return self.constant(np.array(value, like.type.dtype.numpy))

    def tensor(self, name: str) -> tuple[Array, DType]:
        """A tensor attribute."""
        return array_of(self._attributes[name].t, self.origin)

    def body(self, name: str) -> onnx.GraphProto:
        """A graph attribute."""
        if name not in self._attributes or not self._attributes[name].HasField("g"):
            self.invalid(f"graph {name} is missing")
        held: onnx.GraphProto = self._attributes[name].g
        return held

    def inside(self, name: str) -> SourceNode:
        """This node with a new region of its graph as the place where values are added."""
        inner = SourceNode(self.proto, self.scope, self.inputs, self.origin)
        inner.builder = self.builder.region(name)
        return inner

    def dtype(self, elem_type: int) -> DType:
        """The IR's name of an ONNX element type."""
        return dtype_of(elem_type, self.op_type, self.origin)

    def cast(self, x: Value, dtype: DType) -> Value:
        """`x` in another element type."""
        return x if x.type.dtype is dtype else self.add("cast", x, to=dtype.value)

    def reshape(self, x: Value, shape: Sequence[Size]) -> Value:
        """`x` with other sizes."""
        if x.type.shape == tuple(shape):
            return x
        return self.add("reshape", x, shape=tuple(shape))

    def transpose(self, x: Value, perm: Sequence[int]) -> Value:
        """`x` with its axes reordered; constants, also quantised weights, are reordered here."""
        if tuple(perm) == tuple(range(len(perm))):
            return x
        weight = stored_weight(x)
        if weight is not None:
            return self._rebuild(weight, weight.data_of.transpose(perm), perm)
        value = self.add("transpose", x, perm=tuple(perm))
        value.source = composed(x.source, perm)
        return value

    def _rebuild(self, weight: StoredWeight, array: Array, perm: Sequence[int]) -> Value:
        """The dequantisation of another arrangement of a quantised constant."""
        stored = weight.stored.type
        quant = permuted(stored.quant, perm)
        held = TensorType(stored.dtype, array.shape, quant)
        value = self.constant(np.ascontiguousarray(array), held, "weight")
        return self.dequantize(value, weight.result.type.dtype)

    def expand_weight(self, x: Value, axis: int) -> Value:
        """A weight with a new axis of size 1; a quantised one stays quantised."""
        shape = (*x.type.shape[:axis], 1, *x.type.shape[axis:])
        return self._reshaped_weight(x, shape, lambda a: a + (a >= axis))

    def squeeze_weight(self, x: Value, axis: int) -> Value:
        """A weight without an axis of size 1; a quantised one stays quantised."""
        shape = (*x.type.shape[:axis], *x.type.shape[axis + 1 :])
        return self._reshaped_weight(x, shape, lambda a: a - (a > axis))

    def flat_weight(self, x: Value) -> Value:
        """A weight [1,...,N] as [N]; a quantised one stays quantised."""
        while x.type.rank > 1:
            x = self.squeeze_weight(x, 0)
        return x

    def _reshaped_weight(
        self, x: Value, shape: Sequence[Size], moved: Callable[[int], int]
    ) -> Value:
        """A reshape by unit axes; `moved` says where the axis of the scales goes."""
        weight = stored_weight(x)
        held = (weight.stored if weight else x).type
        quant = held.quant
        if quant is not None and quant.axis is not None:
            quant = Quant(quant.scale, quant.zero, moved(quant.axis), quant.block)
        if weight is None:
            value = self.reshape(x, shape)
            return value if quant is None else self.with_quant(value, quant, "the weight")
        array = weight.data_of.reshape([int(str(d)) for d in shape])
        type = TensorType(held.dtype, array.shape, quant)
        return self.dequantize(self.constant(array, type, "weight"), x.type.dtype)

    def dequantize(self, x: Value, dtype: DType = DType.FLOAT32) -> Value:
        """The real numbers that a quantised tensor stands for."""
        return self.cast(self.add("dequantize", x), dtype)

    def quantize(self, x: Value, dtype: DType, quant: Quant) -> Value:
        """Real numbers (or another quantisation) as integers."""
        return self.add_all("quantize", [x], types=[TensorType(dtype, x.type.shape, quant)])[0]

    def to_nhwc(self, x: Value) -> Value:
        """[N,C,H,W] or [N,C,L] as [N,H,W,C], with H = 1 for the latter."""
        if x.type.rank == 3:
            n, c, length = x.type.shape
            return self.reshape(self.transpose(x, (0, 2, 1)), (n, 1, length, c))
        if x.type.rank != 4:
            self.refuse(f"{max(x.type.rank - 2, 0)} spatial axes", "1 and 2 are supported")
        return self.transpose(x, NHWC)

    def from_nhwc(self, x: Value, rank: int) -> Value:
        """The reverse of `to_nhwc`."""
        if rank == 3:
            n, _, length, c = x.type.shape
            return self.transpose(self.reshape(x, (n, length, c)), (0, 2, 1))
        return self.transpose(x, NCHW)

    def with_quant(self, x: Value, quant: Quant, what: str) -> Value:
        """`x` with the meaning that this node gives its integers."""
        held = x.type.quant
        if x.data is not None and held != quant:
            return self.constant(x.data, x.type.with_quant(quant), "stored")
        if held is None:
            mark_integers(x, quant)
        elif held != quant:
            self.refuse(
                f"{what} is read with {quant} but was made with {held}",
                "insert a DequantizeLinear and a QuantizeLinear",
            )
        return x


def mark_integers(x: Value, quant: Quant) -> None:
    """Give integers their meaning, also where they were before they were only moved."""
    value: Value | None = x
    while value is not None and value.type.quant is None and value.data is None:
        value.type = value.type.with_quant(quant)
        node = value.producer
        moved = node is not None and quant.axis is None and node.op in ("transpose", "reshape")
        value = node.input(0) if node is not None and moved else None


class StoredWeight:
    """`result = dequantize(stored)` where `stored` is a constant."""

    def __init__(self, stored: Value, result: Value) -> None:
        assert stored.data is not None
        self.stored, self.result, self.data_of = stored, result, stored.data


def stored_weight(x: Value) -> StoredWeight | None:
    """The quantised constant behind a value, or None."""
    node = x.producer
    if node is None or node.op != "dequantize" or not node.input(0).is_constant:
        return None
    return StoredWeight(node.input(0), x)


def is_weight(x: Value) -> bool:
    """Whether a value is known before run time: a constant, possibly quantised."""
    return x.is_constant or stored_weight(x) is not None


def source_of(x: Value, tensor: str) -> None:
    """Say which tensor of the file a value is, and so what the transposed value before it is."""
    x.source = Source(tensor)
    node = x.producer
    if node is not None and node.op == "transpose" and node.input(0).source is None:
        perm = node.attrs["perm"]
        inverse = tuple(perm.index(i) for i in range(len(perm)))
        if not node.input(0).is_constant:
            node.input(0).source = Source(tensor, inverse)


def _shape(shape: Sequence[Size]) -> str:
    return "[" + ",".join(str(d) for d in shape) + "]"

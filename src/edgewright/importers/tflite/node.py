"""One operator of a .tflite file, as the rules see it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from edgewright import ops
from edgewright.errors import UnsupportedModel
from edgewright.graph import (
    Array,
    DType,
    Graph,
    Location,
    Module,
    Node,
    Quant,
    Source,
    TensorType,
    Value,
)
from edgewright.importers.options import ImportOptions
from edgewright.importers.tflite.reader import Operator, Subgraph, Tensor, TfliteModel

Clamp = tuple[float, float]
#: ActivationFunctionType of the schema; TANH and SIGN_BIT have no clamp.
FOLD_BYTES = 4096
_CLAMPS: dict[int, Clamp | None] = {0: None, 1: (0.0, math.inf), 2: (-1.0, 1.0), 3: (0.0, 6.0)}


@dataclass
class Scope:
    """What the operators of one subgraph share."""

    model: TfliteModel
    subgraph: Subgraph
    graph: Graph
    module: Module
    options: ImportOptions
    file: str
    values: dict[int, Value] = field(default_factory=dict)
    #: which variable a resource tensor stands for
    handles: dict[int, str] = field(default_factory=dict)


def dtype_of(tensor: Tensor) -> DType:
    """The element type. Raises UnsupportedModel for strings, resources, complex numbers, …"""
    try:
        return DType(tensor.type.lower())
    except ValueError:
        raise UnsupportedModel(
            f"tensor '{tensor.name}' has element type {tensor.type}",
            help="numbers and booleans are supported",
        ) from None


def quant_of(tensor: Tensor) -> Quant | None:
    """The quantisation of a tensor, or None; per channel only where there are several scales."""
    quantization = tensor.quantization
    if quantization is None or not tensor.type.startswith(("INT", "UINT")):
        return None
    if quantization.details:
        raise UnsupportedModel(
            f"tensor '{tensor.name}' is quantised in another way: {quantization.details}"
        )
    scale = tuple(float(s) for s in quantization.scale)
    zero = tuple(int(z) for z in quantization.zero)
    return Quant(scale, zero, quantization.dimension if len(scale) > 1 else None)


class SourceNode:
    """An operator and the means to add its IR."""

    def __init__(self, scope: Scope, operator: Operator) -> None:
        self.scope, self.operator, self.graph = scope, operator, scope.graph
        self.outputs = [scope.subgraph.tensors[i] for i in operator.outputs]
        name = self.outputs[0].name if self.outputs else ""
        code = operator.custom_code or operator.code
        self.origin = Location(scope.file, code, tensor=name, index=operator.index)

    # -- reading ----------------------------------------------------------------------------

    def fail(self, what: str, help: str | None = None) -> UnsupportedModel:
        """The error that this operator cannot be imported."""
        return UnsupportedModel(f"{self.origin.op_type}: {what}", where=self.origin, help=help)

    def require(self, condition: bool, what: str, help: str | None = None) -> None:
        """Raise UnsupportedModel unless the condition holds."""
        if not condition:
            raise self.fail(what, help)

    def option(self, name: str, default: Any = 0) -> Any:
        """An option of the operator, by its name in the schema."""
        return self.operator.options.get(name, default)

    def count(self) -> int:
        """Number of inputs, absent trailing ones left out."""
        present = [i for i, t in enumerate(self.operator.inputs) if t >= 0]
        return present[-1] + 1 if present else 0

    def tensor(self, index: int) -> Tensor:
        """The source tensor of an input."""
        return self.scope.subgraph.tensors[self.operator.inputs[index]]

    def has(self, index: int) -> bool:
        """Whether an optional input is given."""
        return index < len(self.operator.inputs) and self.operator.inputs[index] >= 0

    def input(self, index: int) -> Value:
        """An input that must be given."""
        self.require(self.has(index), f"input {index} is missing")
        return self.lookup(self.operator.inputs[index])

    def optional(self, index: int) -> Value | None:
        """An input, or None."""
        return self.input(index) if self.has(index) else None

    def inputs(self) -> list[Value]:
        """All inputs; each must be given."""
        return [self.input(i) for i in range(len(self.operator.inputs))]

    def lookup(self, index: int) -> Value:
        """The value of a tensor; constants are made when first read."""
        values, tensor = self.scope.values, self.scope.subgraph.tensors[index]
        if index not in values:
            if tensor.buffer is None:
                raise self.fail(f"tensor '{tensor.name}' is read before anything computes it")
            values[index] = self._constant(tensor)
        return values[index]

    def _constant(self, tensor: Tensor) -> Value:
        self.require(not tensor.is_sparse, f"tensor '{tensor.name}' is stored sparsely",
                     "convert the model without sparsity")  # fmt: skip
        dtype = dtype_of(tensor)
        data = np.asarray(tensor.array(), dtype.numpy, order="C")
        type = TensorType(dtype, data.shape, quant_of(tensor))
        value = self.graph.constant(tensor.name, data, type)
        value.source = Source(tensor.name)
        return value

    def constant(self, index: int, what: str) -> Array:
        """The elements of an input that must be known now."""
        value = self.input(index)
        if value.data is None:
            raise self.fail(f"{what} is computed at run time", "make it a constant")
        return value.data

    def ints(self, index: int, what: str) -> tuple[int, ...]:
        """A constant list of integers."""
        return tuple(int(v) for v in self.constant(index, what).ravel())

    def clamp(self) -> Clamp | None:
        """The fused activation."""
        number = int(self.option("fused_activation_function"))
        self.require(number in _CLAMPS, f"the fused activation {number} is not supported",
                     "use RELU, RELU6, RELU_N1_TO_1 or none")  # fmt: skip
        return _CLAMPS[number]

    def output_type(self, index: int = 0) -> TensorType:
        """dtype, quantisation and (as the file says) shape of an output."""
        tensor = self.outputs[index]
        return TensorType(dtype_of(tensor), tensor.shape, quant_of(tensor))

    # -- adding -----------------------------------------------------------------------------

    def add(
        self, op: str, inputs: Sequence[Value | None], final: bool = True, **attrs: Any
    ) -> Value:
        """Append a node with one result.

        A `final` result is the operator's first output and gets its name and quantisation; another
        one keeps what the operator infers.
        """
        (value,) = self.add_all(op, inputs, final, **attrs)
        return value

    def add_all(
        self, op: str, inputs: Sequence[Value | None], final: bool = True, **attrs: Any
    ) -> list[Value]:
        """Append a node with any number of results."""
        node = Node(op, list(inputs), [], attrs, origin=self.origin)
        for index, type in enumerate(ops.infer(node)):
            node.outputs.append(self._result(type, index, final))
        folded = self._folded(node)
        if folded is None:
            self.graph.insert(node)
        return folded or node.outputs

    def _folded(self, node: Node) -> list[Value] | None:
        """Results that are known now: how converters write shapes that depend on nothing."""
        known = bool(node.inputs) and all(v is None or v.is_constant for v in node.inputs)
        plain = all(
            v.type.is_static and v.type.quant is None for v in [*node.arguments, *node.outputs]
        )
        small = plain and all(v.type.max_bytes <= FOLD_BYTES for v in node.outputs)
        if not known or not small:
            return None
        call = ops.Call(
            [v.type if v else None for v in node.inputs], [v.type for v in node.outputs]
        )
        arrays = ops.evaluate_node(node, [v.data if v else None for v in node.inputs], call)
        for value, array in zip(node.outputs, arrays, strict=True):
            value.data = array
        return node.outputs

    def add_typed(self, op: str, inputs: Sequence[Value | None], **attrs: Any) -> Value:
        """Append a node whose result's type only the file knows."""
        type = self.output_type()
        if inputs and inputs[0] is not None:
            type = replace(type, shape=inputs[0].type.shape)
        value = self.graph.value(self.outputs[0].name, type, Source(self.outputs[0].name))
        self.graph.insert(Node(op, list(inputs), [value], attrs, origin=self.origin))
        return value

    def _result(self, type: TensorType, index: int, final: bool) -> Value:
        tensor = self.outputs[min(index, len(self.outputs) - 1)]
        if not final:
            return self.graph.value(f"{tensor.name}/{type.dtype.value}", type)
        wanted = dtype_of(tensor)
        self.require(
            type.dtype is wanted, f"the result is {wanted.value}, expected {type.dtype.value}"
        )
        return self.graph.value(
            tensor.name, replace(type, quant=quant_of(tensor)), Source(tensor.name)
        )

    def make_constant(self, name: str, data: Array, quant: Quant | None = None) -> Value:
        """A constant that the file does not hold in this form."""
        type = TensorType(DType.of(data.dtype), data.shape, quant)
        return self.graph.constant(name, data, type)

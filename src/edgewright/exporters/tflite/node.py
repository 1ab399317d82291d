"""One node of the IR, as the exporter rules see it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from edgewright import ops
from edgewright.errors import UnsupportedModel
from edgewright.exporters.tflite.accepted import refused
from edgewright.exporters.tflite.records import Operator, Tensor
from edgewright.exporters.tflite.runtime_sizes import shape_tensor
from edgewright.exporters.tflite.scope import Scope
from edgewright.graph import Array, DType, Node, Quant, Size, TensorType, Value
from edgewright.ops.integer.requantize import clamp_bounds

Clamp = tuple[float, float]
#: ActivationFunctionType of the schema
FUSED: dict[Clamp | None, int] = {None: 0, (0.0, math.inf): 1, (-1.0, 1.0): 2, (0.0, 6.0): 3}
NARROW = (DType.INT8, DType.UINT8, DType.INT16)


class ExportedNode:
    """A node and the means to add the operators that compute it."""

    def __init__(self, scope: Scope, node: Node) -> None:
        self.scope, self.node = scope, node
        self.attrs: Any = ops.of(node)

    # -- errors -----------------------------------------------------------------------------------

    def fail(self, what: str, help: str | None = None) -> UnsupportedModel:
        """The error that TensorFlow Lite cannot express this node."""
        makes = ", ".join(str(v.type) for v in self.node.outputs) or "nothing"
        where = self.node.origin or f"{self.scope.graph.name}: {self.node.op} -> {makes}"
        advice = help or "export to .onnx, or build native code, which can do this"
        return UnsupportedModel(f"{self.node.op} as .tflite: {what}", where=where, help=advice)

    def require(self, condition: bool, what: str, help: str | None = None) -> None:
        """Raise UnsupportedModel unless the condition holds."""
        if not condition:
            raise self.fail(what, help)

    # -- operands ---------------------------------------------------------------------------------

    def value(self, index: int) -> Value:
        """An input that must be there."""
        return self.node.input(index)

    def optional_value(self, index: int) -> Value | None:
        """An input, or None."""
        return self.node.inputs[index] if index < len(self.node.inputs) else None

    def input(self, index: int) -> Tensor:
        """The tensor of an input."""
        return self.scope.tensor(self.value(index))

    def inputs(self) -> list[Tensor]:
        """All inputs, each of which must be there."""
        return [self.input(i) for i in range(len(self.node.inputs))]

    def output(self, index: int = 0) -> Tensor:
        """The tensor of an output."""
        return self.scope.tensor(self.node.outputs[index])

    def data(self, index: int, what: str) -> Array:
        """The elements of an input that must be constant."""
        held = self.value(index).data
        if held is None:
            raise self.fail(f"{what} is computed at run time")
        return held

    def is_read(self, index: int) -> bool:
        """Whether anything reads an output."""
        value, graph = self.node.outputs[index], self.node.graph
        return bool(value.users) or (graph is not None and graph.is_output(value))

    @property
    def type(self) -> TensorType:
        """The type of the first output."""
        return self.node.outputs[0].type

    @property
    def is_quantised(self) -> bool:
        """Whether the first input is a tensor of quantised numbers."""
        return self.value(0).type.quant is not None

    # -- tensors ----------------------------------------------------------------------------------

    def temporary(self, type: TensorType, what: str = "") -> Tensor:
        """A tensor between two operators of this node."""
        stem = self.node.outputs[0].name if self.node.outputs else self.node.op
        return self.scope.add(f"{stem}/{what or self.node.op}", type)

    def like(self, tensor: Tensor | TensorType, *shape: Size, what: str = "") -> Tensor:
        """A temporary with the type of another tensor, and another shape if one is given."""
        type = tensor.type if isinstance(tensor, Tensor) else tensor
        return self.temporary(type.with_shape(*shape) if shape else type, what)

    def ints(self, values: npt.ArrayLike, what: str = "ints") -> Tensor:
        """A constant of int32, such as axes."""
        return self.scope.shared(f"{what}", np.asarray(values, np.int32))

    def number(self, value: float, type: TensorType) -> Tensor:
        """One number in the type of a tensor, quantised as that is."""
        dtype = type.dtype.numpy
        if type.quant is None:
            return self.scope.shared(f"{value}", np.asarray(value, dtype))
        scale, zero = type.quant.scale[0], type.quant.zero[0]
        info = np.iinfo(dtype)
        stored = np.asarray(np.clip(np.rint(value / scale) + zero, info.min, info.max), dtype)
        held = TensorType(type.dtype, (), type.quant)
        return self.scope.add(f"{value}", held, stored)

    def constant(self, what: str, data: Array, quant: Quant | None = None) -> Tensor:
        """A constant that the graph does not hold in this form."""
        stem = self.node.outputs[0].name if self.node.outputs else self.node.op
        return self.scope.constant(f"{stem}/{what}", data, quant)

    def shape(self, sizes: Sequence[Size], what: str = "shape", is_exact: bool = False) -> Tensor:
        """A shape as an operand; one run-time size may stay open (-1) unless `is_exact`."""
        unknown = [d for d in sizes if not isinstance(d, int)]
        if len(unknown) > (0 if is_exact else 1):
            return shape_tensor(self, sizes)
        return self.ints([d if isinstance(d, int) else -1 for d in sizes], what)

    # -- operators --------------------------------------------------------------------------------

    def add(
        self,
        code: str,
        inputs: Sequence[Tensor | None],
        outputs: Tensor | Sequence[Tensor],
        **options: Any,
    ) -> Tensor:
        """Append an operator; returns its first output."""
        made = [outputs] if isinstance(outputs, Tensor) else list(outputs)
        operator = Operator(code, list(inputs), made, options)
        wrong = refused(operator)
        if wrong is not None:
            raise self.fail(f"{wrong} in {code}", "cast it to float32 or int32 before")
        self.scope.subgraph.operators.append(operator)
        return made[0]

    def step(self, code: str, *inputs: Tensor, what: str = "", **options: Any) -> Tensor:
        """Append an operator whose result has the type of its first input."""
        shape = max((t.type.shape for t in inputs), key=len)
        shape = inputs[0].type.shape if len(inputs[0].type.shape) == len(shape) else shape
        made = self.temporary(inputs[0].type.with_shape(*shape), what or code.lower())
        return self.add(code, inputs, made, **options)

    def add_clamped(
        self,
        code: str,
        inputs: Sequence[Tensor | None],
        output: Tensor,
        clamp: Clamp | None,
        **options: Any,
    ) -> None:
        """Append an operator with a fused activation, or what clamps its result behind it."""
        wanted = None if clamp is None or self._is_vacuous(clamp, output.type) else clamp
        if clamp in FUSED:
            wanted = clamp
        if wanted in FUSED:
            self.add(code, inputs, output, fused_activation_function=FUSED[wanted], **options)
            return
        assert wanted is not None
        raw = self.like(output)
        self.add(code, inputs, raw, fused_activation_function=0, **options)
        self.clamp(raw, output, wanted)

    @staticmethod
    def _is_vacuous(clamp: Clamp, type: TensorType) -> bool:
        """Whether a quantised type cannot hold anything outside of the clamp."""
        if type.quant is None:
            return clamp == (-math.inf, math.inf)
        limits = np.iinfo(type.dtype.numpy)
        scale, zero = type.quant.scale[0], type.quant.zero[0]
        return clamp_bounds(clamp, scale, zero, type.dtype.numpy) == (limits.min, limits.max)

    def clamp(self, x: Tensor, output: Tensor, clamp: Clamp) -> None:
        """Append what brings x between two bounds."""
        low, high = clamp
        bounds = [("MAXIMUM", low)] if math.isfinite(low) else []
        bounds += [("MINIMUM", high)] if math.isfinite(high) else []
        if not bounds:
            self.copy(x, output)
        for place, (code, bound) in enumerate(bounds):
            target = output if place == len(bounds) - 1 else self.like(output)
            x = self.add(code, [x, self.number(bound, x.type)], target)

    def copy(self, x: Tensor, output: Tensor) -> None:
        """Append an operator that gives x another name."""
        self.add("RESHAPE", [x, self.shape(x.type.shape)], output)

    def reshape(self, x: Tensor, *sizes: Size, output: Tensor | None = None) -> Tensor:
        """Append a reshape."""
        made = output or self.like(x, *sizes, what="reshape")
        if not sizes:
            made = output or self.temporary(replace(x.type, shape=()), "reshape")
        return self.add("RESHAPE", [x, self.shape(sizes)], made)

    def requantized(self, x: Tensor, output: Tensor) -> Tensor:
        """Append what brings x to the quantisation of the output."""
        return self.add("QUANTIZE", [x], output)

    def real(self, x: Tensor) -> Tensor:
        """x in float32."""
        if x.type.dtype is DType.FLOAT32:
            return x
        real = TensorType(DType.FLOAT32, x.type.shape)
        return self.add("DEQUANTIZE", [x], self.temporary(real, "dequantize"))

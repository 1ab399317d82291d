"""One operator while its rule writes it: operands, results, and what rules share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from edgewright import ops
from edgewright.errors import UnsupportedModel
from edgewright.exporters.onnx.file import File
from edgewright.exporters.onnx.layout import Perm, arranged, identity, is_identity
from edgewright.exporters.onnx.writer import Writer
from edgewright.graph import Array, DType, Node, TensorType, Value, upper


class NodeWriter:
    """The node, its operator with all attributes (`op`), and the graph that it is written to."""

    def __init__(self, node: Node, writer: Writer) -> None:
        self.node, self.writer = node, writer
        self.op: Any = ops.of(node)
        if node.outputs:
            writer.stem = node.outputs[0].name

    @property
    def file(self) -> File:
        """The file."""
        return self.writer.file

    @property
    def x(self) -> Value:
        """The first operand."""
        return self.node.input(0)

    @property
    def y(self) -> Value:
        """The first result."""
        return self.node.outputs[0]

    @property
    def is_plain(self) -> bool:
        """Whether it computes on integers as they are; what they mean, a reader may say."""
        types = [v.type for v in self.node.arguments]
        return all(t.quant is None and not t.dtype.is_float for t in types)

    def operand(self, index: int) -> Value | None:
        """An operand that may be absent."""
        return self.node.inputs[index] if index < len(self.node.inputs) else None

    def refuse(self, what: str, help: str | None = None) -> NoReturn:
        """Name what ONNX cannot express."""
        where = self.node.origin or f"{self.node.op} -> {self.node.outputs[0].name}"
        raise UnsupportedModel(f"{self.node.op}: {what}", where, help)

    def needs(self, opset: int, why: str) -> None:
        """State the oldest opset that has this."""
        self.file.needs(opset, f"{self.node.op}: {why}")

    # -- writing ----------------------------------------------------------------------------

    def emit(self, op: str, inputs: Sequence[str | None], **attrs: Any) -> str:
        """A node with one result."""
        return self.writer.emit(op, inputs, **attrs)

    def number(self, value: float | Array, like: TensorType | None = None) -> str:
        """A constant of the element type in which a tensor is computed."""
        dtype = DType.FLOAT32 if like is None or like.quant is not None else like.dtype
        return self.writer.number(value, dtype)

    def integers(self, values: Sequence[int]) -> str:
        """A constant int64 list."""
        return self.writer.integers(values)

    def real(self, value: Value, perm: Perm | None = None) -> str:
        """An operand as numbers to compute with, dequantised where it is quantised."""
        return self.writer.real(value, perm)

    def held(self, value: Value | None = None) -> Perm:
        """The order of axes in which a value (default: the first operand) is held."""
        return self.writer.held(value or self.x)

    def finish(self, result: str, perm: Perm | None = None, index: int = 0) -> None:
        """Let a tensor of real numbers stand for a result, quantised where that is quantised."""
        y = self.node.outputs[index]
        if y.type.quant is not None and not self.is_plain:
            result = self.quantized(result, y.type, y.name)
        self.writer.define(y, result, perm)

    def quantized(self, result: str, type: TensorType, name: str) -> str:
        """Real numbers as integers of a type. Raises UnsupportedModel for those without one."""
        if type.dtype.bits > 16 or (type.quant is not None and type.quant.axis is not None):
            self.refuse(f"a result of type {type} has no QuantizeLinear", "keep it in float32")
        return self.writer.quantized(result, type, name)

    def clamped(self, result: str, bounds: tuple[float, float] | None, like: TensorType) -> str:
        """A clamp in real units behind a result."""
        if bounds is None:
            return result
        low, high = bounds
        if low == 0 and np.isposinf(high):
            return self.emit("Relu", [result])
        given = [None if np.isinf(b) else self.number(b, like) for b in (low, high)]
        return self.emit("Clip", [result, *given])

    # -- orders of axes ---------------------------------------------------------------------

    def agreed(self, values: Sequence[Value]) -> Perm:
        """The order of axes that costs the fewest bytes of transposes for operands of one node."""
        rank = max((v.type.rank for v in values), default=0)
        weights: dict[Perm, int] = {}
        for value in values:
            if value.type.rank == rank and not value.is_constant:
                order = self.held(value)
                weights[order] = weights.get(order, 0) + upper(value.type.count)
        if not weights:
            return identity(rank)
        return max(weights, key=lambda p: (weights[p], not is_identity(p)))

    def aligned(self, value: Value, perm: Perm) -> str:
        """An operand that is broadcast, in the order `perm` of the result's axes, real."""
        rank, missing = value.type.rank, len(perm) - value.type.rank
        if rank == len(perm):
            return self.real(value, perm)
        if is_identity(perm) or value.type.count == 1:
            return self.real(value)
        shape = (1,) * missing + tuple(value.type.shape)
        if value.data is not None and value.type.quant is None:
            array = value.data.reshape([int(str(s)) for s in shape]).transpose(perm)
            return self.writer.stored(value, array, value.name)
        tensor = self.real(value)
        order = tuple(axis - missing for axis in perm if axis >= missing)
        if not is_identity(order):
            tensor = self.emit("Transpose", [tensor], perm=list(order))
        return self.writer.reshaped(tensor, arranged(shape, perm))

"""Softmax and its logarithm over the last axis."""

from __future__ import annotations

import numpy as np

from edgewright import numerics as nx
from edgewright.graph import DType, Node, TensorType
from edgewright.ops import Array, Call, Emit, Op, op, quantised, quantised_c, require
from edgewright.ops.literals import f32_literal


@op("softmax")
class Softmax(Op):
    """y = exp(beta * x) / sum(exp(beta * x)) over the last axis.

    The largest value of the row is subtracted first, so that `exp` cannot overflow; a row with a
    NaN or +inf becomes NaN.
    """

    beta: float = 1.0
    inplace = (0,)

    def infer(self, x: TensorType) -> TensorType:
        require(x.rank >= 1, f"softmax needs an axis, got {x}")
        return x.with_quant(None)

    def reference(self, call: Call, x: Array) -> Array:
        given = call.inputs[0]
        if given is not None and given.quant is not None:
            return quantised.softmax(call, self.beta, x)
        with np.errstate(all="ignore"):
            shifted = np.asarray(x, np.float64) - x.max(axis=-1, keepdims=True)
            powers = nx.exp(self.beta * shifted)
            return (powers / nx.sum(powers, axis=-1, keepdims=True)).astype(x.dtype)

    def divided(self, node: Node, axis: int) -> tuple[int | None, ...] | None:
        return (axis,) if axis < node.output.type.rank - 1 else None

    def emit(self, e: Emit) -> None:
        x, y = e.inputs[0], e.outputs[0]
        assert x is not None
        e.header("softmax.h")
        quantised.require_kernel(self.name, x.type)
        rows, columns = rows_of(e)
        if x.type.dtype is DType.FLOAT32:
            e.call("ew_softmax_f32", e.ptr(x), e.ptr(y), rows, columns, f32_literal(self.beta))
        else:
            quantised_c.emit_softmax(e, self.beta, rows, columns)


@op("log_softmax")
class LogSoftmax(Op):
    """y = x - max - log(sum(exp(x - max))) over the last axis, with beta * x for x."""

    beta: float = 1.0
    inplace = (0,)

    def infer(self, x: TensorType) -> TensorType:
        require(x.rank >= 1, f"log_softmax needs an axis, got {x}")
        require(x.dtype.is_float, f"log_softmax has no meaning on {x}")
        return x.with_quant(None)

    def reference(self, call: Call, x: Array) -> Array:
        with np.errstate(all="ignore"):
            shifted = self.beta * (np.asarray(x, np.float64) - x.max(axis=-1, keepdims=True))
            total = nx.sum(nx.exp(shifted), axis=-1, keepdims=True)
            return np.asarray(shifted - nx.log(total), x.dtype)

    def divided(self, node: Node, axis: int) -> tuple[int | None, ...] | None:
        return (axis,) if axis < node.output.type.rank - 1 else None

    def emit(self, e: Emit) -> None:
        quantised.require_kernel(self.name, e.outputs[0].type)
        e.header("softmax.h")
        beta = f32_literal(self.beta)
        e.call("ew_log_softmax_f32", e.ptr(e.inputs[0]), e.ptr(e.outputs[0]), *rows_of(e), beta)


def rows_of(e: Emit) -> tuple[str, str]:
    """The number of rows and their length, of the only result."""
    shape = e.outputs[0].type.shape
    rows = e.size(e.outputs[0].type.with_shape(*shape[:-1]).count)
    return rows, e.size(shape[-1])

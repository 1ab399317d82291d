"""A choice between two tensors, element by element."""

from __future__ import annotations

import numpy as np

from edgewright.graph import DType, Node, TensorType
from edgewright.ops import Array, Call, Emit, Op, op, require
from edgewright.ops.broadcast import broadcast_shape, emit_loops, meeting_axes


@op("select")
class Select(Op):
    """y = a where the condition holds, else b; NumPy broadcasting."""

    def infer(self, condition: TensorType, a: TensorType, b: TensorType) -> TensorType:
        require(condition.dtype is DType.BOOL, f"the condition is {condition}, not bool")
        require(a.dtype is b.dtype, f"{a} and {b} differ in dtype")
        shape = broadcast_shape(condition.shape, a.shape, b.shape)
        return TensorType(a.dtype, shape, a.quant if a.quant == b.quant else None)

    def reference(self, call: Call, condition: Array, a: Array, b: Array) -> Array:
        return np.where(condition, a, b)

    def divided(self, node: Node, axis: int) -> tuple[int | None, ...]:
        return meeting_axes(node, axis)

    def emit(self, e: Emit) -> None:
        condition, a, b = e.inputs
        assert condition is not None and a is not None and b is not None
        bits = 8 * a.type.dtype.itemsize
        e.header("select.h")

        def row(kind: str, operands: list[str], result: str, count: str) -> None:
            steps = [int(letter == "v") for letter in kind]
            e.call(f"ew_select_{bits}", result, *operands, count, *steps)

        emit_loops(e, [condition, a, b], e.outputs[0], row)

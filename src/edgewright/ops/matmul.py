"""Product of two matrices that are both computed at run time."""

from __future__ import annotations

import numpy as np

from edgewright import numerics as nx
from edgewright.errors import UnsupportedModel
from edgewright.graph import DType, Node, TensorType, upper
from edgewright.ops import (
    Array,
    Call,
    Emit,
    Op,
    Packing,
    lean,
    op,
    packing,
    parts,
    quantised,
    quantised_c,
    require,
)
from edgewright.ops.broadcast import broadcast_shape, emit_batches, meeting_axes


@op("matmul")
class Matmul(Op):
    """y[..., m, n] = sum over k of a[..., m, k] * b[..., k, n]; the axes before broadcast."""

    def infer(self, a: TensorType, b: TensorType) -> TensorType:
        require(a.rank >= 2 and b.rank >= 2, f"matmul needs matrices, got {a} and {b}")
        require(a.dtype is b.dtype, f"matmul of {a} and {b}: the dtypes differ")
        require(a.shape[-1] == b.shape[-2], f"matmul of {a} and {b}: the inner sizes differ")
        batch = broadcast_shape(a.shape[:-2], b.shape[:-2])
        return TensorType(a.dtype, (*batch, a.shape[-2], b.shape[-1]))

    def reference(self, call: Call, a: Array, b: Array) -> Array:
        given = call.inputs[0]
        if given is not None and given.quant is not None:
            return quantised.product(call, a, b)
        if a.dtype.kind == "f":
            with np.errstate(all="ignore"):
                return nx.matmul(a, b).astype(a.dtype)
        return nx.matmul_int(a, b).astype(a.dtype)

    def macs(self, node: Node) -> int:
        return upper(node.output.type.count) * upper(node.input(0).type.shape[-1])

    def divided(self, node: Node, axis: int) -> tuple[int | None, ...] | None:
        """Along the batches, or the rows of one product."""
        rank = node.output.type.rank
        a, b = meeting_axes(node, axis)
        return None if axis == rank - 1 else (a, b if axis < rank - 2 else None)

    def emit(self, e: Emit) -> None:
        a, b = e.inputs
        assert a is not None and b is not None
        y = e.outputs[0]
        rows, inner, columns = (e.size(s) for s in (*a.type.shape[-2:], b.type.shape[-1]))
        kernel, header, extra = "ew_matmul_f32", "matmul.h", list[str]()
        if a.type.quant is not None:
            numbers, mode = e.weight(quantised_c.product_numbers(e)), quantised_c.mode_of(e, y.type)
            is_lean = lean.applies(e.target, a)
            header = "matmul_lean.h" if is_lean else "matmul_q.h"
            kernel = f"ew_matmul_{'lean_' if is_lean else ''}{quantised.suffix(a.type)}"
            extra = [numbers, mode] if is_lean else [numbers, mode, e.scratch()]
        elif a.type.dtype is not DType.FLOAT32:
            raise UnsupportedModel(f"matmul of {a.type} has no kernel", help="use float32 or int8")
        e.header(header)

        def product(operands: list[str], result: str) -> None:
            e.call(kernel, *operands, result, rows, inner, columns, *extra)

        emit_batches(e, (a, b), y, 2, product)

    def scratch_bytes(self, node: Node, target: Packing) -> int:
        a, b = node.input(0), node.input(1)
        if a.type.quant is None or lean.applies(target, a):
            return 0
        rows, inner, columns = (upper(s) for s in (*a.type.shape[-2:], b.type.shape[-1]))
        needed = packing.matmul_scratch_bytes(rows, inner, columns, target.pointer_bytes)
        return parts.scratch(node, target, needed)

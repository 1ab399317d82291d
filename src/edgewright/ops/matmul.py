"""Product of two matrices that are both computed at run time."""

from __future__ import annotations

import numpy as np

from edgewright import numerics as nx
from edgewright.errors import UnsupportedModel
from edgewright.graph import DType, Node, TensorType, upper
from edgewright.ops import Array, Call, Emit, Op, op, quantised, quantised_c, require
from edgewright.ops.broadcast import broadcast_shape, emit_batches


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

    def emit(self, e: Emit) -> None:
        a, b = e.inputs
        assert a is not None and b is not None
        y = e.outputs[0]
        rows, inner, columns = (e.size(s) for s in (*a.type.shape[-2:], b.type.shape[-1]))
        kernel, extra = "ew_matmul_f32", list[str]()
        if a.type.quant is not None:
            kernel = f"ew_matmul_{quantised.suffix(a.type)}"
            extra = [e.weight(quantised_c.product_numbers(e)), quantised_c.mode_of(e, y.type)]
        elif a.type.dtype is not DType.FLOAT32:
            raise UnsupportedModel(f"matmul of {a.type} has no kernel", help="use float32 or int8")
        e.header("matmul.h" if a.type.quant is None else "matmul_q.h")

        def product(operands: list[str], result: str) -> None:
            e.call(kernel, *operands, result, rows, inner, columns, *extra)

        emit_batches(e, (a, b), y, 2, product)

"""The sizes of a tensor as a tensor."""

from __future__ import annotations

import numpy as np

from edgewright.graph import DType, TensorType
from edgewright.ops import Array, Call, Emit, Op, op


@op("shape")
class Shape(Op):
    """int64 [rank of x]."""

    def infer(self, x: TensorType) -> TensorType:
        return TensorType(DType.INT64, (x.rank,))

    def reference(self, call: Call, x: Array) -> Array:
        return np.array(x.shape, np.int64)

    def emit(self, e: Emit) -> None:
        (x,) = e.inputs
        assert x is not None
        for axis in range(x.type.rank):
            e.line(f"({e.ptr(e.outputs[0])})[{axis}] = {e.dim(x, axis)};")

"""The largest value of a window, channels last."""

from __future__ import annotations

import numpy as np

from edgewright.graph import DType, TensorType
from edgewright.ops import Array, Call, Emit, Op, op, quantised
from edgewright.ops.conv import windows
from edgewright.ops.literals import f32_literal
from edgewright.ops.pool import Clamp, Pads, Pair, emit_pool, pool_type


@op("max_pool")
class MaxPool(Op):
    """y[n,h,w,c] = clamp(max over the window of x); what lies outside the image never wins.

    A NaN in the window makes the result NaN. Quantised results have the input's quantisation.
    """

    kernel: Pair = (2, 2)
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    pad: Pads = ((0, 0), (0, 0))
    clamp: Clamp | None = None

    def infer(self, x: TensorType) -> TensorType:
        return pool_type(x, self.kernel, self.stride, self.dilation, self.pad).with_quant(x.quant)

    def reference(self, call: Call, x: Array) -> Array:
        lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
        seen = windows(x, self.kernel, self.stride, self.dilation, self.pad, lowest)
        largest = np.asarray(seen.max(axis=(3, 4)))
        given = call.inputs[0]
        if given is not None and given.quant is not None:
            largest = np.clip(largest, *quantised.bounds(self.clamp, given))
        elif self.clamp is not None:
            largest = np.clip(largest, *self.clamp)
        return np.asarray(largest, x.dtype)

    def emit(self, e: Emit) -> None:
        x = e.inputs[0]
        assert x is not None
        quantised.require_kernel(self.name, x.type)
        window = (self.kernel, self.stride, self.dilation, self.pad)
        if x.type.dtype is DType.FLOAT32:
            lo, hi = self.clamp or (-np.inf, np.inf)
            emit_pool(e, "ew_max_pool_f32", window, f32_literal(lo), f32_literal(hi))
            return
        limits = np.array(quantised.bounds(self.clamp, x.type), np.int32)
        emit_pool(e, f"ew_max_pool_{quantised.suffix(x.type)}", window, limits)

"""The mean of a window, channels last."""

from __future__ import annotations

import numpy as np

from edgewright import numerics as nx
from edgewright.graph import DType, TensorType
from edgewright.ops import Array, Call, Emit, Op, op, quantised, quantised_c
from edgewright.ops.conv import windows
from edgewright.ops.literals import f32_literal
from edgewright.ops.pool import Clamp, Pads, Pair, emit_pool, pool_type


@op("avg_pool")
class AvgPool(Op):
    """y[n,h,w,c] = clamp(mean over the window of x).

    The mean is taken over the part of the window that lies in the image, or over all of it (with
    zeros outside) if `count_include_pad`.
    """

    kernel: Pair = (2, 2)
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    pad: Pads = ((0, 0), (0, 0))
    clamp: Clamp | None = None
    count_include_pad: bool = False

    def infer(self, x: TensorType) -> TensorType:
        return pool_type(x, self.kernel, self.stride, self.dilation, self.pad)

    def count(self, x: Array) -> Array:
        """How many values each mean is taken of: [OH,OW,1]."""
        fill = 1.0 if self.count_include_pad else 0.0
        ones = np.ones((1, *x.shape[1:3], 1))
        seen = windows(ones, self.kernel, self.stride, self.dilation, self.pad, fill)
        return np.asarray(seen.sum(axis=(3, 4))[0])

    def reference(self, call: Call, x: Array) -> Array:
        given = call.inputs[0]
        assert given is not None
        fill = given.quant.zero[0] if given.quant and self.count_include_pad else 0
        seen = windows(x, self.kernel, self.stride, self.dilation, self.pad, fill)
        if given.quant is not None:
            total = seen.astype(np.int64).sum(axis=(3, 4))
            return quantised.average(call, self.clamp, total, self.count(x).astype(np.int64))
        with np.errstate(all="ignore"):
            mean = nx.sum(seen, axis=(3, 4)) / self.count(x)
            mean = mean if self.clamp is None else np.clip(mean, *self.clamp)
        return mean.astype(x.dtype)

    def emit(self, e: Emit) -> None:
        x = e.inputs[0]
        assert x is not None
        quantised.require_kernel(self.name, x.type)
        window = (self.kernel, self.stride, self.dilation, self.pad)
        whole = int(self.count_include_pad)
        if x.type.dtype is DType.FLOAT32:
            lo, hi = self.clamp or (-np.inf, np.inf)
            emit_pool(e, "ew_avg_pool_f32", window, whole, f32_literal(lo), f32_literal(hi))
            return
        limits = quantised_c.pool_limits(x.type, e.outputs[0].type, self.clamp)
        emit_pool(e, f"ew_avg_pool_{quantised.suffix(x.type)}", window, whole, limits)

"""Batch normalisation of the last axis with stored statistics (usually folded by a pass)."""

from __future__ import annotations

import numpy as np

from edgewright import numerics as nx
from edgewright.graph import TensorType
from edgewright.ops import Array, Call, Emit, Op, op, quantised, require
from edgewright.ops.literals import f32_literal


@op("batch_norm")
class BatchNorm(Op):
    """y[..., c] = (x[..., c] - mean[c]) / sqrt(variance[c] + epsilon) * scale[c] + offset[c]."""

    epsilon: float = 1e-5
    inplace = (0,)

    def infer(
        self,
        x: TensorType,
        scale: TensorType,
        offset: TensorType,
        mean: TensorType,
        variance: TensorType,
    ) -> TensorType:
        require(x.rank >= 1 and x.dtype.is_float, f"batch_norm has no meaning on {x}")
        for what in (scale, offset, mean, variance):
            require(what.shape == (x.shape[-1],), f"{what} does not fit {x}")
        return x

    def reference(
        self, call: Call, x: Array, scale: Array, offset: Array, mean: Array, variance: Array
    ) -> Array:
        centred = np.asarray(x, np.float64) - mean
        with np.errstate(all="ignore"):
            factor = scale * nx.rsqrt(np.asarray(variance, np.float64) + self.epsilon)
            return (centred * factor + offset).astype(x.dtype)

    def emit(self, e: Emit) -> None:
        x, y = e.inputs[0], e.outputs[0]
        assert x is not None
        quantised.require_kernel(self.name, x.type)
        shape = y.type.shape
        rows, channels = e.size(y.type.with_shape(*shape[:-1]).count), e.size(shape[-1])
        parameters = [e.ptr(value) for value in e.inputs[1:]]
        e.header("batch_norm.h")
        epsilon = f32_literal(self.epsilon)
        e.call("ew_batch_norm_f32", e.ptr(x), e.ptr(y), rows, channels, *parameters, epsilon)

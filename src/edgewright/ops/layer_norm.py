"""Layer normalisation along the last axis."""

from __future__ import annotations

import numpy as np

from edgewright import numerics as nx
from edgewright.errors import UnsupportedModel
from edgewright.graph import DType, Node, TensorType
from edgewright.ops import Array, Call, Emit, Op, op, require
from edgewright.ops.literals import f32_literal


@op("layer_norm")
class LayerNorm(Op):
    """y = (x - mean) / sqrt(variance + epsilon) * scale + bias, both of each row of x [..., C].

    scale and bias are [C]; everything is float32.
    """

    epsilon: float = 1e-5
    inplace = (0,)

    def infer(self, x: TensorType, scale: TensorType, bias: TensorType) -> TensorType:
        require(x.rank >= 1 and x.dtype.is_float, f"layer_norm of {x}")
        for given in (scale, bias):
            require(given.shape == x.shape[-1:], f"{given} for the last axis of {x}")
            require(given.dtype is x.dtype, f"{given} beside {x}")
        return x

    def reference(self, call: Call, x: Array, scale: Array, bias: Array) -> Array:
        wide, axes = np.asarray(x, np.float64), (x.ndim - 1,)
        with np.errstate(all="ignore"):
            centred = wide - nx.mean(wide, axes)[..., None]
            variance = nx.mean(centred * centred, axes)[..., None]
            return (centred * nx.rsqrt(variance + self.epsilon) * scale + bias).astype(x.dtype)

    def divided(self, node: Node, axis: int) -> tuple[int | None, ...] | None:
        return (axis, None, None) if axis < node.output.type.rank - 1 else None

    def emit(self, e: Emit) -> None:
        x, scale, bias = e.inputs
        assert x is not None
        y = e.outputs[0]
        if x.type.dtype is not DType.FLOAT32:
            raise UnsupportedModel(f"layer_norm of {x.type} has no kernel", help="use float32")
        columns = e.size(x.type.shape[-1])
        e.header("layer_norm.h")
        e.call("ew_layer_norm_f32", e.ptr(x), e.ptr(scale), e.ptr(bias), e.ptr(y),
               f"{e.count(y)} / {columns}", columns, f32_literal(self.epsilon))  # fmt: skip

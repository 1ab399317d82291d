"""From integers to the real numbers that they stand for."""

from __future__ import annotations

from edgewright.graph import DType, TensorType
from edgewright.ops import Array, Call, Emit, Op, op, quantised, quantised_c, require


@op("dequantize")
class Dequantize(Op):
    """y = scale * (x - zero) in float32; scale and zero point may differ along one axis."""

    def infer(self, x: TensorType) -> TensorType:
        require(x.quant is not None, f"dequantize needs a quantised tensor, got {x}")
        return TensorType(DType.FLOAT32, x.shape)

    def reference(self, call: Call, x: Array) -> Array:
        return quantised.dequantize(call, x)

    def emit(self, e: Emit) -> None:
        quantised_c.emit_dequantize(e)

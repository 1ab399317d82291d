"""From integers to the real numbers that they stand for."""

from __future__ import annotations

from edgewright.graph import DType, Node, TensorType
from edgewright.ops import Array, Call, Emit, Op, op, quantised, quantised_c, require


@op("dequantize")
class Dequantize(Op):
    """y = scale * (x - zero) in float32; scale and zero point may differ along one axis."""

    def infer(self, x: TensorType) -> TensorType:
        require(x.quant is not None, f"dequantize needs a quantised tensor, got {x}")
        return TensorType(DType.FLOAT32, x.shape)

    def reference(self, call: Call, x: Array) -> Array:
        return quantised.dequantize(call, x)

    def divided(self, node: Node, axis: int) -> tuple[int | None, ...] | None:
        quant = node.input(0).type.quant
        return (axis,) if quant is not None and quant.axis is None else None

    def emit(self, e: Emit) -> None:
        quantised_c.emit_dequantize(e)

"""From real numbers to integers, and from one quantisation to another."""

from __future__ import annotations

from edgewright.graph import DType, Node, TensorType
from edgewright.ops import Array, Call, Emit, Op, op, quantised, quantised_c, require

STORED = (DType.INT8, DType.UINT8, DType.INT16, DType.UINT16, DType.INT32)


@op("quantize")
class Quantize(Op):
    """y = clamp(round(x / scale) + zero), or x's quantisation changed into y's.

    The result's own type says which integers and which scale. NaN becomes the zero point.
    """

    def infer_node(self, node: Node) -> TensorType:
        x, held = node.input(0).type, node.output.type.dtype
        require(held in STORED, f"cannot quantize to {held.value}")
        require(x.quant is not None or x.dtype.is_float, f"quantize has no meaning on {x}")
        return TensorType(held, x.shape)

    def reference(self, call: Call, x: Array) -> Array:
        return quantised.quantize(call, x)

    def divided(self, node: Node, axis: int) -> tuple[int | None, ...]:
        return (axis,)

    def emit(self, e: Emit) -> None:
        quantised_c.emit_quantize(e)
